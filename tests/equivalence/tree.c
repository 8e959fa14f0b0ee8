/* SPDX-License-Identifier: MIT */
/* A whole file system: all that is there, or nothing. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../file/names.h"
#include "side.h"

/* A root that all may write to, as all begins there. */
static int reset_root(struct side *side)
{
	int r = side->calls->chown(side->fs, NULL, "/", 0, 0, 0);

	if (r == 0)
		r = side->calls->chmod(side->fs, NULL, "/", 0777, 0);
	if (r == 0)
		r = side->calls->utimens(side->fs, NULL, "/", NULL, 0);
	side->calls->removexattr(side->fs, "/", "user.a", 0);
	side->calls->removexattr(side->fs, "/", "user.b", 0);
	side->calls->removexattr(side->fs, "/", "user.long-name", 0);
	return r;
}

int side_empty(struct side *side)
{
	int r = side->calls->become(&op_callers[0]);

	if (r == 0)
		r = names_remove_all(side->calls, side->fs);
	return r < 0 ? r : reset_root(side);
}

/* ---- all ---- */

static char buffer[1 << 20];

static void say_content(struct side *side, const char *path, struct outcome *out)
{
	uint64_t hash = HASH_BEGIN;
	void *file;
	ssize_t n;
	int r = side->calls->open(side->fs, NULL, path, O_RDONLY, 0, &file);

	if (r < 0) {
		say_result(out, r);
		return;
	}
	while ((n = side->calls->read(file, buffer, sizeof(buffer))) > 0)
		hash = hash_data(hash, buffer, (size_t)n);
	say_result(out, n);
	say(out, "data %016llx", (unsigned long long)hash);
	side->calls->close(file);
}

static void say_target(struct side *side, const char *path, struct outcome *out)
{
	ssize_t n = side->calls->readlink(side->fs, NULL, path, buffer, PATH_MAX);

	say_result(out, n);
	if (n > 0)
		say(out, "-> \"%.*s\"", (int)n, buffer);
}

/* Others than user.* are those of the system behind it. */
static void say_xattrs(struct side *side, const char *path, struct outcome *out)
{
	char names[4096], value[8192];
	ssize_t n = side->calls->listxattr(
		side->fs, path, names, sizeof(names), AT_SYMLINK_NOFOLLOW);

	for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		if (strncmp(name, "user.", 5) != 0)
			continue;
		say(out, "%s", name);
		say_data(out, value,
			side->calls->getxattr(
				side->fs, path, name, value, sizeof(value), AT_SYMLINK_NOFOLLOW));
	}
}

static void print_node(struct side *side, const char *path, const struct stat *stat, FILE *stream)
{
	static struct outcome out;

	outcome_begin(&out);
	say_stat(&out, stat);
	if (S_ISREG(stat->st_mode))
		say_content(side, path, &out);
	else if (S_ISLNK(stat->st_mode))
		say_target(side, path, &out);
	if (S_ISREG(stat->st_mode) || S_ISDIR(stat->st_mode))
		say_xattrs(side, path, &out);
	fprintf(stream, "%s:%s\n", path, out.text);
}

/* @path is empty at the root. */
static void print_below(struct side *side, char *path, FILE *stream)
{
	size_t length = strlen(path);
	struct names names = {0};
	struct stat stat;
	int r = side->calls->stat(side->fs, NULL, *path ? path : "/", &stat, AT_SYMLINK_NOFOLLOW);

	if (r == 0)
		print_node(side, *path ? path : "/", &stat, stream);
	if (r == 0 && S_ISDIR(stat.st_mode))
		r = names_read(side->calls, side->fs, *path ? path : "/", &names);
	if (r < 0)
		fprintf(stream, "%s: %s\n", path, strerrorname_np(-r));
	for (size_t i = 0; i < names.count; i++) {
		if (names_append(path, length, names.names[i]) < 0)
			fprintf(stream, "%s: and more\n", path);
		else
			print_below(side, path, stream);
		path[length] = '\0';
	}
	names_free(&names);
}

char *side_tree(struct side *side)
{
	char path[PATH_MAX] = "";
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	side->calls->become(&op_callers[0]);
	print_below(side, path, stream);
	fclose(stream);
	return text;
}
