/* SPDX-License-Identifier: MIT */
/* The FUSE operations on a served directory, for libfuse's low-level server. */
#ifndef DEVICE_PASSTHROUGH_H
#define DEVICE_PASSTHROUGH_H

#include <fuse_lowlevel.h>

#include "dax.h"
#include "lock_owners.h"
#include "tree.h"

/* The session's user data. */
struct passthrough {
	struct tree tree;
	struct dax *dax; /* NULL: there is no window */
	struct lock_owners *locks;
	bool writeback; /* the driver may keep back what was written */
};

extern const struct fuse_lowlevel_ops passthrough_ops;

/* Locks that wait do so in threads of their own; this returns when none does any more. */
void passthrough_end_waiting(void);

/* For the operations' own files. */

/* Attributes and lookups are believed for so many seconds. */
#define PASSTHROUGH_TIMEOUT 1.0

struct passthrough *served_by(fuse_req_t request);
struct tree *tree_of(fuse_req_t request);

/* Answers with @error (a positive errno) or, for 0, with success. */
void answer(fuse_req_t request, int error);

/* For calls that know no descriptors of O_PATH: its name in /proc. */
struct fd_path {
	char name[40];
};
struct fd_path fd_path(int fd);

/* One component, and not one that leads out of the directory. */
bool name_is_good(const char *name);

/* Look @name up and count it. 0 or an errno. */
int enter(struct tree *tree, uint64_t parent, const char *name, struct fuse_entry_param *entry);

/* The caller's file system identity for what is created in between. */
void become(const struct fuse_ctx *caller);
void become_ourselves(void);

/*
 * passthrough_window.c: what a DAX window has to do with requests on a file, where it shows copies.
 * All of them leave errno alone.
 */

/* Before the file behind @fd is looked at: it gets what was written in the window. */
void window_collect(fuse_req_t request, int fd);

/* Before it is changed. Returns its size. */
uint64_t window_before_change(fuse_req_t request, int fd);

/* After @from to @to was changed, perhaps beyond the end that it had: the window shows that. */
void window_after_change(fuse_req_t request, int fd, uint64_t old_size, uint64_t from, uint64_t to);

/* It was opened: what others did to it is seen from now on. */
void window_opened(fuse_req_t request, int fd, bool truncated);

/* passthrough_attributes.c */
void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t request, fuse_ino_t node, uint64_t count);
void op_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets);
void op_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file);
void op_setattr(fuse_req_t request, fuse_ino_t node, struct stat *stat, int which,
	struct fuse_file_info *file);
void op_statfs(fuse_req_t request, fuse_ino_t node);
void op_setxattr(fuse_req_t request, fuse_ino_t node, const char *name, const char *value,
	size_t size, int flags);
void op_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size);
void op_listxattr(fuse_req_t request, fuse_ino_t node, size_t size);
void op_removexattr(fuse_req_t request, fuse_ino_t node, const char *name);

/* passthrough_names.c */
void op_readlink(fuse_req_t request, fuse_ino_t node);
void op_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags);

/* passthrough_directories.c */
void op_opendir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file);
void op_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_readdirplus(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_fsyncdir(fuse_req_t request, fuse_ino_t node, int datasync, struct fuse_file_info *file);

/* passthrough_files.c */
void op_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file);
void op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *file);
void op_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file);
void op_flush(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file);
void op_fsync(fuse_req_t request, fuse_ino_t node, int datasync, struct fuse_file_info *file);
void op_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_write(fuse_req_t request, fuse_ino_t node, const char *data, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length,
	struct fuse_file_info *file);
void op_lseek(
	fuse_req_t request, fuse_ino_t node, off_t offset, int whence, struct fuse_file_info *file);
void op_copy_file_range(fuse_req_t request, fuse_ino_t node_in, off_t offset_in,
	struct fuse_file_info *in, fuse_ino_t node_out, off_t offset_out,
	struct fuse_file_info *out, size_t length, int flags);

/* passthrough_locks.c */
void op_flock(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file, int operation);
void op_getlk(
	fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file, struct flock *asked);
void op_setlk(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file, struct flock *asked,
	int may_wait);

#endif
