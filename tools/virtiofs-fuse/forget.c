/* SPDX-License-Identifier: MIT */
#include "forget.h"

#include <errno.h>
#include <stdlib.h>

#include <vfs/request.h>

#define FORGET_SIZE (sizeof(struct fuse_in_header) + sizeof(struct fuse_forget_in))
#define BATCH_SIZE  (sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in))

int forget_init(struct forget_backlog *backlog, struct vfs_session *session, unsigned int slots)
{
	*backlog = (struct forget_backlog){.session = session, .size = slots};
	backlog->items = calloc(slots, sizeof(*backlog->items));
	return backlog->items ? 0 : -ENOMEM;
}

static void *after_header(struct vfs_request *slot)
{
	return (char *)vfs_request_message(slot) + sizeof(struct fuse_in_header);
}

static void read_single(struct forget_item *item, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(item->slot);
	const struct fuse_forget_in *in = after_header(item->slot);

	if (length < FORGET_SIZE)
		return;
	item->single.nodeid = header->nodeid;
	item->single.nlookup = in->nlookup;
	item->count = 1;
}

static void read_batch(struct forget_item *item, size_t length)
{
	const struct fuse_batch_forget_in *in = after_header(item->slot);
	size_t present;

	if (length < BATCH_SIZE)
		return;
	present = (length - BATCH_SIZE) / sizeof(struct fuse_forget_one);
	item->count = in->count < present ? in->count : present;
}

static const struct fuse_forget_one *forgets(const struct forget_item *item)
{
	const char *message = vfs_request_message(item->slot);

	if (!item->batch)
		return &item->single;
	return (const struct fuse_forget_one *)(message + BATCH_SIZE);
}

int forget_take(struct forget_backlog *backlog, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(slot);
	struct forget_item *item;

	item = &backlog->items[(backlog->head + backlog->used) % backlog->size];
	*item = (struct forget_item){.slot = slot, .batch = header->opcode == FUSE_BATCH_FORGET};
	if (item->batch)
		read_batch(item, length);
	else
		read_single(item, length);
	backlog->used++;
	return forget_send(backlog);
}

static void drop_first(struct forget_backlog *backlog)
{
	vfs_request_put(backlog->items[backlog->head].slot);
	backlog->head = (backlog->head + 1) % backlog->size;
	backlog->used--;
}

int forget_send(struct forget_backlog *backlog)
{
	while (backlog->used) {
		struct forget_item *item = &backlog->items[backlog->head];
		long taken = 0;

		if (item->count > item->next)
			taken = vfs_forget(backlog->session, forgets(item) + item->next,
				item->count - item->next);
		if (taken < 0)
			return (int)taken;
		item->next += (size_t)taken;
		if (item->next < item->count)
			return 0;
		drop_first(backlog);
	}
	return 0;
}

bool forget_waiting(const struct forget_backlog *backlog)
{
	return backlog->used;
}

void forget_free(struct forget_backlog *backlog)
{
	while (backlog->used)
		drop_first(backlog);
	free(backlog->items);
	backlog->items = NULL;
}
