/* SPDX-License-Identifier: MIT */
/*
 * What `ls -lnR --time-style=long-iso` prints, of a directory on a device.
 *
 *	vfs-ls DEVICE [DIRECTORY]
 *
 * Attributes come with the names (READDIRPLUS), where the server has that.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include <vfs/error.h>
#include <vfs/file.h>

struct entry {
	char name[NAME_MAX + 1];
	struct stat stat;
};

struct listing {
	struct entry *entries;
	size_t count;
};

static int failed(void)
{
	fprintf(stderr, "vfs-ls: %s\n", vfs_last_error());
	return -1;
}

/* Room for one more; there is room for a power of two. */
static struct entry *add_entry(struct listing *listing)
{
	size_t n = listing->count;
	struct entry *entries = listing->entries;

	if ((n & (n - 1)) == 0)
		entries = realloc(entries, (n ? 2 * n : 1) * sizeof(*entries));
	if (!entries) {
		perror("vfs-ls");
		return NULL;
	}
	listing->entries = entries;
	return &entries[n];
}

static int read_entries(struct vfs_fs *fs, struct vfs_dir *dir, struct listing *listing)
{
	struct dirent dirent;
	struct stat stat;
	int r;

	while ((r = vfs_readdir(dir, &dirent, &stat)) > 0) {
		struct entry *entry;

		if (dirent.d_name[0] == '.')
			continue;
		if (r == 1 && vfs_fstatat(fs, vfs_dirfile(dir), dirent.d_name, &stat,
				      AT_SYMLINK_NOFOLLOW) < 0)
			return failed();
		entry = add_entry(listing);
		if (!entry)
			return -1;
		strcpy(entry->name, dirent.d_name);
		entry->stat = stat;
		listing->count++;
	}
	return r < 0 ? failed() : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static char type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '-';
	}
}

/* As in drwxr-xr-x. */
static void describe_mode(mode_t mode, char text[11])
{
	static const char letters[] = "rwxrwxrwx";
	static const struct {
		mode_t bit;
		int place;
		char with_x, without_x;
	} special[] = {
		{S_ISUID, 3, 's', 'S'},
		{S_ISGID, 6, 's', 'S'},
		{S_ISVTX, 9, 't', 'T'},
	};

	text[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		text[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
	for (size_t i = 0; i < 3; i++) {
		char *place = &text[special[i].place];

		if (mode & special[i].bit)
			*place = *place == 'x' ? special[i].with_x : special[i].without_x;
	}
	text[10] = 0;
}

static void print_entry(struct vfs_fs *fs, const char *path, const struct entry *entry)
{
	const struct stat *stat = &entry->stat;
	char link[PATH_MAX], target[PATH_MAX], mode[11], when[32];
	ssize_t length;

	describe_mode(stat->st_mode, mode);
	printf("%s %ju %u %u ", mode, (uintmax_t)stat->st_nlink, stat->st_uid, stat->st_gid);
	if (S_ISCHR(stat->st_mode) || S_ISBLK(stat->st_mode))
		printf("%u, %u", major(stat->st_rdev), minor(stat->st_rdev));
	else
		printf("%10jd", (intmax_t)stat->st_size);
	strftime(when, sizeof(when), "%F %R", localtime(&stat->st_mtim.tv_sec));
	printf(" %s %s", when, entry->name);
	if (S_ISLNK(stat->st_mode)) {
		snprintf(link, sizeof(link), "%s/%s", path, entry->name);
		length = vfs_readlink(fs, link, target, sizeof(target));
		printf(" -> %.*s", length > 0 ? (int)length : 0, target);
	}
	putchar('\n');
}

static void print_listing(struct vfs_fs *fs, const char *path, const struct listing *listing)
{
	blkcnt_t blocks = 0;

	for (size_t i = 0; i < listing->count; i++)
		blocks += listing->entries[i].stat.st_blocks;
	printf("%s:\ntotal %jd\n", path, (intmax_t)blocks / 2);
	for (size_t i = 0; i < listing->count; i++)
		print_entry(fs, path, &listing->entries[i]);
}

static int list(struct vfs_fs *fs, const char *path);

static int list_below(struct vfs_fs *fs, const char *path, const struct listing *listing)
{
	int r = 0;

	for (size_t i = 0; i < listing->count; i++) {
		const struct entry *entry = &listing->entries[i];
		char below[PATH_MAX];

		if (!S_ISDIR(entry->stat.st_mode))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->name);
		putchar('\n');
		if (list(fs, below) < 0)
			r = -1;
	}
	return r;
}

/* Goes on where it can, as ls does. */
static int list(struct vfs_fs *fs, const char *path)
{
	struct listing listing = {0};
	struct vfs_dir *dir;
	int r;

	if (vfs_opendir(fs, path, &dir) < 0)
		return failed();
	r = read_entries(fs, dir, &listing);
	vfs_closedir(dir);
	if (listing.count > 0)
		qsort(listing.entries, listing.count, sizeof(*listing.entries), by_name);
	print_listing(fs, path, &listing);
	if (list_below(fs, path, &listing) < 0)
		r = -1;
	free(listing.entries);
	return r;
}

int main(int argc, char **argv)
{
	struct vfs_mount_options options = {.readonly = true};
	struct vfs_fs *fs;
	int r;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: vfs-ls DEVICE [DIRECTORY]\n");
		return 2;
	}
	if (vfs_mount(argv[1], &options, &fs) < 0) {
		failed();
		return 1;
	}
	r = list(fs, argc > 2 ? argv[2] : ".");
	vfs_umount(fs);
	return r < 0 ? 1 : 0;
}
