/* SPDX-License-Identifier: MIT */
/*
 * Many threads make, move, remove and look at few names, with so little room for nodes that they
 * are forgotten and asked for again all the time: nothing fails but as names in motion may, and in
 * the end the library sees what is on the host.
 */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "many.h"
#include "served.h"

#define OPERATIONS 600u
#define HANG_S	   600

static struct vfs_fs *fs;

/* ---- names ---- */

struct path {
	char text[64];
};

/* One of few, up to three levels deep. */
static struct path any(struct worker *w)
{
	struct path path;
	int n = snprintf(path.text, sizeof(path.text), "d%u", many_random(w, 2));

	for (unsigned int depth = many_random(w, 3); depth; depth--)
		n += snprintf(
			path.text + n, sizeof(path.text) - (size_t)n, "/n%u", many_random(w, 4));
	return path;
}

/* ---- operations ---- */

typedef int64_t operation_fn(struct worker *w, const struct path *path);

static int64_t do_mkdir(struct worker *w, const struct path *path)
{
	return vfs_mkdir(w->fs, path->text, 0755);
}

static int64_t do_rmdir(struct worker *w, const struct path *path)
{
	return vfs_rmdir(w->fs, path->text);
}

static int64_t do_unlink(struct worker *w, const struct path *path)
{
	return vfs_unlink(w->fs, path->text);
}

static int64_t do_rename(struct worker *w, const struct path *path)
{
	struct path to = any(w);

	return vfs_rename(w->fs, path->text, to.text);
}

static int64_t do_exchange(struct worker *w, const struct path *path)
{
	struct path to = any(w);

	return vfs_renameat2(w->fs, NULL, path->text, NULL, to.text, RENAME_EXCHANGE);
}

static int64_t do_link(struct worker *w, const struct path *path)
{
	struct path to = any(w);

	return vfs_link(w->fs, path->text, to.text);
}

static int64_t do_symlink(struct worker *w, const struct path *path)
{
	struct path to = any(w);

	return vfs_symlink(w->fs, to.text, path->text);
}

static int64_t do_stat(struct worker *w, const struct path *path)
{
	struct stat attr;

	return vfs_stat(w->fs, path->text, &attr);
}

static int64_t do_realpath(struct worker *w, const struct path *path)
{
	char resolved[PATH_MAX];

	return vfs_realpath(w->fs, path->text, resolved, sizeof(resolved));
}

static int64_t do_truncate(struct worker *w, const struct path *path)
{
	return vfs_truncate(w->fs, path->text, many_random(w, 50000));
}

/* What was written is there while nobody else writes; all write the same. */
static int64_t do_write(struct worker *w, const struct path *path)
{
	static const char content[20000];
	char found[100];
	struct vfs_file *file;
	int64_t r = vfs_open(w->fs, path->text, O_RDWR | O_CREAT, 0644, &file);
	int closed;

	if (r < 0)
		return r;
	r = vfs_pwrite(file, content, 1 + many_random(w, sizeof(content)), 0);
	if (r >= 0)
		r = vfs_pread(file, found, sizeof(found), many_random(w, 20000));
	closed = vfs_close(file);
	return r < 0 ? r : closed;
}

static int64_t do_create(struct worker *w, const struct path *path)
{
	struct vfs_file *file;
	int r = vfs_open(w->fs, path->text, O_WRONLY | O_CREAT | O_EXCL, 0600, &file);

	return r < 0 ? r : vfs_close(file);
}

/* Each entry once, and up again from there. */
static int64_t do_list(struct worker *w, const struct path *path)
{
	struct vfs_dir *dir;
	struct dirent entry;
	struct stat attr;
	int64_t r = vfs_opendir(w->fs, path->text, &dir);
	int closed;

	if (r < 0)
		return r;
	do {
		r = vfs_readdir(dir, &entry, &attr);
	} while (r > 0);
	if (r == 0)
		r = vfs_fstatat(w->fs, vfs_dirfile(dir), "..", &attr, 0);
	/* It was removed meanwhile. */
	if (r == -ESTALE)
		r = 0;
	closed = vfs_closedir(dir);
	return r < 0 ? r : closed;
}

static int64_t do_drop(struct worker *w, const struct path *path)
{
	(void)path;
	return vfs_drop_caches(w->fs);
}

static const struct {
	const char *name;
	operation_fn *fn;
	unsigned int share; /* of all */
} operations[] = {
	{"mkdir", do_mkdir, 10},
	{"rmdir", do_rmdir, 5},
	{"unlink", do_unlink, 8},
	{"rename", do_rename, 10},
	{"exchange", do_exchange, 3},
	{"link", do_link, 4},
	{"symlink", do_symlink, 2},
	{"stat", do_stat, 15},
	{"realpath", do_realpath, 5},
	{"truncate", do_truncate, 3},
	{"write", do_write, 14},
	{"create", do_create, 8},
	{"list", do_list, 12},
	{"drop", do_drop, 1},
};

static unsigned int choose(struct worker *w)
{
	unsigned int number = many_random(w, 100);
	unsigned int i = 0;

	while (number >= operations[i].share)
		number -= operations[i++].share;
	return i;
}

/* What names may come to that others are changing. */
static bool may_be(int64_t r)
{
	static const int errors[] = {
		ENOENT, EEXIST, ENOTEMPTY, ENOTDIR, EISDIR, EINVAL, ELOOP, EPERM};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (r == -errors[i])
			return true;
	return r >= 0;
}

static void work(struct worker *w)
{
	for (unsigned int i = 0; i < w->count && !w->failure[0]; i++) {
		unsigned int op = choose(w);
		struct path path = any(w);
		int64_t r = operations[op].fn(w, &path);

		if (!may_be(r))
			many_fail(w, "%s %s: %" PRId64 " (%s)", operations[op].name, path.text, r,
				vfs_last_error());
	}
}

/* ---- and what is there then ---- */

static int same_on_both(const char *path, const struct stat *host, int type, struct FTW *ftw)
{
	const char *name = path + strlen(served_path(""));
	struct stat attr;

	(void)type;
	if (!ftw->level)
		return 0;
	assert_int_equal(vfs_lstat(fs, name, &attr), 0);
	assert_int_equal(attr.st_mode, host->st_mode);
	assert_int_equal(attr.st_ino, host->st_ino);
	if (!S_ISDIR(attr.st_mode)) {
		assert_int_equal(attr.st_size, host->st_size);
		assert_int_equal(attr.st_nlink, host->st_nlink);
	}
	return 0;
}

static unsigned int count_listed(const char *path)
{
	struct vfs_dir *dir;
	struct dirent entry;
	char below[PATH_MAX];
	unsigned int count = 0;

	assert_int_equal(vfs_opendir(fs, path, &dir), 0);
	while (vfs_readdir(dir, &entry, NULL) > 0) {
		if (!strcmp(entry.d_name, ".") || !strcmp(entry.d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry.d_name);
		count += 1 + (entry.d_type == DT_DIR ? count_listed(below) : 0);
	}
	assert_int_equal(vfs_closedir(dir), 0);
	return count;
}

static unsigned int counted;

static int count_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)path;
	(void)stat;
	(void)type;
	counted += ftw->level > 0;
	return 0;
}

static void assert_same_on_both(void)
{
	counted = 0;
	assert_int_equal(nftw(served_path(""), count_one, 16, FTW_PHYS), 0);
	assert_int_equal(count_listed("/"), counted);
	assert_int_equal(nftw(served_path(""), same_on_both, 16, FTW_PHYS), 0);
}

static void in_mode(const struct many_mode *mode)
{
	fs = many_mount(mode);
	assert_int_equal(vfs_mkdir(fs, "d0", 0755), 0);
	assert_int_equal(vfs_mkdir(fs, "d1", 0755), 0);
	many_run(fs, work, OPERATIONS);
	assert_same_on_both();
	assert_int_equal(vfs_drop_caches(fs), 0);
	assert_nothing_held(fs);
	assert_int_equal(vfs_umount(fs), 0);
	served_empty();
}

static void test_names_in_motion(void **state)
{
	(void)state;
	many_in_each_mode(in_mode);
}

/* ---- one name ---- */

/* The server looks up what it has made by its name, which is another's to remove. */
static void make_or_remove(struct worker *w)
{
	struct vfs_file *file;

	for (unsigned int i = 0; i < w->count && !w->failure[0]; i++) {
		int r = w->number % 2 ? vfs_unlink(w->fs, "d/name")
				      : vfs_creat(w->fs, "d/name", 0600, &file);

		if (r == 0 && w->number % 2 == 0)
			r = vfs_close(file);
		if (r < 0 && !(w->number % 2 && r == -ENOENT))
			many_fail(w, "%d (%s)", r, vfs_last_error());
	}
}

static void test_making_works_while_others_remove(void **state)
{
	(void)state;
	fs = many_mount(&many_modes[0]);
	assert_int_equal(vfs_mkdir(fs, "d", 0755), 0);
	many_run(fs, make_or_remove, OPERATIONS);
	assert_int_equal(vfs_umount(fs), 0);
	served_empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_in_motion),
		cmocka_unit_test(test_making_works_while_others_remove),
	};

	alarm(HANG_S);
	served.queues = "4";
	return cmocka_run_group_tests(tests, served_start, served_stop);
}
