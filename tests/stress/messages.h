/* SPDX-License-Identifier: MIT */
/* FUSE calls by the synchronous layer, each counted. 0, or a negative error. */
#ifndef STRESS_MESSAGES_H
#define STRESS_MESSAGES_H

#include <stdint.h>

#include <vfs/sync.h>

#define STRESS_OPCODES 64u
#define BLOCK	       4096u

/* One thread's. */
struct client {
	struct vfs_session *session;
	struct vfs_sync *sync;
	uint64_t sent[STRESS_OPCODES];
	uint64_t forgotten; /* lookups */
};

/* A message of its header, arguments and data; the answer's body is copied to @out, up to @size. */
int client_call(struct client *c, uint32_t opcode, uint64_t node, const struct iovec parts[2],
	void *out, size_t size);

int client_lookup(struct client *c, const char *name, struct fuse_entry_out *entry);
int client_forget(struct client *c, uint64_t node, uint64_t lookups);
int client_create(struct client *c, const char *name, uint32_t flags, uint64_t *node, uint64_t *fh);
int client_release(struct client *c, uint64_t node, uint64_t fh);
int client_getattr(struct client *c, uint64_t node);
int client_statfs(struct client *c);

/* A whole block at a multiple of BLOCK. */
int client_read(struct client *c, uint64_t node, uint64_t fh, uint64_t block, void *data);
int client_write(struct client *c, uint64_t node, uint64_t fh, uint64_t block, const void *data);

#endif
