/* SPDX-License-Identifier: MIT */
/* Threads that wait for each other: each is known to wait before what it waits for happens. */
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "stub.h"
#include "waits.h"

#define HANG_S 100
#define WAKES  16u

static struct stub stub;
static struct stub_file a, b;
static sem_t reached; /* a request is under way */

static void begin(unsigned int num_ranges)
{
	alarm(HANG_S);
	threads_fail(true);
	waits_reset();
	sem_init(&reached, 0, 0);
	stub_create(&stub, num_ranges, 2);
	stub_file_create(&stub, &a, 1, RANGES(16));
	stub_file_create(&stub, &b, 2, RANGES(16));
}

static int set_up_two(void **state)
{
	(void)state;
	begin(2);
	return 0;
}

static int set_up_eight(void **state)
{
	(void)state;
	begin(8);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stub_file_destroy(&a);
	stub_file_destroy(&b);
	stub_check(&stub);
	stub_destroy(&stub);
	alarm(0);
	return 0;
}

/* ---- somebody else ---- */

struct job {
	struct stub_file *file;
	uint64_t offset;
	uint64_t length; /* of a span; 0: none */
	unsigned int flags;
	int result;
	bool saw_writable;
	void *thread;
};

static void pin_and_unpin(void *argument)
{
	struct job *job = argument;
	struct vfs_dax_pin pin;

	if (job->length)
		job->result = stub_pin_span(
			&stub, job->file, job->offset, job->length, job->flags, &pin);
	else
		job->result = stub_pin(&stub, job->file, job->offset, job->flags, &pin);
	if (job->result)
		return;
	/* Not by stub_find(): meanwhile others may be changing what is not pinned. */
	job->saw_writable =
		stub.places[(size_t)((char *)pin.address - stub.memory) / RANGE].writable;
	stub_unpin(&stub, &pin);
}

static void start(struct job *job)
{
	job->thread = thread_start(pin_and_unpin, job);
}

static int end(struct job *job)
{
	thread_join(job->thread);
	return job->result;
}

/* ---- requests that end when so many others wait ---- */

static unsigned int others;

static void until_others_wait(struct stub *s)
{
	s->on_map = s->on_unmap = NULL;
	sem_post(&reached);
	waits_have_begun(others);
}

static void in_request(void)
{
	while (sem_wait(&reached) < 0)
		;
}

/* ---- ranges ---- */

static void who_finds_all_pinned_waits_for_the_end_of_a_pin(void **state)
{
	struct job job = {.file = &b};
	struct vfs_dax_pin pins[2];

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, RANGES(0), 0, &pins[0]), 0);
	assert_int_equal(stub_pin(&stub, &a, RANGES(1), 0, &pins[1]), 0);
	start(&job);
	waits_have_begun(1);
	assert_int_equal(atomic_load(&stub.unmaps), 0);
	stub_unpin(&stub, &pins[1]);
	assert_int_equal(end(&job), 0);
	assert_non_null(stub_find(&stub, &a, 0));
	assert_int_equal(stub_stats(&stub).stalls, 1);
	stub_unpin(&stub, &pins[0]);
}

static void who_waits_is_told_when_all_are_held(void **state)
{
	struct vfs_dax_pin pins[2], hold;
	struct job job = {.file = &b};

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, RANGES(0), VFS_DAX_HOLD, &pins[0]), 0);
	assert_int_equal(stub_pin(&stub, &a, RANGES(1), 0, &pins[1]), 0);
	start(&job);
	waits_have_begun(1);
	assert_int_equal(stub_pin(&stub, &a, RANGES(1), VFS_DAX_HOLD, &hold), 0);
	assert_int_equal(end(&job), -EBUSY);
	stub_unpin(&stub, &pins[0]);
	stub_unpin(&stub, &pins[1]);
	stub_unpin(&stub, &hold);
}

static void what_is_being_made_free_is_waited_for(void **state)
{
	struct job first = {.file = &b}, second = {.file = &b, .flags = VFS_DAX_HOLD};
	struct vfs_dax_pin pin;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, RANGES(0), 0, &pin), 0);
	stub_touch(&stub, &a, RANGES(1), 0);
	stub.on_unmap = until_others_wait;
	others = 1;
	start(&first);
	in_request();
	start(&second);
	assert_int_equal(end(&first), 0);
	assert_int_equal(end(&second), 0);
	assert_int_equal(atomic_load(&stub.unmaps), 1);
	assert_int_equal(atomic_load(&stub.maps), 3);
	stub_unpin(&stub, &pin);
}

static void who_needs_one_waits_for_what_others_make_free(void **state)
{
	struct job first = {.file = &b}, second = {.file = &b, .offset = RANGES(1)};
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		stub_touch(&stub, &a, RANGES(i), 0);
	stub.on_unmap = until_others_wait;
	others = 1;
	start(&first);
	in_request();
	start(&second);
	assert_int_equal(end(&first), 0);
	assert_int_equal(end(&second), 0);
	assert_int_equal(atomic_load(&stub.unmap_calls), 1);
	assert_int_equal(atomic_load(&stub.unmaps), 2);
}

static void drop(void *argument)
{
	(void)argument;
	vfs_dax_drop(stub.dax);
}

static void who_waits_is_told_of_what_is_dropped(void **state)
{
	struct job job = {.file = &b};
	struct vfs_dax_pin pin;
	void *thread;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, RANGES(0), 0, &pin), 0);
	stub_touch(&stub, &a, RANGES(1), 0);
	stub.on_unmap = until_others_wait;
	others = 1;
	thread = thread_start(drop, NULL);
	in_request();
	start(&job);
	assert_int_equal(end(&job), 0);
	thread_join(thread);
	stub_unpin(&stub, &pin);
}

static void who_waits_is_told_of_what_cannot_be_mapped(void **state)
{
	struct job first = {.file = &a, .offset = RANGES(1)}, second = {.file = &b};
	struct vfs_dax_pin pin;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, RANGES(0), 0, &pin), 0);
	stub.on_map = until_others_wait;
	stub.map_error = -EIO;
	others = 1;
	start(&first);
	in_request();
	start(&second);
	assert_int_equal(end(&first), -EIO);
	assert_int_equal(end(&second), 0);
	stub_unpin(&stub, &pin);
}

static void a_span_waits_for_what_is_being_made_free(void **state)
{
	struct job job = {.file = &b}, span = {.file = &b, .offset = 0, .length = RANGES(2)};

	(void)state;
	stub_touch(&stub, &a, RANGES(0), 0);
	stub_touch(&stub, &a, RANGES(1), 0);
	stub.on_unmap = until_others_wait;
	others = 1;
	start(&job);
	in_request();
	start(&span);
	(void)end(&job);
	/* The other one may have it pinned then. */
	assert_true(end(&span) == 0 || span.result == -EBUSY);
}

/* Who waits looks again each time, and finds nothing. */
static void wake_often(struct stub *s)
{
	struct vfs_dax_pin pin;

	s->on_unmap = NULL;
	sem_post(&reached);
	for (unsigned int i = 0; i < WAKES; i++) {
		waits_have_begun(1);
		assert_int_equal(stub_pin(s, &b, 0, VFS_DAX_HOLD, &pin), 0);
		stub_unpin(s, &pin);
	}
}

static void a_span_waits_whatever_else_happens(void **state)
{
	struct job span = {.file = &a, .offset = RANGES(8), .length = RANGES(2)};
	struct vfs_dax_pin pin;
	unsigned int i;
	void *thread;

	(void)state;
	assert_int_equal(stub_pin(&stub, &b, 0, VFS_DAX_HOLD, &pin), 0);
	for (i = 0; i < 7; i++)
		stub_touch(&stub, &a, RANGES(i), 0);
	stub.on_unmap = wake_often;
	thread = thread_start(drop, NULL);
	in_request();
	start(&span);
	(void)end(&span);
	thread_join(thread);
	stub_unpin(&stub, &pin);
	assert_int_equal(span.result, 0);
}

static void what_is_taken_out_of_the_window_is_mapped_after_that(void **state)
{
	struct job first = {.file = &b}, second = {.file = &a, .offset = RANGES(1)};

	(void)state;
	stub_touch(&stub, &a, RANGES(1), 0);
	stub_touch(&stub, &b, RANGES(1), 0);
	stub.on_unmap = until_others_wait;
	others = 1;
	start(&first);
	in_request();
	start(&second);
	assert_int_equal(end(&first), 0);
	assert_int_equal(end(&second), 0);
}

static void the_end_of_a_file_waits_for_who_makes_its_ranges_free(void **state)
{
	struct job job = {.file = &b};

	(void)state;
	stub_touch(&stub, &a, RANGES(0), 0);
	stub_touch(&stub, &a, RANGES(1), 0);
	stub.on_unmap = until_others_wait;
	others = 1;
	start(&job);
	in_request();
	stub_file_close(&a);
	assert_int_equal(end(&job), 0);
	assert_null(stub_find(&stub, &a, RANGES(0)));
	assert_null(stub_find(&stub, &a, RANGES(1)));
}

/* ---- one request for many ---- */

static void many_who_want_the_same_wait_for_one_request(void **state)
{
	struct job jobs[4] = {{.file = &a}, {.file = &a}, {.file = &a}, {.file = &a}};
	unsigned int i;

	(void)state;
	stub.on_map = until_others_wait;
	others = 3;
	for (i = 0; i < 4; i++)
		start(&jobs[i]);
	for (i = 0; i < 4; i++)
		assert_int_equal(end(&jobs[i]), 0);
	assert_int_equal(atomic_load(&stub.maps), 1);
	assert_int_equal(stub_stats(&stub).hits, 3);
}

static void they_are_told_if_it_fails(void **state)
{
	struct job jobs[4] = {{.file = &a}, {.file = &a}, {.file = &a}, {.file = &a}};
	unsigned int i;

	(void)state;
	stub.on_map = until_others_wait;
	stub.map_error = -ETIMEDOUT;
	stub.map_unknown = true;
	others = 3;
	for (i = 0; i < 4; i++)
		start(&jobs[i]);
	for (i = 0; i < 4; i++)
		assert_int_equal(end(&jobs[i]), -ETIMEDOUT);
	assert_int_equal(atomic_load(&stub.maps), 1);
	assert_int_equal(stub_stats(&stub).retired, 1);
}

static void who_wants_less_tries_for_himself(void **state)
{
	struct job first = {.file = &a, .flags = VFS_DAX_WRITE}, second = {.file = &a};

	(void)state;
	stub.on_map = until_others_wait;
	stub.map_error = -EACCES;
	others = 1;
	start(&first);
	in_request();
	start(&second);
	assert_int_equal(end(&first), -EACCES);
	assert_int_equal(end(&second), 0);
	assert_int_equal(atomic_load(&stub.maps), 2);
}

static void what_is_being_mapped_stays(void **state)
{
	struct job job = {.file = &a}, other = {.file = &a};

	(void)state;
	stub.on_map = until_others_wait;
	others = 1;
	start(&job);
	in_request();
	vfs_dax_trim(a.inode, 0);
	vfs_dax_drop(stub.dax);
	/* And no lock is held while it is. */
	assert_int_equal(stub_stats(&stub).mapping, 1);
	start(&other);
	assert_int_equal(end(&job), 0);
	assert_int_equal(end(&other), 0);
	assert_int_equal(atomic_load(&stub.unmaps), 0);
}

/* ---- mapping again ---- */

static void who_maps_again_waits_for_pins_and_new_pins_for_him(void **state)
{
	struct job writer = {.file = &a, .flags = VFS_DAX_WRITE}, reader = {.file = &a};
	struct vfs_dax_pin pins[2];

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pins[0]), 0);
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pins[1]), 0);
	start(&writer);
	waits_have_begun(1);
	start(&reader);
	waits_have_begun(1);
	stub_unpin(&stub, &pins[0]);
	assert_int_equal(atomic_load(&stub.unmaps), 0);
	stub_unpin(&stub, &pins[1]);
	assert_int_equal(end(&writer), 0);
	assert_int_equal(end(&reader), 0);
	assert_true(reader.saw_writable);
	assert_int_equal(stub_stats(&stub).upgrades, 1);
}

static void a_hold_does_not_wait_for_who_maps_again(void **state)
{
	struct job writer = {.file = &a, .flags = VFS_DAX_WRITE}, reader = {.file = &a};
	struct vfs_dax_pin pin, hold;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pin), 0);
	start(&writer);
	waits_have_begun(1);
	start(&reader);
	waits_have_begun(1);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_HOLD, &hold), 0);
	/* Nobody knows when that will end. */
	assert_int_equal(end(&writer), -EBUSY);
	assert_int_equal(end(&reader), 0);
	stub_unpin(&stub, &hold);
	stub_unpin(&stub, &pin);
	stub_touch(&stub, &a, 0, VFS_DAX_WRITE);
}

static void two_who_map_again_do_so_once(void **state)
{
	struct job jobs[2] = {
		{.file = &a, .flags = VFS_DAX_WRITE}, {.file = &a, .flags = VFS_DAX_WRITE}};
	struct vfs_dax_pin pin;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pin), 0);
	start(&jobs[0]);
	start(&jobs[1]);
	waits_have_begun(2);
	stub_unpin(&stub, &pin);
	assert_int_equal(end(&jobs[0]), 0);
	assert_int_equal(end(&jobs[1]), 0);
	assert_int_equal(atomic_load(&stub.maps), 2);
}

static void what_is_dropped_meanwhile_is_mapped_anew(void **state)
{
	struct job writer = {.file = &a, .flags = VFS_DAX_WRITE};
	struct vfs_dax_pin pin;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pin), 0);
	start(&writer);
	waits_have_begun(1);
	stub_unpin(&stub, &pin);
	vfs_dax_drop(stub.dax);
	assert_int_equal(end(&writer), 0);
	assert_true(writer.saw_writable);
}

#define WAIT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_two, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WAIT_TEST(who_finds_all_pinned_waits_for_the_end_of_a_pin),
		WAIT_TEST(who_waits_is_told_when_all_are_held),
		WAIT_TEST(what_is_being_made_free_is_waited_for),
		cmocka_unit_test_setup_teardown(
			who_needs_one_waits_for_what_others_make_free, set_up_eight, tear_down),
		WAIT_TEST(who_waits_is_told_of_what_is_dropped),
		WAIT_TEST(who_waits_is_told_of_what_cannot_be_mapped),
		WAIT_TEST(a_span_waits_for_what_is_being_made_free),
		cmocka_unit_test_setup_teardown(
			a_span_waits_whatever_else_happens, set_up_eight, tear_down),
		WAIT_TEST(what_is_taken_out_of_the_window_is_mapped_after_that),
		WAIT_TEST(the_end_of_a_file_waits_for_who_makes_its_ranges_free),
		WAIT_TEST(many_who_want_the_same_wait_for_one_request),
		WAIT_TEST(they_are_told_if_it_fails),
		WAIT_TEST(who_wants_less_tries_for_himself),
		WAIT_TEST(what_is_being_mapped_stays),
		WAIT_TEST(who_maps_again_waits_for_pins_and_new_pins_for_him),
		WAIT_TEST(a_hold_does_not_wait_for_who_maps_again),
		WAIT_TEST(two_who_map_again_do_so_once),
		WAIT_TEST(what_is_dropped_meanwhile_is_mapped_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
