/* SPDX-License-Identifier: MIT */
/*
 * What the bridge knows of the nodes whose data the kernel has asked for, until it forgets them:
 * a hash table by their numbers. It belongs to the worker's thread.
 */
#ifndef VIRTIOFS_FUSE_NODES_H
#define VIRTIOFS_FUSE_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shown;

struct node {
	uint64_t id;
	struct node *next;
	struct shown *shown;   /* what is in the window, see mapper.h; NULL: nothing */
	unsigned int changing; /* requests under way after which it may be shorter */
	bool forgotten;	       /* by the kernel, which did not wait for them */
	bool direct;	       /* the server wants to see each READ (FOPEN_DIRECT_IO) */
	bool grown;	       /* it may be longer than when its size was asked for */
	int64_t asked_ms;      /* when that was, if it was not long enough */
	int64_t wrote_ms;      /* when the server last saw a WRITE; 0: not since it had to */
};

struct nodes {
	struct node **buckets;
	size_t num_buckets; /* a power of 2, or 0 */
	size_t count;
};

struct node *nodes_find(const struct nodes *nodes, uint64_t id);

/* Found, or made: NULL if there is no memory. */
struct node *nodes_get(struct nodes *nodes, uint64_t id);

void nodes_remove(struct nodes *nodes, struct node *node);

/* Of all, in any order. @visit does not change the table. */
void nodes_visit(const struct nodes *nodes, void (*visit)(struct node *node, void *ctx), void *ctx);

void nodes_free(struct nodes *nodes);

#endif
