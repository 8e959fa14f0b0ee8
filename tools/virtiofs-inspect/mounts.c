/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/core.h"
#include "files.h"
#include "mounts.h"

/* Undo the kernel's \ooo for blanks and backslashes. */
static void unescape(const char *field, size_t length, char *out, size_t size)
{
	size_t used = 0;
	size_t i;

	for (i = 0; i < length && used < size - 1; i++) {
		unsigned int value;

		if (field[i] == '\\' && i + 3 < length &&
			sscanf(field + i + 1, "%3o", &value) == 1) {
			out[used++] = (char)value;
			i += 3;
		} else {
			out[used++] = field[i];
		}
	}
	out[used] = '\0';
}

/* The next field that blanks delimit; moves *pos behind it. */
static const char *next_field(const char **pos, size_t *length)
{
	const char *start = *pos + strspn(*pos, " ");

	*length = strcspn(start, " \n");
	*pos = start + *length;
	return start;
}

bool mount_parse(const char *line, struct mount *mount)
{
	/* ID parent major:minor root DIR options optional-fields... - TYPE SOURCE options */
	const char *rest = strstr(line, " - ");
	const char *dir = line;
	const char *field;
	size_t length = 0;
	int i;

	if (!rest)
		return false;
	rest += 3;
	field = next_field(&rest, &length);
	if (length != strlen("virtiofs") || strncmp(field, "virtiofs", length) != 0)
		return false;
	field = next_field(&rest, &length);
	unescape(field, length, mount->source, sizeof(mount->source));
	for (i = 0; i < 5; i++)
		field = next_field(&dir, &length);
	unescape(field, length, mount->dir, sizeof(mount->dir));
	return true;
}

static int search_file(const char *path, const char *tag, struct mount *mount)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int found = 0;

	if (!file)
		return -errno;
	while (!found && getline(&line, &room, file) >= 0)
		found = mount_parse(line, mount) && (!tag || strcmp(mount->source, tag) == 0);
	free(line);
	fclose(file);
	return found;
}

/* Most processes share one mount namespace; there is no need to read it a thousand times. */
struct seen {
	ino_t *namespaces;
	size_t count;
};

static bool seen_before(struct seen *seen, const char *process)
{
	char path[PATH_MAX];
	struct stat st;
	ino_t *grown;
	size_t i;

	snprintf(path, sizeof(path), "%s/%s/ns/mnt", inspect_proc_root, process);
	if (stat(path, &st) < 0)
		return false;
	for (i = 0; i < seen->count; i++)
		if (seen->namespaces[i] == st.st_ino)
			return true;
	grown = realloc(seen->namespaces, (seen->count + 1) * sizeof(*grown));
	if (grown) {
		seen->namespaces = grown;
		seen->namespaces[seen->count++] = st.st_ino;
	}
	return false;
}

static int search_processes(const char *tag, struct mount *mount)
{
	DIR *dir = opendir(inspect_proc_root);
	struct seen seen = {0};
	struct dirent *entry;
	int found = 0;

	if (!dir)
		return 0;
	while (found <= 0 && (entry = readdir(dir))) {
		char path[PATH_MAX];

		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
			seen_before(&seen, entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s/mountinfo", inspect_proc_root, entry->d_name);
		found = search_file(path, tag, mount);
		mount->pid = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	free(seen.namespaces);
	closedir(dir);
	return found > 0;
}

int mounts_find(const char *tag, struct mount *mount)
{
	char path[PATH_MAX];
	int found;

	snprintf(path, sizeof(path), "%s/self/mountinfo", inspect_proc_root);
	found = search_file(path, tag, mount);
	if (found < 0)
		return vfs_error(
			found, "cannot tell what is mounted: %s: %s", path, strerror(-found));
	if (found) {
		mount->pid = 0;
		return 1;
	}
	return search_processes(tag, mount);
}
