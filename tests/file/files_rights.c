/* SPDX-License-Identifier: MIT */
/* Checks of attributes, and of who may do what. */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/stat.h>

#include "check.h"

static enum check_result the_mask_is_the_callers(void)
{
	IS(c->chmod(fs, NULL, "/", 0777, 0), 0);
	become(1000, 027);
	IS(make_file("/a", 0666, "x"), 0);
	IS(mode_of("/a") & 07777, 0640);
	IS(c->mkdir(fs, NULL, "/d", 0777), 0);
	IS(mode_of("/d") & 07777, 0750);
	become(1000, 0);
	IS(c->mknod(fs, NULL, "/b", S_IFIFO | 0666, 0), 0);
	IS(mode_of("/b") & 07777, 0666);
	return CHECK_GOOD;
}

static enum check_result new_files_belong_to_the_caller(void)
{
	struct stat stat;

	IS(c->chmod(fs, NULL, "/", 0777, 0), 0);
	become(1000, 022);
	IS(make_file("/a", 0644, "x"), 0);
	IS(c->symlink(fs, "a", NULL, "/s"), 0);
	IS(c->stat(fs, NULL, "/a", &stat, 0), 0);
	IS(stat.st_uid, 1000);
	IS(stat.st_gid, 1000);
	IS(c->stat(fs, NULL, "/s", &stat, AT_SYMLINK_NOFOLLOW), 0);
	IS(stat.st_uid, 1000);
	return CHECK_GOOD;
}

static enum check_result a_directory_gives_its_group(void)
{
	struct stat stat;

	IS(c->mkdir(fs, NULL, "/d", 0777), 0);
	IS(c->chown(fs, NULL, "/d", 0, 1234, 0), 0);
	IS(c->chmod(fs, NULL, "/d", 02777, 0), 0);
	become(1000, 022);
	IS(make_file("/d/a", 0644, "x"), 0);
	IS(c->mkdir(fs, NULL, "/d/e", 0755), 0);
	IS(c->stat(fs, NULL, "/d/a", &stat, 0), 0);
	IS(stat.st_gid, 1234);
	IS(mode_of("/d/e") & 07777, 02755);
	return CHECK_GOOD;
}

static enum check_result bits_say_who_may(void)
{
	void *file;

	IS(c->chmod(fs, NULL, "/", 0755, 0), 0);
	IS(c->mkdir(fs, NULL, "/d", 0700), 0);
	IS(make_file("/d/a", 0644, "x"), 0);
	IS(make_file("/a", 0600, "x"), 0);
	IS(make_file("/b", 0644, "x"), 0);
	become(1000, 022);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &file), -EACCES);
	IS(c->open(fs, NULL, "/b", O_RDWR, 0, &file), -EACCES);
	IS(c->open(fs, NULL, "/b", O_RDONLY | O_TRUNC, 0, &file), -EACCES);
	IS(mode_of("/d/a"), -EACCES);
	IS(make_file("/new", 0644, "x"), -EACCES);
	IS(c->unlink(fs, NULL, "/b", 0), -EACCES);
	IS(c->rename(fs, NULL, "/b", NULL, "/c", 0), -EACCES);
	IS(c->truncate(fs, "/b", 0), -EACCES);
	IS(c->access(fs, NULL, "/b", R_OK, 0), 0);
	IS(c->access(fs, NULL, "/b", W_OK, 0), -EACCES);
	IS(c->access(fs, NULL, "/b", X_OK, 0), -EACCES);
	IS(c->chmod(fs, NULL, "/b", 0777, 0), -EPERM);
	IS(c->chown(fs, NULL, "/b", 1000, 1000, 0), -EPERM);
	root_again();
	IS(c->access(fs, NULL, "/b", W_OK, 0), 0);
	IS(c->access(fs, NULL, "/b", X_OK, 0), -EACCES);
	return CHECK_GOOD;
}

/* Also to those who may not write to it. */
static enum check_result nothing_is_made_in_a_removed_directory(void)
{
	void *file;
	void *dir;

	IS(c->chmod(fs, NULL, "/", 0777, 0), 0);
	IS(c->mkdir(fs, NULL, "/d", 0755), 0);
	IS(c->open(fs, NULL, "/d", O_RDONLY | O_DIRECTORY, 0, &dir), 0);
	IS(c->unlink(fs, NULL, "/d", AT_REMOVEDIR), 0);
	become(1000, 0);
	IS(make_file("/a", 0644, "x"), 0);
	IS(c->open(fs, dir, "b", O_CREAT | O_WRONLY, 0644, &file), -ENOENT);
	IS(c->mkdir(fs, dir, "b", 0755), -ENOENT);
	IS(c->symlink(fs, "a", dir, "b"), -ENOENT);
	IS(c->link(fs, NULL, "/a", dir, "b", 0), -ENOENT);
	IS(c->rename(fs, NULL, "/a", dir, "b", 0), -ENOENT);
	IS(c->close(dir), 0);
	return CHECK_GOOD;
}

/* Also without the permission to execute it, for those who are not of its group. */
static enum check_result who_gives_a_file_away_takes_its_rights(void)
{
	IS(c->chmod(fs, NULL, "/", 0777, 0), 0);
	IS(make_file("/a", 0600, "x"), 0);
	IS(c->chown(fs, NULL, "/a", 1001, 1000, 0), 0);
	IS(c->chmod(fs, NULL, "/a", 06610, 0), 0);
	become(1001, 0);
	IS(c->chown(fs, NULL, "/a", (uid_t)-1, 1001, 0), 0);
	IS(mode_of("/a") & 07777, 0610);
	root_again();
	IS(c->chown(fs, NULL, "/a", 1001, 1000, 0), 0);
	IS(c->chmod(fs, NULL, "/a", 02600, 0), 0);
	become(1001, 0);
	IS(c->chown(fs, NULL, "/a", (uid_t)-1, 1001, 0), 0);
	IS(mode_of("/a") & 07777, 0600);
	return CHECK_GOOD;
}

static enum check_result an_open_file_stays_open(void)
{
	char data[1];
	void *file;

	IS(c->chmod(fs, NULL, "/", 0777, 0), 0);
	become(1000, 022);
	IS(make_file("/a", 0600, "x"), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR, 0, &file), 0);
	IS(c->chmod(fs, NULL, "/a", 0, 0), 0);
	IS(c->pread(file, data, 1, 0), 1);
	IS(c->pwrite(file, "y", 1, 0), 1);
	IS(c->ftruncate(file, 10), 0);
	IS(c->close(file), 0);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &file), -EACCES);
	/* One who makes a file may write to it, whatever mode it gets. */
	IS(c->open(fs, NULL, "/b", O_CREAT | O_RDWR, 0400, &file), 0);
	IS(c->write(file, "z", 1), 1);
	IS(c->close(file), 0);
	return CHECK_GOOD;
}

static enum check_result sticky_directories_keep(void)
{
	IS(c->mkdir(fs, NULL, "/d", 0777), 0);
	IS(c->chmod(fs, NULL, "/d", 01777, 0), 0);
	become(1000, 022);
	IS(make_file("/d/a", 0666, "x"), 0);
	become(1001, 022);
	IS(c->unlink(fs, NULL, "/d/a", 0), -EPERM);
	IS(c->rename(fs, NULL, "/d/a", NULL, "/d/b", 0), -EPERM);
	become(1000, 022);
	IS(c->rename(fs, NULL, "/d/a", NULL, "/d/b", 0), 0);
	IS(c->unlink(fs, NULL, "/d/b", 0), 0);
	return CHECK_GOOD;
}

static enum check_result groups_beside_the_own(void)
{
	const gid_t groups[] = {1234};
	const struct vfs_caller caller = {
		.uid = 1000, .gid = 1000, .pid = 1, .groups = groups, .num_groups = 1};
	void *file;

	IS(make_file("/a", 0640, "x"), 0);
	IS(c->chown(fs, NULL, "/a", 0, 1234, 0), 0);
	become(1000, 022);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &file), -EACCES);
	c->become(&caller);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &file), 0);
	IS(c->close(file), 0);
	return CHECK_GOOD;
}

static enum check_result changing_owner_takes_rights_away(void)
{
	IS(make_file("/a", 0644, "x"), 0);
	IS(c->chmod(fs, NULL, "/a", 06755, 0), 0);
	IS(mode_of("/a") & 07777, 06755);
	IS(c->chown(fs, NULL, "/a", 1000, 1000, 0), 0);
	IS(mode_of("/a") & 07777, 0755);
	IS(c->chmod(fs, NULL, "/a", 04777, 0), 0);
	become(1001, 022);
	{
		void *file;

		IS(c->open(fs, NULL, "/a", O_WRONLY, 0, &file), 0);
		IS(c->write(file, "y", 1), 1);
		IS(c->close(file), 0);
	}
	IS(mode_of("/a") & 07777, 0777);
	return CHECK_GOOD;
}

static enum check_result times_are_set(void)
{
	const struct timespec times[] = {{1000, 1}, {2000, 2}};
	const struct timespec omit[] = {{0, UTIME_OMIT}, {3000, 3}};
	struct stat stat;
	void *file;

	IS(make_file("/a", 0644, "x"), 0);
	IS(c->symlink(fs, "a", NULL, "/s"), 0);
	IS(c->utimens(fs, NULL, "/s", times, 0), 0);
	IS(c->stat(fs, NULL, "/a", &stat, 0), 0);
	IS(stat.st_atim.tv_sec, 1000);
	IS(stat.st_mtim.tv_sec, 2000);
	IS(stat.st_mtim.tv_nsec, 2);
	IS(c->utimens(fs, NULL, "/s", times, AT_SYMLINK_NOFOLLOW), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR, 0, &file), 0);
	IS(c->futimens(file, omit), 0);
	IS(c->fstat(file, &stat), 0);
	IS(stat.st_atim.tv_sec, 1000);
	IS(stat.st_mtim.tv_sec, 3000);
	IS(c->futimens(file, NULL), 0);
	IS(c->fstat(file, &stat), 0);
	IS(stat.st_mtim.tv_sec > 1000000000, 1);
	IS(c->futimens(file, times), 0);
	IS(c->write(file, "y", 1), 1);
	IS(c->close(file), 0);
	IS(c->stat(fs, NULL, "/a", &stat, 0), 0);
	IS(stat.st_mtim.tv_sec > 1000000000, 1);
	become(1000, 022);
	IS(c->utimens(fs, NULL, "/a", times, 0), -EPERM);
	IS(c->utimens(fs, NULL, "/a", NULL, 0), -EACCES);
	return CHECK_GOOD;
}

static enum check_result set_times_stay_when_a_written_file_is_closed(void)
{
	const struct timespec times[] = {{1000, 0}, {2000, 0}};
	struct stat stat;
	void *file;

	IS(c->open(fs, NULL, "/a", O_CREAT | O_RDWR, 0644, &file), 0);
	IS(c->write(file, "x", 1), 1);
	IS(c->futimens(file, times), 0);
	IS(c->close(file), 0);
	IS(c->stat(fs, NULL, "/a", &stat, 0), 0);
	IS(stat.st_mtim.tv_sec, 2000);
	IS(stat.st_size, 1);
	return CHECK_GOOD;
}

static enum check_result attributes_by_statx(void)
{
	struct statx statx;

	IS(make_file("/a", 0640, "x"), 0);
	IS(c->statx(fs, NULL, "/a", 0, STATX_BASIC_STATS, &statx), 0);
	IS(statx.stx_mode, S_IFREG | 0640);
	IS(statx.stx_size, 1);
	IS(statx.stx_nlink, 1);
	IS(statx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	IS(c->statx(fs, NULL, "", 0, STATX_BASIC_STATS, &statx), -ENOENT);
	IS(c->statx(fs, NULL, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &statx), 0);
	IS(statx.stx_mode & S_IFMT, S_IFDIR);
	return CHECK_GOOD;
}

static enum check_result extended_attributes(void)
{
	char value[8];
	int r;

	IS(make_file("/a", 0644, "x"), 0);
	r = c->setxattr(fs, "/a", "user.one", "1234", 4, XATTR_CREATE, 0);
	NEEDS(r);
	IS(r, 0);
	IS(c->setxattr(fs, "/a", "user.one", "1", 1, XATTR_CREATE, 0), -EEXIST);
	IS(c->setxattr(fs, "/a", "user.two", "1", 1, XATTR_REPLACE, 0), -ENODATA);
	IS(c->getxattr(fs, "/a", "user.one", NULL, 0, 0), 4);
	IS(c->getxattr(fs, "/a", "user.one", value, 2, 0), -ERANGE);
	IS(c->getxattr(fs, "/a", "user.one", value, 8, 0), 4);
	IS(memcmp(value, "1234", 4), 0);
	IS(c->getxattr(fs, "/a", "user.two", value, 8, 0), -ENODATA);
	IS(c->removexattr(fs, "/a", "user.one", 0), 0);
	IS(c->removexattr(fs, "/a", "user.one", 0), -ENODATA);
	IS(c->setxattr(fs, "/a", "user.empty", "", 0, 0, 0), 0);
	IS(c->getxattr(fs, "/a", "user.empty", value, 8, 0), 0);
	become(1000, 022);
	IS(c->setxattr(fs, "/a", "user.one", "1", 1, 0, 0), -EACCES);
	return CHECK_GOOD;
}

static enum check_result paths_without_reading(void)
{
	struct stat stat;
	void *file;

	IS(c->mkdir(fs, NULL, "/d", 0755), 0);
	IS(make_file("/d/a", 0644, "x"), 0);
	IS(c->open(fs, NULL, "/d", O_PATH, 0, &file), 0);
	IS(c->stat(fs, file, "a", &stat, 0), 0);
	IS(c->stat(fs, file, "", &stat, AT_EMPTY_PATH), 0);
	IS(S_ISDIR(stat.st_mode), 1);
	IS(c->fchmod(file, 0700), -EBADF);
	IS(c->close(file), 0);
	IS(c->open(fs, NULL, "/d/a", O_PATH, 0, &file), 0);
	IS(c->read(file, &(char){0}, 1), -EBADF);
	IS(c->fstat(file, &stat), 0);
	IS(c->close(file), 0);
	return CHECK_GOOD;
}

const struct check right_checks[] = {
	{"the mask is the caller's", the_mask_is_the_callers},
	{"new files belong to the caller", new_files_belong_to_the_caller},
	{"a directory gives its group", a_directory_gives_its_group},
	{"permission bits say who may", bits_say_who_may},
	{"nothing is made in a removed directory", nothing_is_made_in_a_removed_directory},
	{"who gives a file away takes its rights", who_gives_a_file_away_takes_its_rights},
	{"what is open stays open", an_open_file_stays_open},
	{"sticky directories keep what is others'", sticky_directories_keep},
	{"supplementary groups count", groups_beside_the_own},
	{"changing the owner, and writing, take set-id bits away",
		changing_owner_takes_rights_away},
	{"times are set", times_are_set},
	{"times stay as they were set when a written file is closed",
		set_times_stay_when_a_written_file_is_closed},
	{"statx", attributes_by_statx},
	{"extended attributes", extended_attributes},
	{"O_PATH", paths_without_reading},
	{NULL, NULL},
};
