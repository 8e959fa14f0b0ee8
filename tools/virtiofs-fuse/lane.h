/* SPDX-License-Identifier: MIT */
/*
 * The way between the kernel and a worker: messages come in and answers go out by it. The slot that
 * the kernel fills with a message is the one that the device reads, and the other way round.
 *
 * A lane belongs to the thread of its worker, but for lane_answer() and lane_wake().
 */
#ifndef VIRTIOFS_FUSE_LANE_H
#define VIRTIOFS_FUSE_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intake;
struct lane;
struct vfs_request;

/* Where a message came from, and its answer goes. */
struct lane_origin {
	struct lane *lane;
};

/* What else to wait for; descriptors are -1 if there is nothing. */
struct lane_wait {
	bool messages; /* of the kernel */
	int queue_fd;  /* answers of the device */
	int window_fd; /* readable: window_woken() */
	int timeout_ms;
	bool window_woken;
};

struct lane_ops {
	/* The worker's thread has started. 0 or -errno. */
	int (*begin)(struct lane *lane);
	/* It ends, after begin() has succeeded: send what was answered, take nothing more. */
	void (*end)(struct lane *lane);
	/* Hand what the kernel has to the intake, at most a batch, without waiting. 0, or an error
	 * as of kernel_gone() in worker.h */
	int (*take)(struct lane *lane, struct intake *intake);
	/* Whether there is something to take. That may take a system call. */
	bool (*look)(struct lane *lane);
	/* Sleep until there may be something; may take a message. Errors as of take(). */
	int (*wait)(struct lane *lane, struct intake *intake, struct lane_wait *wait);
	/* End wait(), from any thread, also if it has not begun yet. */
	void (*wake)(struct lane *lane);
	/* The device has answered: tell the kernel, and give the slot back. Any thread. */
	void (*answer)(struct lane_origin *origin, struct vfs_request *request);
	/* Answer a message without the device, in the lane's thread; its slot stays the lane's. */
	void (*answer_data)(struct lane_origin *origin, struct vfs_request *slot, int error,
		void *data, size_t size);
	/* Answer a message that is nowhere any more; NULL: the lane needs its slot. Any thread. */
	void (*answer_error)(struct lane_origin *origin, uint64_t unique, int error);
	/* The device has not taken it: its slot, for which there is no answer to be had. */
	void (*take_back)(struct lane_origin *origin, struct vfs_request *slot);
	/* Send what was answered and is still held back. */
	void (*flush)(struct lane *lane);
	void (*destroy)(struct lane *lane);
};

struct lane {
	const struct lane_ops *ops;
	atomic_uint under_way; /* messages that the device has */
	bool sends_itself;     /* what other threads have answered */
	bool ready;	       /* there may be something to take */
	bool large;	       /* the last message that was taken has much data */
};

#endif
