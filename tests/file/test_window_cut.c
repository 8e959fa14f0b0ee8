/* SPDX-License-Identifier: MIT */
/*
 * The host makes a file shorter and longer while threads read it, write it and copy from pointers
 * into it: nobody dies, and what is read is what was there at some time.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "many.h"
#include "served.h"
#include "windowed.h"

#define HANG_S 300
#define SIZE   (6u * RANGE)
#define BASE   (RANGE + 1000u) /* the file is never shorter */

/* Milliseconds for each way of catching faults and keeping things. */
#define SHORT_MS 800
#define FULL_MS	 10000

static struct vfs_file *file;
static atomic_bool over;
static char pattern[SIZE];

/* ---- the host ---- */

static void cut_and_grow(int fd, unsigned int random)
{
	size_t size = BASE + random % (SIZE - BASE);
	size_t some = 1 + random % 9000;

	if (ftruncate(fd, (off_t)size) < 0)
		abort();
	for (size_t at = size; at < SIZE; at += some) {
		size_t n = some < SIZE - at ? some : SIZE - at;

		if (pwrite(fd, pattern + at, n, (off_t)at) != (ssize_t)n)
			abort();
	}
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void be_the_host(struct worker *w)
{
	long until = now_ms() + w->count;
	int fd = open(served_path("file"), O_RDWR | O_CLOEXEC);

	/* It is not over before it has been seen. */
	while (now_ms() < until || !dax_stats().faults)
		cut_and_grow(fd, many_random(w, 1u << 30));
	close(fd);
	atomic_store(&over, true);
}

/* ---- clients ---- */

/* What was cut is zeros until the library knows where the file ends; before that it is right. */
static bool is_right(struct worker *w, const char *data, size_t size, size_t offset)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == pattern[offset + i] || (offset + i >= BASE && !data[i]))
			continue;
		return many_fail(w, "byte %#zx is %#x, not %#x", offset + i, (unsigned char)data[i],
			(unsigned char)pattern[offset + i]);
	}
	return true;
}

static size_t always_there(size_t offset, size_t size)
{
	if (offset >= BASE)
		return 0;
	return size < BASE - offset ? size : BASE - offset;
}

static void read_it(struct worker *w)
{
	char *buffer = malloc(SIZE);

	while (!atomic_load(&over) && !w->failure[0]) {
		size_t offset = many_random(w, SIZE);
		size_t size = 1 + many_random(w, SIZE);
		ssize_t n = vfs_pread(file, buffer, size, (off_t)offset);

		if (n < (ssize_t)always_there(offset, size) || n > (ssize_t)size ||
			(n > 0 && offset + (size_t)n > SIZE))
			many_fail(w, "%zd of %zu bytes from %zu on (%s)", n, size, offset,
				n < 0 ? vfs_last_error() : "");
		else if (n > 0)
			is_right(w, buffer, (size_t)n, offset);
	}
	free(buffer);
}

static void write_it(struct worker *w)
{
	while (!atomic_load(&over) && !w->failure[0]) {
		size_t offset = many_random(w, SIZE);
		size_t size = 1 + many_random(w, (unsigned int)(SIZE - offset));
		ssize_t n = vfs_pwrite(file, pattern + offset, size, (off_t)offset);

		if (n != (ssize_t)size)
			many_fail(w, "%zd of %zu bytes to %zu (%s)", n, size, offset,
				n < 0 ? vfs_last_error() : "");
	}
}

/* The file may just be too short to be mapped, or somebody holds it for reading only. */
static bool may_be(int r)
{
	return r == 0 || r == -ENXIO || r == -EBUSY;
}

static void copy_it(struct worker *w)
{
	char *buffer = malloc(SIZE);

	while (!atomic_load(&over) && !w->failure[0]) {
		size_t offset = many_random(w, SIZE - 1);
		size_t size = 1 + many_random(w, (unsigned int)(SIZE - offset));
		void *address;
		int r = vfs_map(file, (off_t)offset, size, PROT_READ | PROT_WRITE, &address);
		size_t n;

		if (!may_be(r))
			many_fail(w, "map: %d (%s)", r, vfs_last_error());
		if (r < 0)
			continue;
		n = vfs_copy_from_map(buffer, address, size);
		if (n < always_there(offset, size) || n > size)
			many_fail(w, "%zu of %zu bytes from a pointer to %zu", n, size, offset);
		else
			is_right(w, buffer, n, offset);
		n = vfs_copy_to_map(address, pattern + offset, size);
		if (n < always_there(offset, size) || n > size)
			many_fail(w, "%zu of %zu bytes to a pointer to %zu", n, size, offset);
		vfs_unmap(windowed, address);
	}
	free(buffer);
}

static void work(struct worker *w)
{
	static void (*const works[MANY])(struct worker * w) = {
		be_the_host, read_it, read_it, write_it, copy_it, read_it, write_it, copy_it};

	works[w->number](w);
}

static void only_read(struct worker *w)
{
	if (w->number == 0)
		be_the_host(w);
	else if (w->number < 3)
		read_it(w);
}

/* ---- */

static void with(enum vfs_faults faults, enum vfs_cache cache, void (*what)(struct worker *w))
{
	struct vfs_mount_options options = windowed_options();
	const char *full = getenv("VFS_TEST_FULL");

	windowed_unmount();
	options.dax_faults = faults;
	options.cache = cache;
	windowed_mount(&options);
	windowed_make("file", SIZE, 1);
	file = windowed_open("file", O_RDWR);
	atomic_store(&over, false);
	many_run(windowed, what, full && *full ? FULL_MS : SHORT_MS);
	print_message("%llu faults, %llu bytes read, %llu written\n",
		(unsigned long long)dax_stats().faults, (unsigned long long)dax_stats().read_bytes,
		(unsigned long long)dax_stats().written_bytes);
	assert_int_equal(dax_stats().held, 0);
	assert_ranges_add_up();
	assert_int_equal(vfs_close(file), 0);
}

static void test_under_readers(void **state)
{
	(void)state;
	with(VFS_FAULTS_HANDLER, VFS_CACHE_NONE, only_read);
	with(VFS_FAULTS_HANDLER, VFS_CACHE_ALWAYS, only_read);
	with(VFS_FAULTS_SYSTEM_CALL, VFS_CACHE_AUTO, only_read);
}

static void test_under_readers_and_writers(void **state)
{
	(void)state;
	with(VFS_FAULTS_HANDLER, VFS_CACHE_NONE, work);
	with(VFS_FAULTS_HANDLER, VFS_CACHE_ALWAYS, work);
	with(VFS_FAULTS_SYSTEM_CALL, VFS_CACHE_AUTO, work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_under_readers, windowed_begin, windowed_end),
		cmocka_unit_test_setup_teardown(
			test_under_readers_and_writers, windowed_begin, windowed_end),
	};

	alarm(HANG_S);
	for (size_t i = 0; i < SIZE; i++)
		pattern[i] = windowed_byte(i, 1);
	served.dax = WINDOW_MIB;
	served.queues = "4";
	return cmocka_run_group_tests(tests, served_start, served_stop);
}
