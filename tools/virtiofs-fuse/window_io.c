/* SPDX-License-Identifier: MIT */
/* READ and WRITE in the window. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include <vfs/fuse_abi.h>
#include <vfs/request.h>

#include "dax/dax.h"
#include "lane.h"
#include "window_state.h"

/* How often the server sees a WRITE of a node that is written to, and is asked how long it is. */
#define SOMETIMES_MS 1000

#define READ_SIZE  (sizeof(struct fuse_in_header) + sizeof(struct fuse_read_in))
#define WRITE_SIZE (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))

int64_t window_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

/* ---- copying ---- */

/* What the kernel asks for, copied out of memory that the device can write to. */
struct span {
	struct node *node;
	uint64_t offset;
	uint64_t size;
	bool write;
};

static size_t copy_part(const struct span *span, const struct vfs_dax_pin *pin, char *data)
{
	size_t size = span->size < pin->length ? (size_t)span->size : (size_t)pin->length;

	return span->write ? vfs_copy_to_map(pin->address, data, size)
			   : vfs_copy_from_map(data, pin->address, size);
}

/* Where @span begins in the end is what was missing. -EAGAIN: it is not mapped; -EFAULT */
static int copy(struct span *span, char *data)
{
	unsigned int flags = VFS_DAX_TRY | (span->write ? VFS_DAX_WRITE : 0);

	while (span->size) {
		struct vfs_dax_pin pin;
		size_t done;
		bool faulted;

		if (vfs_dax_pin(span->node->shown->inode, span->offset, UINT64_MAX, flags, &pin))
			return -EAGAIN;
		done = copy_part(span, &pin, data);
		faulted = done < span->size && done < pin.length;
		vfs_dax_unpin(&pin);
		if (faulted)
			return -EFAULT;
		span->offset += done;
		span->size -= done;
		data += done;
	}
	return 0;
}

/* ---- what is not mapped ---- */

/* Behind what the file had, ask again when it may have grown, and now and then. */
static bool is_worth_asking(struct node *node, const struct span *span)
{
	int64_t now;

	if (span->offset + span->size <= atomic_load(&node->shown->end))
		return true;
	now = window_now_ms();
	if (!node->grown && now - node->asked_ms < SOMETIMES_MS)
		return false;
	node->grown = false;
	node->asked_ms = now;
	return true;
}

static void want(struct window *window, const struct span *span)
{
	struct node *node = span->node;

	if (!node->shown)
		node->shown = mapper_show(&window->mapper, node->id);
	if (!node->shown || atomic_load(&node->shown->refused))
		return;
	if (span->write && atomic_load(&node->shown->read_only))
		return;
	if (is_worth_asking(node, span))
		mapper_want(&window->mapper, &(struct want){.shown = node->shown,
						     .offset = span->offset,
						     .length = span->size,
						     .write = span->write});
}

/*
 * Who passes the middle of a range will soon want the next one, and should not have to wait for it:
 * whoever goes through a file from one end to the other does so, and those who do not seldom do.
 */
static void look_ahead(struct window *window, const struct span *span)
{
	uint64_t range = window->mapper.options.range;
	uint64_t end = span->offset + span->size;
	uint64_t part = (end - 1) & ~(range - 1);
	const struct span next = {
		.node = span->node,
		.offset = part + range,
		.size = 1,
		.write = span->write,
	};

	if (span->offset < part + range / 2 && end >= part + range / 2 &&
		next.offset < atomic_load(&span->node->shown->end))
		want(window, &next);
}

/* What reaches behind the end of what can be shown is not looked for. */
static bool could_be_there(const struct window *window, const struct span *span)
{
	const struct shown *shown = span->node->shown;

	return shown && atomic_load_explicit(&window->mapper.looked, memory_order_acquire) &&
	       span->offset + span->size <= atomic_load(&shown->end);
}

/* True: it is done. */
static bool try(struct window *window, const struct span *asked, char *data)
{
	struct span span = *asked;
	int error = -EAGAIN;

	if (!span.size || span.offset + span.size < span.offset)
		return false;
	if (span.node->changing || span.node->direct)
		return false;
	if (could_be_there(window, &span))
		error = copy(&span, data);
	if (error == -EAGAIN)
		want(window, &span);
	if (error != -EFAULT && span.node->shown)
		look_ahead(window, asked);
	window->figures.misses += error == -EAGAIN;
	window->figures.faults += error == -EFAULT;
	return !error;
}

/* ---- READ ---- */

bool window_read(
	struct window *window, struct lane_origin *origin, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(slot);
	/* Behind the message, which may have to be relayed after all. */
	char *data = (char *)vfs_request_message(slot) + READ_SIZE;
	struct fuse_read_in in;
	struct span span;

	if (length != READ_SIZE)
		return false;
	memcpy(&in, header + 1, sizeof(in));
	if (in.flags & O_DIRECT || in.size > vfs_request_capacity(slot) - READ_SIZE)
		return false;
	span = (struct span){
		.node = nodes_get(&window->nodes, header->nodeid),
		.offset = in.offset,
		.size = in.size,
	};
	if (!span.node || !try(window, &span, data))
		return false;
	window->figures.read_answers++;
	window->figures.read_bytes += in.size;
	origin->lane->ops->answer_data(origin, slot, 0, data, in.size);
	return true;
}

/* ---- WRITE ---- */

/*
 * The server sees to more than the data of a WRITE: it sets times, and takes away set-ID bits and
 * capabilities. With a write-back cache, without which none comes here, the kernel keeps the times
 * itself; what the rest needs is the first WRITE after the node was changed otherwise, and now and
 * then one for what others change.
 */
static bool shall_see(struct node *node)
{
	int64_t now = window_now_ms();

	if (node->wrote_ms && now - node->wrote_ms < SOMETIMES_MS)
		return false;
	node->wrote_ms = now;
	return true;
}

static bool may_write(const struct fuse_write_in *in)
{
	return !(in->write_flags & FUSE_WRITE_KILL_SUIDGID) &&
	       !(in->flags & (O_SYNC | O_DSYNC | O_DIRECT | O_APPEND));
}

static void note_growth(struct node *node, const struct fuse_write_in *in)
{
	if (node->shown && in->offset + in->size > atomic_load(&node->shown->end))
		node->grown = true;
}

bool window_write(
	struct window *window, struct lane_origin *origin, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(slot);
	char *data = (char *)vfs_request_message(slot) + WRITE_SIZE;
	struct fuse_write_out out = {0};
	struct fuse_write_in in;
	struct span span;

	if (length < WRITE_SIZE)
		return false;
	memcpy(&in, header + 1, sizeof(in));
	span = (struct span){
		.node = nodes_get(&window->nodes, header->nodeid),
		.offset = in.offset,
		.size = in.size,
		.write = true,
	};
	if (!span.node || in.size != length - WRITE_SIZE)
		return false;
	note_growth(span.node, &in);
	if (!window->writes || !may_write(&in) || shall_see(span.node) || !try(window, &span, data))
		return false;
	window->figures.write_answers++;
	window->figures.written_bytes += in.size;
	out.size = in.size;
	origin->lane->ops->answer_data(origin, slot, 0, &out, sizeof(out));
	return true;
}
