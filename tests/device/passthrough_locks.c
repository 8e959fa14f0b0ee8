/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "passthrough.h"

/* How often a lock that is waited for is tried, in microseconds. */
#define TRY_US 10000

static atomic_uint waiting;
static atomic_bool ending;

/* Of the whole file, as by flock(), or of a range. */
struct lock {
	int fd;	       /* of the open file whose lock it is to be */
	int operation; /* flock()'s; 0: it is of a range */
	struct flock range;
};

struct wait {
	fuse_req_t request;
	struct lock lock; /* with a descriptor of its own: the driver may close others meanwhile */
};

/* 0, EWOULDBLOCK: somebody else has it, or another errno. */
static int try_lock(const struct lock *lock)
{
	struct flock range = lock->range;
	int r = lock->operation ? flock(lock->fd, lock->operation | LOCK_NB)
				: fcntl(lock->fd, F_OFD_SETLK, &range);

	if (r == 0)
		return 0;
	return errno == EACCES ? EWOULDBLOCK : errno;
}

static int try_until_interrupted(const struct wait *wait)
{
	int error;

	while ((error = try_lock(&wait->lock)) == EWOULDBLOCK) {
		if (fuse_req_interrupted(wait->request) || ending)
			return EINTR;
		usleep(TRY_US);
	}
	return error;
}

static void *wait_for_lock(void *argument)
{
	struct wait *wait = argument;

	answer(wait->request, try_until_interrupted(wait));
	close(wait->lock.fd);
	free(wait);
	waiting--;
	return NULL;
}

/* 0: another thread will answer. */
static int start_waiting(fuse_req_t request, const struct lock *lock)
{
	struct wait *wait = malloc(sizeof(*wait));
	pthread_t thread;
	int error;

	if (!wait)
		return ENOMEM;
	*wait = (struct wait){.request = request, .lock = *lock};
	wait->lock.fd = fcntl(lock->fd, F_DUPFD_CLOEXEC, 0);
	waiting++;
	error = wait->lock.fd < 0 ? errno : pthread_create(&thread, NULL, wait_for_lock, wait);
	if (error) {
		if (wait->lock.fd >= 0)
			close(wait->lock.fd);
		free(wait);
		waiting--;
		return error;
	}
	pthread_detach(thread);
	return 0;
}

static void take_lock(fuse_req_t request, const struct lock *lock, bool may_wait)
{
	int error = try_lock(lock);

	if (error == EWOULDBLOCK && may_wait) {
		error = start_waiting(request, lock);
		if (!error)
			return;
	}
	answer(request, error);
}

void op_flock(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file, int operation)
{
	const struct lock lock = {
		.fd = tree_open_fd(tree_of(request), file->fh), .operation = operation & ~LOCK_NB};

	(void)node;
	if (lock.fd < 0)
		answer(request, errno);
	else
		take_lock(request, &lock, !(operation & LOCK_NB));
}

/* The open file of the request's lock owner; -errno */
static int open_for(fuse_req_t request, const struct fuse_file_info *file)
{
	int fd = tree_open_fd(tree_of(request), file->fh);

	return fd < 0 ? -errno
		      : lock_owners_open(served_by(request)->locks, fd, file->fh, file->lock_owner);
}

/* What Linux wants of a lock that belongs to an open file and not to a process. */
static struct flock range_of(const struct flock *asked)
{
	struct flock range = *asked;

	range.l_whence = SEEK_SET;
	range.l_pid = 0;
	return range;
}

void op_setlk(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file, struct flock *asked,
	int may_wait)
{
	const struct lock lock = {.fd = open_for(request, file), .range = range_of(asked)};

	(void)node;
	if (lock.fd < 0) {
		answer(request, -lock.fd);
		return;
	}
	take_lock(request, &lock, may_wait);
	close(lock.fd);
}

void op_getlk(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file, struct flock *asked)
{
	struct flock range = range_of(asked);
	int fd = open_for(request, file), r;

	(void)node;
	if (fd < 0) {
		answer(request, -fd);
		return;
	}
	r = fcntl(fd, F_OFD_GETLK, &range);
	/* Not a process's lock: whose it is the driver could not make use of. */
	if (range.l_pid < 0)
		range.l_pid = 0;
	if (r < 0)
		answer(request, errno);
	else
		fuse_reply_lock(request, &range);
	close(fd);
}

void passthrough_end_waiting(void)
{
	ending = true;
	while (waiting)
		usleep(TRY_US);
	ending = false;
}
