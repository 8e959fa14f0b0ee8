/* SPDX-License-Identifier: MIT */
/*
 * The library in its shortest use: connect to a device, ask for the attributes of its root.
 *
 *	stat-root TAG|BDF
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <vfs/device.h>
#include <vfs/error.h>
#include <vfs/request.h>
#include <vfs/session.h>

static int failed(const char *what)
{
	fprintf(stderr, "stat-root: %s: %s\n", what, vfs_last_error());
	return -1;
}

static int print_attributes(const struct vfs_request *request)
{
	struct fuse_attr_out out;
	struct iovec iov[2];

	if (vfs_request_error(request)) {
		fprintf(stderr, "stat-root: GETATTR: %s\n", strerror(-vfs_request_error(request)));
		return -1;
	}
	if (vfs_request_reply(request, iov) != 2)
		return -1;
	memcpy(&out, iov[1].iov_base, sizeof(out));
	printf("root: inode %" PRIu64 ", mode %o, %u links, owner %u:%u\n", (uint64_t)out.attr.ino,
		out.attr.mode, out.attr.nlink, out.attr.uid, out.attr.gid);
	return 0;
}

static int get_attributes(struct vfs_queue *queue)
{
	struct vfs_request *request = vfs_request_get(queue);
	struct vfs_request *done;
	struct fuse_in_header header = {.opcode = FUSE_GETATTR, .nodeid = FUSE_ROOT_ID};
	struct fuse_getattr_in in = {0};
	char *message = vfs_request_message(request);
	int r;

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	if (vfs_request_prepare(request, sizeof(header) + sizeof(in)) < 0)
		return failed("prepare");
	if (vfs_queue_submit(queue, &request, 1) < 0)
		return failed("submit");
	while (!vfs_queue_reap(queue, &done, 1)) {
		if (vfs_queue_wait(queue, 10000) < 0)
			return failed("wait");
	}
	r = print_attributes(done);
	vfs_request_put(done);
	return r;
}

static int use(struct vfs_device *device)
{
	struct vfs_init want = {.flags = FUSE_MAX_PAGES | FUSE_BIG_WRITES};
	struct vfs_session *session;
	struct vfs_init got;
	int r;

	if (vfs_session_create(device, NULL, &session) < 0)
		return failed("start");
	r = vfs_session_init(session, &want, &got);
	if (r < 0) {
		failed("INIT");
	} else {
		printf("FUSE %u.%u, max_write %u\n", got.major, got.minor, got.max_write);
		r = get_attributes(vfs_session_queue(session, 0));
	}
	vfs_session_destroy(session);
	return r;
}

int main(int argc, char **argv)
{
	struct vfs_device *device;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: stat-root TAG|BDF\n");
		return 2;
	}
	if (vfs_device_open(argv[1], NULL, &device) < 0) {
		failed("open");
		return 1;
	}
	printf("%s: tag '%s'\n", vfs_device_info(device)->name, vfs_device_info(device)->tag);
	r = use(device);
	vfs_device_close(device);
	return r < 0 ? 1 : 0;
}
