/* SPDX-License-Identifier: MIT */
/* What kind of memory the window is taken for; by a clock that only copies advance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/core.h"
#include "dax/guard_modes.h"
#include "dax/probe.h"
#include "dax/shown.h"

#define MS 1000000u

static char window[SHOWN];
static uint64_t now_ns;
static uint64_t asked;	   /* how often the clock was */
static size_t copied_most; /* bytes of the window in one copy */
static size_t there;	   /* bytes of the window that are */
static size_t touched;	   /* bytes of the window that were copied before */

/* What it costs: each byte of the window, 64 bytes of other memory, each copy, each look at the
 * clock, and how many looks there are until a copy takes 10 times as long. */
static struct {
	unsigned int window_byte_ps;
	unsigned int line_ns;
	unsigned int copy_ns;
	unsigned int clock_ns;
	unsigned int busy_every;
	unsigned int page_in_ns;
} cost;

static uint64_t fake_now(void)
{
	asked++;
	return now_ns += cost.clock_ns;
}

static bool is_window(const void *from)
{
	return (const char *)from >= window && (const char *)from < window + sizeof(window);
}

static size_t fake_copy(void *to, const void *from, size_t size)
{
	uint64_t ns = cost.copy_ns;

	if (is_window(from)) {
		copied_most = size > copied_most ? size : copied_most;
		size = min_size(size, there - (size_t)((const char *)from - window));
		ns += size * cost.window_byte_ps / 1000;
		for (; touched < size; touched += PAGE)
			ns += cost.page_in_ns;
	} else {
		ns += size / 64 * cost.line_ns;
	}
	memcpy(to, from, size);
	if (cost.busy_every && asked % cost.busy_every == 0)
		ns *= 10;
	now_ns += ns;
	return size;
}

static const struct vfs_probe fake = {.now = fake_now, .copy = fake_copy};

static int setup(void **state)
{
	(void)state;
	now_ns = 12345;
	asked = 0;
	copied_most = 0;
	touched = 0;
	there = sizeof(window);
	/* 1 ns for 64 bytes is 64 GB/s. */
	memset(&cost, 0, sizeof(cost));
	cost.line_ns = 1;
	cost.window_byte_ps = 1000 / 64;
	cost.copy_ns = 20;
	cost.clock_ns = 30;
	return 0;
}

static enum vfs_memory_type measure(size_t size)
{
	uint64_t start = now_ns;
	unsigned int speed;

	copied_most = 0;
	speed = vfs_memory_speed_by(&fake, window, size);
	assert_true(now_ns - start < 10 * MS);
	assert_true(copied_most <= size);
	return vfs_memory_type_of(speed);
}

static void slow_window(unsigned int times)
{
	cost.window_byte_ps = times * 1000 / 64;
}

static void memory_like_any_other_is_cached(void **state)
{
	(void)state;
	assert_int_equal(measure(sizeof(window)), VFS_MEMORY_CACHED);
	assert_int_equal(copied_most, sizeof(window));
	assert_in_range(vfs_memory_speed_by(&fake, window, sizeof(window)), 90, 110);
	assert_int_equal(measure(PAGE), VFS_MEMORY_CACHED);
	slow_window(3);
	assert_int_equal(measure(sizeof(window)), VFS_MEMORY_CACHED);
}

static void slow_memory_is_uncached(void **state)
{
	(void)state;
	for (unsigned int times = 50; times <= 2000; times *= 2) {
		slow_window(times);
		assert_int_equal(measure(sizeof(window)), VFS_MEMORY_UNCACHED);
		assert_int_equal(measure(PAGE), VFS_MEMORY_UNCACHED);
	}
}

static void slow_memory_is_read_less_of(void **state)
{
	(void)state;
	slow_window(2000);
	assert_int_equal(measure(sizeof(window)), VFS_MEMORY_UNCACHED);
	assert_true(copied_most < sizeof(window));
}

/* A guest whose clock is a trap to the hypervisor. */
static void a_slow_clock_changes_nothing(void **state)
{
	(void)state;
	cost.clock_ns = 3000;
	assert_int_equal(measure(sizeof(window)), VFS_MEMORY_CACHED);
	slow_window(200);
	assert_int_equal(measure(sizeof(window)), VFS_MEMORY_UNCACHED);
}

static void what_disturbs_some_rounds_changes_nothing(void **state)
{
	(void)state;
	for (cost.busy_every = 2; cost.busy_every < 9; cost.busy_every++) {
		slow_window(1);
		assert_int_equal(measure(sizeof(window)), VFS_MEMORY_CACHED);
		slow_window(200);
		assert_int_equal(measure(sizeof(window)), VFS_MEMORY_UNCACHED);
	}
}

/* A hypervisor that brings in each page when it is touched for the first time. */
static void bringing_in_pages_is_not_counted(void **state)
{
	(void)state;
	cost.page_in_ns = 20000;
	assert_int_equal(measure(sizeof(window)), VFS_MEMORY_CACHED);
}

static void what_is_not_there_is_unknown(void **state)
{
	(void)state;
	there = 0;
	assert_int_equal(measure(sizeof(window)), VFS_MEMORY_UNKNOWN);
	there = PAGE;
	assert_int_equal(measure(sizeof(window)), VFS_MEMORY_UNKNOWN);
	assert_int_equal(measure(0), VFS_MEMORY_UNKNOWN);
}

static void even_the_slowest_is_known(void **state)
{
	(void)state;
	cost.window_byte_ps = 1000000;
	assert_int_equal(vfs_memory_speed_by(&fake, window, sizeof(window)), 1);
}

static struct shown shown;

/* Nothing is said of how fast it is: the machine is not ours alone. */
static void measure_really(void)
{
	assert_true(vfs_memory_speed(shown.memory, SHOWN) > 0);
	set_length(&shown, 0);
	assert_int_equal(vfs_memory_speed(shown.memory, SHOWN), 0);
	set_length(&shown, SHOWN);
}

static void the_real_one_survives_faults(void **state)
{
	(void)state;
	show(&shown);
	in_each_mode(measure_really);
	hide(&shown);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_like_any_other_is_cached),
		TEST(slow_memory_is_uncached),
		TEST(slow_memory_is_read_less_of),
		TEST(a_slow_clock_changes_nothing),
		TEST(what_disturbs_some_rounds_changes_nothing),
		TEST(bringing_in_pages_is_not_counted),
		TEST(what_is_not_there_is_unknown),
		TEST(even_the_slowest_is_known),
		TEST(the_real_one_survives_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
