/* SPDX-License-Identifier: MIT */
/* Reading directories. */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "check.h"
#include "fuse.h"

#define FEW 50u

struct listing {
	uint64_t parent;
	unsigned int count; /* of files, 0 to count - 1 */
	char *seen;
	unsigned int dots;
	unsigned int unknown;
	unsigned int nodes; /* entries with a node */
	char name[32];
};

static void make_mknod(void *ctx, unsigned int i, struct op *op)
{
	static const struct fuse_mknod_in in = {.mode = S_IFREG | 0600};
	struct listing *listing = ctx;

	snprintf(listing->name, sizeof(listing->name), "entry-%u", i);
	*op = (struct op){.opcode = FUSE_MKNOD,
		.node = listing->parent,
		.in = {PART(in), NAME(listing->name)}};
}

static int fill_directory(struct client *client, struct listing *listing)
{
	struct stream stream = {.count = listing->count, .make = make_mknod, .ctx = listing};

	return stream_run(client->queue, &stream);
}

static void note_entry(struct listing *listing, const struct fuse_dirent *entry, uint64_t node)
{
	char name[NAME_MAX + 1];
	unsigned int i;

	snprintf(name, sizeof(name), "%.*s", (int)entry->namelen, entry->name);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		listing->dots++;
		return;
	}
	if (node)
		listing->nodes++;
	if (sscanf(name, "entry-%u", &i) == 1 && i < listing->count && listing->seen[i] < 2)
		listing->seen[i]++;
	else
		listing->unknown++;
}

static long note_entries(struct listing *listing, uint32_t opcode, const char *entries, size_t size,
	uint64_t *offset)
{
	size_t at = 0;

	while (at < size) {
		const struct fuse_direntplus *plus = (const void *)(entries + at);
		const struct fuse_dirent *entry = (const void *)(entries + at);
		size_t length;

		if (opcode == FUSE_READDIRPLUS)
			entry = &plus->dirent;
		if ((size_t)((const char *)entry - entries) + FUSE_NAME_OFFSET > size)
			return -EBADMSG;
		length = opcode == FUSE_READDIRPLUS ? FUSE_DIRENTPLUS_SIZE(plus)
						    : FUSE_DIRENT_SIZE(entry);
		if (!entry->namelen || length > size - at)
			return -EBADMSG;
		note_entry(listing, entry, opcode == FUSE_READDIRPLUS ? plus->entry_out.nodeid : 0);
		*offset = entry->off;
		at += length;
	}
	return (long)at;
}

static int list(struct client *client, struct listing *listing, uint32_t opcode, uint32_t size)
{
	char *entries = client_scratch(client, size + listing->count);
	struct file directory;
	uint64_t offset = 0;
	long n;
	int r = fuse_opendir(client, listing->parent, &directory);

	listing->seen = entries + size;
	if (r < 0)
		return r;
	while ((n = fuse_readdir(client, opcode, &directory, entries, size, offset)) > 0) {
		n = note_entries(listing, opcode, entries, (size_t)n, &offset);
		if (n < 0)
			break;
	}
	r = fuse_releasedir(client, &directory);
	return n < 0 ? (int)n : r;
}

static enum verdict is_complete(const struct listing *listing)
{
	unsigned int i, missing = 0, twice = 0;

	for (i = 0; i < listing->count; i++) {
		missing += listing->seen[i] == 0;
		twice += listing->seen[i] > 1;
	}
	expect(!missing && !twice && !listing->unknown,
		"of %u entries %u are missing, %u there twice, and %u others", listing->count,
		missing, twice, listing->unknown);
	return PASSED;
}

static enum verdict list_of(
	struct client *client, unsigned int count, uint32_t opcode, uint32_t size)
{
	struct listing listing = {.parent = client->directory, .count = count};

	expect_ok(fill_directory(client, &listing));
	expect_ok(list(client, &listing, opcode, size));
	if (opcode == FUSE_READDIRPLUS)
		expect(listing.nodes == count, "%u entries have a node", listing.nodes);
	return is_complete(&listing);
}

static enum verdict few_are_listed(struct client *client)
{
	return list_of(client, FEW, FUSE_READDIR, 4096);
}

static enum verdict few_are_listed_with_attributes(struct client *client)
{
	if (!(client->init.flags & FUSE_DO_READDIRPLUS))
		return skipped("the server has no READDIRPLUS");
	return list_of(client, FEW, FUSE_READDIRPLUS, 4096);
}

/* So little room that each answer has one entry or two. */
static enum verdict few_are_listed_one_by_one(struct client *client)
{
	return list_of(client, FEW, FUSE_READDIR, 80);
}

static enum verdict many_are_listed(struct client *client)
{
	return list_of(client, client->settings->entries, FUSE_READDIR, 65536);
}

static enum verdict many_are_listed_with_attributes(struct client *client)
{
	if (!(client->init.flags & FUSE_DO_READDIRPLUS))
		return skipped("the server has no READDIRPLUS");
	return list_of(client, client->settings->entries, FUSE_READDIRPLUS, 65536);
}

static enum verdict empty_has_only_dots(struct client *client)
{
	struct listing listing = {.parent = client->directory, .count = 1};

	expect_ok(list(client, &listing, FUSE_READDIR, 4096));
	expect(listing.dots == 2 || listing.dots == 0, "%u dots", listing.dots);
	expect(listing.unknown == 0, "%u entries", listing.unknown);
	return PASSED;
}

static enum verdict is_synchronised(struct client *client)
{
	struct file directory;
	struct fuse_fsync_in in = {0};
	struct op op = {.opcode = FUSE_FSYNCDIR, .node = client->directory, .in = {PART(in)}};

	expect_ok(fuse_opendir(client, client->directory, &directory));
	in.fh = directory.fh;
	expect_supported("FSYNCDIR", op_run(client, &op));
	return PASSED;
}

#define DIRECTORIES_CHECK(name, run)                                \
	{                                                           \
		"directories/" name, run, NEEDS_SESSION, {0}, false \
	}

static const struct check checks[] = {
	DIRECTORIES_CHECK("empty-has-only-dots", empty_has_only_dots),
	DIRECTORIES_CHECK("few-are-listed", few_are_listed),
	DIRECTORIES_CHECK("few-with-attributes", few_are_listed_with_attributes),
	DIRECTORIES_CHECK("few-one-by-one", few_are_listed_one_by_one),
	DIRECTORIES_CHECK("many-are-listed", many_are_listed),
	DIRECTORIES_CHECK("many-with-attributes", many_are_listed_with_attributes),
	DIRECTORIES_CHECK("is-synchronised", is_synchronised),
};

const struct check_list directories_checks = CHECK_LIST(checks);
