/* SPDX-License-Identifier: MIT */
/* Nodes and names as one: for those who hold the tree's lock. */
#ifndef VFS_TREE_H
#define VFS_TREE_H

#include "file/fs.h"

/* ---- nodes (node.c) ---- */

/* The root, of which no lookup is owed. -ENOMEM */
int vfs_tree_create(struct vfs_fs *fs);

/* Nothing is in use any more: all is given back and freed. */
void vfs_tree_destroy(struct vfs_fs *fs);

struct vfs_node *vfs_node_find(struct vfs_fs *fs, uint64_t id);
void vfs_node_hold(struct vfs_node *node);
void vfs_node_release(struct vfs_node *node);

/* ---- names (name.c) ---- */

struct vfs_name *vfs_name_find(struct vfs_node *parent, const char *text);

/*
 * @node is called that now, or nothing is (NULL). What was known of the name before is dropped.
 * Where there is no memory (-ENOMEM), nothing is known, but for the way up from a directory.
 */
int vfs_name_set(
	struct vfs_node *parent, const char *text, struct vfs_node *node, uint64_t until_ns);

void vfs_name_drop(struct vfs_name *name);

/*
 * No name leads to a directory any more, but who uses it goes up from there still, to the one in
 * which it was last.
 */
void vfs_name_keep_parent(struct vfs_node *directory, struct vfs_node *parent);

/* A directory was removed from @parent: nothing is in it, nor will be. */
void vfs_name_end_directory(struct vfs_node *directory, struct vfs_node *parent);

/* All that lead to it; all in it. */
void vfs_names_drop_to(struct vfs_node *node);
void vfs_names_drop_in(struct vfs_node *directory);

/* Names that lead nowhere, until @keep of them are left. */
void vfs_names_trim(struct vfs_fs *fs, unsigned int keep);

/* The directory that a directory is in; NULL if that is not known. */
struct vfs_node *vfs_name_parent(const struct vfs_node *directory);

/* ---- attributes (attr.c) ---- */

void vfs_attr_store_locked(
	struct vfs_node *node, const struct fuse_attr *attr, uint64_t until_ns, uint64_t asked);
void vfs_attr_expire_locked(struct vfs_node *node);

/* Until when something is believed that the server says is valid for so long. */
uint64_t vfs_valid_until(const struct vfs_fs *fs, uint64_t seconds, uint32_t nanoseconds);

#endif
