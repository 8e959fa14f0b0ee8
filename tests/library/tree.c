/* SPDX-License-Identifier: MIT */
/* Removing what a check has made, and what its files had in them. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuse.h"

#define NAMES_MAX   512u
#define ENTRIES_MAX 4096u

struct names {
	uint64_t parent;
	unsigned int count;
	char names[NAMES_MAX][NAME_MAX + 1];
};

static void make_unlink(void *ctx, unsigned int i, struct op *op)
{
	const struct names *names = ctx;

	*op = (struct op){
		.opcode = FUSE_UNLINK, .node = names->parent, .in = {NAME(names->names[i])}};
}

/* Some servers remove only what they were asked for before, as kernels do. */
static void make_lookup(void *ctx, unsigned int i, struct op *op)
{
	make_unlink(ctx, i, op);
	op->opcode = FUSE_LOOKUP;
}

static int remove_file_or_wait(void *ctx, unsigned int i, const struct vfs_request *request)
{
	struct names *names = ctx;
	int error = vfs_request_error(request);

	if (error == 0)
		names->names[i][0] = '\0';
	/* A directory's turn comes when these are gone. */
	return error == -EISDIR || error == -EPERM ? 0 : error;
}

/* The first names of a directory, . and .. not among them. */
static int first_names(struct client *client, uint64_t node, struct names *names)
{
	static char entries[ENTRIES_MAX];
	struct file directory;
	ssize_t n = 0, at;
	uint64_t offset = 0;
	int r = fuse_opendir(client, node, &directory);

	names->count = 0;
	if (r < 0)
		return r;
	while (names->count == 0 && (n = fuse_readdir(client, FUSE_READDIR, &directory, entries,
					     sizeof(entries), offset)) > 0) {
		for (at = 0; at < n;) {
			const struct fuse_dirent *entry = (const void *)(entries + at);

			offset = entry->off;
			at += (ssize_t)FUSE_DIRENT_SIZE(entry);
			if ((entry->namelen == 1 && entry->name[0] == '.') ||
				(entry->namelen == 2 && memcmp(entry->name, "..", 2) == 0))
				continue;
			snprintf(names->names[names->count++], NAME_MAX + 1, "%.*s",
				(int)entry->namelen, entry->name);
		}
	}
	r = fuse_releasedir(client, &directory);
	return n < 0 ? (int)n : r;
}

static int empty_directory(struct client *client, uint64_t node)
{
	struct names *names = calloc(1, sizeof(*names));
	struct stream lookup = {.make = make_lookup, .ctx = names};
	struct stream remove = {.make = make_unlink, .answered = remove_file_or_wait, .ctx = names};
	unsigned int i;
	int r;

	if (!names)
		abort();
	names->parent = node;
	while ((r = first_names(client, node, names)) == 0 && names->count) {
		lookup.count = remove.count = names->count;
		r = stream_run(client->queue, &lookup);
		if (r == 0)
			r = stream_run(client->queue, &remove);
		for (i = 0; i < names->count && r == 0; i++)
			if (names->names[i][0])
				r = remove_tree(client, node, names->names[i]);
		if (r < 0)
			break;
	}
	free(names);
	return r;
}

int remove_tree(struct client *client, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;
	int r = fuse_lookup(client, parent, name, &entry);

	if (r == 0)
		r = empty_directory(client, entry.nodeid);
	return r == 0 ? fuse_rmdir(client, parent, name) : r;
}

static unsigned char pattern_at(uint64_t offset, unsigned int seed)
{
	return (unsigned char)((offset + seed) * 2654435761u >> 11);
}

void fill_pattern(void *data, size_t size, uint64_t offset, unsigned int seed)
{
	unsigned char *bytes = data;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = pattern_at(offset + i, seed);
}

bool is_pattern(const void *data, size_t size, uint64_t offset, unsigned int seed)
{
	const unsigned char *bytes = data;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != pattern_at(offset + i, seed))
			return false;
	return true;
}
