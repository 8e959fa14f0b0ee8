/* SPDX-License-Identifier: MIT */
/* Names, attributes and directories. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/stat.h>

#include "scarce.h"
#include "scenario.h"

#define ENTRIES 6u

/* What is not there cannot be looked at, but memory may run out before that is known. */
static void missing(int64_t result)
{
	if (result != -ENOENT && !(result == -ENOMEM && scarce_happened()))
		fail_msg("a missing name: %d", (int)result);
}

static bool make_all(struct vfs_fs *fs)
{
	struct vfs_file *file;

	if (!TRY(vfs_mkdir(fs, "d", 0755), -EEXIST) || !TRY(vfs_mkdir(fs, "d/e", 0755), -EEXIST) ||
		!OK(vfs_creat(fs, "d/f", 0644, &file)))
		return false;
	(void)OK(vfs_close(file));
	return TRY(vfs_mknod(fs, "d/pipe", S_IFIFO | 0600, 0), -EEXIST) &&
	       TRY(vfs_symlink(fs, "../d/e", "d/link"), -EEXIST) &&
	       TRY(vfs_symlink(fs, "/d/link", "top"), -EEXIST) &&
	       TRY(vfs_link(fs, "d/f", "d/e/g"), -EEXIST);
}

static void look(struct vfs_fs *fs)
{
	struct statvfs room;
	struct statx more;
	struct stat attr;
	char path[PATH_MAX];

	if (OK(vfs_stat(fs, "top/g", &attr)))
		assert_int_equal(attr.st_nlink, 2);
	if (OK(vfs_lstat(fs, "top", &attr)))
		assert_true(S_ISLNK(attr.st_mode));
	if (OK(vfs_realpath(fs, "top/../f", path, sizeof(path))))
		assert_string_equal(path, "/d/f");
	if (OK(vfs_readlink(fs, "d/link", path, sizeof(path))))
		assert_memory_equal(path, "../d/e", 6);
	(void)OK(vfs_statx(fs, NULL, "d/pipe", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &more));
	(void)OK(vfs_statvfs(fs, "d", &room));
	(void)OK(vfs_access(fs, "top/g", R_OK | W_OK));
	missing(vfs_stat(fs, "d/missing", &attr));
	missing(vfs_stat(fs, "d/missing", &attr));
}

static void change(struct vfs_fs *fs)
{
	static const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};
	struct stat attr;

	(void)OK(vfs_chmod(fs, "top/g", 0600));
	(void)OK(vfs_chown(fs, "d/f", 0, 0));
	if (OK(vfs_utimensat(fs, NULL, "d/f", times, 0)) && OK(vfs_stat(fs, "d/f", &attr)))
		assert_int_equal(attr.st_mtim.tv_sec, 2);
	if (TRY(vfs_rename(fs, "d/e/g", "d/h"), -ENOENT) && OK(vfs_stat(fs, "d/h", &attr)))
		assert_true(S_ISREG(attr.st_mode));
	(void)OK(vfs_renameat2(fs, NULL, "d/h", NULL, "d/pipe", RENAME_EXCHANGE));
	(void)TRY(vfs_rename(fs, "d/pipe", "d/e/g"), -ENOENT);
	(void)TRY(vfs_rename(fs, "d/h", "d/pipe"), -ENOENT);
}

static void extended(struct vfs_fs *fs)
{
	char value[64];

	if (!OK(vfs_setxattr(fs, "d/f", "user.one", "1", 1, 0, 0)))
		return;
	if (OK(vfs_getxattr(fs, "d/f", "user.one", value, sizeof(value), 0)))
		assert_memory_equal(value, "1", 1);
	(void)OK(vfs_listxattr(fs, "d/f", value, sizeof(value), 0));
	(void)TRY(vfs_removexattr(fs, "d/f", "user.one", 0), -ENODATA);
}

static void fill_directory(struct vfs_fs *fs)
{
	char path[32];

	for (unsigned int i = 0; i < ENTRIES; i++) {
		snprintf(path, sizeof(path), "d/e/%u", i);
		(void)TRY(vfs_mknod(fs, path, S_IFREG | 0600, 0), -EEXIST);
	}
}

/* Those that come have attributes, and a node that is owed to the server. */
static void list(struct vfs_fs *fs)
{
	struct vfs_dir *dir;
	struct dirent entry;
	struct stat attr;
	int64_t r;

	if (!OK(vfs_opendir(fs, "d/e", &dir)))
		return;
	do {
		r = vfs_readdir(dir, &entry, &attr);
	} while (judged("vfs_readdir", r) && r > 0);
	(void)OK(vfs_fstatat(fs, vfs_dirfile(dir), "..", &attr, 0));
	(void)judged("vfs_closedir", vfs_closedir(dir));
}

static void clear(struct vfs_fs *fs)
{
	char path[32];

	for (unsigned int i = 0; i < ENTRIES; i += 4) {
		snprintf(path, sizeof(path), "d/e/%u", i);
		(void)TRY(vfs_unlink(fs, path), -ENOENT);
	}
	if (TRY(vfs_mkdir(fs, "d/empty", 0700), -EEXIST))
		(void)TRY(vfs_rmdir(fs, "d/empty"), -ENOENT);
}

void scenario_names(struct vfs_fs *fs)
{
	if (!make_all(fs))
		return;
	look(fs);
	change(fs);
	extended(fs);
	fill_directory(fs);
	(void)OK(vfs_drop_caches(fs));
	list(fs);
	look(fs);
	clear(fs);
}
