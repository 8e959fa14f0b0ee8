/* SPDX-License-Identifier: MIT */
/* Names, and directories of them. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "side.h"

void apply_mkdir(struct side *side, const struct op *op, struct outcome *out)
{
	say_result(out, side->calls->mkdir(side->fs, side_dir(side, op->dir), op->path, op->mode));
}

void apply_mknod(struct side *side, const struct op *op, struct outcome *out)
{
	dev_t device = op->choice->value == S_IFCHR ? makedev(1, 3) : 0;

	say_result(out, side->calls->mknod(side->fs, side_dir(side, op->dir), op->path,
				(mode_t)op->choice->value | op->mode, device));
}

void apply_unlink(struct side *side, const struct op *op, struct outcome *out)
{
	say_result(out,
		side->calls->unlink(side->fs, side_dir(side, op->dir), op->path, op_flags(op)));
}

void apply_rename(struct side *side, const struct op *op, struct outcome *out)
{
	say_result(out, side->calls->rename(side->fs, side_dir(side, op->dir), op->path,
				side_dir(side, op->dir2), op->path2, (unsigned int)op_flags(op)));
}

void apply_link(struct side *side, const struct op *op, struct outcome *out)
{
	say_result(out, side->calls->link(side->fs, side_dir(side, op->dir), op->path,
				side_dir(side, op->dir2), op->path2, op->at));
}

/* The second path is what it points to. */
void apply_symlink(struct side *side, const struct op *op, struct outcome *out)
{
	say_result(
		out, side->calls->symlink(side->fs, op->path2, side_dir(side, op->dir), op->path));
}

void apply_readlink(struct side *side, const struct op *op, struct outcome *out)
{
	char target[PATH_MAX + 1];
	size_t room = op->length < PATH_MAX ? op->length : PATH_MAX;
	ssize_t r = side->calls->readlink(
		side->fs, side_dir(side, op->dir), op->path, target, room);

	say_result(out, r);
	if (r > 0)
		say(out, "\"%.*s\"", (int)r, target);
}

void apply_realpath(struct side *side, const struct op *op, struct outcome *out)
{
	char resolved[PATH_MAX];
	int r = side->calls->realpath(side->fs, op->path, resolved, sizeof(resolved));

	say_result(out, r);
	if (r == 0)
		say(out, "\"%s\"", resolved);
}

/* ---- directories ---- */

void apply_opendir(struct side *side, const struct op *op, struct outcome *out)
{
	void *dir = NULL;
	int r = side->calls->opendir(side->fs, op->path, &dir);

	if (r == 0)
		side_put_dir(side, op->slot, dir, out);
	say_result(out, r);
}

/* The file is the stream's if there is one. */
void apply_fdopendir(struct side *side, const struct op *op, struct outcome *out)
{
	void *dir = NULL;
	int r;

	if (!side->files[op->slot2])
		return;
	if (side->calls->read(side->files[op->slot2], NULL, 0) == -EBADF) {
		out->not_compared = true;
		return;
	}
	r = side->calls->fdopendir(side->files[op->slot2], &dir);
	if (r == 0) {
		side_put_dir(side, op->slot, dir, out);
		side->files[op->slot2] = NULL;
	}
	say_result(out, r);
}

struct listing {
	char (*entries)[NAME_MAX + 8]; /* type and name */
	size_t count;
	uint64_t hash; /* in their order */
	int error;
};

static void listing_add(struct listing *listing, const struct dirent *entry)
{
	void *more = realloc(listing->entries, (listing->count + 1) * sizeof(*listing->entries));

	if (!more) {
		listing->error = -ENOMEM;
		return;
	}
	listing->entries = more;
	snprintf(listing->entries[listing->count], sizeof(*listing->entries), "%u:%s",
		entry->d_type, entry->d_name);
	listing->hash = hash_data(listing->hash, listing->entries[listing->count],
		strlen(listing->entries[listing->count]));
	listing->count++;
}

/* From where the stream is, at most @max. */
static struct listing read_entries(struct side *side, void *dir, size_t max)
{
	struct listing listing = {.hash = HASH_BEGIN};
	struct dirent entry;
	int r = 1;

	while (listing.count < max && listing.error == 0) {
		r = side->calls->readdir(dir, &entry);
		if (r <= 0)
			break;
		listing_add(&listing, &entry);
	}
	if (r < 0)
		listing.error = r;
	return listing;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void say_listing(struct listing *listing, struct outcome *out)
{
	say_result(out, listing->error ? listing->error : (ssize_t)listing->count);
	if (listing->count)
		qsort(listing->entries, listing->count, sizeof(*listing->entries), compare_names);
	for (size_t i = 0; i < listing->count; i++)
		say(out, "%s", listing->entries[i]);
}

void apply_list(struct side *side, const struct op *op, struct outcome *out)
{
	void *dir = side->dirs[op->slot];
	struct listing listing;

	if (!dir)
		return;
	side->calls->rewinddir(dir);
	listing = read_entries(side, dir, SIZE_MAX);
	say_listing(&listing, out);
	free(listing.entries);
}

/* The same entries come after a place each time. */
void apply_seekdir(struct side *side, const struct op *op, struct outcome *out)
{
	void *dir = side->dirs[op->slot];
	struct listing before, after, again;
	long place;

	if (!dir)
		return;
	side->calls->rewinddir(dir);
	before = read_entries(side, dir, (size_t)op->offset % 5);
	place = side->calls->telldir(dir);
	after = read_entries(side, dir, SIZE_MAX);
	side->calls->seekdir(dir, place);
	again = read_entries(side, dir, SIZE_MAX);
	say(out, "%zu, then", before.count);
	say_result(out, after.error ? after.error : (ssize_t)after.count);
	if (again.error != after.error || again.count != after.count || again.hash != after.hash)
		say(out, "the second time %zu others", again.count);
	free(before.entries);
	free(after.entries);
	free(again.entries);
}

void apply_dirfile(struct side *side, const struct op *op, struct outcome *out)
{
	void *dir = side->dirs[op->slot];
	struct stat stat;
	int r;

	if (!dir)
		return;
	r = side->calls->stat(side->fs, side->calls->dirfile(dir), op->path, &stat, op->at);
	say_result(out, r);
	if (r == 0)
		say_stat(out, &stat);
}
