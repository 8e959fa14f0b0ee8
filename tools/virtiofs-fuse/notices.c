/* SPDX-License-Identifier: MIT */
#include "notices.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vfs/notify.h>
#include <vfs/session.h>

#include "answer.h"
#include "event.h"

/*
 * The kernel refuses what is about nodes that it does not have (ENOENT) or is newer than itself
 * (EINVAL). Either way it remembers nothing that the notification would have changed.
 */
static void tell_kernel(const struct notices *notices, const struct vfs_notification *n)
{
	ssize_t r;

	do
		r = write(notices->fuse_fd, n->message, n->message_length);
	while (r < 0 && errno == EINTR);
}

static void relay(const struct notices *notices, const struct vfs_notification *n)
{
	switch (n->code) {
	case FUSE_NOTIFY_POLL:
	case FUSE_NOTIFY_INVAL_INODE:
	case FUSE_NOTIFY_INVAL_ENTRY:
	case FUSE_NOTIFY_STORE:
	case FUSE_NOTIFY_RETRIEVE:
	case FUSE_NOTIFY_DELETE:
	case VFS_FUSE_NOTIFY_INC_EPOCH:
	case VFS_FUSE_NOTIFY_PRUNE:
		tell_kernel(notices, n);
		break;
	case VFS_NOTIFY_LOCK:
		/* The kernel is waiting for the answer itself. */
		answer_error(notices->fuse_fd, n->unique, n->error);
		break;
	default:
		/* RESEND is only for who has agreed to it (FUSE_HAS_RESEND). */
		break;
	}
}

static void wait_for_one(const struct notices *notices)
{
	struct pollfd polled[] = {
		{.fd = vfs_notify_fd(notices->session), .events = POLLIN},
		{.fd = notices->stop_fd, .events = POLLIN},
	};
	int timeout = vfs_notify_arm(notices->session) ? 0 : -1;

	poll(polled, 2, timeout);
}

static void *serve(void *arg)
{
	struct notices *notices = arg;
	struct vfs_notification n;
	int r;

	while (!atomic_load(&notices->stopping)) {
		r = vfs_notify_next(notices->session, &n);
		if (r < 0)
			break;
		if (r > 0)
			relay(notices, &n);
		else
			wait_for_one(notices);
	}
	return NULL;
}

int notices_start(struct notices *notices, struct vfs_session *session, int fuse_fd)
{
	int error;

	notices->stop_fd = -1;
	if (vfs_notify_fd(session) < 0)
		return 0;
	notices->session = session;
	notices->fuse_fd = fcntl(fuse_fd, F_DUPFD_CLOEXEC, 0);
	notices->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (notices->fuse_fd < 0 || notices->stop_fd < 0)
		error = errno;
	else
		error = pthread_create(&notices->thread, NULL, serve, notices);
	if (!error)
		return 0;
	close(notices->fuse_fd);
	close(notices->stop_fd);
	notices->stop_fd = -1;
	return -error;
}

bool notices_are_relayed(const struct notices *notices)
{
	return notices->stop_fd >= 0;
}

void notices_stop(struct notices *notices)
{
	if (notices->stop_fd < 0)
		return;
	atomic_store(&notices->stopping, true);
	event_set(notices->stop_fd);
}

void notices_join(struct notices *notices)
{
	if (notices->stop_fd < 0)
		return;
	pthread_join(notices->thread, NULL);
	close(notices->fuse_fd);
	close(notices->stop_fd);
	notices->stop_fd = -1;
}
