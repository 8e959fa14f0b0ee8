/* SPDX-License-Identifier: MIT */
/*
 * The file system of virtiofs-device --null with libfuse's low-level API: what a server is that
 *people write today, which the bridge is measured beside.
 *
 *	bridge-libfuse DIR single|many
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <fuse_lowlevel.h>

#define FILE_NODE 2u
#define FILE_SIZE (1LL << 40)
#define MAX_WRITE (1u << 20)
#define LONG_TIME 3600.0

static const char zeros[MAX_WRITE];

static struct stat attributes_of(fuse_ino_t node)
{
	bool root = node == FUSE_ROOT_ID;

	return (struct stat){
		.st_ino = node,
		.st_size = root ? 4096 : FILE_SIZE,
		.st_mode = root ? S_IFDIR | 0777 : S_IFREG | 0666,
		.st_nlink = 1,
		.st_blksize = 4096,
	};
}

static void set_up(void *data, struct fuse_conn_info *connection)
{
	(void)data;
	connection->max_write = MAX_WRITE;
	connection->max_background = 64;
	connection->congestion_threshold = 48;
	connection->want &= ~(
		unsigned int)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

static void look_up(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	const struct fuse_entry_param entry = {.ino = FILE_NODE,
		.entry_timeout = LONG_TIME,
		.attr_timeout = LONG_TIME,
		.attr = attributes_of(FILE_NODE)};

	(void)parent;
	(void)name;
	fuse_reply_entry(request, &entry);
}

static void get_attributes(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	const struct stat st = attributes_of(node);

	(void)file;
	fuse_reply_attr(request, &st, 0);
}

static void open_it(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	(void)node;
	fuse_reply_open(request, file);
}

static void read_it(
	fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *file)
{
	(void)node;
	(void)offset;
	(void)file;
	fuse_reply_buf(request, zeros, size < MAX_WRITE ? size : MAX_WRITE);
}

static void write_it(fuse_req_t request, fuse_ino_t node, const char *data, size_t size,
	off_t offset, struct fuse_file_info *file)
{
	(void)node;
	(void)data;
	(void)offset;
	(void)file;
	fuse_reply_write(request, size);
}

static const struct fuse_lowlevel_ops operations = {
	.init = set_up,
	.lookup = look_up,
	.getattr = get_attributes,
	.open = open_it,
	.read = read_it,
	.write = write_it,
};

static int serve(struct fuse_session *session, const char *dir, bool many)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int result = 1;

	if (!fuse_session_mount(session, dir)) {
		result = many ? fuse_session_loop_mt(session, config) : fuse_session_loop(session);
		fuse_session_unmount(session);
	}
	fuse_loop_cfg_destroy(config);
	return result != 0;
}

int main(int argc, char **argv)
{
	char *arguments[] = {argv[0], "-o", "default_permissions"};
	struct fuse_args args = FUSE_ARGS_INIT(3, arguments);
	struct fuse_session *session;
	int result;

	if (argc != 3) {
		fputs("usage: bridge-libfuse DIR single|many\n", stderr);
		return 2;
	}
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (!session)
		return 1;
	result = serve(session, argv[1], !strcmp(argv[2], "many"));
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return result;
}
