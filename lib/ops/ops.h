/* SPDX-License-Identifier: MIT */
/*
 * Operations: how each is written into a request, how its answer is checked and handed out. Both go
 * by the description of its opcode (fuse/opcode.h). Nothing here knows of paths or open files.
 */
#ifndef VFS_OPS_H
#define VFS_OPS_H

#include <stdatomic.h>
#include <stdint.h>

#include <vfs/fuse.h>

#include "core/core.h"
#include "fuse/fuse.h"
#include "fuse/opcode.h"

struct vfs_fuse {
	struct vfs_session *session;
	struct vfs_sync *sync;
	unsigned int timeout_ms; /* of operations that have none; 0: none either */
	_Atomic uint64_t lacks;	 /* a bit for each opcode that the server has not got */
};

static inline bool vfs_fuse_lacks(const struct vfs_fuse *fuse, uint32_t opcode)
{
	return opcode < 64 &&
	       atomic_load_explicit(&fuse->lacks, memory_order_relaxed) >> opcode & 1;
}

static inline bool vfs_agreed(const struct vfs_session *session, uint64_t feature)
{
	return (session->init.flags & feature) != 0;
}

/* As which opcode an operation is sent: newer servers have a newer one for some. */
uint32_t vfs_op_opcode(const struct vfs_op *op, const struct vfs_session *session);

/* vfs_fuse_submit() on one of the shared queues, for those who wait there for the answer. */
int vfs_fuse_submit_on(struct vfs_fuse *fuse, unsigned int queue, struct vfs_op *op,
	vfs_op_done_fn *done, void *ctx);

/* ---- writing a message (message.c) ---- */

struct vfs_message {
	uint8_t *start;
	size_t length; /* that were written */
	size_t room;   /* for more */
	bool full;     /* something found none */
};

void vfs_message_put(struct vfs_message *message, const void *bytes, size_t length);

/*
 * What follows the names of an operation that makes a file: a label and a group, as far as the
 * server has agreed to them. Returns their length in units of 8 bytes, for the header.
 */
uint16_t vfs_message_put_extensions(
	struct vfs_message *message, const struct vfs_op *op, const struct vfs_session *session);

/* ---- what is right in an answer (valid.c); -EIO with a message if it is not ---- */

int vfs_check_attr(const struct fuse_attr *attr);
int vfs_check_statx(const struct vfs_fuse_statx *stat);
/* Without a node only how long that holds counts. */
int vfs_check_entry(const struct fuse_entry_out *entry);
int vfs_check_nsec(uint32_t nsec, const char *what);

#endif
