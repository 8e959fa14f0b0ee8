/* SPDX-License-Identifier: MIT */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#include "quiet.h"
#include "report.h"

/* No request is sent, so this works on a file system that nobody serves. */
static int look_at(const char *path, struct statx *stx)
{
	return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, stx);
}

/* As libfuse reads it. */
static int fd_of(const char *dir)
{
	unsigned int fd;
	int length = 0;

	if (sscanf(dir, "/dev/fd/%u%n", &fd, &length) != 1 || dir[length] || fd > INT_MAX)
		return -1;
	return (int)fd;
}

static int check_handed_in(struct mount *mount, const char *dir, int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(10, 229)) {
		report_error("mount point %s: that is no descriptor of /dev/fuse: whoever starts "
			     "this has to open one, mount it and leave it open",
			dir);
		return -1;
	}
	/* What is started from here shall not keep the connection. */
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	mount->dir = strdup(dir);
	mount->fd = fd;
	mount->handed_in = true;
	return mount->dir ? 0 : -1;
}

static int check_dir(struct mount *mount, const char *dir)
{
	struct statx stx;
	char *absolute = realpath(dir, NULL);

	if (!absolute || look_at(absolute, &stx)) {
		if (errno == ENOENT)
			report_error("mount point %s does not exist: create it (mkdir)", dir);
		else
			report_error("mount point %s: %s: give a directory that you can reach", dir,
				strerror(errno));
	} else if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) {
		report_error("mount point %s is in use by another mount: unmount that "
			     "(fusermount3 -u or umount) or give another directory",
			dir);
	} else if (!S_ISDIR(stx.stx_mode)) {
		report_error("mount point %s is not a directory: give a directory", dir);
	} else {
		mount->dir = absolute;
		return 0;
	}
	free(absolute);
	return -1;
}

int mount_check(struct mount *mount, const char *dir)
{
	int fd = fd_of(dir);

	return fd < 0 ? check_dir(mount, dir) : check_handed_in(mount, dir, fd);
}

/* libfuse refuses to work without an operations table; ours is never called. */
static struct fuse_session *new_session(const struct options *options, const char *tag)
{
	static const struct fuse_lowlevel_ops no_operations;
	struct fuse_session *fuse = NULL;
	struct fuse_args args;

	if (!options_mount_args(options, tag, &args))
		fuse = fuse_session_new(&args, &no_operations, sizeof(no_operations), NULL);
	fuse_opt_free_args(&args);
#ifdef HAVE_FUSE_SESSION_SET_SYNC_INIT
	/* FUSE_INIT is ours to answer. */
	if (fuse)
		fuse_session_set_sync_init(fuse, false);
#endif
	return fuse;
}

/* fusermount3 prints its reasons on stderr: they become part of the one line. */
static int mount_quietly(struct mount *mount)
{
	char said[256];
	int error;

	quiet_begin();
	error = fuse_session_mount(mount->fuse, mount->dir);
	quiet_end(said, sizeof(said));
	if (!error)
		return 0;
	report_error("cannot mount on %s: %s", mount->dir, said[0] ? said : report_libfuse());
	return -1;
}

static int remember(struct mount *mount)
{
	struct statx stx = {0};

	mount->fd = fuse_session_fd(mount->fuse);
	if ((!mount->handed_in && look_at(mount->dir, &stx)) ||
		fcntl(mount->fd, F_SETFL, O_NONBLOCK)) {
		report_error("cannot use the mount on %s: %s", mount->dir, strerror(errno));
		return -1;
	}
	mount->dev_major = stx.stx_dev_major;
	mount->dev_minor = stx.stx_dev_minor;
	return 0;
}

/* What is mounted has to be unmounted some day, and by whom is settled now. */
static int prepare_unmounting(struct mount *mount)
{
	int error = mount->handed_in ? 0 : unmounter_start(&mount->unmounter, mount);

	if (error)
		report_error("cannot start a process that unmounts: %s", strerror(-error));
	return error;
}

int mount_create(struct mount *mount, const struct options *options, const char *tag)
{
	mount->auto_unmount = options->auto_unmount;
	mount->fuse = new_session(options, tag);
	if (!mount->fuse) {
		report_error("cannot mount on %s: %s", mount->dir, report_libfuse());
		return -1;
	}
	if (mount_quietly(mount)) {
		fuse_session_destroy(mount->fuse);
		mount->fuse = NULL;
		return -1;
	}
	if (remember(mount) || prepare_unmounting(mount)) {
		fuse_session_unmount(mount->fuse);
		fuse_session_destroy(mount->fuse);
		mount->fuse = NULL;
		return -1;
	}
	return 0;
}

bool mount_is_there(const struct mount *mount)
{
	struct statx stx;

	return !mount->handed_in && !look_at(mount->dir, &stx) &&
	       stx.stx_dev_major == mount->dev_major && stx.stx_dev_minor == mount->dev_minor;
}

/*
 * Closes the descriptor: requests that nobody serves any more would keep it from being unmounted.
 * libfuse finds the end of a pipe that nobody reads in its place, which is in an error as the
 * connection is after an unmount, and leaves the directory alone. What is mounted there by now may
 * be somebody else's.
 */
static void end_connection(struct mount *mount)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return;
	close(ends[0]);
	dup2(ends[1], mount->fd);
	close(ends[1]);
}

void mount_remove(struct mount *mount)
{
	int error = 0;

	if (!mount->fuse)
		return;
	if (!mount->handed_in) {
		end_connection(mount);
		error = unmounter_finish(&mount->unmounter);
	}
	if (error)
		report_error("cannot unmount %s: %s: use umount or fusermount3 -u", mount->dir,
			error == -EPIPE ? "the process that unmounts is gone" : strerror(-error));
	fuse_session_unmount(mount->fuse);
	fuse_session_destroy(mount->fuse);
	mount->fuse = NULL;
}
