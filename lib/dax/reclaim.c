/* SPDX-License-Identifier: MIT */
/*
 * Which ranges are made free when there are few. A hand goes round over all; who was used since it
 * was there last has a second chance. Files that have more than others give first, so that one that
 * is read from end to end does not push all others out.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "core/thread.h"
#include "dax/ranges.h"

/* Who waits for an answer may collect others, and call what the program wants called for them. */
#define STACK_SIZE (256u << 10)

/* ---- choosing ---- */

void vfs_range_claim(struct vfs_dax_range *range, struct vfs_list *list)
{
	range->upgrade = false;
	vfs_range_set_state(range, range->inode->dax, VFS_RANGE_RECLAIMING);
	vfs_list_add_tail(list, &range->link);
}

bool vfs_range_claim_idle(struct vfs_dax_range *range, struct vfs_list *list)
{
	struct vfs_dax_inode *inode = range->inode;
	bool idle;

	if (!vfs_range_is_mapped(range))
		return false;
	pthread_mutex_lock(&inode->lock);
	idle = !range->pins;
	if (idle)
		vfs_range_claim(range, list);
	pthread_mutex_unlock(&inode->lock);
	return idle;
}

static bool was_used(struct vfs_dax_range *range)
{
	bool used = atomic_load_explicit(&range->used, memory_order_relaxed);

	if (used)
		atomic_store_explicit(&range->used, false, memory_order_relaxed);
	return used;
}

/* Has its file more than others? */
static bool has_many(const struct vfs_dax *dax, const struct vfs_dax_range *range)
{
	return range->inode->kept * dax->num_keepers > dax->kept;
}

/* Go round once, for up to @count ranges. */
static size_t go_round(
	struct vfs_dax *dax, size_t count, bool fair, bool second_chance, struct vfs_list *list)
{
	size_t steps, claimed = 0;

	for (steps = dax->num_ranges; steps && claimed < count; steps--) {
		struct vfs_dax_range *range = &dax->ranges[dax->hand];

		dax->hand = dax->hand + 1 < dax->num_ranges ? dax->hand + 1 : 0;
		if (!vfs_range_is_mapped(range) || (fair && !has_many(dax, range)))
			continue;
		if (second_chance && was_used(range))
			continue;
		claimed += vfs_range_claim_idle(range, list);
	}
	return claimed;
}

/* The last time round looks at the pins of all that are mapped, as one who is going to wait must.
 */
static size_t claim_some(struct vfs_dax *dax, size_t count, struct vfs_list *list)
{
	size_t claimed = 0;

	if (dax->num_keepers > 1) {
		claimed += go_round(dax, count - claimed, true, true, list);
		claimed += go_round(dax, count - claimed, true, false, list);
	}
	claimed += go_round(dax, count - claimed, false, true, list);
	claimed += go_round(dax, count - claimed, false, false, list);
	return claimed;
}

/* How many are to be made free at once: until a quarter is. */
static size_t wanted(const struct vfs_dax *dax)
{
	size_t quarter = (dax->num_ranges + 3) / 4;
	size_t coming = dax->count[VFS_RANGE_FREE] + dax->count[VFS_RANGE_RECLAIMING];

	if (coming >= quarter)
		return 0;
	return min_size(quarter - coming, dax->config.batch);
}

/* ---- by who needs one ---- */

/* Nobody's pin will end soon. */
static bool all_are_held(struct vfs_dax *dax)
{
	return atomic_load(&dax->held) + dax->count[VFS_RANGE_RETIRED] == dax->num_ranges;
}

/* With the lock of the window, counted among those who wait. */
static int claim_or_wait(struct vfs_dax *dax, bool hold, struct vfs_list *list)
{
	size_t count = wanted(dax);

	/* There is one for each of them already. */
	if (dax->count[VFS_RANGE_RECLAIMING] < atomic_load(&dax->waiting) &&
		claim_some(dax, count ? count : 1, list))
		return 0;
	if (!dax->count[VFS_RANGE_RECLAIMING] && (hold || all_are_held(dax)))
		return vfs_error(-EBUSY, "all ranges of the DAX window are in use");
	pthread_cond_wait(&dax->changed, &dax->lock);
	return 0;
}

static void make_free(struct vfs_dax *dax, struct vfs_list *list)
{
	pthread_mutex_unlock(&dax->lock);
	(void)vfs_dax_unmap(dax, list, VFS_RANGE_FREE, true);
	pthread_mutex_lock(&dax->lock);
}

int vfs_dax_make_room(struct vfs_dax *dax, bool hold)
{
	struct vfs_list list;
	int r;

	vfs_list_init(&list);
	/* Also while it unmaps: one of these ranges is for itself. */
	atomic_fetch_add(&dax->waiting, 1);
	r = claim_or_wait(dax, hold, &list);
	if (!vfs_list_empty(&list))
		make_free(dax, &list);
	atomic_fetch_sub(&dax->waiting, 1);
	return r;
}

/* ---- in the background ---- */

/* False: there is nothing to do, or nothing that can be done. */
static bool make_some_free(struct vfs_dax *dax)
{
	struct vfs_list list;

	vfs_list_init(&list);
	if (!claim_some(dax, wanted(dax), &list))
		return false;
	make_free(dax, &list);
	return true;
}

static void *keep_some_free(void *argument)
{
	struct vfs_dax *dax = argument;

	pthread_mutex_lock(&dax->lock);
	while (!dax->stop) {
		if (!dax->scarce)
			pthread_cond_wait(&dax->work, &dax->lock);
		else if (!make_some_free(dax))
			dax->scarce = false;
	}
	pthread_mutex_unlock(&dax->lock);
	return NULL;
}

static void start_thread(struct vfs_dax *dax)
{
	dax->tried = true;
	dax->running = vfs_thread_start(&dax->thread, STACK_SIZE, keep_some_free, dax) == 0;
	if (!dax->running)
		vfs_log(VFS_LOG_WARNING,
			"no thread makes ranges of the DAX window free, so who needs one has to: "
			"%s",
			vfs_last_error());
}

void vfs_dax_look_after(struct vfs_dax *dax)
{
	if (dax->count[VFS_RANGE_FREE] * 5 >= dax->num_ranges || dax->scarce)
		return;
	if (!dax->tried)
		start_thread(dax);
	if (!dax->running)
		return;
	dax->scarce = true;
	pthread_cond_signal(&dax->work);
}

void vfs_dax_stop_thread(struct vfs_dax *dax)
{
	if (!dax->running)
		return;
	pthread_mutex_lock(&dax->lock);
	dax->stop = true;
	pthread_cond_signal(&dax->work);
	pthread_mutex_unlock(&dax->lock);
	pthread_join(dax->thread, NULL);
}
