/* SPDX-License-Identifier: MIT */
/* For whom a thread asks. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/caller.h>

static const gid_t groups[] = {7, 8};
static const struct vfs_caller somebody = {
	.uid = 1000, .gid = 100, .pid = 42, .umask = 077, .groups = groups, .num_groups = 2};

static void assert_process(const struct vfs_caller *caller)
{
	assert_int_equal(caller->uid, geteuid());
	assert_int_equal(caller->gid, getegid());
	assert_int_equal(caller->pid, getpid());
	assert_int_equal(caller->umask, 031);
	if (geteuid() == 0)
		assert_int_equal(caller->num_groups, 0);
	else
		assert_int_equal(caller->num_groups, getgroups(0, NULL));
}

static void it_is_the_process_at_first(void **state)
{
	struct vfs_caller caller;

	(void)state;
	vfs_caller_get(&caller);
	assert_process(&caller);
	/* As it was then. */
	umask(0);
	vfs_caller_get(&caller);
	assert_process(&caller);
}

static void it_is_whoever_was_said_until_that_ends(void **state)
{
	struct vfs_caller caller;

	(void)state;
	vfs_caller_set(&somebody);
	vfs_caller_get(&caller);
	assert_int_equal(caller.uid, 1000);
	assert_int_equal(caller.gid, 100);
	assert_int_equal(caller.pid, 42);
	assert_int_equal(caller.umask, 077);
	assert_ptr_equal(caller.groups, groups);
	assert_int_equal(caller.num_groups, 2);
	vfs_caller_set(NULL);
	vfs_caller_get(&caller);
	assert_process(&caller);
}

static void *ask(void *ctx)
{
	vfs_caller_get(ctx);
	return NULL;
}

static void another_thread_does_not_notice(void **state)
{
	struct vfs_caller caller;
	pthread_t thread;

	(void)state;
	vfs_caller_set(&somebody);
	assert_int_equal(pthread_create(&thread, NULL, ask, &caller), 0);
	pthread_join(thread, NULL);
	vfs_caller_set(NULL);
	assert_process(&caller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_process_at_first),
		cmocka_unit_test(it_is_whoever_was_said_until_that_ends),
		cmocka_unit_test(another_thread_does_not_notice),
	};

	umask(031);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
