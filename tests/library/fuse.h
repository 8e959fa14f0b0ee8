/* SPDX-License-Identifier: MIT */
/* One FUSE operation at a time: sent, waited for, its answer copied. */
#ifndef LIBRARY_FUSE_H
#define LIBRARY_FUSE_H

#include <fcntl.h>
#include <string.h>
#include <sys/types.h>

#include "client.h"

struct part {
	const void *data;
	size_t size;
};

/* A message is a header and parts; a part without bytes is none. */
struct op {
	uint32_t opcode;
	uint64_t node;
	struct part in[3];
	void *out; /* for the answer's body */
	size_t room;
};

#define PART(thing)                     \
	{                               \
		&(thing), sizeof(thing) \
	}
#define NAME(name)                       \
	{                                \
		(name), strlen(name) + 1 \
	}

/* A prepared request; NULL: none is free, or it cannot be prepared. */
struct vfs_request *op_build(struct vfs_queue *queue, const struct op *op);

/* Writes the message and says how long it is. */
size_t op_write(struct vfs_request *request, const struct op *op);

/* Bytes of the answer's body that were copied, or the server's error. */
ssize_t op_run(struct client *client, const struct op *op);

/* Waits for the next answer, which is to be this request's; its error, or -EBADMSG. */
int op_wait(struct client *client, struct vfs_request *request);

/* Where an answer's body is copied to; bytes, or its error. */
ssize_t op_answer(const struct vfs_request *request, void *out, size_t room);

/*
 * Many operations of a queue, as many at once as it has requests. make() says what the i-th one is,
 * and what it points to has to last until the next call; answered() looks at the answer (NULL: it
 * only has to succeed).
 */
struct stream {
	unsigned int count;
	void (*make)(void *ctx, unsigned int i, struct op *op);
	int (*answered)(void *ctx, unsigned int i, const struct vfs_request *request);
	void *ctx;
	/* How it waits, NULL: by vfs_queue_wait() */
	int (*wait)(struct vfs_queue *queue);
};

/* 0, the first error, or -EBADMSG when not each one was answered once. */
int stream_run(struct vfs_queue *queue, const struct stream *stream);

int fuse_lookup(
	struct client *client, uint64_t parent, const char *name, struct fuse_entry_out *entry);
int fuse_getattr(struct client *client, uint64_t node, struct fuse_attr *attr);
int fuse_setattr(struct client *client, uint64_t node, const struct fuse_setattr_in *in,
	struct fuse_attr *attr);
int fuse_mkdir(
	struct client *client, uint64_t parent, const char *name, struct fuse_entry_out *entry);
int fuse_mknod(struct client *client, uint64_t parent, const char *name, mode_t mode,
	struct fuse_entry_out *entry);
int fuse_unlink(struct client *client, uint64_t parent, const char *name);
int fuse_rmdir(struct client *client, uint64_t parent, const char *name);

/* Flags: 0 by RENAME, others by RENAME2. */
int fuse_rename(struct client *client, uint64_t from, const char *name, uint64_t to,
	const char *new_name, unsigned int flags);
int fuse_symlink(struct client *client, uint64_t parent, const char *name, const char *target,
	struct fuse_entry_out *entry);
ssize_t fuse_readlink(struct client *client, uint64_t node, char *target, size_t size);
int fuse_link(struct client *client, uint64_t node, uint64_t parent, const char *name,
	struct fuse_entry_out *entry);
int fuse_statfs(struct client *client, struct fuse_kstatfs *st);

struct file {
	uint64_t node;
	uint64_t fh;
};

/* For reading and writing, mode 0644. */
int fuse_create(struct client *client, uint64_t parent, const char *name, struct file *file);
int fuse_open(struct client *client, uint64_t node, uint32_t flags, struct file *file);
int fuse_release(struct client *client, const struct file *file);
int fuse_flush(struct client *client, const struct file *file);
int fuse_fsync(struct client *client, const struct file *file);
ssize_t fuse_read(
	struct client *client, const struct file *file, void *data, uint32_t size, uint64_t offset);
ssize_t fuse_write(struct client *client, const struct file *file, const void *data, uint32_t size,
	uint64_t offset);
int fuse_opendir(struct client *client, uint64_t node, struct file *file);
int fuse_releasedir(struct client *client, const struct file *file);
ssize_t fuse_readdir(struct client *client, uint32_t opcode, const struct file *directory,
	void *entries, uint32_t size, uint64_t offset);

/* All of it, in pieces that a request holds. */
int fuse_write_all(struct client *client, const struct file *file, const void *data, size_t size);
int fuse_read_all(struct client *client, const struct file *file, void *data, size_t size);

/* With all that is in it. */
int remove_tree(struct client *client, uint64_t parent, const char *name);

/* Bytes that differ with the seed and with their place in a file. */
void fill_pattern(void *data, size_t size, uint64_t offset, unsigned int seed);
bool is_pattern(const void *data, size_t size, uint64_t offset, unsigned int seed);

#endif
