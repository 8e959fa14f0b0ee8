/* SPDX-License-Identifier: MIT */
/*
 * Two mounts of one directory in one process: what each cache mode promises about what one sees of
 * the other's changes, and what it lets him keep.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vfs/error.h>
#include <vfs/file.h>

#include "mount.h"

struct clients {
	enum vfs_cache cache;
	bool writeback;
	bool window; /* at least one has files in it */
	struct vfs_fs *a;
	struct vfs_fs *b;
};

/* Longer than attributes and names are valid for, with the servers that there are. */
#define TIMEOUT_US 1300000

#define IS(actual, expected)                                                               \
	do {                                                                               \
		long long is = (long long)(actual);                                        \
		long long wanted = (long long)(expected);                                  \
                                                                                           \
		if (is != wanted) {                                                        \
			printf("# %s:%d: %s is %lld, not %lld (%s)\n", __FILE__, __LINE__, \
				#actual, is, wanted, vfs_last_error());                    \
			return false;                                                      \
		}                                                                          \
	} while (0)

static int put(struct vfs_fs *fs, const char *path, const char *text)
{
	struct vfs_file *file;
	ssize_t n;
	int r = vfs_open(fs, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &file);

	if (r < 0)
		return r;
	n = vfs_write(file, text, strlen(text));
	r = vfs_close(file);
	return n == (ssize_t)strlen(text) ? r : -EIO;
}

/* From its beginning; -errno */
static ssize_t read_all(struct vfs_file *file, char text[64])
{
	ssize_t n = vfs_pread(file, text, 63, 0);

	text[n > 0 ? n : 0] = '\0';
	return n;
}

static bool file_has(struct vfs_file *file, const char *text)
{
	char data[64];

	return read_all(file, data) >= 0 && strcmp(data, text) == 0;
}

static bool path_has(struct vfs_fs *fs, const char *path, const char *text)
{
	struct vfs_file *file;
	bool has;

	if (vfs_open(fs, path, O_RDONLY, 0, &file) < 0)
		return false;
	has = file_has(file, text);
	vfs_close(file);
	return has;
}

static long long size_of(struct vfs_fs *fs, const char *path)
{
	struct stat stat;
	int r = vfs_stat(fs, path, &stat);

	return r < 0 ? r : (long long)stat.st_size;
}

static bool in_window(struct vfs_fs *fs)
{
	struct vfs_dax_stats stats;

	vfs_fs_dax_stats(fs, &stats);
	return stats.window > 0;
}

/* Of files in the window everything else is kept. */
static bool keeps_data(struct vfs_fs *fs)
{
	return !in_window(fs);
}

/* ---- what holds in every mode ---- */

static bool one_sees_his_own_changes(struct clients *clients)
{
	IS(put(clients->a, "/own", "one"), 0);
	IS(path_has(clients->a, "/own", "one"), 1);
	IS(put(clients->a, "/own", "three"), 0);
	IS(path_has(clients->a, "/own", "three"), 1);
	IS(size_of(clients->a, "/own"), 5);
	IS(vfs_unlink(clients->a, "/own"), 0);
	IS(size_of(clients->a, "/own"), -ENOENT);
	return true;
}

static bool what_was_dropped_is_asked_anew(struct clients *clients)
{
	IS(put(clients->a, "/new", "old"), 0);
	IS(path_has(clients->b, "/new", "old"), 1);
	IS(put(clients->a, "/new", "newer"), 0);
	IS(vfs_drop_caches(clients->b), 0);
	IS(size_of(clients->b, "/new"), 5);
	IS(path_has(clients->b, "/new", "newer"), 1);
	IS(vfs_unlink(clients->a, "/new"), 0);
	IS(vfs_drop_caches(clients->b), 0);
	IS(size_of(clients->b, "/new"), -ENOENT);
	return true;
}

static bool a_lock_shows_what_was_written_under_it(struct clients *clients)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct vfs_file *a, *b;
	int r;

	IS(put(clients->a, "/lock", "0000"), 0);
	IS(vfs_open(clients->a, "/lock", O_RDWR, 0, &a), 0);
	IS(vfs_open(clients->b, "/lock", O_RDWR, 0, &b), 0);
	IS(file_has(b, "0000"), 1);
	r = vfs_lock(a, F_OFD_SETLK, &lock);
	if (r == -EOPNOTSUPP) {
		printf("# without locks\n");
		vfs_close(a);
		vfs_close(b);
		return true;
	}
	IS(r, 0);
	IS(vfs_pwrite(a, "1111", 4, 0), 4);
	IS(vfs_lock(b, F_OFD_SETLK, &lock), -EAGAIN);
	lock.l_type = F_UNLCK;
	IS(vfs_lock(a, F_OFD_SETLK, &lock), 0);
	lock.l_type = F_WRLCK;
	IS(vfs_lock(b, F_OFD_SETLK, &lock), 0);
	IS(file_has(b, "1111"), 1);
	IS(vfs_close(a), 0);
	IS(vfs_close(b), 0);
	return true;
}

/* ---- in the window ---- */

#define LARGE (256u << 10)

/* What one writes anywhere the other reads next; who keeps data is asked to drop it. */
static bool sees(struct vfs_fs *fs, struct vfs_file *file, off_t offset, const char *text)
{
	char data[16] = "";

	if (!in_window(fs) && vfs_drop_caches(fs) < 0)
		return false;
	return vfs_pread(file, data, strlen(text), offset) == (ssize_t)strlen(text) &&
	       strcmp(data, text) == 0;
}

/* And who writes back is asked to do it. */
static bool writes(struct vfs_fs *fs, struct vfs_file *file, off_t offset, const char *text)
{
	return vfs_pwrite(file, text, strlen(text), offset) == (ssize_t)strlen(text) &&
	       (in_window(fs) || vfs_fdatasync(file) == 0);
}

static bool contents_are_one(struct clients *clients)
{
	struct vfs_file *a, *b;

	IS(vfs_open(clients->a, "/a", O_RDWR | O_CREAT, 0644, &a), 0);
	IS(vfs_ftruncate(a, LARGE), 0);
	IS(vfs_open(clients->b, "/a", O_RDWR, 0, &b), 0);
	for (off_t offset = 0; offset + 100 < LARGE; offset += 1777) {
		char text[16];

		snprintf(text, sizeof(text), "a %lld", (long long)offset);
		IS(writes(clients->a, a, offset, text), 1);
		IS(sees(clients->b, b, offset, text), 1);
		snprintf(text, sizeof(text), "b %lld", (long long)offset);
		IS(writes(clients->b, b, offset, text), 1);
		IS(sees(clients->a, a, offset, text), 1);
	}
	IS(vfs_close(a), 0);
	IS(vfs_close(b), 0);
	return true;
}

/* A pointer of one, and reads and writes of the other. */
static bool pointers_are_to_the_file(struct clients *clients)
{
	struct vfs_fs *other = in_window(clients->a) ? clients->b : clients->a;
	struct vfs_fs *fs = in_window(clients->a) ? clients->a : clients->b;
	struct vfs_file *mapped, *file;
	void *address;

	IS(vfs_open(fs, "/a", O_RDWR | O_CREAT, 0644, &mapped), 0);
	IS(vfs_ftruncate(mapped, LARGE), 0);
	IS(vfs_map(mapped, 0, LARGE, PROT_READ | PROT_WRITE, &address), 0);
	IS(vfs_open(other, "/a", O_RDWR, 0, &file), 0);
	for (size_t offset = 0; offset + 100 < LARGE; offset += 7777) {
		char *at = (char *)address + offset;

		memcpy(at, "pointer", 7);
		IS(sees(other, file, (off_t)offset, "pointer"), 1);
		IS(writes(other, file, (off_t)offset, "written"), 1);
		IS(memcmp(at, "written", 7), 0);
	}
	IS(vfs_unmap(fs, address), 0);
	IS(vfs_close(file), 0);
	IS(vfs_close(mapped), 0);
	return true;
}

/* ---- none ---- */

static bool the_next_call_sees_it(struct clients *clients)
{
	struct vfs_file *a, *b;

	IS(size_of(clients->b, "/a"), -ENOENT);
	IS(put(clients->a, "/a", "one"), 0);
	IS(size_of(clients->b, "/a"), 3);
	IS(vfs_open(clients->a, "/a", O_RDWR, 0, &a), 0);
	IS(vfs_open(clients->b, "/a", O_RDWR, 0, &b), 0);
	IS(file_has(b, "one"), 1);
	IS(vfs_pwrite(a, "longer", 6, 0), 6);
	IS(file_has(b, "longer"), 1);
	IS(vfs_lseek(b, 0, SEEK_END), 6);
	IS(vfs_chmod(clients->b, "/a", 0600), 0);
	IS(vfs_rename(clients->b, "/a", "/b"), 0);
	IS(size_of(clients->a, "/a"), -ENOENT);
	IS(size_of(clients->a, "/b"), 6);
	IS(vfs_ftruncate(b, 1), 0);
	IS(file_has(a, "l"), 1);
	IS(vfs_close(a), 0);
	IS(vfs_close(b), 0);
	return true;
}

/* ---- auto ---- */

static bool opening_shows_what_was_closed(struct clients *clients)
{
	struct vfs_file *b;

	IS(put(clients->a, "/a", "first"), 0);
	IS(path_has(clients->b, "/a", "first"), 1);
	/* Of the same length, and at once. */
	IS(put(clients->a, "/a", "other"), 0);
	IS(path_has(clients->b, "/a", "other"), 1);
	IS(vfs_open(clients->b, "/a", O_RDONLY, 0, &b), 0);
	IS(file_has(b, "other"), 1);
	IS(put(clients->a, "/a", "longer than before"), 0);
	IS(vfs_close(b), 0);
	IS(path_has(clients->b, "/a", "longer than before"), 1);
	return true;
}

static bool names_and_attributes_are_seen_in_time(struct clients *clients)
{
	IS(put(clients->a, "/a", "one"), 0);
	IS(size_of(clients->b, "/a"), 3);
	IS(vfs_truncate(clients->a, "/a", 100), 0);
	IS(vfs_rename(clients->a, "/a", "/b"), 0);
	usleep(TIMEOUT_US);
	IS(size_of(clients->b, "/a"), -ENOENT);
	IS(size_of(clients->b, "/b"), 100);
	return true;
}

/* ---- always ---- */

static bool what_was_seen_is_kept(struct clients *clients)
{
	IS(put(clients->a, "/a", "one"), 0);
	IS(path_has(clients->b, "/a", "one"), 1);
	IS(size_of(clients->b, "/no"), -ENOENT);
	IS(put(clients->a, "/a", "other"), 0);
	IS(put(clients->a, "/no", "x"), 0);
	usleep(TIMEOUT_US);
	IS(size_of(clients->b, "/a"), 3);
	IS(path_has(clients->b, "/a", keeps_data(clients->b) ? "one" : "oth"), 1);
	IS(vfs_drop_caches(clients->b), 0);
	IS(path_has(clients->b, "/a", "other"), 1);
	IS(size_of(clients->b, "/no"), 1);
	return true;
}

/* ---- writeback ---- */

/* By somebody who asks the server each time. */
static bool server_has(struct clients *clients, const char *path, const char *text)
{
	return vfs_drop_caches(clients->b) == 0 && path_has(clients->b, path, text);
}

static bool what_is_kept_comes_when_it_has_to(struct clients *clients)
{
	struct vfs_file *a;

	IS(put(clients->a, "/a", "0000"), 0);
	IS(vfs_open(clients->a, "/a", O_RDWR, 0, &a), 0);
	IS(vfs_pwrite(a, "1111", 4, 0), 4);
	IS(file_has(a, "1111"), 1);
	IS(server_has(clients, "/a", "0000"), 1);
	IS(vfs_fsync(a), 0);
	IS(server_has(clients, "/a", "1111"), 1);
	IS(vfs_pwrite(a, "2222", 4, 0), 4);
	IS(server_has(clients, "/a", "1111"), 1);
	IS(vfs_close(a), 0);
	IS(server_has(clients, "/a", "2222"), 1);
	IS(vfs_open(clients->a, "/a", O_RDWR, 0, &a), 0);
	IS(vfs_pwrite(a, "3333", 4, 0), 4);
	IS(vfs_syncfs(clients->a), 0);
	IS(server_has(clients, "/a", "3333"), 1);
	IS(vfs_close(a), 0);
	return true;
}

/* ---- the program ---- */

static unsigned int bad;

static void check(struct clients *clients, const char *name, bool (*function)(struct clients *))
{
	bool good = function(clients);

	vfs_unlink(clients->a, "/a");
	vfs_unlink(clients->a, "/b");
	vfs_unlink(clients->a, "/no");
	vfs_unlink(clients->a, "/lock");
	good = vfs_drop_caches(clients->a) == 0 && vfs_drop_caches(clients->b) == 0 && good;
	bad += !good;
	printf("%s %s\n", good ? "ok" : "not ok", name);
}

static void check_all(struct clients *clients)
{
	check(clients, "one sees his own changes", one_sees_his_own_changes);
	check(clients, "what was dropped is asked anew", what_was_dropped_is_asked_anew);
	check(clients, "a lock shows what was written under it",
		a_lock_shows_what_was_written_under_it);
	if (clients->cache == VFS_CACHE_NONE)
		check(clients, "none: the next call sees it", the_next_call_sees_it);
	if (clients->cache == VFS_CACHE_AUTO) {
		check(clients, "auto: opening shows what was closed",
			opening_shows_what_was_closed);
		check(clients, "auto: names and attributes are seen in time",
			names_and_attributes_are_seen_in_time);
	}
	if (clients->cache == VFS_CACHE_ALWAYS)
		check(clients, "always: what was seen is kept", what_was_seen_is_kept);
	if (clients->window) {
		check(clients, "window: contents are one", contents_are_one);
		check(clients, "window: pointers are to the file", pointers_are_to_the_file);
	}
	if (clients->writeback && keeps_data(clients->a))
		check(clients, "writeback: what is kept comes when it has to",
			what_is_kept_comes_when_it_has_to);
}

static const char usage[] = "usage: two-clients --device DEVICE --second DEVICE [OPTION...]\n"
			    "What two clients of one directory see of each other.\n"
			    "\n" MOUNT_USAGE
			    "  --second DEVICE   another device with the same directory\n"
			    "  --one-dax         only the first has files in the window\n";

static const struct option options[] = {
	MOUNT_OPTIONS,
	{"second", required_argument, NULL, 's'},
	{"one-dax", no_argument, NULL, 'o'},
	{NULL, 0, NULL, 0},
};

static int run(const struct mount_settings *first, const char *second, bool one_dax)
{
	struct mount_settings other = *first;
	struct clients clients = {.cache = first->cache, .writeback = first->writeback};
	struct mounted a, b;

	other.device = second;
	other.control = NULL;
	other.dax = one_dax ? VFS_DAX_NEVER : first->dax;
	other.daemon = 0;
	if (mount_start(first, &a) < 0 || mount_start(&other, &b) < 0)
		return 2;
	clients.a = a.fs;
	clients.b = b.fs;
	clients.window = in_window(a.fs);
	check_all(&clients);
	bad += mount_balanced(&a) < 0;
	bad += mount_end(&a) < 0;
	bad += mount_end(&b) < 0;
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct mount_settings settings = {0};
	const char *second = NULL;
	bool one_dax = false;
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 's')
			second = optarg;
		else if (option == 'o')
			one_dax = true;
		else
			good = mount_option(option, optarg, &settings);
	}
	if (!good || optind != argc || !settings.device || !second) {
		fputs(usage, stderr);
		return 2;
	}
	setlinebuf(stdout);
	return run(&settings, second, one_dax);
}
