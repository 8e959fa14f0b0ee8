/* SPDX-License-Identifier: MIT */
/* What is in files. */
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "fuse.h"

#define SIZE 100000u

static enum verdict read_is_what_was_written(struct client *client)
{
	char *data = client_scratch(client, 2 * SIZE);
	struct fuse_attr attr;
	struct file file;

	fill_pattern(data, SIZE, 0, 1);
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(fuse_write_all(client, &file, data, SIZE));
	expect_ok(fuse_getattr(client, file.node, &attr));
	expect(attr.size == SIZE, "%llu bytes", (unsigned long long)attr.size);
	expect_ok(fuse_read_all(client, &file, data + SIZE, SIZE));
	expect(is_pattern(data + SIZE, SIZE, 0, 1), "other data");
	expect(fuse_read(client, &file, data, 4096, SIZE) == 0, "data behind the end");
	expect(fuse_read(client, &file, data, 4096, SIZE - 10) == 10, "not the last 10 bytes");
	return PASSED;
}

static enum verdict survives_its_handle(struct client *client)
{
	char *data = client_scratch(client, 2 * SIZE);
	struct fuse_entry_out entry;
	struct file file;

	fill_pattern(data, SIZE, 0, 2);
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(fuse_write_all(client, &file, data, SIZE));
	expect_ok(fuse_flush(client, &file));
	expect_ok(fuse_fsync(client, &file));
	expect_ok(fuse_release(client, &file));
	expect_ok(fuse_lookup(client, client->directory, "file", &entry));
	expect(entry.nodeid == file.node, "another node");
	expect_ok(fuse_open(client, entry.nodeid, O_RDONLY, &file));
	expect_ok(fuse_read_all(client, &file, data + SIZE, SIZE));
	expect(is_pattern(data + SIZE, SIZE, 0, 2), "other data");
	expect_error(EBADF, fuse_write(client, &file, data, 10, 0));
	return PASSED;
}

static enum verdict survives_its_session(struct client *client)
{
	char *data = client_scratch(client, 2 * SIZE);
	struct fuse_entry_out entry;
	struct file file;

	fill_pattern(data, SIZE, 0, 3);
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(fuse_write_all(client, &file, data, SIZE));
	expect_ok(client_restart(client, NULL));
	expect_ok(fuse_lookup(client, client->directory, "file", &entry));
	expect_ok(fuse_open(client, entry.nodeid, O_RDONLY, &file));
	expect_ok(fuse_read_all(client, &file, data + SIZE, SIZE));
	expect(is_pattern(data + SIZE, SIZE, 0, 3), "other data");
	return PASSED;
}

static enum verdict has_holes(struct client *client)
{
	char *data = client_scratch(client, 65536);
	struct file file;
	size_t i;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect(fuse_write(client, &file, "end", 3, 60000) == 3, "WRITE");
	expect_ok(fuse_read_all(client, &file, data, 60003));
	for (i = 0; i < 60000; i++)
		expect(data[i] == 0, "byte %zu is %d", i, data[i]);
	expect(memcmp(data + 60000, "end", 3) == 0, "other data");
	return PASSED;
}

static enum verdict is_truncated(struct client *client)
{
	char *data = client_scratch(client, SIZE);
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = 1000};
	struct fuse_attr attr;
	struct file file;

	fill_pattern(data, SIZE, 0, 4);
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(fuse_write_all(client, &file, data, SIZE));
	expect_ok(fuse_setattr(client, file.node, &in, &attr));
	expect(attr.size == 1000, "%llu bytes", (unsigned long long)attr.size);
	expect(fuse_read(client, &file, data, 4096, 0) == 1000, "not 1000 bytes");
	expect(is_pattern(data, 1000, 0, 4), "other data");
	in = (struct fuse_setattr_in){.valid = FATTR_SIZE | FATTR_FH, .fh = file.fh, .size = 3000};
	expect_ok(fuse_setattr(client, file.node, &in, &attr));
	expect(fuse_read(client, &file, data, 4096, 0) == 3000, "not 3000 bytes");
	expect(data[1000] == 0 && data[2999] == 0, "what was cut off is back");
	return PASSED;
}

static enum verdict is_truncated_by_open(struct client *client)
{
	struct fuse_attr attr;
	struct file file;

	if (!(client->init.flags & FUSE_ATOMIC_O_TRUNC))
		return skipped("the server has no ATOMIC_O_TRUNC");
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect(fuse_write(client, &file, "data", 4, 0) == 4, "WRITE");
	expect_ok(fuse_release(client, &file));
	expect_ok(fuse_open(client, file.node, O_WRONLY | O_TRUNC, &file));
	expect_ok(fuse_getattr(client, file.node, &attr));
	expect(attr.size == 0, "%llu bytes", (unsigned long long)attr.size);
	return PASSED;
}

static enum verdict outlives_its_name(struct client *client)
{
	struct fuse_attr attr;
	struct file file;
	char data[4];

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect(fuse_write(client, &file, "data", 4, 0) == 4, "WRITE");
	expect_ok(fuse_unlink(client, client->directory, "file"));
	expect(fuse_read(client, &file, data, 4, 0) == 4, "READ");
	expect(memcmp(data, "data", 4) == 0, "other data");
	expect_ok(fuse_getattr(client, file.node, &attr));
	expect(attr.nlink == 0, "%u links", attr.nlink);
	return PASSED;
}

static int fallocate_by(struct client *client, const struct file *file, uint32_t mode,
	uint64_t offset, uint64_t length)
{
	struct fuse_fallocate_in in = {
		.fh = file->fh, .offset = offset, .length = length, .mode = mode};
	struct op op = {.opcode = FUSE_FALLOCATE, .node = file->node, .in = {PART(in)}};

	return (int)op_run(client, &op);
}

static enum verdict is_allocated(struct client *client)
{
	struct fuse_attr attr;
	struct file file;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_supported("FALLOCATE", fallocate_by(client, &file, 0, 0, 10000));
	expect_ok(fuse_getattr(client, file.node, &attr));
	expect(attr.size == 10000, "%llu bytes", (unsigned long long)attr.size);
	expect_ok(fallocate_by(client, &file, FALLOC_FL_KEEP_SIZE, 0, 20000));
	expect_ok(fuse_getattr(client, file.node, &attr));
	expect(attr.size == 10000, "%llu bytes", (unsigned long long)attr.size);
	return PASSED;
}

static long seek(struct client *client, const struct file *file, uint64_t offset, uint32_t whence)
{
	struct fuse_lseek_in in = {.fh = file->fh, .offset = offset, .whence = whence};
	struct fuse_lseek_out out;
	struct op op = {.opcode = FUSE_LSEEK,
		.node = file->node,
		.in = {PART(in)},
		.out = &out,
		.room = sizeof(out)};
	ssize_t r = op_run(client, &op);

	return r < 0 ? r : (long)out.offset;
}

/* A file system may have no holes: all is data then, and the hole is at the end. */
static enum verdict is_sought_in(struct client *client)
{
	struct file file;
	long hole;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect(fuse_write(client, &file, "end", 3, 1 << 20) == 3, "WRITE");
	expect_supported("LSEEK", seek(client, &file, 0, SEEK_DATA));
	hole = seek(client, &file, 0, SEEK_HOLE);
	expect(hole == 0 || hole == (1 << 20) + 3, "a hole at %ld", hole);
	expect(seek(client, &file, 1 << 20, SEEK_DATA) == 1 << 20, "no data at the end");
	expect_error(ENXIO, seek(client, &file, (1 << 20) + 3, SEEK_DATA));
	return PASSED;
}

static enum verdict is_copied_by_the_server(struct client *client)
{
	char *data = client_scratch(client, SIZE);
	struct file from, to;
	struct fuse_copy_file_range_in in = {.off_in = 100, .off_out = 10, .len = 50000};
	struct fuse_write_out out;
	struct op op = {
		.opcode = FUSE_COPY_FILE_RANGE, .in = {PART(in)}, .out = &out, .room = sizeof(out)};

	fill_pattern(data, SIZE, 0, 5);
	expect_ok(fuse_create(client, client->directory, "from", &from));
	expect_ok(fuse_create(client, client->directory, "to", &to));
	expect_ok(fuse_write_all(client, &from, data, SIZE));
	op.node = from.node;
	in.fh_in = from.fh;
	in.nodeid_out = to.node;
	in.fh_out = to.fh;
	expect_supported("COPY_FILE_RANGE", op_run(client, &op));
	expect(out.size == 50000, "%u bytes", out.size);
	expect_ok(fuse_read_all(client, &to, data, 50010));
	expect(is_pattern(data + 10, 50000, 100, 5), "other data");
	return PASSED;
}

static enum verdict has_a_file_system(struct client *client)
{
	struct fuse_kstatfs st;

	expect_ok(fuse_statfs(client, &st));
	expect(st.bsize && st.blocks && st.bfree <= st.blocks && st.namelen >= 14,
		"%llu of %llu blocks of %u bytes, names of %u", (unsigned long long)st.bfree,
		(unsigned long long)st.blocks, st.bsize, st.namelen);
	return PASSED;
}

static enum verdict is_synchronised(struct client *client)
{
	struct fuse_syncfs_in in = {0};
	struct op op = {.opcode = FUSE_SYNCFS, .node = FUSE_ROOT_ID, .in = {PART(in)}};

	expect_supported("SYNCFS", op_run(client, &op));
	return PASSED;
}

#define FILES_CHECK(name, run)                                \
	{                                                     \
		"files/" name, run, NEEDS_SESSION, {0}, false \
	}

static const struct check checks[] = {
	FILES_CHECK("read-is-what-was-written", read_is_what_was_written),
	FILES_CHECK("survives-its-handle", survives_its_handle),
	FILES_CHECK("survives-its-session", survives_its_session),
	FILES_CHECK("has-holes", has_holes),
	FILES_CHECK("is-truncated", is_truncated),
	FILES_CHECK("is-truncated-by-open", is_truncated_by_open),
	FILES_CHECK("outlives-its-name", outlives_its_name),
	FILES_CHECK("is-allocated", is_allocated),
	FILES_CHECK("is-sought-in", is_sought_in),
	FILES_CHECK("is-copied-by-the-server", is_copied_by_the_server),
	FILES_CHECK("has-a-file-system", has_a_file_system),
	FILES_CHECK("is-synchronised", is_synchronised),
};

const struct check_list files_checks = CHECK_LIST(checks);
