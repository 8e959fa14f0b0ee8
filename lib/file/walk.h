/* SPDX-License-Identifier: MIT */
/* From a path to a node. */
#ifndef VFS_WALK_H
#define VFS_WALK_H

#include <limits.h>

#include "file/fs.h"

/* ---- one name (lookup.c) ---- */

struct vfs_found {
	struct vfs_node *node; /* with a reference */
	bool asked;	       /* the server was asked just now, and said: */
	struct fuse_attr attr;
};

/* What a name in a directory leads to. @again: ask in any case. -ENOENT, -ENAMETOOLONG;
 * -EAGAIN: see vfs_walk().
 */
int vfs_lookup(struct vfs_node *parent, const char *text, bool again, bool cached,
	struct vfs_found *found);

/* Has this client removed it? Then whoever wants to make something there is told -ENOENT. */
bool vfs_was_removed(struct vfs_node *directory);

/* What a directory was like before a question about names in it. */
struct vfs_question {
	uint64_t names;
	uint64_t attr; /* vfs_attr_version() */
};

struct vfs_question vfs_names_ask(struct vfs_node *directory);

/*
 * What the answer was, unless this client has changed names there since. A name that is not
 * remembered is asked for again, but without that of a directory nobody finds what is above it:
 * -ENOMEM.
 */
int vfs_names_remember(struct vfs_node *parent, const char *text, struct vfs_node *node,
	uint64_t until_ns, const struct vfs_question *question);

/* What is known of a name without asking, with a reference, believed or not; NULL: nothing. */
struct vfs_node *vfs_lookup_known(struct vfs_node *parent, const char *text);

/*
 * The directory that a directory is in, with a reference. -ESTALE: it is in none any more.
 */
int vfs_lookup_parent(struct vfs_node *directory, struct vfs_node **parent);

/*
 * This client changes names in a directory, or in two (NULL: in one). What is asked meanwhile is
 * not remembered, and other changes there wait, as with Linux: a server makes something, and then
 * looks it up by its name.
 */
void vfs_names_begin_change(struct vfs_node *directory, struct vfs_node *other);
void vfs_names_end_change(struct vfs_node *directory, struct vfs_node *other);

/*
 * With the tree's lock, during such a change: until when its outcome is believed. Not at all if the
 * server has told of another change in the directory meanwhile, which may be the later one.
 */
uint64_t vfs_names_until(const struct vfs_node *directory, uint64_t until_ns);

/*
 * The end of a change in one, after which @text leads to the node of @entry, or nowhere if that is
 * NULL. Returns as vfs_node_enter(); *node may be NULL if nobody wants it.
 */
int vfs_names_made(struct vfs_node *directory, const char *text, const struct fuse_entry_out *entry,
	uint64_t asked, struct vfs_node **node);

/* ---- paths (walk.c) ---- */

enum vfs_walk_flags {
	VFS_WALK_FOLLOW = 1,   /* a symbolic link at the end */
	VFS_WALK_PARENT = 2,   /* the last name is not looked up */
	VFS_WALK_MAY_MISS = 4, /* a file to be made if it is not there: the node is NULL then */
	VFS_WALK_EMPTY = 8,    /* an empty path is where it begins */
};

enum vfs_walk_last {
	VFS_WALK_NAME, /* the last component is a name, */
	VFS_WALK_ROOT, /* there is none, */
	VFS_WALK_DOT,
	VFS_WALK_DOT_DOT,
};

/* Where a path leads. */
struct vfs_walk {
	struct vfs_node *parent; /* of the last name; NULL if the end is no name and was resolved */
	struct vfs_node *node;	 /* NULL: not looked up, or not there */
	enum vfs_walk_last last;
	char name[NAME_MAX + 2]; /* cut if it is too long, and still too long then */
	bool slash;		 /* the path ends in one */
	bool asked;		 /* these are the attributes of the node, asked for just now: */
	struct fuse_attr attr;
};

/*
 * @start: NULL for the root. @resolve: RESOLVE_* of openat2(2). On success vfs_walk_end() gives the
 * references back, on error there are none. -EAGAIN with RESOLVE_CACHED: it would have to ask.
 */
int vfs_walk(struct vfs_fs *fs, struct vfs_file *start, const char *path, unsigned int flags,
	uint64_t resolve, struct vfs_walk *walk);
void vfs_walk_end(struct vfs_walk *walk);

/* ---- who may do what (may.c) ---- */

/* May the caller read, write, execute or search it (R_OK, W_OK, X_OK)? -EACCES */
int vfs_may(struct vfs_node *node, unsigned int mask);

/* May he make or remove names in a directory? -EROFS, -EACCES */
int vfs_may_change(struct vfs_node *directory);

/* May he remove or rename this one, with its sticky bit? The above, or -EPERM. */
int vfs_may_remove(struct vfs_node *directory, struct vfs_node *node);

/*
 * A file that runs as the group of its directory is made by those of that group only: others do not
 * get the set-group-ID bit. It is looked at before the umask, as Linux does.
 */
int vfs_mode_of_new(struct vfs_node *directory, mode_t *mode);

/* Is he its owner, or root? -EPERM */
int vfs_may_own(struct vfs_node *node);

/* -EROFS if the mount does not allow it. */
int vfs_may_write_here(const struct vfs_fs *fs);

/* Is nothing refused to the caller, or is that the server's business? Who he is, in any case. */
bool vfs_caller_may_all(const struct vfs_fs *fs, struct vfs_caller *caller);

/* What it depends on whether he may. 0: he may all, and nothing was asked; 1; or an error. */
int vfs_attr_to_judge(struct vfs_node *node, struct vfs_caller *caller, struct fuse_attr *attr);

/* Is the caller in a group? */
bool vfs_caller_in_group(const struct vfs_caller *caller, gid_t gid);

#endif
