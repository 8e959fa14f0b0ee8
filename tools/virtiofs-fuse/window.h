/* SPDX-License-Identifier: MIT */
/*
 * The DAX window between the kernel and the device: what the kernel reads and writes is copied from
 * and to the window where the window has it, with no request. What it has not is relayed as ever,
 * and mapped meanwhile (mapper.h).
 *
 * Order. A READ that is answered here may overtake a WRITE of the same bytes that is on its way to
 * the server, and so may a WRITE. That is as good as any order: as long as it has not been told the
 * end of a WRITE the kernel asks for the same bytes only on behalf of somebody who does not wait
 * for it either. With its page cache it asks for no page that it has; one of which the WRITE is
 * under way, and which it has let go of already (write-back of copies), it reads after the end of
 * the WRITE; and it writes no page twice at a time. Without it both are from system calls that run
 * at the same time, and those that change a file exclude each other. What makes a file shorter, and
 * is not excluded by the kernel, is looked after here. Once the server has answered, the window
 * shows what it did, as it is the same memory.
 *
 * All functions are called by the thread of the one worker that there is then, and do nothing if
 * @window is NULL.
 */
#ifndef VIRTIOFS_FUSE_WINDOW_H
#define VIRTIOFS_FUSE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/dax.h>
#include <vfs/session.h>

struct vfs_device;
struct lane_origin;
struct vfs_request;
struct window;

struct window_options {
	enum vfs_dax_mode mode;
	uint64_t range;		/* bytes, a power of 2; 0: a default */
	struct vfs_init agreed; /* with the server */
	uint64_t kernel_flags;	/* FUSE_* that were agreed with the kernel */
	int timeout_ms;		/* for the server's answer to a question at the start */
};

struct window_figures {
	uint64_t read_answers;
	uint64_t read_bytes;
	uint64_t write_answers;
	uint64_t written_bytes;
	uint64_t misses; /* relayed, as it was not mapped */
	uint64_t faults; /* relayed, as there was nothing behind the window */
};

/*
 * Whether the device has what @mode insists on, before anything is mounted. 0, or -1 after the line
 * that says why not.
 */
int window_check(const struct vfs_device *device, enum vfs_dax_mode mode);

/* As @options want it; *window is NULL if it is not used. 0, or -1 after the one line. */
int window_start(struct window **window, struct vfs_device *device, struct vfs_session *session,
	const struct window_options *options);

/* Answer the message of @length bytes here. False: it has to be relayed. */
bool window_answer(
	struct window *window, struct lane_origin *origin, struct vfs_request *slot, size_t length);

/* It is relayed now: what does it change? */
void window_before(struct window *window, struct vfs_request *request);

/*
 * A request has been reaped. True: it was for the window itself, and not for the kernel, which is
 * to be answered after this.
 */
bool window_after(struct window *window, struct vfs_request *request);

/* The kernel forgets a node. True: the server will be told by the window. */
bool window_forget(struct window *window, const struct fuse_forget_one *one);

/* Polls readable when there is something to do; -1 without a window. */
int window_fd(const struct window *window);

/* It was. */
void window_woken(struct window *window);

/* Whether there is a request to be sent: then window_send() wants one, taken from the queue. */
bool window_wants_slot(const struct window *window);
int window_send(struct window *window, struct vfs_request *slot);

/*
 * The kernel asks no more: take everything out, which takes requests. True: nothing is left there,
 * and nothing waits. To be called until then.
 */
bool window_is_empty(struct window *window);

/* What it has done so far; all 0 without a window. */
void window_figures(const struct window *window, struct window_figures *figures);

/* The relay has ended, and sends nothing any more. */
void window_abandon(struct window *window);

/* The relay has ended. @debug: say what it did. */
void window_free(struct window *window, bool debug);

#endif
