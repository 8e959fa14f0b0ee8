/* SPDX-License-Identifier: MIT */
/*
 * Pages and arenas that cannot be: pages of another time, torn ones, and what somebody made up who
 * means no good. Every verb gets through them, without touching what is not in them; the sanitizers
 * see to that. What they begin with is a session that there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "files.h"
#include "fuse/fixture.h"
#include "inspect.h"
#include "snapshot.h"
#include "verdict.h"

static uint8_t *page;
static size_t page_size;
static uint8_t *arena;
static size_t arena_size;
static int page_fd = -1;
static int arena_fd = -1;
static char proc[PATH_MAX];
static FILE *printed;
static uint64_t seed;

/* xorshift64* */
static uint64_t number(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 2685821657736338717u;
}

/* ---- what it begins with ---- */

static void copy_session(bool physical)
{
	if (physical)
		without_platform();
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	submit(message_write(queue, 9000));
	take(&taken);
	answer_statfs(&taken);
	page_size = session->page.size;
	page = malloc(page_size);
	arena_size = session->arena.memory.size;
	arena = malloc(arena_size);
	assert_true(page && arena);
	memcpy(page, session->page.head, page_size);
	memcpy(arena, session->arena.memory.base, arena_size);
	take(&taken);
}

static int memory(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* A /proc with this process in it, which has the one page that the test has made. */
static int begin(void **state)
{
	char link[PATH_MAX + 8];
	char *dir;

	(void)state;
	snprintf(proc, sizeof(proc), "/tmp/virtiofs-hostile.XXXXXX");
	dir = mkdtemp(proc);
	if (!dir)
		return -1;
	snprintf(link, sizeof(link), "%s/4711", proc);
	inspect_proc_root = proc;
	queues_pause_us = 0;
	printed = tmpfile();
	return printed && symlink("/proc/self", link) == 0 ? 0 : -1;
}

static int end(void **state)
{
	char link[PATH_MAX + 8];

	(void)state;
	snprintf(link, sizeof(link), "%s/4711", proc);
	unlink(link);
	rmdir(proc);
	fclose(printed);
	return 0;
}

static int end_test(void **state)
{
	free(page);
	free(arena);
	page = arena = NULL;
	if (page_fd >= 0)
		close(page_fd);
	if (arena_fd >= 0)
		close(arena_fd);
	page_fd = arena_fd = -1;
	return tear_down(state);
}

/* The session itself is over, or it would be seen as well. */
static int begin_with(bool physical)
{
	struct vfs_observe_page head;
	struct stat stat;

	set_up(NULL);
	copy_session(physical);
	d.serve = fuse_device_serve;
	vfs_session_abort(session);
	vfs_session_destroy(session);
	session = NULL;
	arena_fd = memory("libvirtiofs hostile", arena_size);
	page_fd = memory("libvirtiofs-page hostile", page_size);
	assert_int_equal(fstat(arena_fd, &stat), 0);
	memcpy(&head, page, sizeof(head));
	head.arena_inode = stat.st_ino;
	memcpy(page, &head, sizeof(head));
	seed = 20201;
	return 0;
}

static int begin_test(void **state)
{
	(void)state;
	return begin_with(false);
}

static int begin_physical(void **state)
{
	(void)state;
	return begin_with(true);
}

/* ---- looking at it ---- */

static void write_all(int fd, const uint8_t *bytes, size_t size)
{
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
}

static const struct {
	const char *name;
	int (*run)(int count, char **names);
} verbs[] = {
	{"ps", verb_ps},
	{"queues", verb_queues},
	{"ring", verb_ring},
	{"inflight", verb_inflight},
	{"stats", verb_stats},
};

/* How often something was shown at all. */
static unsigned int shown;

/* With what they print in a file. */
static void look(const uint8_t *a_page, size_t size)
{
	int out = dup(STDOUT_FILENO);

	assert_true(out >= 0);
	assert_int_equal(ftruncate(page_fd, (off_t)size), 0);
	write_all(page_fd, a_page, size);
	inspect_options.json = number() % 2;
	fflush(stdout);
	assert_int_equal(ftruncate(fileno(printed), 0), 0);
	assert_int_equal(lseek(fileno(printed), 0, SEEK_SET), 0);
	dup2(fileno(printed), STDOUT_FILENO);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		(void)verbs[i].run(0, NULL);
	fflush(stdout);
	shown += lseek(STDOUT_FILENO, 0, SEEK_CUR) > 100;
	dup2(out, STDOUT_FILENO);
	close(out);
}

static unsigned int rounds(unsigned int few)
{
	const char *full = getenv("VFS_TEST_FULL");

	return full && *full ? 20 * few : few;
}

static void what_it_begins_with_is_shown(void **state)
{
	(void)state;
	write_all(arena_fd, arena, arena_size);
	shown = 0;
	look(page, page_size);
	assert_int_equal(shown, 1);
}

static uint64_t odd_number(void)
{
	static const uint64_t numbers[] = {0, 1, 2, 7, 63, 64, 4095, 4096, 65535, 65536, INT32_MAX,
		UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 4095, 1ull << 32, 1ull << 63};
	uint64_t choice = number() % (ARRAY_SIZE(numbers) + 2);

	if (choice < ARRAY_SIZE(numbers))
		return numbers[choice];
	return choice == ARRAY_SIZE(numbers) ? number() : number() % (2 * page_size);
}

/* A number in its head, or in what it says of a queue. */
static void spoil_number(uint8_t *bytes)
{
	struct vfs_observe_page head;
	uint64_t value = odd_number();
	size_t size = number() % 2 ? 8 : 4;
	size_t offset = 16 + number() % (sizeof(head) - 24);
	bool of_queue = number() % 2;

	memcpy(&head, page, sizeof(head));
	if (of_queue)
		offset = head.queue_info.offset +
			 number() % (head.queue_info.count * head.queue_info.stride - 8);
	memcpy(bytes + offset / 4 * 4, &value, size);
}

static void a_page_with_odd_numbers_is_looked_at(void **state)
{
	uint8_t *copy = malloc(page_size);

	(void)state;
	assert_non_null(copy);
	write_all(arena_fd, arena, arena_size);
	shown = 0;
	for (unsigned int i = 0; i < rounds(300); i++) {
		memcpy(copy, page, page_size);
		for (uint64_t j = number() % 4 + 1; j; j--)
			spoil_number(copy);
		look(copy, page_size);
	}
	free(copy);
	/* Otherwise nothing was tested. */
	assert_true(shown > rounds(300) / 10);
}

static void a_page_with_flipped_bits_is_looked_at(void **state)
{
	uint8_t *copy = malloc(page_size);

	(void)state;
	assert_non_null(copy);
	write_all(arena_fd, arena, arena_size);
	shown = 0;
	for (unsigned int i = 0; i < rounds(200); i++) {
		memcpy(copy, page, page_size);
		for (uint64_t j = number() % 500 + 1; j; j--)
			copy[16 + number() % (page_size - 16)] ^= (uint8_t)(1u << number() % 8);
		look(copy, page_size);
	}
	free(copy);
	assert_true(shown > rounds(200) / 10);
}

static void noise_is_looked_at(void **state)
{
	uint8_t *copy = malloc(page_size);

	(void)state;
	assert_non_null(copy);
	for (unsigned int i = 0; i < rounds(20); i++) {
		for (size_t j = 0; j < page_size; j++)
			copy[j] = (uint8_t)number();
		/* As far as the beginning is looked at. */
		if (i % 2)
			memcpy(copy, page, 16);
		look(copy, page_size);
	}
	free(copy);
}

static void a_page_that_is_cut_is_looked_at(void **state)
{
	(void)state;
	write_all(arena_fd, arena, arena_size);
	for (size_t size = 0; size < 64; size++)
		look(page, size);
	for (unsigned int i = 0; i < rounds(50); i++)
		look(page, number() % page_size);
}

/* The device reads what is before that; behind it are used rings, and messages. */
static size_t rings_end(void)
{
	struct vfs_observe_page head;
	struct vfs_observe_queue info;

	memcpy(&head, page, sizeof(head));
	memcpy(&info, page + head.queue_info.offset + head.queue_info.stride, sizeof(info));
	return info.used + 4096;
}

static void rings_with_anything_in_them_are_looked_at(void **state)
{
	uint8_t *copy = malloc(arena_size);

	(void)state;
	assert_non_null(copy);
	shown = 0;
	for (unsigned int i = 0; i < rounds(50); i++) {
		size_t rings = rings_end();

		memcpy(copy, arena, arena_size);
		for (uint64_t j = number() % 2000 + 1; j; j--)
			copy[number() % rings] = (uint8_t)number();
		write_all(arena_fd, copy, arena_size);
		look(page, page_size);
	}
	free(copy);
	assert_int_equal(shown, rounds(50));
}

static void an_arena_that_is_cut_is_looked_at(void **state)
{
	(void)state;
	write_all(arena_fd, arena, arena_size);
	for (unsigned int i = 0; i < rounds(50); i++) {
		assert_int_equal(ftruncate(arena_fd, (off_t)(number() % arena_size)), 0);
		look(page, page_size);
	}
}

#undef TEST
#define TEST(name)     cmocka_unit_test_setup_teardown(name, begin_test, end_test)
#define PHYSICAL(name) cmocka_unit_test_setup_teardown(name, begin_physical, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_it_begins_with_is_shown),
		TEST(a_page_with_odd_numbers_is_looked_at),
		PHYSICAL(a_page_with_odd_numbers_is_looked_at),
		TEST(a_page_with_flipped_bits_is_looked_at),
		TEST(noise_is_looked_at),
		TEST(a_page_that_is_cut_is_looked_at),
		TEST(rings_with_anything_in_them_are_looked_at),
		PHYSICAL(rings_with_anything_in_them_are_looked_at),
		TEST(an_arena_that_is_cut_is_looked_at),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
