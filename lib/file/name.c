/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file/tree.h"

static uint32_t hash_of(const struct vfs_node *parent, const char *text)
{
	uint64_t hash = parent->id * 0x9e3779b97f4a7c15ULL;

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 0x100000001b3ULL;
	return (uint32_t)(hash >> 32) ^ (uint32_t)hash;
}

static struct vfs_name **bucket_of(struct vfs_fs *fs, uint32_t hash)
{
	return &fs->names[hash % VFS_NAME_BUCKETS];
}

struct vfs_name *vfs_name_find(struct vfs_node *parent, const char *text)
{
	uint32_t hash = hash_of(parent, text);
	struct vfs_name *name = *bucket_of(parent->fs, hash);

	while (name && (name->hash != hash || name->parent != parent || strcmp(name->text, text)))
		name = name->hash_next;
	return name;
}

static void unhash(struct vfs_name *name)
{
	struct vfs_name **at = bucket_of(name->parent->fs, name->hash);

	while (*at != name)
		at = &(*at)->hash_next;
	*at = name->hash_next;
}

static void lead_to(struct vfs_name *name, struct vfs_node *node)
{
	struct vfs_fs *fs = name->parent->fs;

	name->node = node;
	if (node) {
		vfs_list_add_tail(&node->names, &name->of_node);
	} else {
		vfs_list_add_tail(&fs->unused_names, &name->lru);
		fs->num_negative++;
	}
}

static void lead_nowhere(struct vfs_name *name)
{
	if (name->node) {
		vfs_list_del(&name->of_node);
	} else {
		vfs_list_del(&name->lru);
		name->parent->fs->num_negative--;
	}
}

void vfs_name_drop(struct vfs_name *name)
{
	unhash(name);
	lead_nowhere(name);
	vfs_list_del(&name->of_parent);
	vfs_node_release(name->parent);
	free(name);
}

void vfs_names_drop_to(struct vfs_node *node)
{
	while (!vfs_list_empty(&node->names))
		vfs_name_drop(vfs_list_first(&node->names, struct vfs_name, of_node));
}

void vfs_names_drop_in(struct vfs_node *directory)
{
	while (!vfs_list_empty(&directory->children))
		vfs_name_drop(vfs_list_first(&directory->children, struct vfs_name, of_parent));
}

void vfs_names_trim(struct vfs_fs *fs, unsigned int keep)
{
	while (fs->num_negative > keep)
		vfs_name_drop(vfs_list_first(&fs->unused_names, struct vfs_name, lru));
}

static struct vfs_name *create(struct vfs_node *parent, const char *text)
{
	size_t size = strlen(text) + 1;
	struct vfs_name *name = malloc(sizeof(*name) + size);
	struct vfs_name **bucket;

	if (!name)
		return NULL;
	*name = (struct vfs_name){.parent = parent, .hash = hash_of(parent, text)};
	memcpy(name->text, text, size);
	vfs_list_init(&name->of_node);
	vfs_list_init(&name->lru);
	bucket = bucket_of(parent->fs, name->hash);
	name->hash_next = *bucket;
	*bucket = name;
	vfs_list_add_tail(&parent->children, &name->of_parent);
	vfs_node_hold(parent);
	return name;
}

static void forget_way_up(struct vfs_node *directory)
{
	vfs_names_drop_to(directory);
	if (directory->last_parent)
		vfs_node_release(directory->last_parent);
	directory->last_parent = NULL;
}

/*
 * What is known of the way up from a directory leads through @node, which is below it now: somebody
 * else has moved them. A circle would keep itself alive, and nobody would come to its end.
 */
static void break_circle(struct vfs_node *directory, const struct vfs_node *node)
{
	struct vfs_node *at = directory;

	while (at && at != node && at != at->fs->root)
		at = vfs_name_parent(at);
	if (at != node)
		return;
	while (directory != node) {
		at = vfs_name_parent(directory);
		forget_way_up(directory);
		directory = at;
	}
}

/* A directory is in one place: it was moved. */
static void move_directory(struct vfs_node *parent, struct vfs_node *node)
{
	forget_way_up(node);
	break_circle(parent, node);
}

void vfs_name_keep_parent(struct vfs_node *directory, struct vfs_node *parent)
{
	if (!directory->users)
		return;
	move_directory(parent, directory);
	directory->last_parent = parent;
	vfs_node_hold(parent);
}

void vfs_name_end_directory(struct vfs_node *directory, struct vfs_node *parent)
{
	directory->removed = true;
	vfs_names_drop_in(directory);
	vfs_name_keep_parent(directory, parent);
}

/* There is no memory for its name. */
static int set_no_name(struct vfs_node *parent, struct vfs_node *node)
{
	if (node && S_ISDIR(node->type))
		vfs_name_keep_parent(node, parent);
	return -ENOMEM;
}

int vfs_name_set(
	struct vfs_node *parent, const char *text, struct vfs_node *node, uint64_t until_ns)
{
	struct vfs_name *name = vfs_name_find(parent, text);

	if (name && name->node == node) {
		name->until_ns = until_ns;
		return 0;
	}
	/* That is the server's mistake. */
	if (node == parent)
		return 0;
	if (node && S_ISDIR(node->type))
		move_directory(parent, node);
	if (name)
		lead_nowhere(name);
	else
		name = create(parent, text);
	if (!name)
		return set_no_name(parent, node);
	name->until_ns = until_ns;
	lead_to(name, node);
	if (!node)
		vfs_names_trim(parent->fs, parent->fs->options.cache_nodes);
	return 0;
}

struct vfs_node *vfs_name_parent(const struct vfs_node *directory)
{
	if (directory == directory->fs->root)
		return directory->fs->root;
	if (vfs_list_empty(&directory->names))
		return directory->last_parent;
	return vfs_list_first(&directory->names, struct vfs_name, of_node)->parent;
}
