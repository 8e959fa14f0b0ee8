/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "file/data.h"
#include "file/tree.h"
#include "fuse/fuse.h"

#define FORGET_BATCH 64u

static struct vfs_node **bucket_of(struct vfs_fs *fs, uint64_t id)
{
	return &fs->nodes[(id * 0x9e3779b97f4a7c15ULL >> 32) % VFS_NODE_BUCKETS];
}

struct vfs_node *vfs_node_find(struct vfs_fs *fs, uint64_t id)
{
	struct vfs_node *node = *bucket_of(fs, id);

	while (node && node->id != id)
		node = node->hash_next;
	return node;
}

static void unhash(struct vfs_node *node)
{
	struct vfs_node **at = bucket_of(node->fs, node->id);

	while (*at && *at != node)
		at = &(*at)->hash_next;
	if (*at)
		*at = node->hash_next;
}

void vfs_node_hold(struct vfs_node *node)
{
	if (node->users++ == 0 && !vfs_list_empty(&node->lru)) {
		vfs_list_del(&node->lru);
		node->fs->num_unused--;
	}
}

void vfs_node_release(struct vfs_node *node)
{
	if (--node->users == 0) {
		vfs_list_add_tail(&node->fs->unused_nodes, &node->lru);
		node->fs->num_unused++;
	}
}

static struct vfs_node *create(struct vfs_fs *fs, uint64_t id, uint64_t generation, mode_t mode)
{
	struct vfs_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->fs = fs;
	node->id = id;
	node->generation = generation;
	node->type = mode & S_IFMT;
	vfs_list_init(&node->lru);
	vfs_list_init(&node->names);
	vfs_list_init(&node->children);
	vfs_list_init(&node->files);
	vfs_data_init(node);
	return node;
}

static void add(struct vfs_fs *fs, struct vfs_node *node)
{
	struct vfs_node **bucket = bucket_of(fs, node->id);

	node->hash_next = *bucket;
	*bucket = node;
	node->users = 1;
	fs->counts->nodes++;
}

static bool is_same(const struct vfs_node *node, const struct fuse_entry_out *entry)
{
	return node->generation == entry->generation && node->type == (entry->attr.mode & S_IFMT);
}

/* The server uses the number again: who uses the old node keeps it, nobody finds it any more. */
static void make_way(struct vfs_node *node)
{
	unhash(node);
	vfs_names_drop_to(node);
	vfs_names_drop_in(node);
}

int vfs_node_enter(struct vfs_fs *fs, const struct fuse_entry_out *entry, uint64_t asked,
	struct vfs_node **result)
{
	struct vfs_node *spare = create(fs, entry->nodeid, entry->generation, entry->attr.mode);
	struct vfs_node *node;

	pthread_mutex_lock(&fs->lock);
	node = vfs_node_find(fs, entry->nodeid);
	if (node && !is_same(node, entry)) {
		make_way(node);
		node = NULL;
	}
	if (node) {
		vfs_node_hold(node);
	} else if (spare) {
		node = spare;
		spare = NULL;
		add(fs, node);
	}
	if (node) {
		node->lookups++;
		vfs_attr_store_locked(node, &entry->attr,
			vfs_valid_until(fs, entry->attr_valid, entry->attr_valid_nsec), asked);
	}
	pthread_mutex_unlock(&fs->lock);
	free(spare);
	*result = node;
	if (node)
		return 0;
	vfs_give_lookup_back(fs->session, entry->nodeid);
	return vfs_error(-ENOMEM, "out of memory");
}

struct vfs_node *vfs_node_get(struct vfs_node *node)
{
	pthread_mutex_lock(&node->fs->lock);
	vfs_node_hold(node);
	pthread_mutex_unlock(&node->fs->lock);
	return node;
}

void vfs_node_put(struct vfs_node *node)
{
	struct vfs_fs *fs;
	bool too_many;

	if (!node)
		return;
	fs = node->fs;
	pthread_mutex_lock(&fs->lock);
	vfs_node_release(node);
	too_many = fs->num_unused > fs->options.cache_nodes;
	pthread_mutex_unlock(&fs->lock);
	if (too_many)
		vfs_nodes_trim(fs, fs->options.cache_nodes);
}

/* With the lock, of one that nobody uses: it is in no table then. */
static void take_out(struct vfs_node *node)
{
	vfs_list_del(&node->lru);
	node->fs->num_unused--;
	node->fs->counts->nodes--;
	vfs_names_drop_to(node);
	unhash(node);
	if (node->last_parent)
		vfs_node_release(node->last_parent);
}

static unsigned int take_unused(struct vfs_fs *fs, unsigned int keep, struct vfs_node **nodes)
{
	unsigned int count = 0;
	unsigned int i;

	pthread_mutex_lock(&fs->lock);
	while (count < FORGET_BATCH && fs->num_unused > keep) {
		nodes[count] = vfs_list_first(&fs->unused_nodes, struct vfs_node, lru);
		take_out(nodes[count++]);
	}
	pthread_mutex_unlock(&fs->lock);
	for (i = 0; i < count; i++)
		vfs_data_free(nodes[i]);
	return count;
}

static unsigned int take_owed(struct vfs_fs *fs, struct vfs_node **nodes)
{
	unsigned int count = 0;

	pthread_mutex_lock(&fs->lock);
	while (count < FORGET_BATCH && !vfs_list_empty(&fs->owed_nodes)) {
		nodes[count] = vfs_list_first(&fs->owed_nodes, struct vfs_node, lru);
		vfs_list_del(&nodes[count++]->lru);
	}
	pthread_mutex_unlock(&fs->lock);
	return count;
}

static void owe(struct vfs_fs *fs, struct vfs_node **nodes, unsigned int count)
{
	unsigned int i;

	pthread_mutex_lock(&fs->lock);
	for (i = 0; i < count; i++)
		vfs_list_add_tail(&fs->owed_nodes, &nodes[i]->lru);
	pthread_mutex_unlock(&fs->lock);
}

static unsigned int take_some(struct vfs_fs *fs, unsigned int keep, struct vfs_node **nodes)
{
	unsigned int count = take_owed(fs, nodes);

	return count ? count : take_unused(fs, keep, nodes);
}

static void free_all(struct vfs_node **nodes, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		free(nodes[i]);
}

/* They stay owed if there is no memory. A session that has failed owes nothing. */
static int give_back(struct vfs_fs *fs, struct vfs_node **nodes, unsigned int count)
{
	struct fuse_forget_one forgets[FORGET_BATCH];
	unsigned int i;
	int r;

	for (i = 0; i < count; i++)
		forgets[i] = (struct fuse_forget_one){
			.nodeid = nodes[i]->id, .nlookup = nodes[i]->lookups};
	r = vfs_forget(fs->session, forgets, count);
	if (r == -ENOMEM) {
		owe(fs, nodes, count);
		return r;
	}
	free_all(nodes, count);
	return 0;
}

void vfs_nodes_trim(struct vfs_fs *fs, unsigned int keep)
{
	struct vfs_node *nodes[FORGET_BATCH];
	unsigned int count;

	do {
		count = take_some(fs, keep, nodes);
	} while (count > 0 && give_back(fs, nodes, count) == 0);
}

/* In the session's page. */
static int create_counts(struct vfs_fs *fs)
{
	struct vfs_tree_counts *counts = vfs_observe_alloc(fs->session, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	fs->counts = counts;
	vfs_observe_figure(fs->session, VFS_OBSERVE_NODES, &counts->nodes, sizeof(counts->nodes));
	vfs_observe_figure(
		fs->session, VFS_OBSERVE_NAME_HITS, &counts->name_hits, sizeof(counts->name_hits));
	vfs_observe_figure(fs->session, VFS_OBSERVE_NAME_MISSES, &counts->name_misses,
		sizeof(counts->name_misses));
	return 0;
}

int vfs_tree_create(struct vfs_fs *fs)
{
	int r = create_counts(fs);

	if (r < 0)
		return r;
	vfs_list_init(&fs->unused_nodes);
	vfs_list_init(&fs->owed_nodes);
	vfs_list_init(&fs->unused_names);
	fs->root = create(fs, FUSE_ROOT_ID, 0, S_IFDIR);
	if (!fs->root)
		return vfs_error(-ENOMEM, "out of memory");
	add(fs, fs->root);
	return 0;
}

void vfs_tree_destroy(struct vfs_fs *fs)
{
	struct vfs_node *nodes[FORGET_BATCH];
	unsigned int count;

	if (!fs->root)
		return;
	pthread_mutex_lock(&fs->lock);
	vfs_names_trim(fs, 0);
	pthread_mutex_unlock(&fs->lock);
	vfs_nodes_trim(fs, 0);
	/* What is owed now, for want of memory, the server forgets with the session. */
	while ((count = take_some(fs, 0, nodes)) > 0)
		free_all(nodes, count);
	vfs_data_free(fs->root);
	free(fs->root);
	fs->root = NULL;
}
