/* SPDX-License-Identifier: MIT */
/*
 * A descriptor of /dev/fuse that is read. While nothing else is waited for that is done by a read
 * that blocks, so that a message costs one system call to take and one to answer.
 */
#ifndef VIRTIOFS_FUSE_LANE_READER_H
#define VIRTIOFS_FUSE_LANE_READER_H

#include <pthread.h>

#include "lane.h"

struct channel;

struct lane_reader {
	struct lane lane;
	struct lane_origin origin;
	struct channel *channel;
	int fuse_fd;
	int wake_fd;
	bool own_fd;		   /* fuse_fd is to be closed */
	bool blocks;		   /* it does */
	struct vfs_request *spare; /* where the next message is read to */
	unsigned int alone; /* messages that came one at a time, since that was found out; 0: they
			       do not */
	pthread_t thread;
	atomic_bool woken;
	atomic_bool reading; /* in a read that blocks, or about to */
};

/*
 * @fuse_fd: non-blocking; nobody else changes that, or reads from it. @own_fd: it is closed at the
 * end. 0 or -errno.
 */
int lane_reader_init(struct lane_reader *reader, struct channel *channel, int fuse_fd, bool own_fd);

/* Another descriptor for the connection of @fuse_fd, or -errno. */
int lane_reader_clone(int fuse_fd);

/* Whoever was handed a mount may have no /dev/fuse himself. */
bool lane_reader_can_clone(int fuse_fd);

/* Let lane_wake() end reads that block. Once, before there are any threads. */
void lane_reader_handle_signal(void);

#endif
