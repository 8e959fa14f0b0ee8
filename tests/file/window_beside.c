/* SPDX-License-Identifier: MIT */
/*
 * A file in the library's DAX window, and the same file as somebody else has it: the kernel's own
 * driver in the same guest, or the host. What one writes the other sees at once, with no request by
 * the library.
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

#define NAME  "beside"
#define BLOCK 4096u
#define SIZE  (4u << 20)

struct sides {
	struct vfs_fs *fs;
	struct vfs_file *file;
	int fd;
	char *pointer; /* the library's, */
	char *mapped;  /* and the other's; NULL: none */
};

static char *buffer; /* a page for O_DIRECT */

static bool fail(const char *what, off_t offset, int error)
{
	printf("not ok %s at %lld: %s\n", what, (long long)offset,
		error ? strerror(error) : "not what the other has written");
	return false;
}

static void fill(char *block, off_t offset, const char *who)
{
	memset(block, who[0], BLOCK);
	snprintf(block, BLOCK, "%s %lld", who, (long long)offset);
}

static bool is(const char *block, off_t offset, const char *who)
{
	char wanted[BLOCK];

	fill(wanted, offset, who);
	return memcmp(block, wanted, BLOCK) == 0;
}

/* ---- one writes, the other reads ---- */

static bool library_writes(const struct sides *s, off_t offset)
{
	fill(buffer, offset, "library");
	if (vfs_pwrite(s->file, buffer, BLOCK, offset) != BLOCK)
		return fail(vfs_last_error(), offset, EIO);
	if (pread(s->fd, buffer, BLOCK, offset) != BLOCK)
		return fail("the other's read", offset, errno);
	return is(buffer, offset, "library") || fail("what the library has written", offset, 0);
}

static bool other_writes(const struct sides *s, off_t offset)
{
	fill(buffer, offset, "other");
	if (pwrite(s->fd, buffer, BLOCK, offset) != BLOCK)
		return fail("the other's write", offset, errno);
	memset(buffer, 0, BLOCK);
	if (vfs_pread(s->file, buffer, BLOCK, offset) != BLOCK)
		return fail(vfs_last_error(), offset, EIO);
	return is(buffer, offset, "other") || fail("what the other has written", offset, 0);
}

static bool pointers(const struct sides *s, off_t offset)
{
	fill(s->pointer + offset, offset, "pointer");
	if (pread(s->fd, buffer, BLOCK, offset) != BLOCK || !is(buffer, offset, "pointer"))
		return fail("what was written by a pointer", offset, 0);
	fill(buffer, offset, "again");
	if (pwrite(s->fd, buffer, BLOCK, offset) != BLOCK)
		return fail("the other's write", offset, errno);
	if (!is(s->pointer + offset, offset, "again"))
		return fail("what a pointer shows", offset, 0);
	if (!s->mapped)
		return true;
	fill(s->pointer + offset, offset, "to mmap");
	if (!is(s->mapped + offset, offset, "to mmap"))
		return fail("what mmap() shows", offset, 0);
	fill(s->mapped + offset, offset, "by mmap");
	return is(s->pointer + offset, offset, "by mmap") ||
	       fail("what was written by mmap()", offset, 0);
}

static bool each(
	const struct sides *s, bool (*what)(const struct sides *s, off_t offset), off_t size)
{
	for (off_t offset = 0; offset < size; offset += 3 * BLOCK)
		if (!what(s, offset))
			return false;
	return true;
}

/* ---- the program ---- */

static bool check_all(struct sides *s)
{
	struct vfs_dax_stats before, after;
	void *address;
	bool good;
	int r;

	vfs_fs_dax_stats(s->fs, &before);
	good = each(s, library_writes, SIZE) && each(s, other_writes, SIZE);
	vfs_fs_dax_stats(s->fs, &after);
	if (after.misfits != before.misfits || after.read_bytes == before.read_bytes) {
		printf("not ok reads and writes are not in the window\n");
		return false;
	}
	r = vfs_map(s->file, 0, SIZE / 2, PROT_READ | PROT_WRITE, &address);
	if (r < 0)
		return fail(vfs_last_error(), 0, -r);
	s->pointer = address;
	good = good && each(s, pointers, SIZE / 2);
	return vfs_unmap(s->fs, address) == 0 && good;
}

static bool run(struct sides *s, const char *dir, bool direct)
{
	char path[4096];
	bool good;
	int r = vfs_open(s->fs, NAME, O_RDWR | O_CREAT | O_TRUNC, 0644, &s->file);

	if (r == 0)
		r = vfs_ftruncate(s->file, SIZE);
	if (r < 0)
		return fail(vfs_last_error(), 0, -r);
	snprintf(path, sizeof(path), "%s/" NAME, dir);
	s->fd = open(path, O_RDWR | O_CLOEXEC | (direct ? O_DIRECT : 0));
	if (s->fd < 0)
		return fail(path, 0, errno);
	if (!direct)
		s->mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->mapped == MAP_FAILED)
		return fail("mmap", 0, errno);
	good = check_all(s);
	if (s->mapped)
		munmap(s->mapped, SIZE);
	close(s->fd);
	return vfs_close(s->file) == 0 && good;
}

static const char usage[] =
	"usage: window-beside --device DEVICE --dax always --beside DIR [OPTION...]\n"
	"What the library and somebody else see of each other's writes.\n"
	"\n" MOUNT_USAGE "  --beside DIR      where somebody else has the same files\n"
	"  --direct          his reads and writes go past his cache\n";

static const struct option options[] = {
	MOUNT_OPTIONS,
	{"beside", required_argument, NULL, 'b'},
	{"direct", no_argument, NULL, 'd'},
	{NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
	struct mount_settings settings = {0};
	const char *dir = NULL;
	struct mounted mounted;
	bool good = true, direct = false;
	struct sides sides = {.fd = -1};
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'b')
			dir = optarg;
		else if (c == 'd')
			direct = true;
		else
			good = mount_option(c, optarg, &settings);
	}
	if (!good || optind != argc || !settings.device || !dir) {
		fputs(usage, stderr);
		return 2;
	}
	setlinebuf(stdout);
	buffer = aligned_alloc(BLOCK, BLOCK);
	if (!buffer || mount_start(&settings, &mounted) < 0)
		return 2;
	sides.fs = mounted.fs;
	good = run(&sides, dir, direct);
	good = mount_balanced(&mounted) == 0 && good;
	good = mount_end(&mounted) == 0 && good;
	free(buffer);
	printf("%s each sees what the other writes\n", good ? "ok" : "not ok");
	return good ? 0 : 1;
}
