/* SPDX-License-Identifier: MIT */
/*
 * The served directory: which of its nodes the driver knows, by number, and what it has open.
 * A node is kept by a descriptor (O_PATH), so that it stays the same file whatever happens to
 * its name. Numbers come from the driver, so they are looked up in tables, never trusted.
 */
#ifndef DEVICE_TREE_H
#define DEVICE_TREE_H

#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define TREE_ROOT 1u

struct node;

/* Things by number; NULL where a number is free. */
struct table {
	void **items;
	size_t size;
	size_t first_free; /* none below it is */
};

struct tree {
	pthread_rwlock_t lock;	    /* of everything below */
	struct table nodes;	    /* struct node, by node number */
	struct table files;	    /* struct open_file, by handle */
	struct node *buckets[4096]; /* the nodes by device and inode */
	uint64_t generation;
};

/* Serve the directory @path. -errno */
int tree_open(struct tree *tree, const char *path);
void tree_close(struct tree *tree);

/* Everything but the root was forgotten, everything closed. */
void tree_forget_all(struct tree *tree);

/* The descriptor of a node; -1, and errno is ESTALE, if there is no such node. */
int tree_fd(struct tree *tree, uint64_t number);

/*
 * A node was looked up: @fd becomes its descriptor, or is closed if the node is known. Returns
 * its number, one lookup more, or 0: out of memory.
 */
uint64_t tree_remember(struct tree *tree, int fd, const struct stat *stat, uint64_t *generation);

/* How many nodes it knows beside the root, by how many lookups, and how many files it has open. */
void tree_held(struct tree *tree, uint64_t *nodes, uint64_t *lookups, uint64_t *open);

/* The driver forgets @count of its lookups. */
void tree_forget(struct tree *tree, uint64_t number, uint64_t count);

/* Something open; @directory NULL for a file. Takes both. The handle, or -1: out of memory. */
int64_t tree_add_open(struct tree *tree, int fd, DIR *directory);

/* -1, and errno is EBADF, if there is no such handle. */
int tree_open_fd(struct tree *tree, uint64_t handle);

/* The same for a directory; NULL. */
DIR *tree_open_directory(struct tree *tree, uint64_t handle);

/* Closes it. -EBADF */
int tree_remove_open(struct tree *tree, uint64_t handle);

#endif
