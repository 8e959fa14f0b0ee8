/* SPDX-License-Identifier: MIT */
/*
 * How fast files are read and written through the DAX window, beside memcpy() from and to ordinary
 * memory of the same size in the same process. Prints ratios; what they are worth is for the reader
 * to judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <vfs/error.h>
#include <vfs/file.h>

#define FILE_SIZE (32u << 20)
#define ROUNDS	  9u

static const size_t sizes[] = {4096, 65536, 1u << 20};

static struct vfs_file *file;
static char *memory; /* as large as the file */
static char *buffer; /* of the largest size */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what, int error)
{
	fprintf(stderr, "%s: %s (%s)\n", what, strerror(-error), vfs_last_error());
	exit(1);
}

typedef void pass_fn(size_t size, size_t offset);

static void read_file(size_t size, size_t offset)
{
	if (vfs_pread(file, buffer, size, (off_t)offset) != (ssize_t)size)
		die("pread", -errno);
}

static void write_file(size_t size, size_t offset)
{
	if (vfs_pwrite(file, buffer, size, (off_t)offset) != (ssize_t)size)
		die("pwrite", -errno);
}

/* The compiler is to believe that somebody looks. */
static void read_memory(size_t size, size_t offset)
{
	memcpy(buffer, memory + offset, size);
	__asm__ volatile("" : : "r"(buffer) : "memory");
}

static void write_memory(size_t size, size_t offset)
{
	memcpy(memory + offset, buffer, size);
	__asm__ volatile("" : : "r"(memory) : "memory");
}

/* Seconds for all of the file once. */
static double pass(pass_fn *one, size_t size)
{
	double start = now();

	for (size_t offset = 0; offset < FILE_SIZE; offset += size)
		one(size, offset);
	return now() - start;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* One after the other, so that both meet the same machine. */
static void compare(const char *what, pass_fn *ours, pass_fn *theirs, size_t size)
{
	double ratios[ROUNDS];
	double best = 1e9;

	pass(ours, size);
	pass(theirs, size);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		double seconds = pass(ours, size);

		ratios[i] = pass(theirs, size) / seconds;
		best = seconds < best ? seconds : best;
	}
	qsort(ratios, ROUNDS, sizeof(ratios[0]), by_value);
	printf("%-5s %7zu bytes: %6.2f GB/s, %.2f of memcpy's speed (%.2f to %.2f)\n", what, size,
		FILE_SIZE / best / 1e9, ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
}

static void prepare(struct vfs_fs *fs)
{
	int r = vfs_open(fs, "window-bench", O_RDWR | O_CREAT | O_TRUNC, 0600, &file);

	if (r < 0)
		die("open", r);
	memory = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	buffer = malloc(sizes[2]);
	if (memory == MAP_FAILED || !buffer)
		die("memory", -ENOMEM);
	memset(memory, 1, FILE_SIZE);
	memset(buffer, 2, sizes[2]);
	for (off_t offset = 0; offset < FILE_SIZE; offset += (off_t)sizes[2])
		if (vfs_pwrite(file, buffer, sizes[2], offset) != (ssize_t)sizes[2])
			die("pwrite", -errno);
}

int main(int argc, char **argv)
{
	const struct vfs_mount_options options = {
		.cache = VFS_CACHE_ALWAYS, .dax = VFS_DAX_ALWAYS, .dax_faults = VFS_FAULTS_HANDLER};
	struct vfs_dax_stats before, after;
	struct vfs_fs *fs;
	int r;

	if (argc != 2) {
		fputs("usage: window DEVICE\n", stderr);
		return 2;
	}
	r = vfs_mount(argv[1], &options, &fs);
	if (r < 0)
		die(argv[1], r);
	prepare(fs);
	for (unsigned int i = 0; i < 3; i++) {
		compare("read", read_file, read_memory, sizes[i]);
		if (i == 0)
			vfs_fs_dax_stats(fs, &before);
		compare("write", write_file, write_memory, sizes[i]);
	}
	vfs_fs_dax_stats(fs, &after);
	printf("%llu ranges mapped, %llu accesses found theirs, %llu went by request\n",
		(unsigned long long)after.maps, (unsigned long long)after.hits,
		(unsigned long long)after.misfits);
	vfs_close(file);
	vfs_unlink(fs, "window-bench");
	vfs_umount(fs);
	free(buffer);
	munmap(memory, FILE_SIZE);
	return after.maps - before.maps + after.misfits ? 1 : 0;
}
