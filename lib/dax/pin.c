/* SPDX-License-Identifier: MIT */
/*
 * Pinning. What is mapped as it is wanted is found with the lock of the file alone; for anything
 * else both locks are taken, and what has to be done, or waited for, is one step after which it is
 * looked at anew.
 */
#include <errno.h>
#include <inttypes.h>

#include "dax/ranges.h"

#define AGAIN 1

/* ---- what is there ---- */

static bool fits(const struct vfs_dax_range *range, const struct vfs_dax_want *want)
{
	return range->file_offset + range->length >= want->need &&
	       (range->writable || !want->write);
}

/* Who waits for the end of pins is not kept waiting by new ones; but a hold waits for no pins. */
static bool is_hit(const struct vfs_dax_range *range, const struct vfs_dax_want *want)
{
	return vfs_range_is_mapped(range) && fits(range, want) && (!range->upgrade || want->hold);
}

/* With the lock of the file. */
static void hit(
	struct vfs_dax_range *range, const struct vfs_dax_want *want, struct vfs_dax_pin *pin)
{
	range->pins++;
	if (want->hold)
		vfs_range_hold(range);
	if (!atomic_load_explicit(&range->used, memory_order_relaxed))
		atomic_store_explicit(&range->used, true, memory_order_relaxed);
	want->inode->hits++;
	vfs_range_fill_pin(range, want, pin);
}

/* Without locks: those who wait for a free range look again. */
static void wake_waiting(struct vfs_dax *dax)
{
	if (!atomic_load(&dax->waiting))
		return;
	pthread_mutex_lock(&dax->lock);
	pthread_cond_broadcast(&dax->changed);
	pthread_mutex_unlock(&dax->lock);
}

/* Without locks. False: not as it is. */
static bool pin_mapped(const struct vfs_dax_want *want, struct vfs_dax_pin *pin)
{
	struct vfs_dax_inode *inode = want->inode;
	struct vfs_dax_range *range;
	bool found;

	pthread_mutex_lock(&inode->lock);
	range = vfs_dax_find(inode, want->part);
	found = range && is_hit(range, want);
	if (found)
		hit(range, want, pin);
	pthread_mutex_unlock(&inode->lock);
	/* There may be none now whose end can be waited for. */
	if (found && want->hold)
		wake_waiting(inode->dax);
	return found;
}

/* ---- waiting: the following are called with both locks, and return without ---- */

/* The request that it has waited for was its own as much as that of who has sent it. */
static int shared_failure(const struct vfs_dax_want *want, uint64_t before)
{
	const struct vfs_dax_failure *failure = &want->inode->failure;

	if (failure->count == before || failure->part != want->part ||
		failure->writable != want->write)
		return AGAIN;
	return vfs_error(failure->error,
		"the part of the file at %" PRIu64 " is not in the DAX window, as another thread "
		"was told",
		want->part);
}

static int wait_for_change(const struct vfs_dax_want *want)
{
	struct vfs_dax_inode *inode = want->inode;
	uint64_t failures = inode->failure.count;
	int r;

	pthread_mutex_unlock(&inode->dax->lock);
	pthread_cond_wait(&inode->changed, &inode->lock);
	r = shared_failure(want, failures);
	pthread_mutex_unlock(&inode->lock);
	return r;
}

/* ---- mapping ---- */

/* What is to be mapped is pinned already, so that nobody else touches it. */
static void begin(struct vfs_dax_range *range, const struct vfs_dax_want *want)
{
	range->pins = 1;
	if (want->hold)
		vfs_range_hold(range);
	vfs_range_set_state(range, want->inode->dax, VFS_RANGE_MAPPING);
}

static int busy(struct vfs_dax_range *range, const struct vfs_dax_want *want)
{
	struct vfs_dax_inode *inode = want->inode;

	if (range->upgrade && range->holds) {
		range->upgrade = false;
		pthread_cond_broadcast(&inode->changed);
	}
	vfs_dax_unlock_both(inode);
	return vfs_error(-EBUSY,
		"the part of the file at %" PRIu64 " is in use in the DAX window, and cannot be "
		"mapped again",
		want->part);
}

static int pin_again(
	struct vfs_dax_range *range, const struct vfs_dax_want *want, struct vfs_dax_pin *pin)
{
	bool writable = want->write || range->writable;
	int r;

	if (range->holds || (range->pins && want->hold))
		return busy(range, want);
	if (range->pins) {
		range->upgrade = true;
		return wait_for_change(want);
	}
	range->upgrade = false;
	begin(range, want);
	vfs_dax_unlock_both(want->inode);
	r = vfs_range_map_again(range, want->limit, writable);
	if (r == 0)
		vfs_range_fill_pin(range, want, pin);
	return r;
}

static struct vfs_dax_range *take_free(const struct vfs_dax_want *want)
{
	struct vfs_dax *dax = want->inode->dax;
	struct vfs_dax_range *range = vfs_list_first(&dax->free, struct vfs_dax_range, link);

	vfs_list_del(&range->link);
	range->inode = want->inode;
	range->file_offset = want->part;
	vfs_dax_insert(want->inode, range);
	begin(range, want);
	vfs_dax_look_after(dax);
	return range;
}

static int pin_new(struct vfs_dax_want *want, struct vfs_dax_pin *pin)
{
	struct vfs_dax_range *range;
	int r = vfs_dax_reserve(want->inode);

	if (r < 0) {
		vfs_dax_unlock_both(want->inode);
		return r;
	}
	range = take_free(want);
	vfs_dax_unlock_both(want->inode);
	r = vfs_range_map(range, want->limit, want->write, false);
	if (r == 0)
		vfs_range_fill_pin(range, want, pin);
	return r;
}

static int make_room(struct vfs_dax_want *want)
{
	struct vfs_dax *dax = want->inode->dax;
	int r;

	pthread_mutex_unlock(&want->inode->lock);
	if (!want->stalled)
		dax->stalls++;
	want->stalled = true;
	r = vfs_dax_make_room(dax, want->hold);
	pthread_mutex_unlock(&dax->lock);
	return r < 0 ? r : AGAIN;
}

/* ---- pinning ---- */

static int step(struct vfs_dax_want *want, struct vfs_dax_pin *pin)
{
	struct vfs_dax_inode *inode = want->inode;
	struct vfs_dax_range *range;

	vfs_dax_lock_both(inode);
	range = vfs_dax_find(inode, want->part);
	if (!range)
		return vfs_list_empty(&inode->dax->free) ? make_room(want) : pin_new(want, pin);
	if (vfs_range_is_mapped(range) && !fits(range, want))
		return pin_again(range, want, pin);
	if (!is_hit(range, want))
		return wait_for_change(want);
	hit(range, want, pin);
	vfs_dax_wake(inode->dax);
	vfs_dax_unlock_both(inode);
	return 0;
}

int vfs_dax_pin_part(struct vfs_dax_want *want, struct vfs_dax_pin *pin)
{
	int r;

	if (want->need <= want->offset || want->need > want->limit)
		return vfs_error(-EINVAL,
			"%" PRIu64 " to %" PRIu64 " of a file that may be shown up to %" PRIu64,
			want->offset, want->need, want->limit);
	if (pin_mapped(want, pin))
		return 0;
	if (want->only_try)
		return -EAGAIN;
	do
		r = step(want, pin);
	while (r == AGAIN);
	return r;
}

int vfs_dax_pin(struct vfs_dax_inode *inode, uint64_t offset, uint64_t limit, unsigned int flags,
	struct vfs_dax_pin *pin)
{
	struct vfs_dax_want want = {
		.inode = inode,
		.part = offset & ~(inode->dax->config.range - 1),
		.offset = offset,
		.need = offset + 1,
		.limit = limit,
		.write = flags & VFS_DAX_WRITE,
		.hold = flags & VFS_DAX_HOLD,
		.only_try = flags & VFS_DAX_TRY,
	};

	return vfs_dax_pin_part(&want, pin);
}

void vfs_dax_unpin(struct vfs_dax_pin *pin)
{
	struct vfs_dax_range *range = pin->range;
	struct vfs_dax_inode *inode = range->inode;
	struct vfs_dax *dax = inode->dax;
	bool idle;

	if (range->span) {
		vfs_dax_unpin_span(pin);
		return;
	}
	pthread_mutex_lock(&inode->lock);
	if (pin->hold)
		vfs_range_unhold(range);
	idle = --range->pins == 0;
	if (idle && range->upgrade)
		pthread_cond_broadcast(&inode->changed);
	pthread_mutex_unlock(&inode->lock);
	if (idle)
		wake_waiting(dax);
}
