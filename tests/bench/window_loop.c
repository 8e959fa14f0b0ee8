/* SPDX-License-Identifier: MIT */
/* Reads or writes of 4 KiB in the DAX window, or with memcpy() alone: for those who count. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfs/error.h>
#include <vfs/file.h>

#define SIZE	  4096u
#define FILE_SIZE (8u << 20)

static struct vfs_file *file;
static char buffer[SIZE];
static char *memory;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, vfs_last_error());
	exit(1);
}

/* For valgrind to know it by. */
__attribute__((noinline)) void copy_memory(size_t offset);
__attribute__((noinline)) void copy_memory(size_t offset)
{
	memcpy(buffer, memory + offset, SIZE);
	__asm__ volatile("" : : "r"(buffer) : "memory");
}

static void one(char what, size_t offset)
{
	ssize_t n = SIZE;

	if (what == 'r')
		n = vfs_pread(file, buffer, SIZE, (off_t)offset);
	else if (what == 'w')
		n = vfs_pwrite(file, buffer, SIZE, (off_t)offset);
	else
		copy_memory(offset);
	if (n != SIZE)
		die("no 4096 bytes");
}

static void all_once(char what)
{
	for (size_t offset = 0; offset < FILE_SIZE; offset += SIZE)
		one(what, offset);
}

int main(int argc, char **argv)
{
	const struct vfs_mount_options options = {
		.cache = VFS_CACHE_AUTO, .dax = VFS_DAX_ALWAYS, .dax_faults = VFS_FAULTS_HANDLER};
	unsigned long count = argc == 4 ? strtoul(argv[3], NULL, 0) : 0;
	struct vfs_dax_stats before, after;
	struct vfs_fs *fs = NULL;

	if (!count || !strchr("rwm", argv[2][0])) {
		fputs("usage: window-loop DEVICE read|write|memcpy COUNT\n", stderr);
		return 2;
	}
	memory = calloc(1, FILE_SIZE);
	if (!memory || vfs_mount(argv[1], &options, &fs) < 0)
		die(argv[1]);
	if (vfs_open(fs, "window-loop", O_RDWR | O_CREAT, 0600, &file) < 0 ||
		vfs_ftruncate(file, FILE_SIZE) < 0)
		die("window-loop");
	all_once('w');
	all_once(argv[2][0]);
	vfs_fs_dax_stats(fs, &before);
	for (unsigned long i = 0; i < count; i++)
		one(argv[2][0], i * SIZE % FILE_SIZE);
	vfs_fs_dax_stats(fs, &after);
	vfs_close(file);
	vfs_umount(fs);
	free(memory);
	return after.maps + after.upgrades + after.misfits !=
	       before.maps + before.upgrades + before.misfits;
}
