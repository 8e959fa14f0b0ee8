/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "stub.h"

void stub_broken(struct stub *stub, const char *format, ...)
{
	va_list args;

	if (atomic_exchange(&stub->broken, true))
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* ---- files ---- */

static char original(const struct stub_file *file, uint64_t offset)
{
	return (char)(offset * 7 + offset / RANGE * 13 + file->number * 31 + 1);
}

char stub_byte(const struct stub_file *file, uint64_t offset)
{
	return __atomic_load_n(&file->content[offset], __ATOMIC_RELAXED);
}

/* Who maps what whom else unmaps may touch the same bytes, as a device does; it orders nothing. */
static void copy_in(char *window, const struct stub_file *file, uint64_t offset, uint64_t length)
{
	uint64_t i;

	for (i = 0; i < length; i++)
		window[i] = stub_byte(file, offset + i);
}

static void copy_out(const char *window, struct stub_file *file, uint64_t offset, uint64_t length)
{
	uint64_t i;

	for (i = 0; i < length; i++)
		__atomic_store_n(&file->content[offset + i], window[i], __ATOMIC_RELAXED);
}

void stub_file_create(struct stub *stub, struct stub_file *file, unsigned int number, uint64_t size)
{
	uint64_t i, most = align_up(size, RANGE) + RANGE;

	*file = (struct stub_file){.number = number, .size = size, .content = malloc(most)};
	if (!file->content)
		abort();
	for (i = 0; i < most; i++)
		file->content[i] = original(file, i);
	file->inode = vfs_dax_inode_create(stub->dax, file);
	assert_non_null(file->inode);
}

void stub_file_close(struct stub_file *file)
{
	vfs_dax_inode_destroy(file->inode);
	file->inode = NULL;
}

void stub_file_destroy(struct stub_file *file)
{
	stub_file_close(file);
	free(file->content);
}

/* ---- mapping ---- */

static bool map_is_good(struct stub *stub, const struct vfs_dax_mapping *m)
{
	const struct stub_place *place;

	if (m->window_offset % RANGE || m->window_offset / RANGE >= stub->num_ranges ||
		m->file_offset % RANGE || !m->length || m->length > RANGE || m->length % UNIT)
		stub_broken(stub, "map at %" PRIu64 " of %" PRIu64 ", %" PRIu64 " bytes",
			m->window_offset, m->file_offset, m->length);
	if (atomic_load(&stub->broken))
		return false;
	place = &stub->places[m->window_offset / RANGE];
	if (place->file || place->lost || atomic_load(&place->pins))
		stub_broken(stub, "map at %" PRIu64 ", where something is", m->window_offset);
	return !atomic_load(&stub->broken);
}

static int map(void *ctx, void *owner, const struct vfs_dax_mapping *m, bool *unknown)
{
	struct stub *stub = ctx;
	struct stub_file *file = owner;
	struct stub_place *place = &stub->places[m->window_offset / RANGE];
	int error = stub->map_error;

	atomic_fetch_add(&stub->maps, 1);
	if (stub->on_map)
		stub->on_map(stub);
	if (!map_is_good(stub, m))
		return 0;
	if (error) {
		stub->map_error = 0;
		place->lost = *unknown = stub->map_unknown;
		return vfs_error(error, "the stub was told to");
	}
	place->file = file;
	place->file_offset = m->file_offset;
	place->length = m->length;
	place->writable = m->writable;
	copy_in(stub->memory + m->window_offset, file, m->file_offset, m->length);
	return 0;
}

/* ---- unmapping ---- */

static void unmap_one(struct stub *stub, const struct vfs_dax_mapping *m, bool fails)
{
	struct stub_place *place = &stub->places[m->window_offset / RANGE % MOST_RANGES];
	char *window = stub->memory + m->window_offset;

	if (m->window_offset / RANGE >= stub->num_ranges || !place->file ||
		place->file_offset != m->file_offset || place->length != m->length ||
		place->writable != m->writable || place->lost)
		return stub_broken(stub, "unmap at %" PRIu64 " of %" PRIu64 ", %" PRIu64 " bytes",
			m->window_offset, m->file_offset, m->length);
	if (atomic_load_explicit(&place->pins, memory_order_relaxed))
		return stub_broken(stub, "unmap at %" PRIu64 ": it is pinned", m->window_offset);
	if (place->writable)
		copy_out(window, place->file, place->file_offset, place->length);
	place->lost = fails;
	if (fails)
		return;
	memset(window, 0xdd, RANGE);
	place->file = NULL;
}

/* In the end: one that is not used any more. */
static int unmap_lost(struct stub *stub, const struct vfs_dax_mapping *m)
{
	struct stub_place *place = &stub->places[m->window_offset / RANGE % MOST_RANGES];

	if (m->window_offset / RANGE >= stub->num_ranges || !place->lost || m->length != RANGE)
		stub_broken(stub, "unmap at %" PRIu64 ", of nobody", m->window_offset);
	*place = (struct stub_place){0};
	return 0;
}

static int unmap(void *ctx, void *owner, const struct vfs_dax_mapping *mappings, unsigned int count)
{
	struct stub *stub = ctx;
	int error = stub->unmap_error;
	unsigned int i;

	if (stub->on_unmap)
		stub->on_unmap(stub);
	if (!owner)
		return unmap_lost(stub, mappings);
	if (!count || count > stub->batch)
		stub_broken(stub, "unmap of %u ranges at once", count);
	if (owner != stub->places[mappings[0].window_offset / RANGE % MOST_RANGES].file)
		stub_broken(stub, "unmap with another owner than the first one's");
	if (count > atomic_load(&stub->largest_batch))
		atomic_store(&stub->largest_batch, count);
	for (i = 0; i < count; i++)
		unmap_one(stub, &mappings[i], error);
	atomic_fetch_add(&stub->unmaps, count);
	atomic_fetch_add(&stub->unmap_calls, 1);
	if (!error)
		return 0;
	stub->unmap_error = 0;
	return vfs_error(error, "the stub was told to");
}

/* ---- pins ---- */

struct stub_place *stub_find(struct stub *stub, const struct stub_file *file, uint64_t offset)
{
	unsigned int i;

	for (i = 0; i < stub->num_ranges; i++) {
		struct stub_place *place = &stub->places[i];

		if (place->file == file && !place->lost &&
			place->file_offset == offset - offset % RANGE)
			return place;
	}
	return NULL;
}

/* What cannot change is compared: others may write to the rest. */
static void look_at(struct stub *stub, struct stub_file *file, uint64_t offset, unsigned int flags,
	const struct vfs_dax_pin *pin)
{
	size_t at = (size_t)((char *)pin->address - stub->memory);
	unsigned int i, first = (unsigned int)(at / RANGE);
	uint64_t part = offset - offset % RANGE;

	if (at % RANGE != offset % RANGE || first + pin->count > stub->num_ranges)
		return stub_broken(stub, "byte %" PRIu64 " at %zu", offset, at);
	for (i = 0; i < pin->count; i++, part += RANGE) {
		struct stub_place *place = &stub->places[first + i];

		atomic_fetch_add_explicit(&place->pins, 1, memory_order_relaxed);
		if (place->file != file || place->file_offset != part || place->lost)
			return stub_broken(stub,
				"byte %" PRIu64 " is pinned at %zu, and it is not there", offset,
				at);
		if ((flags & VFS_DAX_WRITE) && !place->writable)
			stub_broken(stub, "it was to be written to, and cannot be");
		if (part + place->length < offset || !pin->length)
			stub_broken(stub, "byte %" PRIu64 " is pinned, and not mapped", offset);
	}
	if (!(flags & VFS_DAX_WRITE) && pin->length > align_up(file->size, UNIT) - offset)
		stub_broken(stub, "more is pinned than there is");
}

int stub_pin(struct stub *stub, struct stub_file *file, uint64_t offset, unsigned int flags,
	struct vfs_dax_pin *pin)
{
	int r = vfs_dax_pin(file->inode, offset, align_up(file->size, UNIT), flags, pin);

	if (r == 0)
		look_at(stub, file, offset, flags, pin);
	if (r == 0 && pin->count != 1)
		stub_broken(stub, "a pin of %u ranges", pin->count);
	return r;
}

int stub_pin_span(struct stub *stub, struct stub_file *file, uint64_t offset, uint64_t length,
	unsigned int flags, struct vfs_dax_pin *pin)
{
	int r = vfs_dax_pin_span(
		file->inode, offset, length, align_up(file->size, UNIT), flags, pin);

	if (r == 0)
		look_at(stub, file, offset, flags, pin);
	if (r == 0 && pin->length < length)
		stub_broken(stub, "a span is too short");
	return r;
}

void stub_unpin(struct stub *stub, struct vfs_dax_pin *pin)
{
	size_t first = (size_t)((char *)pin->address - stub->memory) / RANGE;
	unsigned int i;

	for (i = 0; i < pin->count; i++)
		atomic_fetch_sub_explicit(&stub->places[first + i].pins, 1, memory_order_relaxed);
	vfs_dax_unpin(pin);
}

void stub_touch(struct stub *stub, struct stub_file *file, uint64_t offset, unsigned int flags)
{
	struct vfs_dax_pin pin;

	assert_int_equal(stub_pin(stub, file, offset, flags, &pin), 0);
	if (*(char *)pin.address != stub_byte(file, offset))
		stub_broken(stub, "byte %" PRIu64 " is another", offset);
	stub_unpin(stub, &pin);
}

/* ---- the window ---- */

void stub_create(struct stub *stub, unsigned int num_ranges, unsigned int batch)
{
	static const struct vfs_dax_ops ops = {.map = map, .unmap = unmap};
	struct vfs_dax_config config = {
		/* What is no whole range at the end is not to be used. */
		.length = RANGES(num_ranges) + UNIT,
		.range = RANGE,
		.unit = UNIT,
		.batch = batch,
	};

	memset(stub, 0, sizeof(*stub));
	stub->num_ranges = num_ranges;
	stub->batch = batch;
	stub->memory = malloc(RANGES(num_ranges));
	if (!stub->memory)
		abort();
	memset(stub->memory, 0xdd, RANGES(num_ranges));
	config.window = stub->memory;
	assert_int_equal(vfs_dax_create(&config, &ops, stub, &stub->dax), 0);
}

void stub_destroy(struct stub *stub)
{
	unsigned int i;

	vfs_dax_destroy(stub->dax);
	for (i = 0; i < stub->num_ranges; i++)
		if (stub->places[i].file || stub->places[i].lost)
			stub_broken(stub, "something is mapped in the end");
	free(stub->memory);
	assert_false(atomic_load(&stub->broken));
}

/* ---- figures ---- */

static void compare_places(struct stub *stub, const struct vfs_dax_stats *stats)
{
	unsigned int free = 0, readable = 0, writable = 0, lost = 0, i;

	for (i = 0; i < stub->num_ranges; i++) {
		const struct stub_place *place = &stub->places[i];

		if (place->lost)
			lost++;
		else if (!place->file)
			free++;
		else if (place->writable)
			writable++;
		else
			readable++;
	}
	assert_int_equal(stats->free, free);
	assert_int_equal(stats->mapped_read, readable);
	assert_int_equal(stats->mapped_write, writable);
	assert_int_equal(stats->retired, lost);
}

struct vfs_dax_stats stub_stats(struct stub *stub)
{
	struct vfs_dax_stats s = {0};

	vfs_dax_stats(stub->dax, &s);
	return s;
}

void stub_check(struct stub *stub)
{
	struct vfs_dax_stats s = stub_stats(stub);

	assert_false(atomic_load(&stub->broken));
	assert_int_equal(s.ranges, stub->num_ranges);
	assert_int_equal(
		s.free + s.mapping + s.mapped_read + s.mapped_write + s.reclaiming + s.retired,
		s.ranges);
	assert_int_equal(s.mapping, 0);
	assert_int_equal(s.reclaiming, 0);
	assert_int_equal(s.maps - s.unmaps, s.mapped_read + s.mapped_write + s.retired);
	assert_true(s.reclaims <= s.unmaps);
	assert_true(s.unmap_calls <= s.unmaps);
	compare_places(stub, &s);
}
