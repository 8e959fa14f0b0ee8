/* SPDX-License-Identifier: MIT */
/* Random reads and writes find what a plain array would have, whatever goes wrong below. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "file/stub_fuse.h"

#define FILES	3u
#define MAX	(3u << 20)
#define THREADS 4u
#define STRIPE	3000u /* of a thread, then comes the next one's */
#define STRIPES 64u

static struct vfs_fs *fs;
static struct vfs_file *files[FILES];
static const int file_flags[FILES] = {O_RDWR, O_RDWR, O_RDWR | O_DIRECT};

/* What varies. */
struct variant {
	enum vfs_cache cache;
	bool writeback;
	size_t cache_bytes;
	uint32_t max_request;
	unsigned int alloc_fails;
	bool short_writes;
};

static const struct variant variants[] = {
	{VFS_CACHE_NONE, false, 0, 1 << 20, 0, true},
	{VFS_CACHE_AUTO, false, 0, 128 << 10, 0, false},
	{VFS_CACHE_AUTO, false, 100000, 4096, 0, true},
	{VFS_CACHE_ALWAYS, false, 1, 128 << 10, 0, false},
	{VFS_CACHE_ALWAYS, false, 300000, 50000, 5, true},
	{VFS_CACHE_AUTO, true, 0, 128 << 10, 0, false},
	{VFS_CACHE_AUTO, true, 100000, 5000, 3, true},
	{VFS_CACHE_ALWAYS, true, 0, 128 << 10, 0, true},
	{VFS_CACHE_ALWAYS, true, 1, 128 << 10, 0, false},
	{VFS_CACHE_ALWAYS, true, 300000, 128 << 10, 7, true},
};

static void begin(const struct variant *variant)
{
	const struct vfs_mount_options options = {.cache = variant->cache,
		.writeback = variant->writeback,
		.cache_bytes = variant->cache_bytes};

	fs = stub_mount(&options);
	fs->max_read = fs->max_write = variant->max_request;
	stub.alloc_fails = variant->alloc_fails;
	stub.short_writes = variant->short_writes;
	for (unsigned int i = 0; i < FILES; i++)
		files[i] = stub_open(fs, file_flags[i]);
}

static void end(void)
{
	for (unsigned int i = 0; i < FILES; i++)
		assert_int_equal(stub_close(files[i]), 0);
	stub_umount(fs);
}

/* ---- one thread, which knows all of the file ---- */

static unsigned char model[2 * MAX];
static unsigned char buffer[2 * MAX];
static size_t model_size;
static unsigned int seed;

static size_t below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

static void check_read(struct vfs_file *file, size_t offset, size_t size)
{
	size_t expected = offset >= model_size ? 0 : min_size(size, model_size - offset);

	assert_int_equal(vfs_pread(file, buffer, size, (off_t)offset), expected);
	assert_memory_equal(buffer, model + offset, expected);
}

static void check_write(struct vfs_file *file, size_t offset, size_t size)
{
	size_t half = size / 2;
	const struct iovec iov[] = {
		{.iov_base = buffer, .iov_len = half},
		{.iov_base = buffer, .iov_len = 0},
		{.iov_base = buffer + half, .iov_len = size - half},
	};

	memset(buffer, rand_r(&seed), size);
	buffer[0] = (unsigned char)seed;
	assert_int_equal(vfs_pwritev(file, iov, 3, (off_t)offset), size);
	memcpy(model + offset, buffer, size);
	if (size && offset + size > model_size)
		model_size = offset + size;
}

static void check_truncate(struct vfs_file *file, size_t size)
{
	assert_int_equal(stub_truncate(file, size), 0);
	if (size < model_size)
		memset(model + size, 0, model_size - size);
	model_size = size;
}

static void do_anything(void)
{
	struct vfs_file *file = files[below(FILES)];
	size_t offset = below(MAX);
	size_t size = below(4) ? below(20000) + 1 : below(MAX / 4) + 1;
	size_t which = below(20);

	if (which < 8)
		check_read(file, offset, size);
	else if (which < 16)
		check_write(file, offset, size);
	else if (which == 16)
		check_truncate(file, offset);
	else if (which == 17)
		assert_int_equal(vfs_fsync(file), 0);
	else if (which == 18)
		vfs_pool_trim(fs, below(MAX));
	else
		assert_int_equal(vfs_lseek(file, 0, SEEK_END), model_size);
}

static void one_thread_finds_what_it_has_written(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(variants); i++) {
		seed = i + 1;
		memset(model, 0, sizeof(model));
		model_size = 0;
		begin(&variants[i]);
		for (unsigned int k = 0; k < 800; k++)
			do_anything();
		for (unsigned int k = 0; k < FILES; k++)
			assert_int_equal(vfs_fsync(files[k]), 0);
		assert_int_equal(stub.size, model_size);
		assert_memory_equal(stub.bytes, model, model_size);
		end();
	}
}

/* ---- many, each of which knows its own stripes ---- */

struct worker {
	pthread_t thread;
	unsigned int number;
	unsigned int seed;
	const char *wrong;
	unsigned char model[STRIPES][STRIPE];
};

static void work_once(struct worker *w)
{
	unsigned int stripe = (unsigned int)rand_r(&w->seed) % STRIPES;
	unsigned int from = (unsigned int)rand_r(&w->seed) % STRIPE;
	unsigned int size = (unsigned int)rand_r(&w->seed) % (STRIPE - from) + 1;
	off_t offset = (off_t)(stripe * THREADS + w->number) * STRIPE + from;
	struct vfs_file *file = files[(unsigned int)rand_r(&w->seed) % FILES];
	unsigned char bytes[STRIPE];

	switch (rand_r(&w->seed) % 5) {
	case 0:
	case 1:
		memset(bytes, rand_r(&w->seed), size);
		if (vfs_pwrite(file, bytes, size, offset) != size)
			w->wrong = "a write";
		memcpy(w->model[stripe] + from, bytes, size);
		break;
	case 2:
	case 3:
		if (vfs_pread(file, bytes, size, offset) != size ||
			memcmp(bytes, w->model[stripe] + from, size) != 0)
			w->wrong = "a read";
		break;
	default:
		if (vfs_fsync(file) < 0)
			w->wrong = "fsync";
		break;
	}
}

static void *work(void *ctx)
{
	struct worker *w = ctx;

	for (unsigned int i = 0; i < 500 && !w->wrong; i++)
		work_once(w);
	return NULL;
}

static void many_threads_find_what_they_have_written(void **state)
{
	static struct worker workers[THREADS];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(variants); i++) {
		begin(&variants[i]);
		assert_int_equal(stub_truncate(files[0], THREADS * STRIPES * STRIPE), 0);
		for (unsigned int k = 0; k < THREADS; k++) {
			workers[k] = (struct worker){.number = k, .seed = k + 1};
			pthread_create(&workers[k].thread, NULL, work, &workers[k]);
		}
		for (unsigned int k = 0; k < THREADS; k++)
			pthread_join(workers[k].thread, NULL);
		for (unsigned int k = 0; k < THREADS; k++)
			assert_null(workers[k].wrong);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_finds_what_it_has_written),
		cmocka_unit_test(many_threads_find_what_they_have_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
