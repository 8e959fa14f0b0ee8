/* SPDX-License-Identifier: MIT */
/* Threads that copy while a file becomes shorter and longer. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dax/guard.h"
#include "dax/guard_modes.h"
#include "dax/shown.h"

#define THREADS 4u
#define COPIES	400u
#define CUTS	100000u

static struct shown shown;
static atomic_uint copying;

struct copier {
	pthread_t thread;
	uint32_t random;
	unsigned char buffer[SHOWN];
};

static size_t below(struct copier *copier, size_t limit)
{
	copier->random = copier->random * 1664525u + 1013904223u;
	return (copier->random >> 8) % limit;
}

/* A copy ends at a page of the file; a system call anywhere, as its parts are the kernel's choice
 * and the page may be cut off between two of them. */
static void check_count(size_t start, size_t size, size_t count)
{
	must(count <= size);
	if (atomic_load(&vfs_guard_catches))
		must(count == size || count == 0 || (start + count) % PAGE == 0);
}

/* What was cut off and came back is 0 until it is written again. */
static void read_some(struct copier *copier, size_t start, size_t size)
{
	size_t count = vfs_copy_from_map(copier->buffer, shown.memory + start, size);

	check_count(start, size, count);
	for (size_t i = 0; i < count; i++)
		must(copier->buffer[i] == pattern(start + i) || copier->buffer[i] == 0);
}

static void write_some(struct copier *copier, size_t start, size_t size)
{
	for (size_t i = 0; i < size; i++)
		copier->buffer[i] = pattern(start + i);
	check_count(start, size, vfs_copy_to_map(shown.memory + start, copier->buffer, size));
}

static void *copy_often(void *arg)
{
	struct copier *copier = arg;

	for (unsigned int i = 0; i < COPIES; i++) {
		size_t start = below(copier, SHOWN);
		size_t size = 1 + below(copier, SHOWN - start);

		if (i % 4)
			read_some(copier, start, size);
		else
			write_some(copier, start, size);
	}
	atomic_fetch_sub(&copying, 1);
	return NULL;
}

static void cut_often(void)
{
	for (unsigned int i = 0; i < CUTS && atomic_load(&copying); i++) {
		must(ftruncate(shown.fd, (i * 5u % PAGES) * PAGE) == 0);
		set_length(&shown, SHOWN);
	}
}

static void copy_and_cut(void)
{
	static struct copier copiers[THREADS];

	atomic_store(&copying, THREADS);
	for (unsigned int i = 0; i < THREADS; i++) {
		copiers[i].random = i + 1;
		must(pthread_create(&copiers[i].thread, NULL, copy_often, &copiers[i]) == 0);
	}
	cut_often();
	for (unsigned int i = 0; i < THREADS; i++)
		must(pthread_join(copiers[i].thread, NULL) == 0);
}

static void each_count_is_right(void **state)
{
	(void)state;
	show(&shown);
	in_each_mode(copy_and_cut);
	hide(&shown);
}

static void *use_guard(void *arg)
{
	unsigned char buffer[PAGE];

	for (unsigned int i = 0; i < COPIES; i++) {
		int chosen = vfs_guard_acquire(VFS_FAULTS_AUTO);

		must(chosen == VFS_FAULTS_HANDLER);
		must(vfs_copy_from_map(buffer, shown.memory, PAGE) == PAGE);
		must(vfs_guard_intact());
		vfs_guard_release(chosen);
	}
	return arg;
}

/* One mount stays, so that nobody copies while the last is going. */
static void mounts_come_and_go(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	show(&shown);
	no_handlers();
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_AUTO), VFS_FAULTS_HANDLER);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_guard, NULL), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	hide(&shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_count_is_right),
		cmocka_unit_test(mounts_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
