/* SPDX-License-Identifier: MIT */
/* FORGETs that wait for room in the hiprio queue: a ring that grows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "fuse/backlog.h"

#define ROOM_MIN 256u

/* Room for @more; the oldest comes first again. */
static int grow(struct vfs_forget_backlog *backlog, size_t more)
{
	size_t room = backlog->room ? backlog->room : ROOM_MIN;
	size_t first = min_size(backlog->count, backlog->room - backlog->head);
	struct fuse_forget_one *items;

	while (room - backlog->count < more) {
		if (room > SIZE_MAX / 2)
			return vfs_error(-ENOMEM, "too many FORGETs wait");
		room *= 2;
	}
	items = reallocarray(NULL, room, sizeof(*items));
	if (!items)
		return vfs_error(-ENOMEM, "no memory for %zu FORGETs", room);
	if (backlog->count) {
		memcpy(items, backlog->items + backlog->head, first * sizeof(*items));
		memcpy(items + first, backlog->items, (backlog->count - first) * sizeof(*items));
	}
	free(backlog->items);
	backlog->items = items;
	backlog->head = 0;
	backlog->room = room;
	return 0;
}

int vfs_backlog_init(struct vfs_forget_backlog *backlog)
{
	*backlog = (struct vfs_forget_backlog){0};
	return grow(backlog, ROOM_MIN);
}

static struct fuse_forget_one *item(struct vfs_forget_backlog *backlog, size_t i)
{
	return &backlog->items[(backlog->head + i) % backlog->room];
}

static struct fuse_forget_one *find(struct vfs_forget_backlog *backlog, uint64_t node)
{
	size_t i;

	for (i = 0; i < backlog->count; i++)
		if (item(backlog, i)->nodeid == node)
			return item(backlog, i);
	return NULL;
}

/* What there is no memory for goes to what waits for the same node already, if all of it can. */
static int add_to_others(
	struct vfs_forget_backlog *backlog, const struct fuse_forget_one *forgets, size_t count)
{
	size_t room = backlog->room - backlog->count;
	size_t i;

	for (i = 0; i < count; i++)
		if (!find(backlog, forgets[i].nodeid) && !room--)
			return -ENOMEM;
	for (i = 0; i < count; i++) {
		struct fuse_forget_one *other = find(backlog, forgets[i].nodeid);

		if (other)
			other->nlookup += forgets[i].nlookup;
		else
			*item(backlog, backlog->count++) = forgets[i];
	}
	return 0;
}

int vfs_backlog_add(
	struct vfs_forget_backlog *backlog, const struct fuse_forget_one *forgets, size_t count)
{
	size_t i;

	if (backlog->room - backlog->count < count && grow(backlog, count) < 0)
		return add_to_others(backlog, forgets, count);
	for (i = 0; i < count; i++)
		*item(backlog, backlog->count + i) = forgets[i];
	backlog->count += count;
	return 0;
}

size_t vfs_backlog_take(
	struct vfs_forget_backlog *backlog, struct fuse_forget_one *forgets, size_t max)
{
	size_t count = min_size(backlog->count, max);
	size_t i;

	for (i = 0; i < count; i++)
		forgets[i] = backlog->items[(backlog->head + i) % backlog->room];
	if (count)
		backlog->head = (backlog->head + count) % backlog->room;
	backlog->count -= count;
	return count;
}

void vfs_backlog_fini(struct vfs_forget_backlog *backlog)
{
	free(backlog->items);
	*backlog = (struct vfs_forget_backlog){0};
}
