/* SPDX-License-Identifier: MIT */
/* What is asked of the window, and what that makes of ranges. */
#include "dax/ranges.h"

/* Its state does not change: it belongs to the caller. */
static struct vfs_dax_mapping mapping_of(
	const struct vfs_dax *dax, const struct vfs_dax_range *range)
{
	return (struct vfs_dax_mapping){
		.window_offset = (uint64_t)(range - dax->ranges) * dax->config.range,
		.file_offset = range->file_offset,
		.length = range->length,
		.writable = range->writable,
	};
}

/* With the lock of the window. One line: a server that does not answer does so often. */
static void say_retired(struct vfs_dax *dax)
{
	if (!dax->said)
		vfs_log(VFS_LOG_WARNING,
			"a range of the DAX window is not used any more, as it is not known what "
			"it shows: %s (others are counted, and not named)",
			vfs_last_error());
	dax->said = true;
}

/* ---- mapping ---- */

/* With both locks. */
static void mapped(struct vfs_dax_range *range, bool again)
{
	struct vfs_dax *dax = range->inode->dax;

	/* Being mapped is not being used again: it was mapped because it was to be used once. */
	atomic_store_explicit(&range->used, false, memory_order_relaxed);
	vfs_range_set_state(range, dax, range->writable ? VFS_RANGE_WRITABLE : VFS_RANGE_READABLE);
	if (again)
		dax->upgrades++;
	else
		dax->maps++;
}

/* With both locks. What was mapped before was unmapped for this. */
static void not_mapped(struct vfs_dax_range *range, bool again, bool unknown, int error)
{
	struct vfs_dax_inode *inode = range->inode;
	struct vfs_dax *dax = inode->dax;

	/* Nobody has waited for a span. */
	if (!range->span)
		inode->failure = (struct vfs_dax_failure){
			.count = inode->failure.count + 1,
			.part = range->file_offset,
			.writable = range->writable,
			.error = error,
		};
	if (unknown) {
		dax->maps += !again;
		say_retired(dax);
	} else {
		dax->unmaps += again;
		dax->unmap_calls += again;
	}
	vfs_range_leave(range, unknown ? VFS_RANGE_RETIRED : VFS_RANGE_FREE);
}

int vfs_range_map(struct vfs_dax_range *range, uint64_t limit, bool writable, bool again)
{
	struct vfs_dax_inode *inode = range->inode;
	struct vfs_dax *dax = inode->dax;
	uint64_t left = limit - range->file_offset;
	struct vfs_dax_mapping mapping;
	bool unknown = false;
	int r;

	range->length = left < dax->config.range ? left : dax->config.range;
	range->writable = writable;
	mapping = mapping_of(dax, range);
	r = dax->ops.map(dax->ctx, inode->owner, &mapping, &unknown);
	vfs_dax_lock_both(inode);
	if (r == 0)
		mapped(range, again);
	else
		not_mapped(range, again, unknown, r);
	vfs_dax_unlock_both(inode);
	return r;
}

/* Unmapped first: some servers refuse to map where something is, others do not answer whether they
 * have done it. */
int vfs_range_map_again(struct vfs_dax_range *range, uint64_t limit, bool writable)
{
	struct vfs_dax_inode *inode = range->inode;
	struct vfs_dax *dax = inode->dax;
	struct vfs_dax_mapping mapping = mapping_of(dax, range);
	int r = dax->ops.unmap(dax->ctx, inode->owner, &mapping, 1);

	if (r == 0)
		return vfs_range_map(range, limit, writable, true);
	vfs_dax_lock_both(inode);
	say_retired(dax);
	vfs_range_leave(range, VFS_RANGE_RETIRED);
	vfs_dax_unlock_both(inode);
	return r;
}

/* ---- unmapping ---- */

struct batch {
	struct vfs_dax_range *ranges[VFS_DAX_BATCH_MAX];
	struct vfs_dax_mapping mappings[VFS_DAX_BATCH_MAX];
	unsigned int count;
};

static void take_batch(struct vfs_dax *dax, struct vfs_list *list, struct batch *batch)
{
	for (batch->count = 0; batch->count < dax->config.batch && !vfs_list_empty(list);
		batch->count++) {
		struct vfs_dax_range *range = vfs_list_first(list, struct vfs_dax_range, link);

		vfs_list_del(&range->link);
		batch->ranges[batch->count] = range;
		batch->mappings[batch->count] = mapping_of(dax, range);
	}
}

static void batch_is_in(struct vfs_dax *dax, const struct batch *batch, enum vfs_range_state state)
{
	unsigned int i;

	for (i = 0; i < batch->count; i++) {
		struct vfs_dax_inode *inode = batch->ranges[i]->inode;

		pthread_mutex_lock(&inode->lock);
		vfs_range_leave(batch->ranges[i], state);
		pthread_mutex_unlock(&inode->lock);
	}
	if (state == VFS_RANGE_RETIRED)
		return say_retired(dax);
	dax->unmap_calls++;
	dax->unmaps += batch->count;
}

static int unmap_batch(
	struct vfs_dax *dax, const struct batch *batch, enum vfs_range_state state, bool needed)
{
	/* It waits for its range, and so is there still. */
	void *owner = batch->ranges[0]->inode->owner;
	int r = dax->ops.unmap(dax->ctx, owner, batch->mappings, batch->count);

	pthread_mutex_lock(&dax->lock);
	batch_is_in(dax, batch, r == 0 ? state : VFS_RANGE_RETIRED);
	if (r == 0 && needed)
		dax->reclaims += batch->count;
	pthread_mutex_unlock(&dax->lock);
	return r;
}

int vfs_dax_unmap(
	struct vfs_dax *dax, struct vfs_list *list, enum vfs_range_state state, bool needed)
{
	struct batch batch;
	int result = 0;

	while (!vfs_list_empty(list)) {
		int r;

		take_batch(dax, list, &batch);
		r = unmap_batch(dax, &batch, state, needed);
		result = r ? r : result;
	}
	return result;
}
