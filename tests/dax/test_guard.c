/* SPDX-License-Identifier: MIT */
/* How far copies come that find nothing behind the window, in each way of catching faults. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dax/guard.h"
#include "dax/guard_modes.h"
#include "dax/shown.h"

#define CANARY 0xee

static struct shown shown;
static unsigned char buffer[SHOWN + 16];

static const size_t starts[] = {0, 1, 7, 8, 100, PAGE - 1, PAGE, PAGE + 13, 3 * PAGE - 1};
static const size_t sizes[] = {1, 7, 8, 64, 1000, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 9 * PAGE + 5};

static int setup(void **state)
{
	(void)state;
	show(&shown);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hide(&shown);
	return 0;
}

/* Bytes of @size from @start on that are below @end. */
static size_t below(size_t end, size_t start, size_t size)
{
	if (start >= end)
		return 0;
	return min_size(size, end - start);
}

static void read_some(size_t start, size_t size, size_t end)
{
	size_t expected = below(end, start, size);

	memset(buffer, CANARY, sizeof(buffer));
	assert_int_equal(vfs_copy_from_map(buffer, shown.memory + start, size), expected);
	for (size_t i = 0; i < expected; i++)
		assert_int_equal(buffer[i], pattern(start + i));
	assert_int_equal(buffer[size], CANARY);
}

/* Into what has the pattern, of something else. */
static void write_some(size_t start, size_t size, size_t end)
{
	static unsigned char file[SHOWN];
	size_t expected = below(end, start, size);

	memset(buffer, CANARY, size);
	assert_int_equal(vfs_copy_to_map(shown.memory + start, buffer, size), expected);
	assert_int_equal(pread(shown.fd, file, end, 0), end);
	for (size_t i = 0; i < end; i++)
		assert_int_equal(file[i], i >= start && i < start + expected ? CANARY : pattern(i));
}

static void some(size_t end, void (*fn)(size_t start, size_t size, size_t end))
{
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
			fn(starts[i], sizes[j], end);
}

static void read_whole(void)
{
	some(SHOWN, read_some);
}

static void write_whole(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		set_length(&shown, SHOWN);
		write_some(starts[i], sizes[i], SHOWN);
	}
	set_length(&shown, SHOWN);
}

static void what_is_there_is_copied(void **state)
{
	(void)state;
	in_each_mode(read_whole);
	in_each_mode(write_whole);
}

static void read_cut(void)
{
	some(3 * PAGE, read_some);
}

static void write_cut(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			set_length(&shown, 3 * PAGE);
			write_some(starts[i], sizes[j], 3 * PAGE);
		}
}

static void a_truncated_file_ends_the_copy_exactly_there(void **state)
{
	(void)state;
	set_length(&shown, 3 * PAGE);
	in_each_mode(read_cut);
	in_each_mode(write_cut);
}

/* memcpy() may begin at the end. */
static void read_around_hole(void)
{
	read_some(0, SHOWN, 5 * PAGE);
	read_some(5 * PAGE - 3, 2 * PAGE, 5 * PAGE);
	read_some(5 * PAGE, 2 * PAGE, 5 * PAGE);
	assert_int_equal(vfs_copy_from_map(buffer, shown.memory + 6 * PAGE, PAGE), PAGE);
}

static void what_is_behind_a_hole_does_not_count(void **state)
{
	(void)state;
	assert_int_equal(mprotect(shown.memory + 5 * PAGE, PAGE, PROT_NONE), 0);
	in_each_mode(read_around_hole);
	assert_int_equal(mprotect(shown.memory + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
}

static void copy_nothing(void)
{
	assert_int_equal(vfs_copy_from_map(buffer, shown.memory + 10, 100), 0);
	assert_int_equal(vfs_copy_to_map(shown.memory + 10, buffer, 100), 0);
	assert_int_equal(vfs_copy_from_map(buffer, shown.memory, 0), 0);
	assert_int_equal(vfs_copy_to_map(shown.memory, buffer, 0), 0);
}

static void a_mapping_that_was_taken_away_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(mprotect(shown.memory, SHOWN, PROT_NONE), 0);
	in_each_mode(copy_nothing);
}

static void write_protected(void)
{
	write_some(0, 3 * PAGE, 2 * PAGE);
	set_length(&shown, SHOWN);
	write_some(2 * PAGE, PAGE, 2 * PAGE);
	read_some(0, SHOWN, SHOWN);
}

static void what_is_mapped_for_reading_is_not_written(void **state)
{
	(void)state;
	assert_int_equal(mprotect(shown.memory + 2 * PAGE, SHOWN - 2 * PAGE, PROT_READ), 0);
	in_each_mode(write_protected);
}

static void copy_with_errno(void)
{
	errno = ENOTTY;
	assert_int_equal(vfs_copy_from_map(buffer, shown.memory, 2 * PAGE), PAGE);
	assert_int_equal(errno, ENOTTY);
}

static void errno_is_left_alone(void **state)
{
	(void)state;
	set_length(&shown, PAGE);
	in_each_mode(copy_with_errno);
}

static void without_a_mount_copies_are_exact_too(void **state)
{
	(void)state;
	no_handlers();
	set_length(&shown, 3 * PAGE);
	read_cut();
}

/* Somebody else's memory that cannot be pinned: a page that the kernel shows to every process. */
static const char *unpinnable(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start = 0;
	char line[256];

	assert_non_null(maps);
	while (start == 0 && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar]"))
			start = strtoul(line, NULL, 16);
	fclose(maps);
	return (const char *)(uintptr_t)start;
}

static void memory_that_cannot_be_pinned_is_copied_by_system_calls(void **state)
{
	const char *memory = unpinnable();

	(void)state;
	if (!memory)
		skip();
	no_handlers();
	assert_int_equal(vfs_copy_from_map(buffer, memory, 16), 16);
	set_length(&shown, PAGE);
	assert_int_equal(vfs_copy_to_map(shown.memory + PAGE - 16, memory, 32), 16);
}

static void copy_to_nowhere(void)
{
	char *nowhere = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vfs_copy_from_map(nowhere, shown.memory, 100);
}

static void copy_to_nowhere_caught(void)
{
	must(vfs_guard_acquire(VFS_FAULTS_HANDLER) == VFS_FAULTS_HANDLER);
	copy_to_nowhere();
}

static void a_fault_at_the_other_end_is_the_callers(void **state)
{
	int status;

	(void)state;
	no_handlers();
	status = status_of_child(copy_to_nowhere);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = status_of_child(copy_to_nowhere_caught);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void copy_cut(void)
{
	must(vfs_copy_from_map(buffer, shown.memory, 2 * PAGE) == PAGE);
}

static void fork_and_copy(void)
{
	set_length(&shown, PAGE);
	copy_cut();
	assert_int_equal(status_of_child(copy_cut), 0);
}

static void caught_in_child(void)
{
	must(vfs_guard_acquire(VFS_FAULTS_HANDLER) == VFS_FAULTS_HANDLER);
	fork_and_copy();
}

static void a_child_can_copy(void **state)
{
	(void)state;
	no_handlers();
	fork_and_copy();
	assert_int_equal(status_of_child(caught_in_child), 0);
}

static void *copy_when_alone(void *first)
{
	must(pthread_join(*(pthread_t *)first, NULL) == 0);
	copy_cut();
	_exit(0);
}

/* A process goes on when its first thread ends, but that thread's id has no memory any more. */
static void end_first_thread(void)
{
	static pthread_t first;
	pthread_t other;

	first = pthread_self();
	must(pthread_create(&other, NULL, copy_when_alone, &first) == 0);
	pthread_exit(NULL);
}

static void system_calls_do_without_the_first_thread(void **state)
{
	(void)state;
	no_handlers();
	set_length(&shown, PAGE);
	assert_int_equal(status_of_child(end_first_thread), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_there_is_copied),
		TEST(a_truncated_file_ends_the_copy_exactly_there),
		TEST(what_is_behind_a_hole_does_not_count),
		TEST(a_mapping_that_was_taken_away_is_nothing),
		TEST(what_is_mapped_for_reading_is_not_written),
		TEST(errno_is_left_alone),
		TEST(without_a_mount_copies_are_exact_too),
		TEST(memory_that_cannot_be_pinned_is_copied_by_system_calls),
		TEST(a_fault_at_the_other_end_is_the_callers),
		TEST(a_child_can_copy),
		TEST(system_calls_do_without_the_first_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
