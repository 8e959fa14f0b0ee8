/* SPDX-License-Identifier: MIT */
/* How long a thread looks for an answer before it sleeps. */
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core.h"
#include "fuse/patience.h"

#define US 1000u

static unsigned int processors = 2;

int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	(void)size;
	CPU_ZERO(set);
	for (unsigned int i = 0; i < processors; i++)
		CPU_SET(i, set);
	return 0;
}

static int set_up(void **state)
{
	static struct vfs_patience patience;

	processors = 2;
	vfs_patience_init(&patience, VFS_POLL_AUTO);
	/* So a number of looks is one of nanoseconds. */
	vfs_patience_look_takes(&patience, 1000);
	*state = &patience;
	return 0;
}

static unsigned int wait_once(struct vfs_patience *patience, unsigned int answer_after)
{
	unsigned int looks = vfs_patience_begin(patience);

	/* Sleeping is not known to be over before the interrupt was dealt with. */
	if (looks >= answer_after)
		vfs_patience_end(patience, answer_after, true);
	else
		vfs_patience_end(patience, answer_after + 80 * US, false);
	return looks;
}

static void what_was_said_is_done(void **state)
{
	struct vfs_patience *patience = *state;

	vfs_patience_init(patience, VFS_POLL_ALWAYS);
	assert_true(vfs_patience_begin(patience) == UINT_MAX);
	vfs_patience_init(patience, VFS_POLL_NEVER);
	assert_int_equal(vfs_patience_begin(patience), 0);
}

static void fast_answers_are_looked_for(void **state)
{
	for (unsigned int i = 0; i < 100; i++)
		assert_true(wait_once(*state, 10 * US) >= 10 * US);
	/* And for no longer than sleeping would cost. */
	assert_in_range(wait_once(*state, 10 * US), 10 * US, 50 * US);
}

static void an_answer_that_is_later_than_usual_is_looked_for(void **state)
{
	for (unsigned int i = 0; i < 100; i++)
		wait_once(*state, 3 * US);
	assert_true(wait_once(*state, 40 * US) >= 40 * US);
}

/* Whoever looked was not running, say, for a while. */
static void a_disturbance_changes_nothing(void **state)
{
	for (unsigned int i = 0; i < 100; i++)
		wait_once(*state, 10 * US);
	for (unsigned int i = 0; i < 3; i++)
		wait_once(*state, 100000 * US);
	assert_true(wait_once(*state, 10 * US) >= 10 * US);
}

static void a_longer_disturbance_is_soon_forgotten(void **state)
{
	unsigned int slept = 0;

	for (unsigned int i = 0; i < 100; i++)
		wait_once(*state, 10 * US);
	for (unsigned int i = 0; i < 7; i++)
		wait_once(*state, 100000 * US);
	while (wait_once(*state, 10 * US) < 10 * US)
		slept++;
	assert_in_range(slept, 1, 2);
}

static void slow_looks_are_few(void **state)
{
	struct vfs_patience *patience = *state;

	vfs_patience_look_takes(patience, 5 * 1000 * US);
	assert_int_equal(vfs_patience_begin(patience), 10);
	vfs_patience_look_takes(patience, 1000 * 1000 * US);
	assert_int_equal(vfs_patience_begin(patience), 1);
}

static void slow_answers_are_slept_for(void **state)
{
	uint64_t looked = 0;

	for (unsigned int i = 0; i < 50; i++)
		wait_once(*state, 1000 * US);
	for (unsigned int i = 0; i < 100; i++)
		looked += wait_once(*state, 1000 * US);
	/* Of 100 ms a few looks to see whether it has changed. */
	assert_in_range(looked, 1, 400 * US);
}

static void it_notices_that_answers_have_become_fast(void **state)
{
	unsigned int tries = 0;

	for (unsigned int i = 0; i < 50; i++)
		wait_once(*state, 1000 * US);
	while (wait_once(*state, 10 * US) < 10 * US)
		assert_true(++tries < 100);
	for (unsigned int i = 0; i < 10; i++)
		assert_true(wait_once(*state, 10 * US) >= 10 * US);
}

static void what_is_found_at_once_counts_later(void **state)
{
	struct vfs_patience *patience = *state;
	uint64_t before = patience->usual_ns;

	assert_int_equal(vfs_patience_first(patience), VFS_LOOKS_AT_ONCE);
	vfs_patience_found(patience, 100);
	assert_true(patience->usual_ns == before);
	assert_int_equal(vfs_patience_first(patience), VFS_LOOKS_AT_ONCE);
	assert_true(patience->usual_ns < before);
	before = patience->usual_ns;
	/* Once. */
	assert_int_equal(vfs_patience_first(patience), VFS_LOOKS_AT_ONCE);
	assert_true(patience->usual_ns == before);
	for (unsigned int i = 0; i < 100; i++) {
		vfs_patience_found(patience, 100);
		assert_int_equal(vfs_patience_first(patience), VFS_LOOKS_AT_ONCE);
	}
	assert_in_range(patience->usual_ns, 80, 200);
}

/* Those are part of what is worth it, and there are none where nothing is. */
static void looks_at_once_are_no_more_than_are_worth_it(void **state)
{
	struct vfs_patience *patience = *state;

	vfs_patience_look_takes(patience, 5 * 1000 * US);
	assert_int_equal(vfs_patience_first(patience), 10);
	for (unsigned int i = 0; i < 50; i++)
		wait_once(patience, 1000 * US);
	assert_int_equal(vfs_patience_first(patience), 0);
	vfs_patience_init(patience, VFS_POLL_NEVER);
	assert_int_equal(vfs_patience_first(patience), 0);
	vfs_patience_init(patience, VFS_POLL_ALWAYS);
	assert_int_equal(vfs_patience_first(patience), VFS_LOOKS_AT_ONCE);
}

static void a_single_processor_sleeps(void **state)
{
	struct vfs_patience *patience = *state;

	processors = 1;
	vfs_patience_init(patience, VFS_POLL_AUTO);
	assert_int_equal(vfs_patience_begin(patience), 0);
	vfs_patience_init(patience, VFS_POLL_ALWAYS);
	assert_true(vfs_patience_begin(patience) == UINT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_said_is_done, set_up),
		cmocka_unit_test_setup(fast_answers_are_looked_for, set_up),
		cmocka_unit_test_setup(an_answer_that_is_later_than_usual_is_looked_for, set_up),
		cmocka_unit_test_setup(a_disturbance_changes_nothing, set_up),
		cmocka_unit_test_setup(a_longer_disturbance_is_soon_forgotten, set_up),
		cmocka_unit_test_setup(slow_looks_are_few, set_up),
		cmocka_unit_test_setup(slow_answers_are_slept_for, set_up),
		cmocka_unit_test_setup(it_notices_that_answers_have_become_fast, set_up),
		cmocka_unit_test_setup(what_is_found_at_once_counts_later, set_up),
		cmocka_unit_test_setup(looks_at_once_are_no_more_than_are_worth_it, set_up),
		cmocka_unit_test_setup(a_single_processor_sleeps, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
