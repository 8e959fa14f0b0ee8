/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "passthrough.h"

/* How often a lock that is waited for is tried, in microseconds. */
#define TRY_US 10000

static atomic_uint waiting;
static atomic_bool ending;

struct wait {
	fuse_req_t request;
	int fd; /* a copy: the driver may close its own meanwhile */
	int operation;
};

static int try_until_interrupted(const struct wait *wait)
{
	while (flock(wait->fd, wait->operation | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return errno;
		if (fuse_req_interrupted(wait->request) || ending)
			return EINTR;
		usleep(TRY_US);
	}
	return 0;
}

static void *wait_for_lock(void *argument)
{
	struct wait *wait = argument;

	answer(wait->request, try_until_interrupted(wait));
	close(wait->fd);
	free(wait);
	waiting--;
	return NULL;
}

/* 0: another thread will answer. */
static int start_waiting(fuse_req_t request, int fd, int operation)
{
	struct wait *wait = malloc(sizeof(*wait));
	pthread_t thread;
	int error;

	if (!wait)
		return ENOMEM;
	*wait = (struct wait){.request = request, .fd = dup(fd), .operation = operation};
	waiting++;
	error = wait->fd < 0 ? errno : pthread_create(&thread, NULL, wait_for_lock, wait);
	if (error) {
		if (wait->fd >= 0)
			close(wait->fd);
		free(wait);
		waiting--;
		return error;
	}
	pthread_detach(thread);
	return 0;
}

void op_flock(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file, int operation)
{
	int fd = tree_open_fd(tree_of(request), file->fh);
	int error;

	(void)node;
	if (fd >= 0 && flock(fd, operation | LOCK_NB) == 0)
		error = 0;
	else if (fd < 0 || errno != EWOULDBLOCK || operation & LOCK_NB)
		error = errno;
	else if ((error = start_waiting(request, fd, operation)) == 0)
		return;
	answer(request, error);
}

void passthrough_end_waiting(void)
{
	ending = true;
	while (waiting)
		usleep(TRY_US);
	ending = false;
}
