/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

struct node {
	int fd;
	dev_t device;
	ino_t inode;
	uint64_t lookups;
	uint64_t generation; /* numbers are used again, pairs with a generation are not */
	uint64_t number;
	struct node *next; /* in its bucket */
};

struct open_file {
	int fd;
	DIR *directory; /* has the descriptor then */
};

static struct node **bucket_of(struct tree *tree, dev_t device, ino_t inode)
{
	uint64_t hash = (inode ^ (device << 20)) * 0x9e3779b97f4a7c15ULL;

	return &tree->buckets[hash >> 52];
}

static void *table_get(const struct table *table, uint64_t number)
{
	return number < table->size ? table->items[number] : NULL;
}

/* The number of the new item; SIZE_MAX: out of memory. */
static size_t table_add(struct table *table, void *item)
{
	size_t number = table->first_free;

	while (table_get(table, number))
		number++;
	if (number >= table->size) {
		size_t size = number < 32 ? 64 : number * 2;
		void **items = realloc(table->items, size * sizeof(*items));

		if (!items)
			return SIZE_MAX;
		memset(items + table->size, 0, (size - table->size) * sizeof(*items));
		table->items = items;
		table->size = size;
	}
	table->items[number] = item;
	table->first_free = number + 1;
	return number;
}

static void table_remove(struct table *table, size_t number)
{
	table->items[number] = NULL;
	if (number < table->first_free)
		table->first_free = number;
}

static struct node *add_node(struct tree *tree, int fd, const struct stat *stat)
{
	struct node **bucket = bucket_of(tree, stat->st_dev, stat->st_ino);
	struct node *node = calloc(1, sizeof(*node));
	size_t number;

	if (!node)
		return NULL;
	number = table_add(&tree->nodes, node);
	if (number == SIZE_MAX) {
		free(node);
		return NULL;
	}
	*node = (struct node){.fd = fd,
		.device = stat->st_dev,
		.inode = stat->st_ino,
		.generation = tree->generation++,
		.number = number,
		.next = *bucket};
	*bucket = node;
	return node;
}

static void remove_node(struct tree *tree, struct node *node)
{
	struct node **p = bucket_of(tree, node->device, node->inode);

	while (*p != node)
		p = &(*p)->next;
	*p = node->next;
	table_remove(&tree->nodes, node->number);
	close(node->fd);
	free(node);
}

int tree_open(struct tree *tree, const char *path)
{
	struct stat stat;
	int fd, r = 0;

	*tree = (struct tree){.nodes.first_free = TREE_ROOT};
	pthread_rwlock_init(&tree->lock, NULL);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		r = -errno;
	else if (!add_node(tree, fd, &stat))
		r = -ENOMEM;
	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

void tree_forget_all(struct tree *tree)
{
	size_t i;

	pthread_rwlock_wrlock(&tree->lock);
	for (i = TREE_ROOT + 1; i < tree->nodes.size; i++)
		if (tree->nodes.items[i])
			remove_node(tree, tree->nodes.items[i]);
	pthread_rwlock_unlock(&tree->lock);
	for (i = 0; i < tree->files.size; i++)
		tree_remove_open(tree, i);
}

void tree_close(struct tree *tree)
{
	tree_forget_all(tree);
	if (table_get(&tree->nodes, TREE_ROOT))
		remove_node(tree, table_get(&tree->nodes, TREE_ROOT));
	free(tree->nodes.items);
	free(tree->files.items);
	pthread_rwlock_destroy(&tree->lock);
}

int tree_fd(struct tree *tree, uint64_t number)
{
	const struct node *node;
	int fd;

	pthread_rwlock_rdlock(&tree->lock);
	node = table_get(&tree->nodes, number);
	fd = node ? node->fd : -1;
	pthread_rwlock_unlock(&tree->lock);
	if (fd < 0)
		errno = ESTALE;
	return fd;
}

uint64_t tree_remember(struct tree *tree, int fd, const struct stat *stat, uint64_t *generation)
{
	uint64_t number = 0;
	struct node *node;
	int spare = fd;

	pthread_rwlock_wrlock(&tree->lock);
	node = *bucket_of(tree, stat->st_dev, stat->st_ino);
	while (node && (node->inode != stat->st_ino || node->device != stat->st_dev))
		node = node->next;
	if (!node) {
		node = add_node(tree, fd, stat);
		if (node)
			spare = -1;
	}
	if (node) {
		node->lookups++;
		number = node->number;
		*generation = node->generation;
	}
	pthread_rwlock_unlock(&tree->lock);
	if (spare >= 0)
		close(spare);
	return number;
}

void tree_forget(struct tree *tree, uint64_t number, uint64_t count)
{
	struct node *node;

	pthread_rwlock_wrlock(&tree->lock);
	node = number == TREE_ROOT ? NULL : table_get(&tree->nodes, number);
	if (node && node->lookups > count)
		node->lookups -= count;
	else if (node)
		remove_node(tree, node);
	pthread_rwlock_unlock(&tree->lock);
}

void tree_held(struct tree *tree, uint64_t *nodes, uint64_t *lookups, uint64_t *open)
{
	const struct node *node;
	size_t i;

	*nodes = *lookups = *open = 0;
	pthread_rwlock_rdlock(&tree->lock);
	for (i = TREE_ROOT + 1; i < tree->nodes.size; i++) {
		node = tree->nodes.items[i];
		*nodes += node != NULL;
		*lookups += node ? node->lookups : 0;
	}
	for (i = 0; i < tree->files.size; i++)
		*open += tree->files.items[i] != NULL;
	pthread_rwlock_unlock(&tree->lock);
}

int64_t tree_add_open(struct tree *tree, int fd, DIR *directory)
{
	struct open_file *file = malloc(sizeof(*file));
	size_t handle;

	if (!file)
		return -1;
	*file = (struct open_file){.fd = fd, .directory = directory};
	pthread_rwlock_wrlock(&tree->lock);
	handle = table_add(&tree->files, file);
	pthread_rwlock_unlock(&tree->lock);
	if (handle != SIZE_MAX)
		return (int64_t)handle;
	free(file);
	return -1;
}

/* A copy, since another thread may close it. */
static bool find_open(struct tree *tree, uint64_t handle, struct open_file *copy)
{
	const struct open_file *file;

	pthread_rwlock_rdlock(&tree->lock);
	file = table_get(&tree->files, handle);
	if (file)
		*copy = *file;
	pthread_rwlock_unlock(&tree->lock);
	if (!file)
		errno = EBADF;
	return file != NULL;
}

int tree_open_fd(struct tree *tree, uint64_t handle)
{
	struct open_file file;

	return find_open(tree, handle, &file) ? file.fd : -1;
}

DIR *tree_open_directory(struct tree *tree, uint64_t handle)
{
	struct open_file file;

	if (!find_open(tree, handle, &file))
		return NULL;
	if (!file.directory)
		errno = ENOTDIR;
	return file.directory;
}

int tree_remove_open(struct tree *tree, uint64_t handle)
{
	struct open_file *file;

	pthread_rwlock_wrlock(&tree->lock);
	file = table_get(&tree->files, handle);
	if (file)
		table_remove(&tree->files, handle);
	pthread_rwlock_unlock(&tree->lock);
	if (!file)
		return -EBADF;
	if (file->directory)
		closedir(file->directory);
	else
		close(file->fd);
	free(file);
	return 0;
}
