/* SPDX-License-Identifier: MIT */
/**
 * DOC: Notifications
 *
 * What the server says without being asked: that something has changed behind the client's back, so
 * that what the client remembers of it is no longer true. They travel on a queue of their own
 * (VIRTIO_FS_F_NOTIFICATION, virtio 1.3 §5.11.2), which few devices have. A session has it if it
 * was created with vfs_session_options.notify_buffers and the device offers it; vfs_notify_fd()
 * says whether it does.
 *
 * Notifications belong to one thread at a time, which need not be that of any other queue.
 */
#ifndef VFS_NOTIFY_H
#define VFS_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/fuse_abi.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfs_session;

/**
 * VFS_NOTIFY_LOCK - in place of a code: a lock that was waited for
 *
 * Only with VFS_QUIRK_LOCK_WAIT. The server has answered a SETLKW of this @unique by "wait", and
 * @error is how it ended. It can come before that answer was reaped.
 */
#define VFS_NOTIFY_LOCK 0x10007u

/**
 * struct vfs_notification - one notification
 * @code: FUSE_NOTIFY_* or VFS_FUSE_NOTIFY_*, or VFS_NOTIFY_LOCK. Codes that this library does not
 *        know have @message only.
 * @flags: INVAL_ENTRY: FUSE_EXPIRE_ONLY or 0
 * @node: INVAL_INODE, STORE, RETRIEVE: which; INVAL_ENTRY, DELETE: the directory. Never 0, and
 *        not necessarily a node that the client knows.
 * @child: DELETE: the node that went
 * @name: INVAL_ENTRY, DELETE: a name, not empty, without a slash
 * @offset: INVAL_INODE: where data changed, negative if only attributes did; STORE, RETRIEVE: where
 *          the data is, not negative, and with @length not beyond INT64_MAX
 * @length: INVAL_INODE: 0 or negative for up to the end; STORE, RETRIEVE: bytes of data
 * @data: STORE: @length bytes
 * @unique: RETRIEVE: unique of the message that answers it; LOCK: of the request
 * @handle: POLL: fuse_poll_in.kh of who waits
 * @error: LOCK: 0 or a negative errno
 * @nodes: PRUNE: nodes to forget if they are not in use
 * @num_nodes: PRUNE: how many
 * @message: the whole message, its struct fuse_out_header in front
 * @message_length: bytes of it
 *
 * Pointers are into a private copy and valid until the next vfs_notify_next().
 *
 * RETRIEVE is answered by a FUSE_NOTIFY_REPLY message on any request queue: a fuse_in_header with
 * @unique and @node, a fuse_notify_retrieve_in, and data. To it comes no answer.
 */
struct vfs_notification {
	uint32_t code;
	uint32_t flags;
	uint64_t node;
	uint64_t child;
	const char *name;
	int64_t offset;
	int64_t length;
	const void *data;
	uint64_t unique;
	uint64_t handle;
	int error;
	const uint64_t *nodes;
	size_t num_nodes;
	const void *message;
	size_t message_length;
};

/**
 * struct vfs_notify_counters - what has come so far
 * @delivered: by vfs_notify_next(), those of unknown codes too
 * @unknown: of these, how many had a code that the library does not know
 * @malformed: dropped because they were against the protocol; the log says why, once for each code
 */
struct vfs_notify_counters {
	uint64_t delivered;
	uint64_t unknown;
	uint64_t malformed;
};

/**
 * vfs_notify_next() - take the next notification
 * @session: the session
 * @notification: where to put it
 *
 * They come in the order in which the device sent them. Never blocks.
 *
 * Return: 1 if there was one, 0 if there is none now, or
 *
 *   * ``-ENOTSUP``: the session has no notification queue
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone
 */
int vfs_notify_next(struct vfs_session *session, struct vfs_notification *notification);

/**
 * vfs_notify_arm() - make vfs_notify_fd() say when there is one
 * @session: the session
 *
 * Return: true if there may be one already: call vfs_notify_next() first
 */
bool vfs_notify_arm(struct vfs_session *session);

/**
 * vfs_notify_fd() - a descriptor that polls readable when there may be notifications
 * @session: the session
 *
 * It says so only after vfs_notify_arm() has returned false, and until the next vfs_notify_next().
 *
 * Return: the descriptor, which belongs to the session, or
 *
 *   * ``-ENOTSUP``: the session has no notification queue
 *   * another negative value: the device has no interrupts; call vfs_notify_next() now and then
 */
int vfs_notify_fd(const struct vfs_session *session);

/**
 * vfs_notify_counters() - the counters; they belong to the thread that takes notifications
 * @session: the session
 *
 * Return: counters that live as long as the session and change with it
 */
const struct vfs_notify_counters *vfs_notify_counters(const struct vfs_session *session);

#ifdef __cplusplus
}
#endif

#endif
