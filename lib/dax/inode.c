/* SPDX-License-Identifier: MIT */
/* What a file has in the window. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dax/ranges.h"

/* ---- a sorted array ---- */

/* The first that does not begin before it. */
static size_t position(const struct vfs_dax_inode *inode, uint64_t part)
{
	size_t from = 0, to = inode->num_shown;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (inode->shown[middle].part < part)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

struct vfs_dax_range *vfs_dax_find(const struct vfs_dax_inode *inode, uint64_t part)
{
	size_t at = position(inode, part);

	if (at == inode->num_shown || inode->shown[at].part != part)
		return NULL;
	return inode->shown[at].range;
}

int vfs_dax_reserve(struct vfs_dax_inode *inode)
{
	size_t room = inode->room ? 2 * inode->room : 4;
	struct vfs_dax_shown *shown;

	if (inode->num_shown < inode->room)
		return 0;
	shown = reallocarray(inode->shown, room, sizeof(shown[0]));
	if (!shown)
		return vfs_error(-ENOMEM, "out of memory");
	inode->shown = shown;
	inode->room = room;
	return 0;
}

void vfs_dax_insert(struct vfs_dax_inode *inode, struct vfs_dax_range *range)
{
	size_t at = position(inode, range->file_offset);
	struct vfs_dax_shown *shown = inode->shown + at;

	memmove(shown + 1, shown, (inode->num_shown - at) * sizeof(*shown));
	*shown = (struct vfs_dax_shown){.part = range->file_offset, .range = range};
	inode->num_shown++;
}

void vfs_dax_remove(struct vfs_dax_inode *inode, struct vfs_dax_range *range)
{
	size_t at = position(inode, range->file_offset);
	struct vfs_dax_shown *shown = inode->shown + at;

	inode->num_shown--;
	memmove(shown, shown + 1, (inode->num_shown - at) * sizeof(*shown));
}

/* ---- files ---- */

struct vfs_dax_inode *vfs_dax_inode_create(struct vfs_dax *dax, void *owner)
{
	struct vfs_dax_inode *inode = calloc(1, sizeof(*inode));

	if (!inode) {
		(void)vfs_error(-ENOMEM, "out of memory");
		return NULL;
	}
	inode->dax = dax;
	inode->owner = owner;
	pthread_mutex_init(&inode->lock, NULL);
	pthread_cond_init(&inode->changed, NULL);
	pthread_mutex_lock(&dax->lock);
	vfs_list_add_tail(&dax->inodes, &inode->link);
	pthread_mutex_unlock(&dax->lock);
	return inode;
}

/* With both locks: what begins there or behind it, and is not pinned. */
static void claim_from(struct vfs_dax_inode *inode, uint64_t offset, struct vfs_list *list)
{
	size_t i;

	for (i = position(inode, offset); i < inode->num_shown; i++) {
		struct vfs_dax_range *range = inode->shown[i].range;

		if (vfs_range_is_mapped(range) && !range->pins)
			vfs_range_claim(range, list);
	}
}

void vfs_dax_trim(struct vfs_dax_inode *inode, uint64_t length)
{
	struct vfs_list list;

	vfs_list_init(&list);
	vfs_dax_lock_both(inode);
	claim_from(inode, length, &list);
	vfs_dax_unlock_both(inode);
	(void)vfs_dax_unmap(inode->dax, &list, VFS_RANGE_FREE, false);
}

/* Until nobody makes any of its ranges free. Out of the list of files, so that nobody will. */
static void wait_until_empty(struct vfs_dax_inode *inode)
{
	struct vfs_dax *dax = inode->dax;

	vfs_dax_lock_both(inode);
	while (inode->num_shown || inode->num_span) {
		pthread_mutex_unlock(&dax->lock);
		pthread_cond_wait(&inode->changed, &inode->lock);
		pthread_mutex_unlock(&inode->lock);
		vfs_dax_lock_both(inode);
	}
	vfs_list_del(&inode->link);
	dax->hits += inode->hits;
	vfs_dax_unlock_both(inode);
}

void vfs_dax_inode_destroy(struct vfs_dax_inode *inode)
{
	if (!inode)
		return;
	vfs_dax_trim(inode, 0);
	wait_until_empty(inode);
	pthread_cond_destroy(&inode->changed);
	pthread_mutex_destroy(&inode->lock);
	free(inode->shown);
	free(inode);
}
