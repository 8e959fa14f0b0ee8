/* SPDX-License-Identifier: MIT */
#include "ring_image.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

static uint16_t load16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return le16toh(value);
}

static void to_host(struct vring_desc *desc)
{
	desc->addr = le64toh(desc->addr);
	desc->len = le32toh(desc->len);
	desc->flags = le16toh(desc->flags);
	desc->next = le16toh(desc->next);
}

static uint8_t *read_part(const struct attached *session, uint64_t offset, size_t length)
{
	uint8_t *bytes = malloc(length);

	if (bytes && attach_read(session, offset, bytes, length))
		return bytes;
	free(bytes);
	return NULL;
}

static bool read_desc(const struct attached *session, uint64_t offset, struct ring_image *image)
{
	image->desc = calloc(image->size, sizeof(*image->desc));
	if (!image->desc ||
		!attach_read(session, offset, image->desc, image->size * sizeof(*image->desc)))
		return false;
	for (unsigned int i = 0; i < image->size; i++)
		to_host(&image->desc[i]);
	return true;
}

static bool read_avail(const struct attached *session, uint64_t offset, struct ring_image *image)
{
	uint8_t *bytes = read_part(session, offset, 6 + 2 * (size_t)image->size);

	bool good;

	image->avail = calloc(image->size, sizeof(*image->avail));
	good = bytes && image->avail;
	if (good) {
		image->avail_flags = load16(bytes);
		image->avail_idx = load16(bytes + 2);
		for (unsigned int i = 0; i < image->size; i++)
			image->avail[i] = load16(bytes + 4 + 2 * (size_t)i);
		image->used_event = load16(bytes + 4 + 2 * (size_t)image->size);
	}
	free(bytes);
	return good;
}

static bool read_used(const struct attached *session, uint64_t offset, struct ring_image *image)
{
	size_t end = 4 + sizeof(*image->used) * image->size;
	uint8_t *bytes = read_part(session, offset, end + 2);

	bool good;

	image->used = calloc(image->size, sizeof(*image->used));
	good = bytes && image->used;
	if (good) {
		image->used_flags = load16(bytes);
		image->used_idx = load16(bytes + 2);
		memcpy(image->used, bytes + 4, sizeof(*image->used) * image->size);
		for (unsigned int i = 0; i < image->size; i++) {
			image->used[i].id = le32toh(image->used[i].id);
			image->used[i].len = le32toh(image->used[i].len);
		}
		image->avail_event = load16(bytes + end);
	}
	free(bytes);
	return good;
}

int ring_image_read(const struct attached *session, const struct vfs_observe_queue *queue,
	struct ring_image *image)
{
	*image = (struct ring_image){.size = queue->size};
	if (queue->size && read_desc(session, queue->desc, image) &&
		read_avail(session, queue->avail, image) && read_used(session, queue->used, image))
		return 0;
	ring_image_free(image);
	return vfs_error(-ENOENT, "the ring of process %d cannot be read", session->pid);
}

void ring_image_free(struct ring_image *image)
{
	free(image->desc);
	free(image->avail);
	free(image->used);
	*image = (struct ring_image){0};
}

bool ring_image_table(const struct attached *session, uint64_t address, struct vring_desc *table,
	unsigned int count)
{
	size_t length = count * sizeof(*table);
	uint64_t offset;

	if (!snapshot_in_arena(&session->snapshot, address, length, &offset) ||
		!attach_read(session, offset, table, length))
		return false;
	for (unsigned int i = 0; i < count; i++)
		to_host(&table[i]);
	return true;
}
