/* SPDX-License-Identifier: MIT */
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <vfs/device.h>
#include <vfs/fuse.h>

#include "core/core.h"
#include "report.h"
#include "window_state.h"

/* ---- whether it is used ---- */

int window_check(const struct vfs_device *device, enum vfs_dax_mode mode)
{
	static const struct vfs_init nothing_known;
	int r = mode == VFS_DAX_ALWAYS ? vfs_dax_check(device, &nothing_known, mode) : 0;

	if (r < 0)
		report_error("dax=always: %s", report_reason(r));
	return r < 0 ? -1 : 0;
}

/* Nobody else uses the queue yet. */
static int ask(struct vfs_session *session, struct vfs_op *op, int timeout_ms)
{
	static const struct vfs_caller bridge;
	struct vfs_queue *queue = vfs_session_queue(session, 0);
	struct vfs_request *request = vfs_request_get(queue);
	struct vfs_request *done;
	int r;

	op->caller = &bridge;
	r = request ? vfs_op_encode(op, request) : -EBUSY;
	if (r == 0) {
		vfs_request_set_timeout(request, (unsigned int)timeout_ms);
		r = vfs_queue_submit(queue, &request, 1);
	}
	if (r == 0) {
		r = vfs_queue_reap_wait(queue, &done, 1, 1, -1);
		if (r < 0)
			return r;
		(void)vfs_op_finish(op, request);
	}
	vfs_request_put(request);
	return r < 0 ? r : 0;
}

static int check(struct vfs_device *device, struct vfs_session *session,
	const struct window_options *options)
{
	int r = vfs_dax_check(device, &options->agreed, options->mode);
	struct vfs_op op;

	if (r < 0)
		return r;
	vfs_dax_op_probe(&op);
	r = ask(session, &op, options->timeout_ms);
	return r < 0 ? r : vfs_dax_probed(device, &op);
}

/* ---- start ---- */

/* Without a write-back cache the times of a file are the server's to keep. */
static bool can_write(const struct window_options *options)
{
	uint64_t flags = options->kernel_flags;

	if (flags & FUSE_HANDLE_KILLPRIV && !(flags & FUSE_HANDLE_KILLPRIV_V2))
		return false;
	return flags & FUSE_WRITEBACK_CACHE;
}

static int create(struct window *window, struct vfs_device *device, struct vfs_session *session,
	const struct window_options *options)
{
	const struct mapper_options how = {
		.name = vfs_device_info(device)->name,
		.window = vfs_device_window(device),
		.length = vfs_device_info(device)->dax_window,
		.mode = options->mode,
		.range = options->range,
		.unit = vfs_dax_unit(&options->agreed),
	};
	int r = jobs_init(&window->jobs, vfs_session_queue(session, 0));

	if (r < 0)
		return vfs_error(r, "no eventfd: %s", strerror(-r));
	window->writes = can_write(options);
	r = mapper_start(&window->mapper, session, &window->jobs, &how);
	if (r < 0)
		jobs_free(&window->jobs);
	return r;
}

static int start(struct window **window, struct vfs_device *device, struct vfs_session *session,
	const struct window_options *options)
{
	struct window *w;
	int r = check(device, session, options);

	if (r < 0)
		return r;
	w = calloc(1, sizeof(*w));
	r = w ? create(w, device, session, options) : vfs_error(-ENOMEM, "out of memory");
	if (r < 0)
		free(w);
	else
		*window = w;
	return r;
}

int window_start(struct window **window, struct vfs_device *device, struct vfs_session *session,
	const struct window_options *options)
{
	int r;

	*window = NULL;
	if (options->mode == VFS_DAX_NEVER)
		return 0;
	r = start(window, device, session, options);
	if (r == 0)
		return 0;
	if (options->mode == VFS_DAX_ALWAYS || r == -EINVAL) {
		report_error("cannot use the DAX window: %s", report_reason(r));
		return -1;
	}
	vfs_log(VFS_LOG_INFO, "the DAX window is not used: %s", report_reason(r));
	return 0;
}

/* ---- what passes by ---- */

bool window_answer(
	struct window *window, struct lane_origin *origin, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header;

	if (!window || window->ending || atomic_load(&window->mapper.off))
		return false;
	header = vfs_request_message(slot);
	switch (header->opcode) {
	case FUSE_READ:
		return window_read(window, origin, slot, length);
	case FUSE_WRITE:
		return window_write(window, origin, slot, length);
	default:
		return false;
	}
}

static void drop(struct window *window, struct node *node, uint64_t lookups)
{
	if (node->shown)
		mapper_drop(&window->mapper, node->shown, lookups);
	node->shown = NULL;
}

/*
 * It may be shorter when this has been answered. What the window has of it shows bytes behind the
 * end then, up to the end of a page, and what is written there is lost; so all of it goes, and
 * nothing new comes, until it is known how long the file is.
 */
static void changes(struct window *window, struct vfs_request *request, uint64_t id)
{
	struct node *node = nodes_get(&window->nodes, id);

	if (!node) {
		/* Without memory for the note there is no safe way on. */
		atomic_store(&window->mapper.off, true);
		return;
	}
	drop(window, node, 0);
	node->changing++;
	vfs_request_set_user_data(request, node);
}

/* The server has to see the next WRITE: there is something that it has to change, or takes away. */
static void touch(struct window *window, uint64_t id)
{
	struct node *node = nodes_find(&window->nodes, id);

	if (node)
		node->wrote_ms = 0;
}

void window_before(struct window *window, struct vfs_request *request)
{
	const struct fuse_in_header *header = vfs_request_message(request);
	const void *in = header + 1;

	if (!window)
		return;
	switch (header->opcode) {
	case FUSE_SETATTR:
		touch(window, header->nodeid);
		if (((const struct fuse_setattr_in *)in)->valid & FATTR_SIZE)
			changes(window, request, header->nodeid);
		break;
	case FUSE_OPEN:
		if (((const struct fuse_open_in *)in)->flags & O_TRUNC)
			changes(window, request, header->nodeid);
		break;
	case FUSE_SETXATTR:
		touch(window, header->nodeid);
		break;
	default:
		break;
	}
}

/* ---- answers ---- */

static bool get_answer(const struct vfs_request *request, void *answer, size_t size)
{
	struct iovec iov[2];

	if (vfs_request_error(request) || vfs_request_reply(request, iov) != 2 ||
		iov[1].iov_len < size)
		return false;
	memcpy(answer, iov[1].iov_base, size);
	return true;
}

static void mark_direct(struct window *window, uint64_t id, const struct fuse_open_out *open)
{
	struct node *node;

	if (!(open->open_flags & FOPEN_DIRECT_IO))
		return;
	node = nodes_get(&window->nodes, id);
	if (node)
		node->direct = true;
	else
		atomic_store(&window->mapper.off, true);
}

static void opened(struct window *window, struct vfs_request *request)
{
	const struct fuse_in_header *header = vfs_request_message(request);
	struct fuse_open_out open;

	if (get_answer(request, &open, sizeof(open)))
		mark_direct(window, header->nodeid, &open);
}

/* Somebody else may have made it first, and then it may have been made shorter. */
static void created(struct window *window, const struct vfs_request *request)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} answer;
	struct node *node;

	if (!get_answer(request, &answer, sizeof(answer)))
		return;
	node = nodes_find(&window->nodes, answer.entry.nodeid);
	if (node)
		drop(window, node, 0);
	mark_direct(window, answer.entry.nodeid, &answer.open);
}

static void changed(struct window *window, struct node *node)
{
	node->changing--;
	node->grown = true;
	if (!node->changing && node->forgotten)
		nodes_remove(&window->nodes, node);
}

bool window_after(struct window *window, struct vfs_request *request)
{
	const struct fuse_in_header *header;

	if (!window)
		return false;
	if (jobs_finish(&window->jobs, request))
		return true;
	if (vfs_request_user_data(request))
		changed(window, vfs_request_user_data(request));
	header = vfs_request_message(request);
	if (header->opcode == FUSE_OPEN)
		opened(window, request);
	else if (header->opcode == FUSE_CREATE)
		created(window, request);
	return false;
}

bool window_forget(struct window *window, const struct fuse_forget_one *one)
{
	struct node *node = window ? nodes_find(&window->nodes, one->nodeid) : NULL;
	bool taken;

	if (!node)
		return false;
	taken = node->shown;
	drop(window, node, one->nlookup);
	if (node->changing)
		node->forgotten = true;
	else
		nodes_remove(&window->nodes, node);
	return taken;
}

/* ---- the relay's turns ---- */

int window_fd(const struct window *window)
{
	return window ? window->jobs.fd : -1;
}

void window_woken(struct window *window)
{
	jobs_woken(&window->jobs);
}

bool window_wants_slot(const struct window *window)
{
	return window && jobs_wait(&window->jobs);
}

int window_send(struct window *window, struct vfs_request *slot)
{
	return jobs_send(&window->jobs, slot);
}

static void drop_one(struct node *node, void *ctx)
{
	drop(ctx, node, 0);
}

static void begin_end(struct window *window)
{
	if (window->ending)
		return;
	window->ending = true;
	nodes_visit(&window->nodes, drop_one, window);
	mapper_stop(&window->mapper);
}

bool window_is_empty(struct window *window)
{
	if (!window)
		return true;
	begin_end(window);
	return atomic_load(&window->mapper.ended);
}

void window_abandon(struct window *window)
{
	if (window)
		jobs_close(&window->jobs);
}

void window_figures(const struct window *window, struct window_figures *figures)
{
	*figures = window ? window->figures : (struct window_figures){0};
}

static void say(const struct window *window)
{
	const struct vfs_dax_stats stats = window->mapper.stats;

	vfs_log(VFS_LOG_DEBUG,
		"DAX window: %llu MiB in %llu ranges of %llu KiB, read at %u %% of the speed of "
		"memory; %llu mapped, %llu again, %llu unmapped, %llu needed for others, %llu lost",
		(unsigned long long)stats.window >> 20, (unsigned long long)stats.ranges,
		(unsigned long long)stats.range >> 10, window->mapper.memory.speed,
		(unsigned long long)stats.maps, (unsigned long long)stats.upgrades,
		(unsigned long long)stats.unmaps, (unsigned long long)stats.reclaims,
		(unsigned long long)stats.retired);
	vfs_log(VFS_LOG_DEBUG,
		"DAX window: answered %llu READs of %llu bytes and %llu WRITEs of %llu bytes; "
		"relayed %llu that it did not have, and %llu faults",
		(unsigned long long)window->figures.read_answers,
		(unsigned long long)window->figures.read_bytes,
		(unsigned long long)window->figures.write_answers,
		(unsigned long long)window->figures.written_bytes,
		(unsigned long long)window->figures.misses,
		(unsigned long long)window->figures.faults);
}

void window_free(struct window *window, bool debug)
{
	if (!window)
		return;
	window_abandon(window);
	begin_end(window);
	mapper_join(&window->mapper);
	if (debug)
		say(window);
	nodes_free(&window->nodes);
	jobs_free(&window->jobs);
	free(window);
}
