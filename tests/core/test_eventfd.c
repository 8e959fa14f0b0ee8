/* SPDX-License-Identifier: MIT */
/* An eventfd that another process has as well, and what that one can do to it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"

/* A hang is killed, and so a failure. */
#define BOUND_S 10

static int fd;

static int setup(void **state)
{
	(void)state;
	alarm(BOUND_S);
	fd = vfs_eventfd_create();
	return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	alarm(0);
	return close(fd);
}

static void make_blocking(void)
{
	int flags = fcntl(fd, F_GETFL);

	assert_true(flags >= 0 && (flags & O_NONBLOCK));
	assert_int_equal(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK), 0);
}

static void fill(void)
{
	const uint64_t most = UINT64_MAX - 1;

	assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
}

static void a_signal_is_there_until_it_is_taken(void **state)
{
	(void)state;
	assert_false(vfs_eventfd_clear(fd));
	vfs_eventfd_signal(fd);
	vfs_eventfd_signal(fd);
	assert_true(vfs_eventfd_clear(fd));
	assert_false(vfs_eventfd_clear(fd));
}

static void one_that_is_made_to_block_does_not_block(void **state)
{
	(void)state;
	make_blocking();
	assert_false(vfs_eventfd_clear(fd));
	vfs_eventfd_signal(fd);
	assert_true(vfs_eventfd_clear(fd));
	assert_false(vfs_eventfd_clear(fd));
}

static void one_that_is_full_does_not_block(void **state)
{
	(void)state;
	make_blocking();
	fill();
	vfs_eventfd_signal(fd);
	assert_true(vfs_eventfd_clear(fd));
	vfs_eventfd_signal(fd);
	assert_true(vfs_eventfd_clear(fd));
	assert_false(vfs_eventfd_clear(fd));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signal_is_there_until_it_is_taken),
		TEST(one_that_is_made_to_block_does_not_block),
		TEST(one_that_is_full_does_not_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
