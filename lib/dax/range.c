/* SPDX-License-Identifier: MIT */
/* The states of a range. */
#include "dax/ranges.h"

void vfs_dax_wake(struct vfs_dax *dax)
{
	if (atomic_load(&dax->waiting))
		pthread_cond_broadcast(&dax->changed);
}

/* ---- who has how many, for those who make ranges free ---- */

static bool is_kept(const struct vfs_dax_range *range)
{
	return range->inode && !range->span &&
	       (range->state == VFS_RANGE_MAPPING || vfs_range_is_mapped(range));
}

static void keep_one_more(struct vfs_dax_inode *inode)
{
	inode->dax->kept++;
	if (inode->kept++ == 0)
		inode->dax->num_keepers++;
}

static void keep_one_less(struct vfs_dax_inode *inode)
{
	inode->dax->kept--;
	if (--inode->kept == 0)
		inode->dax->num_keepers--;
}

/* ---- states ---- */

void vfs_range_set_state(
	struct vfs_dax_range *range, struct vfs_dax *dax, enum vfs_range_state state)
{
	bool was_kept = is_kept(range);

	dax->count[range->state]--;
	dax->count[state]++;
	range->state = state;
	if (!was_kept && is_kept(range))
		keep_one_more(range->inode);
	else if (was_kept && !is_kept(range))
		keep_one_less(range->inode);
	if (range->inode)
		pthread_cond_broadcast(&range->inode->changed);
	vfs_dax_wake(dax);
}

void vfs_range_free(struct vfs_dax_range *range, struct vfs_dax *dax)
{
	vfs_list_add_tail(&dax->free, &range->link);
	vfs_range_set_state(range, dax, VFS_RANGE_FREE);
}

void vfs_range_leave(struct vfs_dax_range *range, enum vfs_range_state state)
{
	struct vfs_dax_inode *inode = range->inode;

	if (range->holds)
		atomic_fetch_sub(&inode->dax->held, 1);
	range->pins = range->holds = 0;
	range->upgrade = false;
	/* Tells those who wait for it, and it is not the file's own any more. */
	vfs_range_set_state(range, inode->dax, VFS_RANGE_RECLAIMING);
	if (range->span)
		inode->num_span--;
	else
		vfs_dax_remove(inode, range);
	range->span = false;
	range->inode = NULL;
	if (state == VFS_RANGE_FREE)
		vfs_range_free(range, inode->dax);
	else
		vfs_range_set_state(range, inode->dax, state);
}

/* ---- pins, with the lock of the file ---- */

void vfs_range_hold(struct vfs_dax_range *range)
{
	struct vfs_dax_inode *inode = range->inode;

	if (range->holds++ > 0)
		return;
	atomic_fetch_add(&inode->dax->held, 1);
	/* Nobody is to wait for the end of it. */
	if (range->upgrade)
		pthread_cond_broadcast(&inode->changed);
}

void vfs_range_unhold(struct vfs_dax_range *range)
{
	if (--range->holds == 0)
		atomic_fetch_sub(&range->inode->dax->held, 1);
}

void vfs_range_fill_pin(
	struct vfs_dax_range *range, const struct vfs_dax_want *want, struct vfs_dax_pin *pin)
{
	const struct vfs_dax *dax = want->inode->dax;
	uint64_t at = (uint64_t)(range - dax->ranges) * dax->config.range;
	uint64_t end = range->file_offset + range->length;

	*pin = (struct vfs_dax_pin){
		.range = range,
		.count = 1,
		.address = (char *)dax->config.window + at + (want->offset - range->file_offset),
		.length = (end < want->limit ? end : want->limit) - want->offset,
		.hold = want->hold,
	};
}
