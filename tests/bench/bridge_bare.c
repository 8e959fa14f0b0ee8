/* SPDX-License-Identifier: MIT */
/*
 * The least that a FUSE server has to do: read a message from /dev/fuse, answer it at once. What
 *the bridge is measured beside. It knows the root and one file that any name leads to, as
 * virtiofs-device --null does, and is ended by umount(8).
 *
 *	bridge-bare DIR
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

#define FILE_NODE 2u
#define FILE_SIZE (1ULL << 40)
#define MAX_WRITE (1u << 20)
#define HEADERS	  (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))
#define LONG_TIME 3600u

static char payload[MAX_WRITE + 4096] __attribute__((aligned(4096)));
static const char zeros[MAX_WRITE] __attribute__((aligned(4096)));

struct message {
	struct fuse_in_header header;
	union {
		struct fuse_init_in init;
		struct fuse_read_in read;
		struct fuse_write_in write;
	};
};

union answer {
	struct fuse_init_out init;
	struct fuse_attr_out attr;
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_write_out write;
};

static struct fuse_attr attributes_of(uint64_t node)
{
	bool root = node == FUSE_ROOT_ID;

	return (struct fuse_attr){
		.ino = node,
		.size = root ? 4096 : FILE_SIZE,
		.mode = root ? S_IFDIR | 0777 : S_IFREG | 0666,
		.nlink = 1,
		.blksize = 4096,
	};
}

static struct fuse_init_out answer_init(const struct fuse_init_in *in)
{
	return (struct fuse_init_out){
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead,
		.flags = in->flags & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES |
					     FUSE_PARALLEL_DIROPS | FUSE_ASYNC_DIO),
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = MAX_WRITE,
		.time_gran = 1,
		.max_pages = MAX_WRITE / 4096,
	};
}

/* What is said and how long it is; -errno: nothing but that. */
static int prepare(const struct message *in, union answer *out, const void **body)
{
	*body = out;
	switch (in->header.opcode) {
	case FUSE_INIT:
		out->init = answer_init(&in->init);
		return sizeof(out->init);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		out->attr.attr = attributes_of(in->header.nodeid);
		return sizeof(out->attr);
	case FUSE_LOOKUP:
		out->entry = (struct fuse_entry_out){.nodeid = FILE_NODE,
			.entry_valid = LONG_TIME,
			.attr_valid = LONG_TIME,
			.attr = attributes_of(FILE_NODE)};
		return sizeof(out->entry);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return sizeof(out->open);
	case FUSE_READ:
		*body = zeros;
		return (int)in->read.size;
	case FUSE_WRITE:
		out->write.size = in->write.size;
		return sizeof(out->write);
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		return 0;
	default:
		return -ENOSYS;
	}
}

static void answer(int fd, const struct message *in)
{
	union answer body = {0};
	struct fuse_out_header out = {.unique = in->header.unique};
	struct iovec iov[2] = {{.iov_base = &out, .iov_len = sizeof(out)}};
	const void *from;
	int size = prepare(in, &body, &from);

	out.error = size < 0 ? size : 0;
	iov[1].iov_base = (void *)(uintptr_t)from;
	iov[1].iov_len = size < 0 ? 0 : (size_t)size;
	out.len = (uint32_t)(sizeof(out) + iov[1].iov_len);
	/* Nobody may wait any more. */
	if (writev(fd, iov, 2) < 0 && errno != ENOENT && errno != ENODEV)
		perror("writev");
}

static bool wants_no_answer(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_INTERRUPT;
}

/* The head of a WRITE is as long as HEADERS, so that its data is in whole pages. */
static int serve(int fd)
{
	struct message in;
	struct iovec iov[] = {
		{.iov_base = &in, .iov_len = HEADERS},
		{.iov_base = payload, .iov_len = sizeof(payload)},
	};

	for (;;) {
		ssize_t n = readv(fd, iov, 2);

		if (n < 0 && errno == ENODEV)
			return 0;
		if (n < 0 && errno != EINTR && errno != ENOENT) {
			perror("readv");
			return 1;
		}
		if (n > 0 && !wants_no_answer(in.header.opcode))
			answer(fd, &in);
	}
}

int main(int argc, char **argv)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];

	if (argc != 2) {
		fputs("usage: bridge-bare DIR\n", stderr);
		return 2;
	}
	snprintf(options, sizeof(options),
		"fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions", fd);
	if (fd < 0 || mount("bridge-bare", argv[1], "fuse.bare", MS_NOSUID | MS_NODEV, options)) {
		perror(argv[1]);
		return 1;
	}
	return serve(fd);
}
