/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "file/tree.h"
#include "file/walk.h"

/* 0 or -ENOENT if that is known and believed; -EAGAIN if the server has to be asked. */
static int find_kept(struct vfs_node *parent, const char *text, struct vfs_found *found)
{
	struct vfs_fs *fs = parent->fs;
	struct vfs_name *name;
	int r = -EAGAIN;

	pthread_mutex_lock(&fs->lock);
	name = vfs_name_find(parent, text);
	if (name && name->until_ns && vfs_now_ns() < name->until_ns) {
		r = name->node ? 0 : -ENOENT;
		found->node = name->node;
		if (name->node)
			vfs_node_hold(name->node);
	}
	if (r == -EAGAIN)
		fs->counts->name_misses++;
	else
		fs->counts->name_hits++;
	pthread_mutex_unlock(&fs->lock);
	return r;
}

/* Moves on with each change of a directory's names. With the tree's lock. */
static uint64_t names_version(const struct vfs_node *directory)
{
	return directory->names_version + directory->fs->names_epoch;
}

struct vfs_question vfs_names_ask(struct vfs_node *directory)
{
	struct vfs_fs *fs = directory->fs;
	struct vfs_question question;

	pthread_mutex_lock(&fs->lock);
	question = (struct vfs_question){.names = names_version(directory), .attr = fs->version};
	pthread_mutex_unlock(&fs->lock);
	return question;
}

static bool is_current(const struct vfs_node *directory, const struct vfs_question *question)
{
	return names_version(directory) == question->names && !directory->names_changing;
}

/* It is not believed, but somebody may want to go up from there. */
static int remember_way_up(struct vfs_node *parent, const char *text, struct vfs_node *node)
{
	if (!S_ISDIR(node->type) || vfs_name_parent(node) || vfs_name_find(parent, text))
		return 0;
	return vfs_name_set(parent, text, node, 0);
}

int vfs_names_remember(struct vfs_node *parent, const char *text, struct vfs_node *node,
	uint64_t until_ns, const struct vfs_question *question)
{
	int r;

	pthread_mutex_lock(&parent->fs->lock);
	if (is_current(parent, question))
		r = vfs_name_set(parent, text, node, until_ns);
	else
		r = remember_way_up(parent, text, node);
	pthread_mutex_unlock(&parent->fs->lock);
	if (r == 0 || !S_ISDIR(node->type))
		return 0;
	return vfs_error(r, "out of memory");
}

static void remember_missing(struct vfs_node *parent, const char *text, uint64_t until_ns,
	const struct vfs_question *question)
{
	struct vfs_name *name;

	pthread_mutex_lock(&parent->fs->lock);
	if (is_current(parent, question)) {
		name = vfs_name_find(parent, text);
		if (until_ns)
			(void)vfs_name_set(parent, text, NULL, until_ns);
		else if (name)
			vfs_name_drop(name);
	}
	pthread_mutex_unlock(&parent->fs->lock);
}

static int ask(struct vfs_node *parent, const char *text, struct vfs_found *found)
{
	struct vfs_question before = vfs_names_ask(parent);
	struct vfs_fs *fs = parent->fs;
	struct fuse_entry_out *entry;
	struct vfs_op op;
	uint64_t until;
	int r;

	vfs_op_lookup(&op, parent->id, text);
	r = (int)vfs_fuse_call(fs->fuse, &op);
	if (r < 0) {
		if (r == -ENOENT)
			remember_missing(parent, text, 0, &before);
		return r;
	}
	entry = &op.answer.entry;
	until = vfs_valid_until(fs, entry->entry_valid, entry->entry_valid_nsec);
	if (!entry->nodeid) {
		remember_missing(parent, text, until, &before);
		return -ENOENT;
	}
	r = vfs_node_enter(fs, entry, before.attr, &found->node);
	if (r < 0)
		return r;
	r = vfs_names_remember(parent, text, found->node, until, &before);
	if (r < 0) {
		vfs_node_put(found->node);
		return r;
	}
	found->asked = true;
	found->attr = entry->attr;
	return 0;
}

bool vfs_was_removed(struct vfs_node *directory)
{
	bool removed;

	pthread_mutex_lock(&directory->fs->lock);
	removed = directory->removed;
	pthread_mutex_unlock(&directory->fs->lock);
	return removed;
}

int vfs_lookup(
	struct vfs_node *parent, const char *text, bool again, bool cached, struct vfs_found *found)
{
	int r = -EAGAIN;

	found->asked = false;
	if (strnlen(text, NAME_MAX + 1) > NAME_MAX)
		return vfs_was_removed(parent) ? -ENOENT : -ENAMETOOLONG;
	if (!again)
		r = find_kept(parent, text, found);
	return r == -EAGAIN && !cached ? ask(parent, text, found) : r;
}

struct vfs_node *vfs_lookup_known(struct vfs_node *parent, const char *text)
{
	struct vfs_node *node;
	struct vfs_name *name;

	pthread_mutex_lock(&parent->fs->lock);
	name = vfs_name_find(parent, text);
	node = name ? name->node : NULL;
	if (node)
		vfs_node_hold(node);
	pthread_mutex_unlock(&parent->fs->lock);
	return node;
}

/* The server's answer is no name that could be remembered. */
static int ask_for_parent(struct vfs_node *directory, struct vfs_node **parent)
{
	struct vfs_fs *fs = directory->fs;
	uint64_t asked = vfs_attr_version(fs);
	struct vfs_op op;
	int r;

	if (!(fs->init.flags & FUSE_EXPORT_SUPPORT))
		return -ESTALE;
	vfs_op_lookup(&op, directory->id, "..");
	r = (int)vfs_fuse_call(fs->fuse, &op);
	if (r < 0 || !op.answer.entry.nodeid)
		return r < 0 ? r : -ESTALE;
	if (op.answer.entry.nodeid != FUSE_ROOT_ID)
		return vfs_node_enter(fs, &op.answer.entry, asked, parent);
	*parent = vfs_node_get(fs->root);
	return 0;
}

int vfs_lookup_parent(struct vfs_node *directory, struct vfs_node **parent)
{
	struct vfs_node *known;

	pthread_mutex_lock(&directory->fs->lock);
	known = vfs_name_parent(directory);
	if (known)
		vfs_node_hold(known);
	pthread_mutex_unlock(&directory->fs->lock);
	*parent = known;
	return known ? 0 : ask_for_parent(directory, parent);
}

static void begin_change(struct vfs_node *directory)
{
	directory->names_changing = true;
	directory->names_asked = names_version(directory);
}

void vfs_names_begin_change(struct vfs_node *directory, struct vfs_node *other)
{
	struct vfs_fs *fs = directory->fs;

	pthread_mutex_lock(&fs->lock);
	while (directory->names_changing || (other && other->names_changing))
		pthread_cond_wait(&fs->names_changed, &fs->lock);
	begin_change(directory);
	if (other)
		begin_change(other);
	pthread_mutex_unlock(&fs->lock);
}

uint64_t vfs_names_until(const struct vfs_node *directory, uint64_t until_ns)
{
	return names_version(directory) == directory->names_asked ? until_ns : 0;
}

static void end_change(struct vfs_node *directory)
{
	directory->names_changing = false;
	directory->names_version++;
	vfs_attr_expire_locked(directory);
	pthread_cond_broadcast(&directory->fs->names_changed);
}

void vfs_names_end_change(struct vfs_node *directory, struct vfs_node *other)
{
	pthread_mutex_lock(&directory->fs->lock);
	end_change(directory);
	if (other)
		end_change(other);
	pthread_mutex_unlock(&directory->fs->lock);
}

int vfs_names_made(struct vfs_node *directory, const char *text, const struct fuse_entry_out *entry,
	uint64_t asked, struct vfs_node **result)
{
	struct vfs_fs *fs = directory->fs;
	struct vfs_node *node = NULL;
	struct vfs_name *name;
	int r = entry ? vfs_node_enter(fs, entry, asked, &node) : 0;

	pthread_mutex_lock(&fs->lock);
	name = vfs_name_find(directory, text);
	if (name && !node)
		vfs_name_drop(name);
	else if (node)
		(void)vfs_name_set(directory, text, node,
			vfs_names_until(directory,
				vfs_valid_until(fs, entry->entry_valid, entry->entry_valid_nsec)));
	end_change(directory);
	pthread_mutex_unlock(&fs->lock);
	if (result)
		*result = node;
	else
		vfs_node_put(node);
	return r;
}
