/* SPDX-License-Identifier: MIT */
/* Checks of names and directories. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/fs.h>

#include "check.h"
#include "names.h"

static int open_and_close(const char *path, int flags)
{
	void *file;
	int r = c->open(fs, NULL, path, flags, 0644, &file);

	return r < 0 ? r : c->close(file);
}

static enum check_result open_makes_or_refuses(void)
{
	IS(open_and_close("/a", O_RDONLY), -ENOENT);
	IS(open_and_close("/a", O_CREAT | O_EXCL | O_WRONLY), 0);
	IS(open_and_close("/a", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
	IS(open_and_close("/a", O_CREAT | O_RDWR), 0);
	IS(open_and_close("/a/", O_RDONLY), -ENOTDIR);
	IS(open_and_close("/a", O_DIRECTORY | O_RDONLY), -ENOTDIR);
	IS(open_and_close("/", O_WRONLY), -EISDIR);
	IS(open_and_close("/", O_RDONLY), 0);
	IS(open_and_close("/no/a", O_CREAT | O_WRONLY), -ENOENT);
	IS(open_and_close("", O_RDONLY), -ENOENT);
	return CHECK_GOOD;
}

static enum check_result open_does_not_follow_if_told(void)
{
	IS(make_file("/a", 0644, "x"), 0);
	IS(c->symlink(fs, "a", NULL, "/link"), 0);
	IS(c->symlink(fs, "no", NULL, "/dangling"), 0);
	IS(open_and_close("/link", O_RDONLY), 0);
	IS(open_and_close("/link", O_RDONLY | O_NOFOLLOW), -ELOOP);
	IS(open_and_close("/link", O_PATH | O_NOFOLLOW), 0);
	IS(open_and_close("/dangling", O_RDONLY), -ENOENT);
	IS(open_and_close("/dangling", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
	IS(open_and_close("/dangling", O_CREAT | O_WRONLY), 0);
	IS(mode_of("/no") & S_IFMT, S_IFREG);
	return CHECK_GOOD;
}

static enum check_result links_lead_inside_the_file_system(void)
{
	char path[PATH_MAX];

	IS(c->mkdir(fs, NULL, "/d", 0755), 0);
	IS(make_file("/d/a", 0644, "x"), 0);
	IS(c->symlink(fs, "/d/../d/a", NULL, "/absolute"), 0);
	IS(c->symlink(fs, "../../../d/a", NULL, "/d/above"), 0);
	IS(c->symlink(fs, "loop", NULL, "/loop"), 0);
	IS(has_text("/absolute", "x"), 1);
	IS(has_text("/d/above", "x"), 1);
	IS(has_text("/../../d/a", "x"), 1);
	IS(c->access(fs, NULL, "/loop", F_OK, 0), -ELOOP);
	IS(c->realpath(fs, "d/./above", path, sizeof(path)), 0);
	IS(strcmp(path, "/d/a"), 0);
	IS(c->realpath(fs, "/d", path, 2), -ERANGE);
	return CHECK_GOOD;
}

static enum check_result a_chain_of_links_has_an_end(void)
{
	char from[16], to[16];

	IS(make_file("/0", 0644, "x"), 0);
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "/%d", i);
		snprintf(to, sizeof(to), "%d", i - 1);
		IS(c->symlink(fs, to, NULL, from), 0);
	}
	IS(has_text("/40", "x"), 1);
	IS(open_and_close("/41", O_RDONLY), -ELOOP);
	return CHECK_GOOD;
}

static enum check_result names_may_be_so_long(void)
{
	char name[NAME_MAX + 3] = "/", path[PATH_MAX + 2];

	memset(name + 1, 'n', NAME_MAX + 1);
	IS(make_file(name, 0644, "x"), -ENAMETOOLONG);
	name[NAME_MAX + 1] = '\0';
	IS(make_file(name, 0644, "x"), 0);
	IS(size_of(name), 1);
	memset(path, '/', PATH_MAX);
	strcpy(path + PATH_MAX - 2, "n");
	IS(size_of(path), -ENOENT);
	strcpy(path + PATH_MAX - 1, "n");
	IS(size_of(path), -ENAMETOOLONG);
	return CHECK_GOOD;
}

static enum check_result rename_replaces(void)
{
	IS(make_file("/a", 0644, "a"), 0);
	IS(make_file("/b", 0644, "b"), 0);
	IS(c->mkdir(fs, NULL, "/d", 0755), 0);
	IS(c->mkdir(fs, NULL, "/e", 0755), 0);
	IS(c->rename(fs, NULL, "/a", NULL, "/b", 0), 0);
	IS(mode_of("/a"), -ENOENT);
	IS(has_text("/b", "a"), 1);
	IS(c->rename(fs, NULL, "/b", NULL, "/d", 0), -EISDIR);
	IS(c->rename(fs, NULL, "/d", NULL, "/b", 0), -ENOTDIR);
	IS(c->rename(fs, NULL, "/d", NULL, "/e", 0), 0);
	IS(c->rename(fs, NULL, "/b", NULL, "/e/b", 0), 0);
	IS(c->mkdir(fs, NULL, "/d", 0755), 0);
	IS(c->rename(fs, NULL, "/d", NULL, "/e", 0), -ENOTEMPTY);
	IS(c->rename(fs, NULL, "/e", NULL, "/e/d", 0), -EINVAL);
	IS(c->rename(fs, NULL, "/e/b", NULL, "/e/b", 0), 0);
	IS(c->rename(fs, NULL, "/no", NULL, "/x", 0), -ENOENT);
	return CHECK_GOOD;
}

static enum check_result a_removed_directory_lists_nothing(void)
{
	struct dirent entry;
	void *dir;

	IS(c->mkdir(fs, NULL, "/d", 0755), 0);
	IS(c->opendir(fs, "/d", &dir), 0);
	IS(c->unlink(fs, NULL, "/d", AT_REMOVEDIR), 0);
	IS(c->readdir(dir, &entry), 0);
	IS(c->readdir(dir, &entry), 0);
	IS(c->closedir(dir), 0);
	return CHECK_GOOD;
}

static long long inode_of(void *dir, const char *path)
{
	struct stat stat;
	int r = c->stat(fs, dir, path, &stat, 0);

	return r < 0 ? r : (long long)stat.st_ino;
}

/* As who is in a directory that was removed. */
static enum check_result what_was_replaced_has_a_parent(void)
{
	void *dir;

	IS(c->mkdir(fs, NULL, "/d", 0755), 0);
	IS(c->mkdir(fs, NULL, "/d/a", 0755), 0);
	IS(c->mkdir(fs, NULL, "/b", 0755), 0);
	IS(c->open(fs, NULL, "/d/a", O_RDONLY | O_DIRECTORY, 0, &dir), 0);
	IS(c->rename(fs, NULL, "/b", NULL, "/d/a", 0), 0);
	IS(inode_of(dir, ".."), inode_of(NULL, "/d"));
	IS(c->unlink(fs, NULL, "/d/a", AT_REMOVEDIR), 0);
	IS(c->close(dir), 0);
	return CHECK_GOOD;
}

static enum check_result rename_by_flags(void)
{
	int r;

	IS(make_file("/a", 0644, "a"), 0);
	IS(make_file("/b", 0644, "b"), 0);
	r = c->rename(fs, NULL, "/a", NULL, "/b", RENAME_NOREPLACE);
	NEEDS(r);
	IS(r, -EEXIST);
	IS(c->rename(fs, NULL, "/a", NULL, "/b", RENAME_EXCHANGE), 0);
	IS(has_text("/a", "b") && has_text("/b", "a"), 1);
	IS(c->rename(fs, NULL, "/a", NULL, "/c", RENAME_EXCHANGE), -ENOENT);
	IS(c->rename(fs, NULL, "/a", NULL, "/c", RENAME_NOREPLACE), 0);
	IS(c->rename(fs, NULL, "/b", NULL, "/c", RENAME_NOREPLACE | RENAME_EXCHANGE), -EINVAL);
	return CHECK_GOOD;
}

static enum check_result an_open_file_follows_its_name(void)
{
	char too_long[NAME_MAX + 2] = "";
	struct stat stat;
	void *dir, *file;

	IS(c->mkdir(fs, NULL, "/d", 0755), 0);
	IS(make_file("/d/a", 0644, "x"), 0);
	IS(c->open(fs, NULL, "/d", O_RDONLY | O_DIRECTORY, 0, &dir), 0);
	IS(c->open(fs, NULL, "/d/a", O_RDWR, 0, &file), 0);
	IS(c->rename(fs, NULL, "/d", NULL, "/e", 0), 0);
	IS(c->stat(fs, dir, "a", &stat, 0), 0);
	IS(c->stat(fs, dir, "../e/a", &stat, 0), 0);
	IS(c->rename(fs, dir, "a", NULL, "/b", 0), 0);
	IS(c->write(file, "y", 1), 1);
	IS(c->close(file), 0);
	IS(has_text("/b", "y"), 1);
	IS(c->unlink(fs, NULL, "/e", AT_REMOVEDIR), 0);
	IS(c->stat(fs, dir, "a", &stat, 0), -ENOENT);
	IS(c->mkdir(fs, dir, "x", 0755), -ENOENT);
	memset(too_long, 'n', sizeof(too_long) - 1);
	IS(c->stat(fs, NULL, too_long, &stat, 0), -ENAMETOOLONG);
	IS(c->stat(fs, dir, too_long, &stat, 0), -ENOENT);
	IS(c->fstat(dir, &stat), 0);
	IS(c->close(dir), 0);
	return CHECK_GOOD;
}

static enum check_result hard_links_are_one_file(void)
{
	struct stat a, b;

	IS(make_file("/a", 0644, "x"), 0);
	IS(c->link(fs, NULL, "/a", NULL, "/b", 0), 0);
	IS(links_of("/a"), 2);
	IS(c->stat(fs, NULL, "/a", &a, 0), 0);
	IS(c->stat(fs, NULL, "/b", &b, 0), 0);
	IS(a.st_ino == b.st_ino, 1);
	IS(c->chmod(fs, NULL, "/b", 0600, 0), 0);
	IS(mode_of("/a") & 07777, 0600);
	IS(c->link(fs, NULL, "/a", NULL, "/b", 0), -EEXIST);
	IS(c->link(fs, NULL, "/", NULL, "/c", 0), -EPERM);
	IS(c->unlink(fs, NULL, "/a", 0), 0);
	IS(links_of("/b"), 1);
	IS(c->symlink(fs, "b", NULL, "/s"), 0);
	IS(c->link(fs, NULL, "/s", NULL, "/t", 0), 0);
	IS(mode_of("/t") & S_IFMT, S_IFLNK);
	IS(c->link(fs, NULL, "/s", NULL, "/u", AT_SYMLINK_FOLLOW), 0);
	IS(mode_of("/u") & S_IFMT, S_IFREG);
	return CHECK_GOOD;
}

static enum check_result symbolic_links_are_read(void)
{
	char target[8] = {0};

	IS(c->symlink(fs, "somewhere", NULL, "/s"), 0);
	IS(size_of("/s"), 9);
	IS(c->readlink(fs, NULL, "/s", target, 4), 4);
	IS(memcmp(target, "some", 5), 0);
	IS(c->readlink(fs, NULL, "/", target, 4), -EINVAL);
	IS(c->readlink(fs, NULL, "/s", target, 0), -EINVAL);
	IS(c->symlink(fs, "", NULL, "/t"), -ENOENT);
	IS(c->symlink(fs, "x", NULL, "/s"), -EEXIST);
	return CHECK_GOOD;
}

static enum check_result directories_are_made_and_removed(void)
{
	IS(c->mkdir(fs, NULL, "/d/", 0755), 0);
	IS(c->mkdir(fs, NULL, "/d", 0755), -EEXIST);
	IS(links_of("/d"), 2);
	IS(c->mkdir(fs, NULL, "/d/e", 0755), 0);
	IS(c->mkdir(fs, NULL, "/no/e", 0755), -ENOENT);
	IS(c->unlink(fs, NULL, "/d", AT_REMOVEDIR), -ENOTEMPTY);
	IS(c->unlink(fs, NULL, "/d", 0), -EISDIR);
	IS(c->unlink(fs, NULL, "/d/e/.", AT_REMOVEDIR), -EINVAL);
	IS(c->unlink(fs, NULL, "/d/e/..", AT_REMOVEDIR), -ENOTEMPTY);
	IS(c->unlink(fs, NULL, "/d/e", AT_REMOVEDIR), 0);
	IS(c->unlink(fs, NULL, "/d", AT_REMOVEDIR), 0);
	IS(make_file("/a", 0644, "x"), 0);
	IS(c->unlink(fs, NULL, "/a", AT_REMOVEDIR), -ENOTDIR);
	IS(c->unlink(fs, NULL, "/a/", 0), -ENOTDIR);
	IS(c->mkdir(fs, NULL, "/a/b", 0755), -ENOTDIR);
	return CHECK_GOOD;
}

static enum check_result nodes_of_other_types(void)
{
	IS(c->mknod(fs, NULL, "/fifo", S_IFIFO | 0640, 0), 0);
	IS(mode_of("/fifo"), S_IFIFO | 0640);
	IS(c->mknod(fs, NULL, "/file", S_IFREG | 0600, 0), 0);
	IS(mode_of("/file"), S_IFREG | 0600);
	IS(c->mknod(fs, NULL, "/file", S_IFREG | 0600, 0), -EEXIST);
	IS(c->mknod(fs, NULL, "/d", S_IFDIR | 0700, 0), -EPERM);
	return CHECK_GOOD;
}

#define MANY 300

static enum check_result many_entries_are_listed_once(void)
{
	struct names names;
	char path[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "/entry-%03d", i);
		IS(c->mknod(fs, NULL, path, S_IFREG | 0644, 0), 0);
	}
	IS(names_read(c, fs, "/", &names), 0);
	IS(names.count, MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "entry-%03d", i);
		IS(strcmp(names.names[i], path), 0);
	}
	names_free(&names);
	return CHECK_GOOD;
}

static enum check_result places_in_a_directory(void)
{
	struct dirent first, again;
	char path[32];
	void *dir;
	long place;

	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		IS(c->mknod(fs, NULL, path, S_IFREG | 0644, 0), 0);
	}
	IS(c->opendir(fs, "/", &dir), 0);
	for (int i = 0; i < 7; i++)
		IS(c->readdir(dir, &first), 1);
	place = c->telldir(dir);
	IS(c->readdir(dir, &first), 1);
	while (c->readdir(dir, &again) > 0)
		;
	c->seekdir(dir, place);
	IS(c->readdir(dir, &again), 1);
	IS(strcmp(first.d_name, again.d_name), 0);
	IS(c->closedir(dir), 0);
	return CHECK_GOOD;
}

static enum check_result rewinding_shows_what_is_new(void)
{
	struct dirent entry;
	unsigned int before = 0, after = 0;
	void *dir;

	IS(c->opendir(fs, "/", &dir), 0);
	while (c->readdir(dir, &entry) > 0)
		before++;
	IS(make_file("/new", 0644, "x"), 0);
	c->rewinddir(dir);
	while (c->readdir(dir, &entry) > 0)
		after++;
	IS(before, 2);
	IS(after, 3);
	IS(c->closedir(dir), 0);
	return CHECK_GOOD;
}

static enum check_result a_file_becomes_a_stream(void)
{
	struct dirent entry;
	void *file, *dir;

	IS(make_file("/a", 0644, "x"), 0);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &file), 0);
	IS(c->fdopendir(file, &dir), -ENOTDIR);
	IS(c->close(file), 0);
	IS(c->open(fs, NULL, "/", O_RDONLY | O_DIRECTORY, 0, &file), 0);
	IS(c->fdopendir(file, &dir), 0);
	IS(c->readdir(dir, &entry), 1);
	IS(c->closedir(dir), 0);
	IS(c->opendir(fs, "/a", &dir), -ENOTDIR);
	return CHECK_GOOD;
}

const struct check name_checks[] = {
	{"open makes a file or refuses", open_makes_or_refuses},
	{"O_NOFOLLOW, and what a dangling link leads to", open_does_not_follow_if_told},
	{"links and .. stay inside the file system", links_lead_inside_the_file_system},
	{"forty links may lead to each other", a_chain_of_links_has_an_end},
	{"names of 255 bytes, paths of 4095", names_may_be_so_long},
	{"rename replaces what it may", rename_replaces},
	{"a removed directory lists nothing", a_removed_directory_lists_nothing},
	{"a directory that was replaced has a parent", what_was_replaced_has_a_parent},
	{"RENAME_NOREPLACE and RENAME_EXCHANGE", rename_by_flags},
	{"an open file stays the same when names change", an_open_file_follows_its_name},
	{"hard links are one file", hard_links_are_one_file},
	{"symbolic links are read", symbolic_links_are_read},
	{"directories are made and removed", directories_are_made_and_removed},
	{"fifos and files by mknod", nodes_of_other_types},
	{"many entries are listed once each", many_entries_are_listed_once},
	{"telldir and seekdir", places_in_a_directory},
	{"rewinddir shows what is new", rewinding_shows_what_is_new},
	{"fdopendir", a_file_becomes_a_stream},
	{NULL, NULL},
};
