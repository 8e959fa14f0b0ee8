/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/tree.h"
#include "file/walk.h"

struct renaming {
	struct vfs_walk from;
	struct vfs_walk to;
	struct vfs_node *node;	   /* what is renamed */
	struct vfs_node *replaced; /* what is there, or NULL */
	unsigned int flags;
};

static int check_flags(unsigned int flags)
{
	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) &&
		(flags & (unsigned int)(RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	return 0;
}

static int check_last(const struct renaming *renaming)
{
	if (renaming->from.last != VFS_WALK_NAME)
		return -EBUSY;
	if (renaming->to.last != VFS_WALK_NAME)
		return renaming->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	return 0;
}

static int look_up(struct renaming *renaming)
{
	struct vfs_found found;
	int r = vfs_lookup(renaming->from.parent, renaming->from.name, false, false, &found);

	if (r < 0)
		return r;
	renaming->node = found.node;
	r = vfs_lookup(renaming->to.parent, renaming->to.name, false, false, &found);
	if (r == 0)
		renaming->replaced = found.node;
	if (r == -ENOENT && !(renaming->flags & RENAME_EXCHANGE) &&
		!vfs_was_removed(renaming->to.parent))
		r = 0;
	return r;
}

static int check_slashes(const struct renaming *renaming)
{
	bool exchange = (renaming->flags & RENAME_EXCHANGE) != 0;

	if ((renaming->flags & RENAME_NOREPLACE) && renaming->replaced)
		return -EEXIST;
	if (exchange && renaming->to.slash && !S_ISDIR(renaming->replaced->type))
		return -ENOTDIR;
	if (S_ISDIR(renaming->node->type))
		return 0;
	return renaming->from.slash || (!exchange && renaming->to.slash) ? -ENOTDIR : 0;
}

static bool is_inside(struct vfs_node *node, const struct vfs_node *directory)
{
	struct vfs_node *at = node;
	bool inside;

	pthread_mutex_lock(&node->fs->lock);
	while (at && at != directory && at != node->fs->root)
		at = vfs_name_parent(at);
	inside = at == directory;
	pthread_mutex_unlock(&node->fs->lock);
	return inside;
}

/* Nothing can be moved into itself, nor can what it is in be replaced by it. */
static int check_loops(const struct renaming *renaming)
{
	if (S_ISDIR(renaming->node->type) && is_inside(renaming->to.parent, renaming->node))
		return -EINVAL;
	if (renaming->replaced && S_ISDIR(renaming->replaced->type) &&
		is_inside(renaming->from.parent, renaming->replaced))
		return renaming->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* A directory that is moved has another parent then, which is written in it. */
static int check_moved(const struct renaming *renaming, struct vfs_node *node)
{
	if (!node || !S_ISDIR(node->type) || renaming->from.parent == renaming->to.parent)
		return 0;
	return vfs_may(node, W_OK);
}

static int check_types(const struct renaming *renaming)
{
	bool directory = S_ISDIR(renaming->node->type);

	if (!renaming->replaced || (renaming->flags & RENAME_EXCHANGE))
		return 0;
	if (directory && !S_ISDIR(renaming->replaced->type))
		return -ENOTDIR;
	return !directory && S_ISDIR(renaming->replaced->type) ? -EISDIR : 0;
}

static int check_rights(const struct renaming *renaming)
{
	int r = vfs_may_remove(renaming->from.parent, renaming->node);

	if (r < 0)
		return r;
	if (renaming->replaced)
		r = vfs_may_remove(renaming->to.parent, renaming->replaced);
	else
		r = vfs_may_change(renaming->to.parent);
	if (r == 0)
		r = check_types(renaming);
	if (r == 0)
		r = check_moved(renaming, renaming->node);
	if (r == 0 && (renaming->flags & RENAME_EXCHANGE))
		r = check_moved(renaming, renaming->replaced);
	return r;
}

/* It is called that now; how long that holds the server does not say. */
static void set_name(const struct vfs_walk *walk, struct vfs_node *node)
{
	struct vfs_node *parent = walk->parent;
	uint64_t until = vfs_names_until(parent, vfs_valid_until(parent->fs, 0, 0));

	(void)vfs_name_set(parent, walk->name, node, until);
}

static void drop_name(const struct vfs_walk *walk)
{
	struct vfs_name *name = vfs_name_find(walk->parent, walk->name);

	if (name)
		vfs_name_drop(name);
}

static void take_over(const struct renaming *renaming)
{
	struct vfs_fs *fs = renaming->node->fs;
	bool exchange = (renaming->flags & RENAME_EXCHANGE) != 0;

	pthread_mutex_lock(&fs->lock);
	/* First what goes, as a directory has one name only. */
	drop_name(&renaming->from);
	set_name(&renaming->to, renaming->node);
	if (exchange)
		set_name(&renaming->from, renaming->replaced);
	else if (renaming->replaced && S_ISDIR(renaming->replaced->type))
		vfs_name_end_directory(renaming->replaced, renaming->to.parent);
	vfs_attr_expire_locked(renaming->node);
	if (renaming->replaced)
		vfs_attr_expire_locked(renaming->replaced);
	pthread_mutex_unlock(&fs->lock);
}

/* Two names of one file: then nothing happens. */
static bool is_same_file(const struct renaming *renaming)
{
	return renaming->node == renaming->replaced;
}

static int send(const struct renaming *renaming)
{
	const struct vfs_walk *from = &renaming->from;
	const struct vfs_walk *to = &renaming->to;
	struct vfs_node *other = from->parent == to->parent ? NULL : to->parent;
	struct vfs_fs *fs = renaming->node->fs;
	struct vfs_op op;
	int r;

	vfs_op_rename(&op, from->parent->id, from->name, to->parent->id, to->name, renaming->flags);
	vfs_names_begin_change(from->parent, other);
	r = (int)vfs_fuse_call(fs->fuse, &op);
	if (r == 0)
		take_over(renaming);
	vfs_names_end_change(from->parent, other);
	/* Few servers do without RENAME2, and none of the flags can be done without it. */
	return r == -ENOSYS && renaming->flags ? -EINVAL : r;
}

static int rename_walked(struct renaming *renaming)
{
	int r = check_last(renaming);

	if (r == 0)
		r = look_up(renaming);
	if (r == 0)
		r = check_slashes(renaming);
	if (r == 0)
		r = check_loops(renaming);
	if (r == 0 && is_same_file(renaming))
		return 0;
	if (r == 0)
		r = check_rights(renaming);
	return r < 0 ? r : send(renaming);
}

static int rename_at(struct vfs_fs *fs, struct vfs_file *from_dir, const char *from,
	struct vfs_file *to_dir, const char *to, unsigned int flags)
{
	struct renaming renaming = {.flags = flags};
	int r = check_flags(flags);

	if (r == 0)
		r = vfs_walk(fs, from_dir, from, VFS_WALK_PARENT, 0, &renaming.from);
	if (r < 0)
		return r;
	r = vfs_walk(fs, to_dir, to, VFS_WALK_PARENT, 0, &renaming.to);
	if (r == 0) {
		r = rename_walked(&renaming);
		vfs_node_put(renaming.node);
		vfs_node_put(renaming.replaced);
		vfs_walk_end(&renaming.to);
	}
	vfs_walk_end(&renaming.from);
	return r;
}

VFS_EXPORT int vfs_renameat2(struct vfs_fs *fs, struct vfs_file *from_dir, const char *from,
	struct vfs_file *to_dir, const char *to, unsigned int flags)
{
	struct vfs_call call = vfs_call_begin(fs, "rename", from);

	return (int)vfs_call_end(&call, rename_at(fs, from_dir, from, to_dir, to, flags));
}

VFS_EXPORT int vfs_rename(struct vfs_fs *fs, const char *from, const char *to)
{
	return vfs_renameat2(fs, NULL, from, NULL, to, 0);
}
