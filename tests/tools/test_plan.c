/* SPDX-License-Identifier: MIT */
/* How many workers there are, on which lanes, and with how many slots. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/quirks.h>

#include "lane_uring.h"
#include "options.h"
#include "plan.h"
#include "report.h"

#define MANY_QUEUES 1024u

/* Of the library */
#define DEPTH_MAX 4096u

static const char *possible; /* NULL: nothing says which processors there may be */
static int probe_error;
static unsigned int said;
static struct options options;
static struct plan plan;

FILE *__wrap_fopen64(const char *path, const char *mode);

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	(void)mode;
	assert_string_equal(path, "/sys/devices/system/cpu/possible");
	return possible ? fmemopen((void *)(uintptr_t)possible, strlen(possible), "r") : NULL;
}

int lane_uring_probe(void)
{
	return probe_error;
}

void report_error(const char *format, ...)
{
	(void)format;
	said++;
}

void report_note(const char *format, ...)
{
	(void)format;
}

static void allow(unsigned int first, unsigned int last)
{
	options.has_cpus = true;
	for (; first <= last; first++)
		CPU_SET(first, &options.cpus);
}

static int begin(void **state)
{
	(void)state;
	possible = "0-3\n";
	probe_error = 0;
	said = 0;
	options = (struct options){.max_write = 1 << 20, .depth = 32};
	allow(0, 3);
	return 0;
}

static void make(unsigned int device_queues)
{
	assert_int_equal(plan_make(&plan, &options, device_queues), 0);
	assert_int_equal(said, 0);
}

static int settle(unsigned int queues, bool rings)
{
	const struct plan_facts facts = {.num_queues = queues, .rings = rings, .clones = true};

	return plan_settle(&plan, &options, &facts);
}

static void refuse(void)
{
	said = 0;
	assert_int_equal(plan_make(&plan, &options, 4), -1);
	assert_int_equal(said, 1);
}

/* ---- rings ---- */

/* The kernel serves nobody before each of its queues has an entry, and each entry needs a slot. */
static void check_entries(unsigned int cpus)
{
	unsigned int slots[CPU_SETSIZE + 1] = {0};
	unsigned int entries[CPU_SETSIZE] = {0};
	unsigned int queues[PLAN_ENTRIES_MAX];
	unsigned int count, worker, i;

	for (worker = 0; worker < plan.num_cpus; worker++) {
		count = plan_entries(&plan, worker, queues);
		assert_true(count <= PLAN_ENTRIES_MAX);
		slots[worker % plan.num_queues] += count;
		for (i = 0; i < count; i++)
			entries[queues[i]]++;
	}
	for (i = 0; i < cpus; i++)
		assert_true(entries[i] > 0);
	/* And the reader's. */
	slots[plan.num_cpus % plan.num_queues]++;
	for (i = 0; i < plan.num_queues; i++)
		assert_true(slots[i] <= plan.depth);
	assert_true(plan.depth <= DEPTH_MAX);
}

static void plan_rings(unsigned int device_queues, unsigned int cpus)
{
	make(device_queues);
	assert_int_equal(plan.lane, LANE_URING);
	assert_int_equal(plan.possible_cpus, cpus);
	check_entries(cpus);
}

static void with_all_depths(unsigned int cpus)
{
	static const unsigned int depths[] = {1, 2, 3, 32, 100, 512, 4096};
	unsigned int device_queues, i;

	for (i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		options.depth = depths[i];
		for (device_queues = 1; device_queues <= 64; device_queues *= 2)
			plan_rings(device_queues, cpus);
	}
}

static void each_processor_has_entries(void **state)
{
	(void)state;
	plan_rings(4, 4);
	assert_int_equal(plan.num_cpus, 4);
	assert_int_equal(plan.num_queues, 4);
	assert_int_equal(plan.entries, 8);
	with_all_depths(4);
}

static void processors_that_are_not_used_have_one_entry(void **state)
{
	(void)state;
	possible = "0-63\n";
	CPU_ZERO(&options.cpus);
	allow(5, 5);
	allow(40, 41);
	with_all_depths(64);
}

static void so_have_those_of_a_single_worker(void **state)
{
	(void)state;
	options.max_write = 4096;
	possible = "0-511\n";
	CPU_ZERO(&options.cpus);
	allow(7, 7);
	with_all_depths(512);
}

static void processors_that_are_not_there_do_no_harm(void **state)
{
	(void)state;
	possible = "0-1\n";
	allow(4, 99);
	with_all_depths(2);
}

static void the_last_processor_says_how_many_there_may_be(void **state)
{
	(void)state;
	possible = "0-3,8,10-11\n";
	plan_rings(2, 12);
	possible = "0\n";
	plan_rings(1, 1);
}

/* ---- no rings ---- */

static void expect_readers_instead(void)
{
	options.lane = LANE_URING;
	refuse();
	said = 0;
	options.lane = LANE_AUTO;
	make(4);
	assert_non_null(plan.why);
	assert_int_equal(settle(4, false), 0);
	assert_int_equal(plan.lane, LANE_READERS);
}

static void what_speaks_against_rings(void **state)
{
	(void)state;
	options.request_timeout = 1;
	expect_readers_instead();
	options.request_timeout = 0;
	options.device_loss = DEVICE_LOSS_WAIT;
	expect_readers_instead();
	options.device_loss = DEVICE_LOSS_FAIL;
	probe_error = -EPERM;
	expect_readers_instead();
	probe_error = 0;
	possible = NULL;
	expect_readers_instead();
	possible = "0-1023\n";
	expect_readers_instead();
	possible = "0-600\n";
	options.max_write = 4096;
	expect_readers_instead();
}

static void expect_one_reader(void)
{
	options.lane = LANE_URING;
	refuse();
	options.lane = LANE_READERS;
	refuse();
	said = 0;
	options.lane = LANE_AUTO;
	make(4);
	assert_int_equal(plan.lane, LANE_SINGLE);
	assert_int_equal(plan.num_queues, 1);
}

static void what_is_for_one_reader(void **state)
{
	(void)state;
	options.dax = VFS_DAX_INODE;
	expect_one_reader();
	options.dax = VFS_DAX_NEVER;
	options.quirks = VFS_QUIRK_LOCK_WAIT;
	expect_one_reader();
}

static void a_kernel_without_rings_has_readers(void **state)
{
	(void)state;
	make(4);
	assert_int_equal(settle(4, false), 0);
	assert_int_equal(plan.lane, LANE_READERS);
	assert_non_null(plan.why);
	make(1);
	assert_int_equal(settle(1, false), 0);
	assert_int_equal(plan.lane, LANE_SINGLE);
	options.lane = LANE_URING;
	make(4);
	assert_int_equal(settle(4, false), -1);
	assert_int_equal(said, 1);
}

static void a_kernel_with_rings_has_them(void **state)
{
	(void)state;
	make(4);
	assert_int_equal(settle(4, true), 0);
	assert_int_equal(plan.lane, LANE_URING);
	assert_null(plan.why);
}

static void a_single_descriptor_has_one_reader(void **state)
{
	const struct plan_facts facts = {.num_queues = 4};

	(void)state;
	make(4);
	assert_int_equal(plan_settle(&plan, &options, &facts), 0);
	assert_int_equal(plan.lane, LANE_SINGLE);
}

/* ---- queues ---- */

static void expect_queues(unsigned int device_queues, unsigned int queues, unsigned int depth)
{
	make(device_queues);
	assert_int_equal(plan.num_queues, queues);
	assert_int_equal(plan.depth, depth);
}

static void the_depth_is_shared_by_the_queues(void **state)
{
	(void)state;
	options.lane = LANE_READERS;
	expect_queues(1, 1, 32);
	expect_queues(3, 3, 11);
	expect_queues(MANY_QUEUES, 4, 8);
	options.queues = 2;
	expect_queues(MANY_QUEUES, 2, 16);
	options.depth = 1;
	expect_queues(1, 1, 1);
	expect_queues(2, 2, 4);
	options.lane = LANE_SINGLE;
	expect_queues(4, 1, 1);
}

static void there_are_workers_where_the_program_may_run(void **state)
{
	cpu_set_t allowed;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	options.has_cpus = false;
	options.lane = LANE_READERS;
	make(1);
	assert_int_equal(plan.num_cpus, CPU_COUNT(&allowed));
	assert_true(CPU_ISSET(plan.cpus[0], &allowed));
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_processor_has_entries),
		TEST(processors_that_are_not_used_have_one_entry),
		TEST(so_have_those_of_a_single_worker),
		TEST(processors_that_are_not_there_do_no_harm),
		TEST(the_last_processor_says_how_many_there_may_be),
		TEST(what_speaks_against_rings),
		TEST(what_is_for_one_reader),
		TEST(a_kernel_without_rings_has_readers),
		TEST(a_kernel_with_rings_has_them),
		TEST(a_single_descriptor_has_one_reader),
		TEST(the_depth_is_shared_by_the_queues),
		TEST(there_are_workers_where_the_program_may_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
