/* SPDX-License-Identifier: MIT */
#include "nodes.h"

#include <stdlib.h>

#define FEWEST_BUCKETS 64u

/* Servers count nodes up, or give out addresses. */
static size_t bucket_of(uint64_t id, size_t num_buckets)
{
	return (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (num_buckets - 1);
}

struct node *nodes_find(const struct nodes *nodes, uint64_t id)
{
	struct node *node;

	if (!nodes->count)
		return NULL;
	for (node = nodes->buckets[bucket_of(id, nodes->num_buckets)]; node; node = node->next) {
		if (node->id == id)
			return node;
	}
	return NULL;
}

static void insert(struct node **buckets, size_t num_buckets, struct node *node)
{
	struct node **bucket = &buckets[bucket_of(node->id, num_buckets)];

	node->next = *bucket;
	*bucket = node;
}

static void move_all(const struct nodes *nodes, struct node **buckets, size_t num_buckets)
{
	size_t i;

	for (i = 0; i < nodes->num_buckets; i++) {
		struct node *node = nodes->buckets[i];

		while (node) {
			struct node *next = node->next;

			insert(buckets, num_buckets, node);
			node = next;
		}
	}
}

/* Without memory for it chains become longer. */
static bool make_room(struct nodes *nodes)
{
	size_t num_buckets = nodes->num_buckets ? 2 * nodes->num_buckets : FEWEST_BUCKETS;
	struct node **buckets;

	if (nodes->count < nodes->num_buckets)
		return true;
	buckets = calloc(num_buckets, sizeof(struct node *));
	if (!buckets)
		return nodes->num_buckets;
	move_all(nodes, buckets, num_buckets);
	free(nodes->buckets);
	nodes->buckets = buckets;
	nodes->num_buckets = num_buckets;
	return true;
}

struct node *nodes_get(struct nodes *nodes, uint64_t id)
{
	struct node *node = nodes_find(nodes, id);

	if (node) {
		/* The kernel has looked it up again. */
		node->forgotten = false;
		return node;
	}
	if (!make_room(nodes))
		return NULL;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->id = id;
	insert(nodes->buckets, nodes->num_buckets, node);
	nodes->count++;
	return node;
}

void nodes_remove(struct nodes *nodes, struct node *node)
{
	struct node **link = &nodes->buckets[bucket_of(node->id, nodes->num_buckets)];

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	nodes->count--;
	free(node);
}

void nodes_visit(const struct nodes *nodes, void (*visit)(struct node *node, void *ctx), void *ctx)
{
	struct node *node;
	size_t i;

	for (i = 0; i < nodes->num_buckets; i++) {
		for (node = nodes->buckets[i]; node; node = node->next)
			visit(node, ctx);
	}
}

void nodes_free(struct nodes *nodes)
{
	size_t i;

	for (i = 0; i < nodes->num_buckets; i++) {
		while (nodes->buckets[i])
			nodes_remove(nodes, nodes->buckets[i]);
	}
	free(nodes->buckets);
	*nodes = (struct nodes){0};
}
