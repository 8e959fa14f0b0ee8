/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

#define REAP_BATCH 32u

VFS_EXPORT int vfs_forget_reap(struct vfs_session *session)
{
	struct vfs_queue *queue = vfs_session_hiprio(session);
	struct vfs_request *done[REAP_BATCH];
	unsigned int total = 0;
	unsigned int count;
	unsigned int i;
	int r;

	do {
		count = vfs_queue_reap(queue, done, REAP_BATCH);
		for (i = 0; i < count; i++)
			vfs_request_put(done[i]);
		total += count;
	} while (count == REAP_BATCH);
	r = vfs_session_check(session);
	return r < 0 ? r : (int)total;
}

static size_t build_single(uint8_t *message, const struct fuse_forget_one *forget)
{
	struct fuse_in_header header = {.opcode = FUSE_FORGET, .nodeid = forget->nodeid};
	struct fuse_forget_in in = {.nlookup = forget->nlookup};

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	return sizeof(header) + sizeof(in);
}

static size_t build_batch(uint8_t *message, const struct fuse_forget_one *forgets, size_t count)
{
	struct fuse_in_header header = {.opcode = FUSE_BATCH_FORGET};
	struct fuse_batch_forget_in in = {.count = (uint32_t)count};
	size_t length = sizeof(header) + sizeof(in);

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	memcpy(message + length, forgets, count * sizeof(*forgets));
	return length + count * sizeof(*forgets);
}

/* As many as one message holds. Returns how many. */
static size_t build(
	struct vfs_request *request, const struct fuse_forget_one *forgets, size_t count)
{
	size_t overhead = sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in);
	size_t room = (vfs_request_capacity(request) - overhead) / sizeof(*forgets);
	uint8_t *message = vfs_request_message(request);
	size_t length;

	count = min_size(count, room);
	length = count == 1 ? build_single(message, forgets) : build_batch(message, forgets, count);
	(void)vfs_request_prepare(request, length);
	return count;
}

VFS_EXPORT long vfs_forget(
	struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count)
{
	struct vfs_queue *queue = vfs_session_hiprio(session);
	struct vfs_request *batch[REAP_BATCH];
	unsigned int built = 0;
	size_t taken = 0;
	unsigned int i;
	int r = vfs_forget_reap(session);

	if (r < 0)
		return r;
	while (taken < count && built < REAP_BATCH) {
		struct vfs_request *request = vfs_request_get(queue);

		if (!request)
			break;
		taken += build(request, forgets + taken, count - taken);
		batch[built++] = request;
	}
	r = built ? vfs_queue_submit(queue, batch, built) : 0;
	for (i = 0; r < 0 && i < built; i++)
		vfs_request_put(batch[i]);
	return r < 0 ? r : (long)taken;
}
