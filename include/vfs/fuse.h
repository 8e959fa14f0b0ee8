/* SPDX-License-Identifier: MIT */
/**
 * DOC: Operations
 *
 * FUSE operations on nodes, each as a C function with its arguments. An operation is a struct
 * vfs_op that the caller owns: one of the vfs_op_*() functions fills it in, and it is then
 *
 * * called: vfs_fuse_call() sends it and waits; any thread may call it, or
 * * submitted: vfs_fuse_submit() sends it, and a function is called when its answer is there, or
 * * put into a request of a queue that the program drives itself: vfs_op_encode(), the functions of
 *   request.h, vfs_op_finish().
 *
 * Each encodes the message in the form that was negotiated with the server, and checks what is in
 * the answer before it is handed out. Paths, open files and caches are one floor above, in file.h.
 */
#ifndef VFS_FUSE_H
#define VFS_FUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <vfs/caller.h>
#include <vfs/fuse_abi.h>
#include <vfs/request.h>
#include <vfs/session.h>
#include <vfs/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the connection ---- */

/** struct vfs_fuse - a FUSE connection whose queues all threads may use; opaque */
struct vfs_fuse;

/**
 * struct vfs_fuse_options - how to connect; all zero is the default
 * @require: FUSE_* features without which there is no connection
 * @forbid: FUSE_* features that are not offered to the server
 * @allow: FUSE_* features to offer beside those that the library offers by itself. They change
 *         messages or duties of a client: whoever names one honours it. What a caller may not keep
 *         (FUSE_HANDLE_KILLPRIV_V2) and his umask are the library's to see to.
 * @max_readahead: bytes, 0 for no limit
 * @timeout_ms: how long an operation may take that has no time limit of its own; 0: any time
 */
struct vfs_fuse_options {
	uint64_t require;
	uint64_t forbid;
	uint64_t allow;
	uint32_t max_readahead;
	unsigned int timeout_ms;
};

/**
 * vfs_fuse_connect() - make the FUSE connection, and take over all request queues
 * @session: a session without a connection; it has to outlive what is created here
 * @options: NULL for the defaults
 * @result: where to put it; unchanged on error
 *
 * Does what vfs_session_init() and vfs_sync_create() do.
 *
 * Return: 0, or
 *
 *   * ``-EOPNOTSUPP``: the server has not got a feature that is required; the message names it
 *   * ``-EINVAL``: a feature is required and forbidden
 *   * the errors of vfs_session_init() and vfs_sync_create()
 */
int vfs_fuse_connect(struct vfs_session *session, const struct vfs_fuse_options *options,
	struct vfs_fuse **result);

/**
 * vfs_fuse_disconnect() - give the queues back to the session
 * @fuse: the connection, or NULL. No operation may be under way; see vfs_fuse_sync().
 */
void vfs_fuse_disconnect(struct vfs_fuse *fuse);

/**
 * vfs_fuse_sync() - the shared queues of a connection
 * @fuse: the connection
 *
 * For vfs_sync_drain(), vfs_sync_start_threads() and requests of the program's own.
 *
 * Return: the queues, which belong to the connection
 */
struct vfs_sync *vfs_fuse_sync(struct vfs_fuse *fuse);

/**
 * struct vfs_session_info - what was negotiated
 * @wanted: FUSE_* features that were offered to the server
 * @offered: those that the server has
 * @agreed: those in both
 * @minor: the protocol minor that both speak
 * @init: all of the server's answer, see struct vfs_init
 * @virtio: virtio features that were agreed on
 * @max_payload: largest data of one request in bytes
 * @num_queues: request queues in use
 *
 * vfs_feature_name() has names for the bits.
 */
struct vfs_session_info {
	uint64_t wanted;
	uint64_t offered;
	uint64_t agreed;
	uint32_t minor;
	struct vfs_init init;
	uint64_t virtio;
	size_t max_payload;
	unsigned int num_queues;
};

/**
 * vfs_session_info() - what was negotiated
 * @session: the session
 * @info: where to put it; before vfs_session_init() there are no FUSE features in it
 */
void vfs_session_info(const struct vfs_session *session, struct vfs_session_info *info);

/**
 * vfs_feature_name() - the name of a FUSE feature
 * @bit: its number, 0 to 63
 *
 * Return: its name in the protocol without ``FUSE_`` and in lower case, as in "writeback_cache";
 * NULL if no feature has this bit
 */
const char *vfs_feature_name(unsigned int bit);

/**
 * vfs_feature_parse() - the feature of a name
 * @name: as vfs_feature_name() has it; case does not count
 *
 * Return: the FUSE_* bit, 0 if there is none of this name
 */
uint64_t vfs_feature_parse(const char *name);

/* ---- one operation ---- */

/**
 * struct vfs_security_context - a label that a new file gets (FUSE_SECURITY_CTX)
 * @name: of the extended attribute, as in "security.selinux"
 * @value: the label
 * @size: bytes of @value
 */
struct vfs_security_context {
	const char *name;
	const void *value;
	uint32_t size;
};

/**
 * union vfs_op_args - the fixed arguments of an operation, as they are sent
 * @getattr: GETATTR
 * @setattr: SETATTR
 * @statx: STATX
 * @mknod: MKNOD
 * @mkdir: MKDIR
 * @rename: RENAME, RENAME2
 * @link: LINK
 * @open: OPEN, OPENDIR
 * @create: CREATE, TMPFILE
 * @read: READ, READDIR, READDIRPLUS
 * @write: WRITE
 * @flush: FLUSH
 * @fsync: FSYNC, FSYNCDIR
 * @release: RELEASE, RELEASEDIR
 * @setxattr: SETXATTR
 * @getxattr: GETXATTR, LISTXATTR
 * @access: ACCESS
 * @lock: GETLK, SETLK, SETLKW
 * @bmap: BMAP
 * @ioctl: IOCTL
 * @poll: POLL
 * @fallocate: FALLOCATE
 * @lseek: LSEEK
 * @copy: COPY_FILE_RANGE, COPY_FILE_RANGE_64
 * @setupmapping: SETUPMAPPING
 * @removemapping: REMOVEMAPPING
 * @syncfs: SYNCFS
 * @retrieve: NOTIFY_REPLY
 */
union vfs_op_args {
	struct fuse_getattr_in getattr;
	struct fuse_setattr_in setattr;
	struct vfs_fuse_statx_in statx;
	struct fuse_mknod_in mknod;
	struct fuse_mkdir_in mkdir;
	struct fuse_rename2_in rename;
	struct fuse_link_in link;
	struct fuse_open_in open;
	struct fuse_create_in create;
	struct fuse_read_in read;
	struct fuse_write_in write;
	struct fuse_flush_in flush;
	struct fuse_fsync_in fsync;
	struct fuse_release_in release;
	struct fuse_setxattr_in setxattr;
	struct fuse_getxattr_in getxattr;
	struct fuse_access_in access;
	struct fuse_lk_in lock;
	struct fuse_bmap_in bmap;
	struct fuse_ioctl_in ioctl;
	struct fuse_poll_in poll;
	struct fuse_fallocate_in fallocate;
	struct fuse_lseek_in lseek;
	struct fuse_copy_file_range_in copy;
	struct fuse_setupmapping_in setupmapping;
	struct fuse_removemapping_in removemapping;
	struct fuse_syncfs_in syncfs;
	struct fuse_notify_retrieve_in retrieve;
};

/**
 * struct vfs_created - what CREATE and TMPFILE answer
 * @entry: the new node
 * @open: the open file
 */
struct vfs_created {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

/**
 * union vfs_op_answer - the answer of an operation, but for data of variable size
 * @entry: LOOKUP, MKNOD, MKDIR, SYMLINK, LINK
 * @attr: GETATTR, SETATTR
 * @statx: STATX
 * @open: OPEN, OPENDIR
 * @created: CREATE, TMPFILE
 * @statfs: STATFS
 * @lock: GETLK
 * @block: BMAP
 * @ioctl: IOCTL
 * @events: POLL
 * @offset: LSEEK
 */
union vfs_op_answer {
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;
	struct vfs_fuse_statx_out statx;
	struct fuse_open_out open;
	struct vfs_created created;
	struct fuse_kstatfs statfs;
	struct fuse_file_lock lock;
	uint64_t block;
	struct fuse_ioctl_out ioctl;
	uint32_t events;
	uint64_t offset;
};

/**
 * struct vfs_op - one operation
 * @opcode: FUSE_*
 * @node: on which node
 * @unique: NOTIFY_REPLY: of the notification; 0 for all others
 * @names: one or two names, or a name and the target of a symbolic link; not copied
 * @args: fixed arguments
 * @data: of WRITE, SETXATTR, IOCTL and NOTIFY_REPLY what is sent, of operations that answer with
 *        data where that goes; not copied. It may be registered memory (memory.h), but for IOCTL
 *        and READLINK. Its size is the one that the server is told.
 * @data_count: pieces of @data
 * @out: IOCTL: where its data goes; REMOVEMAPPING: NULL
 * @ranges: REMOVEMAPPING: args.removemapping.count ranges; not copied
 * @caller: with whose rights; NULL: vfs_caller_get()
 * @context: CREATE, TMPFILE, MKNOD, MKDIR, SYMLINK: a label; NULL: none
 * @group: the same: the supplementary group that the new file may get, with @has_group
 *         (FUSE_CREATE_SUPP_GROUP)
 * @has_group: whether @group counts
 * @timeout_ms: how long it may take; 0: as the connection's options say
 * @answer: what came
 * @result: 0, or how many bytes came or were taken (READ, WRITE, READDIR, READLINK, xattr,
 *          COPY_FILE_RANGE), or the error (negative errno)
 * @answered: the server has answered; if not, and it was sent, nobody knows what has become of it
 *
 * What an operation points to has to last until it is done. The vfs_op_*() functions clear all that
 * they do not set. Fields may be changed after that and before it is sent.
 */
struct vfs_op {
	uint32_t opcode;
	uint64_t node;
	uint64_t unique;
	const char *names[2];
	union vfs_op_args args;
	const struct iovec *data;
	unsigned int data_count;
	struct iovec out;
	const struct fuse_removemapping_one *ranges;
	const struct vfs_caller *caller;
	const struct vfs_security_context *context;
	gid_t group;
	bool has_group;
	unsigned int timeout_ms;
	union vfs_op_answer answer;
	int64_t result;
	bool answered;
	/* private: of vfs_fuse_call(): the device may have been told of it */
	bool begun;
	/* private: of vfs_fuse_submit() */
	struct vfs_fuse *fuse;
	void (*done)(struct vfs_op *op, void *ctx);
	void *ctx;
};

/**
 * vfs_fuse_call() - do an operation and wait for it
 * @fuse: the connection
 * @op: the operation
 *
 * Any thread may call it, but no callback. What the server has once answered by ``-ENOSYS`` is not
 * sent again, for those opcodes of which Linux remembers it too: not where it may be meant for the
 * arguments alone (IOCTL, locks), nor where no server does without (LOOKUP, GETATTR, ...). FORGET,
 * BATCH_FORGET, INTERRUPT, INIT and DESTROY are no operations: see vfs_forget(), vfs_sync_cancel(),
 * the session.
 *
 * Return: @op->result: 0 or more, or
 *
 *   * the server's error; ``-ENOSYS`` if it has not got the operation
 *   * ``-EINVAL``: the arguments cannot be a message: a name is empty or has a slash, ...
 *   * ``-ENAMETOOLONG``, ``-E2BIG``: a name or the data is larger than a request
 *   * ``-EIO``: the answer is against the protocol, or the device has failed. A lookup that came
 *     with it was given back.
 *   * ``-ETIMEDOUT``: not answered in time; it may have been done
 *   * ``-ENODEV``: the device is gone
 */
int64_t vfs_fuse_call(struct vfs_fuse *fuse, struct vfs_op *op);

/**
 * typedef vfs_op_done_fn - an operation is done
 * @op: its result and answer are there; it is the caller's again
 * @ctx: as it was given
 *
 * See vfs_sync_done_fn of what may be called.
 */
typedef void vfs_op_done_fn(struct vfs_op *op, void *ctx);

/**
 * vfs_fuse_submit() - do an operation, and have a function called when it is done
 * @fuse: the connection
 * @op: the operation; not to be touched until then
 * @done: called once, by a thread that collects answers (see sync.h)
 * @ctx: for @done
 *
 * It waits only if all requests of the queues are in use; in a callback it does not, and fails.
 *
 * Return: 0, or the error, and @done is not called: those of vfs_fuse_call(), and ``-EDEADLK``: no
 * request is free, in a callback
 */
int vfs_fuse_submit(struct vfs_fuse *fuse, struct vfs_op *op, vfs_op_done_fn *done, void *ctx);

/**
 * vfs_op_encode() - write an operation into a request of the program's own
 * @op: the operation
 * @request: a request that is not in flight; it is prepared then
 *
 * The message has the form that the request's session has negotiated.
 *
 * Return: 0, or the errors of vfs_fuse_call() that concern the arguments
 */
int vfs_op_encode(struct vfs_op *op, struct vfs_request *request);

/**
 * vfs_op_finish() - take the answer out of a request that was reaped
 * @op: the operation that was encoded into it
 * @request: the request; still to be put back
 *
 * Return: @op->result, as of vfs_fuse_call()
 */
int64_t vfs_op_finish(struct vfs_op *op, const struct vfs_request *request);

/* ---- the operations ---- */

/**
 * vfs_op_lookup() - look a name up in a directory (FUSE_LOOKUP)
 * @op: the operation
 * @parent: the directory
 * @name: the name; ".." and "." with FUSE_EXPORT_SUPPORT
 *
 * Answer: entry. A nodeid of 0 says that there is no such name, for as long as the entry is
 * valid. Any other counts one lookup, which is given back by vfs_forget().
 */
void vfs_op_lookup(struct vfs_op *op, uint64_t parent, const char *name);

/**
 * vfs_op_getattr() - ask for attributes (FUSE_GETATTR)
 * @op: the operation
 * @node: the node
 *
 * With an open file set args.getattr.fh, and FUSE_GETATTR_FH in args.getattr.getattr_flags.
 * Answer: attr.
 */
void vfs_op_getattr(struct vfs_op *op, uint64_t node);

/**
 * vfs_op_setattr() - change attributes (FUSE_SETATTR)
 * @op: the operation
 * @node: the node
 * @in: FATTR_* in valid say which; copied
 *
 * Answer: attr.
 */
void vfs_op_setattr(struct vfs_op *op, uint64_t node, const struct fuse_setattr_in *in);

/**
 * vfs_op_statx() - ask for attributes, the time of birth too (FUSE_STATX, minor 39)
 * @op: the operation
 * @node: the node
 * @flags: AT_STATX_*
 * @mask: STATX_*
 *
 * Answer: statx. ``-ENOSYS`` with an older server.
 */
void vfs_op_statx(struct vfs_op *op, uint64_t node, uint32_t flags, uint32_t mask);

/**
 * vfs_op_readlink() - read a symbolic link (FUSE_READLINK)
 * @op: the operation
 * @node: the link
 * @target: where its target goes; PATH_MAX bytes hold any; no NUL is added
 *
 * Result: bytes of the target, none of which is NUL.
 */
void vfs_op_readlink(struct vfs_op *op, uint64_t node, const struct iovec *target);

/**
 * vfs_op_symlink() - make a symbolic link (FUSE_SYMLINK)
 * @op: the operation
 * @parent: the directory
 * @name: the new name
 * @target: what it says
 *
 * Answer: entry, and one lookup.
 */
void vfs_op_symlink(struct vfs_op *op, uint64_t parent, const char *name, const char *target);

/**
 * vfs_op_mknod() - make a file (FUSE_MKNOD)
 * @op: the operation
 * @parent: the directory
 * @name: the new name
 * @mode: type and permissions, before the caller's umask
 * @device: of a device file
 *
 * Answer: entry, and one lookup.
 */
void vfs_op_mknod(struct vfs_op *op, uint64_t parent, const char *name, mode_t mode, dev_t device);

/**
 * vfs_op_mkdir() - make a directory (FUSE_MKDIR)
 * @op: the operation
 * @parent: the directory
 * @name: the new name
 * @mode: permissions, before the caller's umask
 *
 * Answer: entry, and one lookup.
 */
void vfs_op_mkdir(struct vfs_op *op, uint64_t parent, const char *name, mode_t mode);

/**
 * vfs_op_unlink() - remove a name (FUSE_UNLINK)
 * @op: the operation
 * @parent: the directory
 * @name: the name, of anything but a directory
 */
void vfs_op_unlink(struct vfs_op *op, uint64_t parent, const char *name);

/**
 * vfs_op_rmdir() - remove a directory (FUSE_RMDIR)
 * @op: the operation
 * @parent: the directory that has it
 * @name: its name
 */
void vfs_op_rmdir(struct vfs_op *op, uint64_t parent, const char *name);

/**
 * vfs_op_rename() - give something another name (FUSE_RENAME, FUSE_RENAME2)
 * @op: the operation
 * @parent: the directory
 * @name: the name in it
 * @new_parent: the other directory, or the same
 * @new_name: the name there
 * @flags: RENAME_*; with none it is FUSE_RENAME
 */
void vfs_op_rename(struct vfs_op *op, uint64_t parent, const char *name, uint64_t new_parent,
	const char *new_name, unsigned int flags);

/**
 * vfs_op_link() - give a node one more name (FUSE_LINK)
 * @op: the operation
 * @node: the node
 * @parent: the directory
 * @name: the new name
 *
 * Answer: entry, and one lookup.
 */
void vfs_op_link(struct vfs_op *op, uint64_t node, uint64_t parent, const char *name);

/**
 * vfs_op_open() - open a file (FUSE_OPEN)
 * @op: the operation
 * @node: the file
 * @flags: O_* as of open(2), without O_CREAT, O_EXCL and O_NOCTTY, which are taken out, and without
 *         O_TRUNC if FUSE_ATOMIC_O_TRUNC was not agreed: then it is for vfs_op_setattr() to do
 *
 * Answer: open. To be ended by vfs_op_release().
 */
void vfs_op_open(struct vfs_op *op, uint64_t node, int flags);

/**
 * vfs_op_create() - make a file and open it (FUSE_CREATE)
 * @op: the operation
 * @parent: the directory
 * @name: its name
 * @flags: O_* as of open(2)
 * @mode: permissions, before the caller's umask
 *
 * Answer: created, and one lookup.
 */
void vfs_op_create(struct vfs_op *op, uint64_t parent, const char *name, int flags, mode_t mode);

/**
 * vfs_op_tmpfile() - make a file without a name and open it (FUSE_TMPFILE, minor 37)
 * @op: the operation
 * @parent: a directory of the file system to be
 * @flags: O_* as of open(2)
 * @mode: permissions, before the caller's umask
 *
 * Answer: created, and one lookup.
 */
void vfs_op_tmpfile(struct vfs_op *op, uint64_t parent, int flags, mode_t mode);

/**
 * vfs_op_read() - read a file (FUSE_READ)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @offset: from which byte on
 * @data: where it goes
 * @count: pieces of @data; together they are what is asked for
 *
 * Result: bytes that came, fewer than asked for only at the end of the file.
 */
void vfs_op_read(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset,
	const struct iovec *data, unsigned int count);

/**
 * vfs_op_write() - write to a file (FUSE_WRITE)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @offset: from which byte on
 * @data: what is written, at most max_write of the server
 * @count: pieces of @data
 *
 * Result: bytes that were taken.
 */
void vfs_op_write(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset,
	const struct iovec *data, unsigned int count);

/**
 * vfs_op_statfs() - ask about the file system (FUSE_STATFS)
 * @op: the operation
 * @node: any node of it
 *
 * Answer: statfs.
 */
void vfs_op_statfs(struct vfs_op *op, uint64_t node);

/**
 * vfs_op_release() - end an open file (FUSE_RELEASE)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @flags: those of its opening
 *
 * For locks of flock(2) set args.release.release_flags and lock_owner.
 */
void vfs_op_release(struct vfs_op *op, uint64_t node, uint64_t fh, int flags);

/**
 * vfs_op_fsync() - bring a file to stable storage (FUSE_FSYNC)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @data_only: as fdatasync(2)
 */
void vfs_op_fsync(struct vfs_op *op, uint64_t node, uint64_t fh, bool data_only);

/**
 * vfs_op_flush() - an open file was closed by one of its users (FUSE_FLUSH)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @lock_owner: whose POSIX locks end
 */
void vfs_op_flush(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t lock_owner);

/**
 * vfs_op_setxattr() - set an extended attribute (FUSE_SETXATTR)
 * @op: the operation
 * @node: the node
 * @name: of the attribute
 * @value: its value
 * @flags: XATTR_CREATE, XATTR_REPLACE or 0
 */
void vfs_op_setxattr(
	struct vfs_op *op, uint64_t node, const char *name, const struct iovec *value, int flags);

/**
 * vfs_op_getxattr() - read an extended attribute (FUSE_GETXATTR)
 * @op: the operation
 * @node: the node
 * @name: of the attribute
 * @value: where its value goes; NULL or no bytes: only ask for its size
 *
 * Result: bytes of the value; ``-ERANGE`` if there is too little room.
 */
void vfs_op_getxattr(struct vfs_op *op, uint64_t node, const char *name, const struct iovec *value);

/**
 * vfs_op_listxattr() - list extended attributes (FUSE_LISTXATTR)
 * @op: the operation
 * @node: the node
 * @names: where their names go, each with its NUL; NULL or no bytes: only ask for the size
 *
 * Result: bytes of the names; ``-ERANGE`` if there is too little room.
 */
void vfs_op_listxattr(struct vfs_op *op, uint64_t node, const struct iovec *names);

/**
 * vfs_op_removexattr() - remove an extended attribute (FUSE_REMOVEXATTR)
 * @op: the operation
 * @node: the node
 * @name: of the attribute
 */
void vfs_op_removexattr(struct vfs_op *op, uint64_t node, const char *name);

/**
 * vfs_op_opendir() - open a directory (FUSE_OPENDIR)
 * @op: the operation
 * @node: the directory
 * @flags: O_* as of open(2)
 *
 * Answer: open. To be ended by vfs_op_releasedir().
 */
void vfs_op_opendir(struct vfs_op *op, uint64_t node, int flags);

/**
 * vfs_op_readdir() - read entries of a directory (FUSE_READDIR)
 * @op: the operation
 * @node: the directory
 * @fh: as it was opened
 * @offset: 0, or off of the last entry that was read
 * @entries: where they go
 *
 * Result: bytes of entries, for vfs_dirent_next(); 0 at the end.
 */
void vfs_op_readdir(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset,
	const struct iovec *entries);

/**
 * vfs_op_readdirplus() - the same with attributes (FUSE_READDIRPLUS)
 * @op: the operation
 * @node: the directory
 * @fh: as it was opened
 * @offset: 0, or off of the last entry that was read
 * @entries: where they go
 *
 * Result: bytes of entries, for vfs_dirent_next(); 0 at the end. Each entry with a node is a
 * lookup, but for "." and "..".
 */
void vfs_op_readdirplus(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset,
	const struct iovec *entries);

/**
 * vfs_op_releasedir() - end an open directory (FUSE_RELEASEDIR)
 * @op: the operation
 * @node: the directory
 * @fh: as it was opened
 * @flags: those of its opening
 */
void vfs_op_releasedir(struct vfs_op *op, uint64_t node, uint64_t fh, int flags);

/**
 * vfs_op_fsyncdir() - bring a directory to stable storage (FUSE_FSYNCDIR)
 * @op: the operation
 * @node: the directory
 * @fh: as it was opened
 * @data_only: as fdatasync(2)
 */
void vfs_op_fsyncdir(struct vfs_op *op, uint64_t node, uint64_t fh, bool data_only);

/**
 * vfs_op_getlk() - ask who holds a lock (FUSE_GETLK)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @owner: for whom
 * @lock: which lock, first and last byte; copied, but for its pid
 *
 * Answer: lock; its type is F_UNLCK if there is none in the way.
 */
void vfs_op_getlk(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t owner,
	const struct fuse_file_lock *lock);

/**
 * vfs_op_setlk() - take or end a lock (FUSE_SETLK, FUSE_SETLKW)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @owner: for whom
 * @lock: which lock; copied
 * @wait: wait for it
 *
 * For flock(2) set args.lock.lk_flags to FUSE_LK_FLOCK.
 *
 * After ``-ETIMEDOUT`` the server may have granted it, or grant it still: end it, too.
 */
void vfs_op_setlk(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t owner,
	const struct fuse_file_lock *lock, bool wait);

/**
 * vfs_op_access() - ask whether the caller may (FUSE_ACCESS)
 * @op: the operation
 * @node: the node
 * @mask: R_OK, W_OK, X_OK or F_OK
 */
void vfs_op_access(struct vfs_op *op, uint64_t node, int mask);

/**
 * vfs_op_bmap() - ask where a block is (FUSE_BMAP)
 * @op: the operation
 * @node: the file
 * @block: its block
 * @block_size: bytes of a block
 *
 * Answer: block.
 */
void vfs_op_bmap(struct vfs_op *op, uint64_t node, uint64_t block, uint32_t block_size);

/**
 * vfs_op_ioctl() - control an open file (FUSE_IOCTL)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @command: of ioctl(2)
 * @arg: the same
 * @in: what goes with it, copied into the message; NULL: nothing
 * @out: where what comes back goes; NULL: nothing
 *
 * Of a directory, with FUSE_HAS_IOCTL_DIR, set FUSE_IOCTL_DIR in args.ioctl.flags. Result: bytes
 * that came. Answer: ioctl, whose result is that of ioctl(2).
 */
void vfs_op_ioctl(struct vfs_op *op, uint64_t node, uint64_t fh, unsigned int command, uint64_t arg,
	const struct iovec *in, const struct iovec *out);

/**
 * vfs_op_poll() - ask whether an open file is ready (FUSE_POLL)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @kh: a number of the caller's for the notification
 * @events: POLL*
 * @notify: ask for FUSE_NOTIFY_POLL when one occurs
 *
 * Answer: events.
 */
void vfs_op_poll(
	struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t kh, uint32_t events, bool notify);

/**
 * vfs_op_fallocate() - reserve or free room of a file (FUSE_FALLOCATE)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @mode: FALLOC_FL_*
 * @offset: from which byte on
 * @length: how many bytes
 */
void vfs_op_fallocate(
	struct vfs_op *op, uint64_t node, uint64_t fh, int mode, uint64_t offset, uint64_t length);

/**
 * vfs_op_lseek() - find data or a hole (FUSE_LSEEK)
 * @op: the operation
 * @node: the file
 * @fh: as it was opened
 * @offset: from which byte on
 * @whence: SEEK_DATA or SEEK_HOLE
 *
 * Answer: offset.
 */
void vfs_op_lseek(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset, int whence);

/**
 * vfs_op_copy_file_range() - copy within the server (FUSE_COPY_FILE_RANGE)
 * @op: the operation
 * @node: from which file
 * @fh: as it was opened
 * @offset: from which byte on
 * @to_node: to which file
 * @to_fh: as that was opened
 * @to_offset: to which byte
 * @length: how many bytes
 * @flags: 0
 *
 * FUSE_COPY_FILE_RANGE_64 where the minor has it (45). Result: bytes that were copied.
 */
void vfs_op_copy_file_range(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset,
	uint64_t to_node, uint64_t to_fh, uint64_t to_offset, uint64_t length, unsigned int flags);

/**
 * vfs_op_setupmapping() - put a part of a file into the DAX window (FUSE_SETUPMAPPING)
 * @op: the operation
 * @node: the file
 * @in: which part, and where; copied
 */
void vfs_op_setupmapping(struct vfs_op *op, uint64_t node, const struct fuse_setupmapping_in *in);

/**
 * vfs_op_removemapping() - take parts out of the DAX window (FUSE_REMOVEMAPPING)
 * @op: the operation
 * @node: the file
 * @ranges: which
 * @count: how many
 */
void vfs_op_removemapping(struct vfs_op *op, uint64_t node,
	const struct fuse_removemapping_one *ranges, uint32_t count);

/**
 * vfs_op_syncfs() - bring the file system to stable storage (FUSE_SYNCFS)
 * @op: the operation
 * @node: the root
 */
void vfs_op_syncfs(struct vfs_op *op, uint64_t node);

/**
 * vfs_op_notify_reply() - answer FUSE_NOTIFY_RETRIEVE (FUSE_NOTIFY_REPLY)
 * @op: the operation
 * @node: of the notification
 * @unique: of the notification
 * @offset: from which byte on there is data
 * @data: the data
 * @count: pieces of it, may be 0
 *
 * To it comes no answer.
 */
void vfs_op_notify_reply(struct vfs_op *op, uint64_t node, uint64_t unique, uint64_t offset,
	const struct iovec *data, unsigned int count);

/* ---- entries of a directory ---- */

/**
 * struct vfs_dirent - an entry
 * @ino: inode number
 * @offset: where the next one is
 * @type: DT_*
 * @name: its name, with a NUL
 * @entry: with READDIRPLUS its node and attributes; a nodeid of 0: not known
 */
struct vfs_dirent {
	uint64_t ino;
	uint64_t offset;
	unsigned int type;
	char name[256];
	struct fuse_entry_out entry;
};

/**
 * vfs_dirent_next() - take the next entry out of what READDIR or READDIRPLUS has answered
 * @entries: what is left of it; moved on
 * @plus: whether it is READDIRPLUS
 * @dirent: where to put it
 *
 * "." and ".." never have a node, as they are no lookups.
 *
 * Return: 1, 0 when there is none any more, or ``-EIO`` if what comes is no entry: a name that is
 * empty, longer than 255 bytes, or has a slash or a NUL in it; attributes that are none. If
 * dirent->entry.nodeid is not 0 then, it is a lookup all the same, to be given back, and the next
 * entry can be taken; otherwise, if @entries was not moved on, the rest cannot be read.
 */
int vfs_dirent_next(struct iovec *entries, bool plus, struct vfs_dirent *dirent);

#ifdef __cplusplus
}
#endif

#endif
