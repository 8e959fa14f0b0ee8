/* SPDX-License-Identifier: MIT */
/* The window as a whole. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dax/ranges.h"

static int check(const struct vfs_dax_config *config)
{
	if (!is_power_of_2(config->range) || !is_power_of_2(config->unit) ||
		config->range < config->unit || config->length < config->range)
		return vfs_error(-EINVAL,
			"a DAX window of %" PRIu64 " bytes has no ranges of %" PRIu64
			" bytes, in units of %" PRIu64,
			config->length, config->range, config->unit);
	return 0;
}

/* ---- creating ---- */

static int create_ranges(struct vfs_dax *dax)
{
	size_t i;

	dax->num_ranges = dax->config.length / dax->config.range;
	/* Neighbours are used by different threads. */
	dax->ranges = aligned_alloc(
		_Alignof(struct vfs_dax_range), dax->num_ranges * sizeof(dax->ranges[0]));
	if (!dax->ranges)
		return vfs_error(-ENOMEM, "out of memory");
	memset(dax->ranges, 0, dax->num_ranges * sizeof(dax->ranges[0]));
	dax->count[VFS_RANGE_FREE] = dax->num_ranges;
	for (i = 0; i < dax->num_ranges; i++)
		vfs_list_add_tail(&dax->free, &dax->ranges[i].link);
	return 0;
}

int vfs_dax_create(const struct vfs_dax_config *config, const struct vfs_dax_ops *ops, void *ctx,
	struct vfs_dax **result)
{
	struct vfs_dax *dax;
	int r = check(config);

	if (r < 0)
		return r;
	dax = calloc(1, sizeof(*dax));
	if (!dax)
		return vfs_error(-ENOMEM, "out of memory");
	dax->config = *config;
	dax->config.batch = config->batch ? config->batch : 1;
	if (dax->config.batch > VFS_DAX_BATCH_MAX)
		dax->config.batch = VFS_DAX_BATCH_MAX;
	dax->count = config->count ? config->count : dax->own_count;
	dax->ops = *ops;
	dax->ctx = ctx;
	vfs_list_init(&dax->free);
	vfs_list_init(&dax->inodes);
	r = create_ranges(dax);
	if (r < 0) {
		free(dax);
		return r;
	}
	pthread_mutex_init(&dax->lock, NULL);
	pthread_cond_init(&dax->changed, NULL);
	pthread_cond_init(&dax->work, NULL);
	*result = dax;
	return 0;
}

/* ---- taking out ---- */

void vfs_dax_drop(struct vfs_dax *dax)
{
	struct vfs_list list;
	size_t i;

	vfs_list_init(&list);
	pthread_mutex_lock(&dax->lock);
	for (i = 0; i < dax->num_ranges; i++)
		(void)vfs_range_claim_idle(&dax->ranges[i], &list);
	pthread_mutex_unlock(&dax->lock);
	(void)vfs_dax_unmap(dax, &list, VFS_RANGE_FREE, false);
}

/* Also what somebody should have unpinned. */
static void take_all_out(struct vfs_dax *dax)
{
	struct vfs_list list;
	size_t i;

	vfs_list_init(&list);
	for (i = 0; i < dax->num_ranges; i++) {
		struct vfs_dax_range *range = &dax->ranges[i];

		if (!vfs_range_is_mapped(range))
			continue;
		vfs_dax_lock_both(range->inode);
		vfs_range_claim(range, &list);
		vfs_dax_unlock_both(range->inode);
	}
	(void)vfs_dax_unmap(dax, &list, VFS_RANGE_FREE, false);
}

/* Once more, since a device may take it ill if it is reset with something in its window. */
static void take_retired_out(struct vfs_dax *dax)
{
	size_t i;
	int r = 0;

	for (i = 0; i < dax->num_ranges && r == 0; i++) {
		const struct vfs_dax_mapping mapping = {
			.window_offset = i * dax->config.range, .length = dax->config.range};

		if (dax->ranges[i].state == VFS_RANGE_RETIRED)
			r = dax->ops.unmap(dax->ctx, NULL, &mapping, 1);
	}
}

void vfs_dax_destroy(struct vfs_dax *dax)
{
	if (!dax)
		return;
	vfs_dax_stop_thread(dax);
	take_all_out(dax);
	take_retired_out(dax);
	pthread_cond_destroy(&dax->work);
	pthread_cond_destroy(&dax->changed);
	pthread_mutex_destroy(&dax->lock);
	free(dax->ranges);
	free(dax);
}

/* ---- figures ---- */

static uint64_t all_hits(struct vfs_dax *dax)
{
	struct vfs_dax_inode *inode;
	uint64_t hits = dax->hits;

	vfs_list_for_each(inode, &dax->inodes, struct vfs_dax_inode, link)
	{
		pthread_mutex_lock(&inode->lock);
		hits += inode->hits;
		pthread_mutex_unlock(&inode->lock);
	}
	return hits;
}

void vfs_dax_stats(struct vfs_dax *dax, struct vfs_dax_stats *stats)
{
	pthread_mutex_lock(&dax->lock);
	stats->window = dax->config.length;
	stats->range = dax->config.range;
	stats->ranges = dax->num_ranges;
	stats->free = dax->count[VFS_RANGE_FREE];
	stats->mapping = dax->count[VFS_RANGE_MAPPING];
	stats->mapped_read = dax->count[VFS_RANGE_READABLE];
	stats->mapped_write = dax->count[VFS_RANGE_WRITABLE];
	stats->reclaiming = dax->count[VFS_RANGE_RECLAIMING];
	stats->retired = dax->count[VFS_RANGE_RETIRED];
	stats->held = atomic_load(&dax->held);
	stats->hits = all_hits(dax);
	stats->maps = dax->maps;
	stats->upgrades = dax->upgrades;
	stats->unmaps = dax->unmaps;
	stats->unmap_calls = dax->unmap_calls;
	stats->reclaims = dax->reclaims;
	stats->stalls = dax->stalls;
	pthread_mutex_unlock(&dax->lock);
}
