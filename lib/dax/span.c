/* SPDX-License-Identifier: MIT */
/*
 * More of a file than a range, as one piece of memory: neighbouring ranges for one pin alone. They
 * are taken all at once or not at all, so nobody waits for ranges while he has others.
 */
#include <errno.h>

#include "dax/ranges.h"

#define TRIES 16u

struct span {
	struct vfs_dax_range *ranges;
	size_t count;
};

/* ---- which ---- */

/* With the lock of the window. @patient: also what is just being made free. */
static bool can_be_had(struct vfs_dax_range *range, bool patient)
{
	bool pinned;

	if (!vfs_range_is_mapped(range))
		return range->state == VFS_RANGE_FREE ||
		       (patient && range->state == VFS_RANGE_RECLAIMING);
	pthread_mutex_lock(&range->inode->lock);
	pinned = range->pins;
	pthread_mutex_unlock(&range->inode->lock);
	return !pinned;
}

/* The neighbours of which most are free. False: there are none. */
static bool choose(struct vfs_dax *dax, size_t count, bool patient, struct span *span)
{
	size_t i, run = 0, taken = 0, least = SIZE_MAX;

	for (i = 0; i < dax->num_ranges; i++) {
		if (!can_be_had(&dax->ranges[i], patient)) {
			run = taken = 0;
			continue;
		}
		taken += dax->ranges[i].state != VFS_RANGE_FREE;
		if (++run > count)
			taken -= dax->ranges[i - count].state != VFS_RANGE_FREE;
		if (run < count || taken >= least)
			continue;
		least = taken;
		*span = (struct span){.ranges = &dax->ranges[i + 1 - count], .count = count};
	}
	return least != SIZE_MAX;
}

/* ---- taking them ---- */

static void give_back(struct vfs_list *list)
{
	while (!vfs_list_empty(list)) {
		struct vfs_dax_range *range = vfs_list_first(list, struct vfs_dax_range, link);
		struct vfs_dax_inode *inode = range->inode;

		vfs_list_del(&range->link);
		pthread_mutex_lock(&inode->lock);
		vfs_range_set_state(range, inode->dax,
			range->writable ? VFS_RANGE_WRITABLE : VFS_RANGE_READABLE);
		pthread_mutex_unlock(&inode->lock);
	}
}

/* False: somebody has pinned one since. Those that have to be unmapped first are in @list. */
static bool take(struct vfs_dax *dax, const struct span *span, struct vfs_list *list)
{
	size_t i;

	for (i = 0; i < span->count; i++)
		if (span->ranges[i].state != VFS_RANGE_FREE &&
			!vfs_range_claim_idle(&span->ranges[i], list)) {
			give_back(list);
			return false;
		}
	for (i = 0; i < span->count; i++)
		if (span->ranges[i].state == VFS_RANGE_FREE) {
			vfs_list_del(&span->ranges[i].link);
			vfs_range_set_state(&span->ranges[i], dax, VFS_RANGE_MAPPING);
		}
	vfs_dax_look_after(dax);
	return true;
}

/* With the lock of the window. False: not now, and waiting would be for pins. */
static bool take_some(struct vfs_dax *dax, struct span *span, struct vfs_list *list)
{
	size_t count = span->count;
	unsigned int tries = 0;

	/* What is being made free has an end, however often it is looked at meanwhile. */
	while (tries < TRIES) {
		if (choose(dax, count, false, span)) {
			if (take(dax, span, list))
				return true;
			tries++;
			continue;
		}
		if (!choose(dax, count, true, span))
			return false;
		atomic_fetch_add(&dax->waiting, 1);
		pthread_cond_wait(&dax->changed, &dax->lock);
		atomic_fetch_sub(&dax->waiting, 1);
	}
	return false;
}

/* With the lock of the window. */
static void free_rest(struct vfs_dax *dax, const struct span *span)
{
	size_t i;

	for (i = 0; i < span->count; i++)
		if (span->ranges[i].state == VFS_RANGE_MAPPING)
			vfs_range_free(&span->ranges[i], dax);
}

/* They are in state mapping, and no file's, then. */
static int reserve(struct vfs_dax *dax, struct span *span)
{
	struct vfs_list list;
	bool taken;
	int r;

	vfs_list_init(&list);
	pthread_mutex_lock(&dax->lock);
	taken = take_some(dax, span, &list);
	pthread_mutex_unlock(&dax->lock);
	if (!taken)
		return vfs_error(-EBUSY,
			"there are no %zu neighbouring ranges of the DAX window that are not in "
			"use",
			span->count);
	r = vfs_dax_unmap(dax, &list, VFS_RANGE_MAPPING, true);
	if (r == 0)
		return 0;
	pthread_mutex_lock(&dax->lock);
	free_rest(dax, span);
	pthread_mutex_unlock(&dax->lock);
	return r;
}

/* ---- mapping them ---- */

static void give_to_file(const struct span *span, const struct vfs_dax_want *want)
{
	struct vfs_dax_inode *inode = want->inode;
	size_t i;

	vfs_dax_lock_both(inode);
	for (i = 0; i < span->count; i++) {
		struct vfs_dax_range *range = &span->ranges[i];

		range->span = true;
		range->inode = inode;
		range->file_offset = want->part + i * inode->dax->config.range;
		range->pins = 1;
		vfs_range_hold(range);
	}
	inode->num_span += span->count;
	vfs_dax_unlock_both(inode);
}

static void unpin(struct vfs_dax_inode *inode, const struct span *span)
{
	struct vfs_list list;
	size_t i;

	vfs_list_init(&list);
	vfs_dax_lock_both(inode);
	for (i = 0; i < span->count; i++) {
		vfs_range_unhold(&span->ranges[i]);
		span->ranges[i].pins = 0;
		vfs_range_claim(&span->ranges[i], &list);
	}
	vfs_dax_unlock_both(inode);
	(void)vfs_dax_unmap(inode->dax, &list, VFS_RANGE_FREE, false);
}

/* What has not been mapped yet leaves the file as if that had failed; the rest is unmapped. */
static void give_up(struct vfs_dax_inode *inode, const struct span *span, size_t mapped)
{
	const struct span first = {.ranges = span->ranges, .count = mapped};
	size_t i;

	vfs_dax_lock_both(inode);
	for (i = mapped + 1; i < span->count; i++)
		vfs_range_leave(&span->ranges[i], VFS_RANGE_FREE);
	vfs_dax_unlock_both(inode);
	unpin(inode, &first);
}

static int map(const struct span *span, const struct vfs_dax_want *want)
{
	size_t i;

	give_to_file(span, want);
	for (i = 0; i < span->count; i++) {
		int r = vfs_range_map(&span->ranges[i], want->limit, want->write, false);

		if (r) {
			give_up(want->inode, span, i);
			return r;
		}
	}
	return 0;
}

/* ---- pinning ---- */

static void fill_pin(
	const struct span *span, const struct vfs_dax_want *want, struct vfs_dax_pin *pin)
{
	uint64_t end = want->part + span->count * want->inode->dax->config.range;

	vfs_range_fill_pin(span->ranges, want, pin);
	pin->count = (unsigned int)span->count;
	pin->length = (end < want->limit ? end : want->limit) - want->offset;
}

int vfs_dax_pin_span(struct vfs_dax_inode *inode, uint64_t offset, uint64_t length, uint64_t limit,
	unsigned int flags, struct vfs_dax_pin *pin)
{
	uint64_t range = inode->dax->config.range;
	struct vfs_dax_want want = {
		.inode = inode,
		.part = offset & ~(range - 1),
		.offset = offset,
		.need = offset + length,
		.limit = limit,
		.write = flags & VFS_DAX_WRITE,
		.hold = true,
	};
	struct span span;
	int r;

	/* Nothing at all, or what ends nowhere, is refused there. */
	if (want.need <= offset || want.need > limit || want.need - want.part <= range)
		return vfs_dax_pin_part(&want, pin);
	span.count = (want.need - want.part + range - 1) / range;
	if (span.count > inode->dax->num_ranges)
		return vfs_error(-ENOSPC, "the DAX window has %zu ranges, and %zu would be needed",
			inode->dax->num_ranges, span.count);
	r = reserve(inode->dax, &span);
	if (r == 0)
		r = map(&span, &want);
	if (r == 0)
		fill_pin(&span, &want, pin);
	return r;
}

void vfs_dax_unpin_span(struct vfs_dax_pin *pin)
{
	const struct span span = {.ranges = pin->range, .count = pin->count};

	unpin(pin->range->inode, &span);
}
