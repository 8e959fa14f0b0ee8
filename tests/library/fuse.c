/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuse.h"

#define NONE            \
	{               \
		NULL, 0 \
	}

/* An answer of another size than the one that there has to be is no answer. */
static int run_exactly(struct client *client, const struct op *op)
{
	ssize_t n = op_run(client, op);

	if (n < 0)
		return (int)n;
	return (size_t)n == op->room ? 0 : -EBADMSG;
}

static int run_for_entry(struct client *client, struct op *op, struct fuse_entry_out *entry)
{
	op->out = entry;
	op->room = sizeof(*entry);
	return run_exactly(client, op);
}

int fuse_lookup(
	struct client *client, uint64_t parent, const char *name, struct fuse_entry_out *entry)
{
	struct op op = {.opcode = FUSE_LOOKUP, .node = parent, .in = {NAME(name)}};
	int r = run_for_entry(client, &op, entry);

	/* A node of 0 is one that is known not to be there. */
	return r == 0 && entry->nodeid == 0 ? -ENOENT : r;
}

int fuse_getattr(struct client *client, uint64_t node, struct fuse_attr *attr)
{
	struct fuse_getattr_in in = {0};
	struct fuse_attr_out out;
	struct op op = {.opcode = FUSE_GETATTR,
		.node = node,
		.in = {PART(in)},
		.out = &out,
		.room = sizeof(out)};
	int r = run_exactly(client, &op);

	if (r == 0)
		*attr = out.attr;
	return r;
}

int fuse_setattr(struct client *client, uint64_t node, const struct fuse_setattr_in *in,
	struct fuse_attr *attr)
{
	struct fuse_attr_out out;
	struct op op = {.opcode = FUSE_SETATTR,
		.node = node,
		.in = {PART(*in)},
		.out = &out,
		.room = sizeof(out)};
	int r = run_exactly(client, &op);

	if (r == 0)
		*attr = out.attr;
	return r;
}

int fuse_mkdir(
	struct client *client, uint64_t parent, const char *name, struct fuse_entry_out *entry)
{
	struct fuse_mkdir_in in = {.mode = 0755};
	struct op op = {.opcode = FUSE_MKDIR, .node = parent, .in = {PART(in), NAME(name)}};

	return run_for_entry(client, &op, entry);
}

int fuse_mknod(struct client *client, uint64_t parent, const char *name, mode_t mode,
	struct fuse_entry_out *entry)
{
	struct fuse_mknod_in in = {.mode = mode};
	struct op op = {.opcode = FUSE_MKNOD, .node = parent, .in = {PART(in), NAME(name)}};

	return run_for_entry(client, &op, entry);
}

int fuse_unlink(struct client *client, uint64_t parent, const char *name)
{
	struct op op = {.opcode = FUSE_UNLINK, .node = parent, .in = {NAME(name)}};

	return run_exactly(client, &op);
}

int fuse_rmdir(struct client *client, uint64_t parent, const char *name)
{
	struct op op = {.opcode = FUSE_RMDIR, .node = parent, .in = {NAME(name)}};

	return run_exactly(client, &op);
}

int fuse_rename(struct client *client, uint64_t from, const char *name, uint64_t to,
	const char *new_name, unsigned int flags)
{
	struct fuse_rename_in in = {.newdir = to};
	struct fuse_rename2_in in2 = {.newdir = to, .flags = flags};
	struct op op = {
		.opcode = FUSE_RENAME, .node = from, .in = {PART(in), NAME(name), NAME(new_name)}};

	if (flags) {
		op.opcode = FUSE_RENAME2;
		op.in[0] = (struct part)PART(in2);
	}
	return run_exactly(client, &op);
}

int fuse_symlink(struct client *client, uint64_t parent, const char *name, const char *target,
	struct fuse_entry_out *entry)
{
	struct op op = {.opcode = FUSE_SYMLINK, .node = parent, .in = {NAME(name), NAME(target)}};

	return run_for_entry(client, &op, entry);
}

ssize_t fuse_readlink(struct client *client, uint64_t node, char *target, size_t size)
{
	struct op op = {.opcode = FUSE_READLINK, .node = node, .out = target, .room = size};

	return op_run(client, &op);
}

int fuse_link(struct client *client, uint64_t node, uint64_t parent, const char *name,
	struct fuse_entry_out *entry)
{
	struct fuse_link_in in = {.oldnodeid = node};
	struct op op = {.opcode = FUSE_LINK, .node = parent, .in = {PART(in), NAME(name)}};

	return run_for_entry(client, &op, entry);
}

int fuse_statfs(struct client *client, struct fuse_kstatfs *st)
{
	struct fuse_statfs_out out;
	struct op op = {
		.opcode = FUSE_STATFS, .node = FUSE_ROOT_ID, .out = &out, .room = sizeof(out)};
	int r = run_exactly(client, &op);

	if (r == 0)
		*st = out.st;
	return r;
}

int fuse_create(struct client *client, uint64_t parent, const char *name, struct file *file)
{
	struct fuse_create_in in = {.flags = O_RDWR | O_CREAT | O_EXCL, .mode = S_IFREG | 0644};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out;
	struct op op = {.opcode = FUSE_CREATE,
		.node = parent,
		.in = {PART(in), NAME(name)},
		.out = &out,
		.room = sizeof(out)};
	int r = run_exactly(client, &op);

	if (r == 0)
		*file = (struct file){.node = out.entry.nodeid, .fh = out.open.fh};
	return r;
}

static int open_by(
	struct client *client, uint32_t opcode, uint64_t node, uint32_t flags, struct file *file)
{
	struct fuse_open_in in = {.flags = flags};
	struct fuse_open_out out;
	struct op op = {
		.opcode = opcode, .node = node, .in = {PART(in)}, .out = &out, .room = sizeof(out)};
	int r = run_exactly(client, &op);

	if (r == 0)
		*file = (struct file){.node = node, .fh = out.fh};
	return r;
}

static int release_by(struct client *client, uint32_t opcode, const struct file *file)
{
	struct fuse_release_in in = {.fh = file->fh};
	struct op op = {.opcode = opcode, .node = file->node, .in = {PART(in)}};

	return run_exactly(client, &op);
}

int fuse_open(struct client *client, uint64_t node, uint32_t flags, struct file *file)
{
	return open_by(client, FUSE_OPEN, node, flags, file);
}

int fuse_release(struct client *client, const struct file *file)
{
	return release_by(client, FUSE_RELEASE, file);
}

int fuse_opendir(struct client *client, uint64_t node, struct file *file)
{
	return open_by(client, FUSE_OPENDIR, node, O_DIRECTORY, file);
}

int fuse_releasedir(struct client *client, const struct file *file)
{
	return release_by(client, FUSE_RELEASEDIR, file);
}

int fuse_flush(struct client *client, const struct file *file)
{
	struct fuse_flush_in in = {.fh = file->fh};
	struct op op = {.opcode = FUSE_FLUSH, .node = file->node, .in = {PART(in)}};

	return run_exactly(client, &op);
}

int fuse_fsync(struct client *client, const struct file *file)
{
	struct fuse_fsync_in in = {.fh = file->fh};
	struct op op = {.opcode = FUSE_FSYNC, .node = file->node, .in = {PART(in)}};

	return run_exactly(client, &op);
}

ssize_t fuse_read(
	struct client *client, const struct file *file, void *data, uint32_t size, uint64_t offset)
{
	struct fuse_read_in in = {.fh = file->fh, .offset = offset, .size = size};
	struct op op = {.opcode = FUSE_READ,
		.node = file->node,
		.in = {PART(in)},
		.out = data,
		.room = size};

	return op_run(client, &op);
}

ssize_t fuse_write(struct client *client, const struct file *file, const void *data, uint32_t size,
	uint64_t offset)
{
	struct fuse_write_in in = {.fh = file->fh, .offset = offset, .size = size};
	struct fuse_write_out out;
	struct op op = {.opcode = FUSE_WRITE,
		.node = file->node,
		.in = {PART(in), {data, size}},
		.out = &out,
		.room = sizeof(out)};
	int r = run_exactly(client, &op);

	return r < 0 ? r : (ssize_t)out.size;
}

ssize_t fuse_readdir(struct client *client, uint32_t opcode, const struct file *directory,
	void *entries, uint32_t size, uint64_t offset)
{
	struct fuse_read_in in = {.fh = directory->fh, .offset = offset, .size = size};
	struct op op = {.opcode = opcode,
		.node = directory->node,
		.in = {PART(in)},
		.out = entries,
		.room = size};

	return op_run(client, &op);
}

static uint32_t piece_of(const struct client *client, size_t left)
{
	return left < client->init.max_write ? (uint32_t)left : client->init.max_write;
}

int fuse_write_all(struct client *client, const struct file *file, const void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint32_t piece = piece_of(client, size - done);
		ssize_t n = fuse_write(client, file, (const char *)data + done, piece, done);

		if (n != (ssize_t)piece)
			return n < 0 ? (int)n : -EBADMSG;
		done += piece;
	}
	return 0;
}

int fuse_read_all(struct client *client, const struct file *file, void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint32_t piece = piece_of(client, size - done);
		ssize_t n = fuse_read(client, file, (char *)data + done, piece, done);

		if (n <= 0)
			return n < 0 ? (int)n : -EBADMSG;
		done += (size_t)n;
	}
	return 0;
}
