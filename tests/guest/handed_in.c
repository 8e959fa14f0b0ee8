/* SPDX-License-Identifier: MIT */
/*
 * A function opened by one process and driven by another one, which may do nothing by itself: no
 * capability, an empty /dev and an empty /sys.
 *
 *	guest-handed-in iommufd|group|group-device BDF
 *
 * The last of them hands the function's own descriptor over as well. Three such processes, one
 *after the other, each with the same descriptors: one that closes the device, one that is killed
 *with the device at work, and one that has to cope with that.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include <vfs/device.h>
#include <vfs/error.h>
#include <vfs/request.h>
#include <vfs/session.h>

#include "vfio_files.h"

#define NOBODY	  1000
#define CONTENTS  "written by descriptors alone\n"
#define TIMEOUT_S 60

struct job {
	const char *bdf;
	const char *file; /* to write, in the root of the share */
	bool die;	  /* at work */
};

static void empty(const char *dir)
{
	if (mount("none", dir, "tmpfs", MS_RDONLY, "size=4k") < 0)
		give_up(dir, strerror(errno));
}

static void drop_everything(void)
{
	struct rlimit locked = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	if (setrlimit(RLIMIT_MEMLOCK, &locked) < 0 || unshare(CLONE_NEWNS) < 0)
		give_up("prepare", strerror(errno));
	empty("/dev");
	empty("/sys");
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(NOBODY, NOBODY, NOBODY) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up("drop privileges", strerror(errno));
}

/* What is shown below means nothing if this is not so. */
static void check_dropped(const char *bdf)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];
	struct vfs_device *device;

	if (syscall(SYS_capget, &header, caps) < 0 || caps[0].effective || caps[1].effective ||
		caps[0].permitted || caps[1].permitted)
		give_up("capabilities", "there are some left");
	if (access("/dev/vfio", F_OK) == 0 || access("/sys/bus", F_OK) == 0)
		give_up("/dev/vfio, /sys/bus", "they can be seen");
	if (vfs_device_open(bdf, NULL, &device) == 0)
		give_up(bdf, "it could be opened without descriptors");
}

static void answer(struct vfs_request *done, void *out, size_t length)
{
	struct iovec iov[2];

	if (vfs_request_error(done))
		give_up("request", strerror(-vfs_request_error(done)));
	if (!length)
		return;
	if (vfs_request_reply(done, iov) != 2 || iov[1].iov_len < length)
		give_up("request", "a short answer");
	memcpy(out, iov[1].iov_base, length);
}

/* One request, waited for. */
static void call(struct vfs_queue *queue, uint32_t opcode, uint64_t node, const void *in,
	size_t in_length, void *out, size_t out_length)
{
	struct vfs_request *request = vfs_request_get(queue);
	struct fuse_in_header header = {.opcode = opcode, .nodeid = node};
	struct vfs_request *done;
	char *message;

	if (!request)
		give_up("request", "none is free");
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), in, in_length);
	if (vfs_request_prepare(request, sizeof(header) + in_length) < 0 ||
		vfs_queue_submit(queue, &request, 1) < 0)
		give_up("submit", vfs_last_error());
	while (!vfs_queue_reap(queue, &done, 1)) {
		if (vfs_queue_wait(queue, TIMEOUT_S * 1000) < 0)
			give_up("wait", vfs_last_error());
	}
	answer(done, out, out_length);
	vfs_request_put(done);
}

static void write_file(struct vfs_queue *queue, const char *name)
{
	struct {
		struct fuse_create_in in;
		char name[64];
	} create = {.in = {.flags = O_RDWR, .mode = S_IFREG | 0644}};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} created;
	struct {
		struct fuse_write_in in;
		char data[sizeof(CONTENTS) - 1];
	} write = {.in = {.size = sizeof(CONTENTS) - 1}};
	struct fuse_write_out written;
	struct fuse_release_in release = {0};

	snprintf(create.name, sizeof(create.name), "%s", name);
	call(queue, FUSE_CREATE, FUSE_ROOT_ID, &create, sizeof(create.in) + strlen(name) + 1,
		&created, sizeof(created));
	write.in.fh = release.fh = created.open.fh;
	memcpy(write.data, CONTENTS, sizeof(write.data));
	call(queue, FUSE_WRITE, created.entry.nodeid, &write, sizeof(write.in) + sizeof(write.data),
		&written, sizeof(written));
	if (written.size != sizeof(write.data))
		give_up("WRITE", "short");
	call(queue, FUSE_RELEASE, created.entry.nodeid, &release, sizeof(release), NULL, 0);
}

static void work(const struct job *job, const struct vfs_vfio_fds *fds)
{
	struct vfs_device_options options = {.vfio_fds = fds};
	struct vfs_init want = {.flags = FUSE_MAX_PAGES | FUSE_BIG_WRITES};
	struct vfs_session *session;
	struct vfs_device *device;
	struct vfs_init got;

	check_dropped(job->bdf);
	if (vfs_device_open(job->bdf, &options, &device) < 0)
		give_up("open", vfs_last_error());
	if (vfs_session_create(device, NULL, &session) < 0)
		give_up("start", vfs_last_error());
	if (vfs_session_init(session, &want, &got) < 0)
		give_up("INIT", vfs_last_error());
	write_file(vfs_session_queue(session, 0), job->file);
	if (job->die)
		raise(SIGKILL);
	vfs_session_destroy(session);
	vfs_device_close(device);
}

static bool run(const struct job *job, const struct vfs_vfio_fds *fds)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		drop_everything();
		work(job, fds);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		give_up("fork", strerror(errno));
	if (job->die)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	struct vfs_vfio_fds fds = {.device = -1, .iommufd = -1, .group = -1, .container = -1};
	char file[64];
	unsigned int i;

	if (argc != 3)
		give_up("usage", "guest-handed-in iommufd|group|group-device BDF");
	if (strcmp(argv[1], "iommufd") == 0)
		open_cdev(argv[2], &fds);
	else
		open_group(argv[2], &fds);
	if (strcmp(argv[1], "group-device") == 0)
		open_device_of_group(argv[2], NULL, &fds);
	for (i = 0; i < 3; i++) {
		struct job job = {.bdf = argv[2], .file = file, .die = i == 1};

		snprintf(file, sizeof(file), "%s-%u", argv[1], i);
		if (!run(&job, &fds))
			give_up(file, "the process without privileges failed");
	}
	return 0;
}
