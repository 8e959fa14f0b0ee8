/* SPDX-License-Identifier: MIT */
/* INTERRUPTs go to the server only for what it has not answered after a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/request.h>

#include "interrupts.h"

#define NOW  1000
#define DUE  (NOW + INTERRUPTS_KEPT_MS)
#define MANY (INTERRUPTS_KEPT + 3)

/* Of requests by their number, which is their unique too. */
struct vfs_request {
	int in_flight, cancelled;
};

static struct vfs_request requests[MANY];
static struct interrupts interrupts;

struct vfs_request *vfs_queue_find(struct vfs_queue *queue, uint64_t unique)
{
	(void)queue;
	return requests[unique].in_flight ? &requests[unique] : NULL;
}

int vfs_request_cancel(struct vfs_request *request)
{
	request->cancelled++;
	return 0;
}

static int start(void **state)
{
	unsigned int i;

	(void)state;
	memset(&interrupts, 0, sizeof(interrupts));
	for (i = 0; i < MANY; i++)
		requests[i] = (struct vfs_request){.in_flight = 1};
	return 0;
}

static void what_takes_long_is_cancelled_once(void **state)
{
	(void)state;
	interrupts_keep(&interrupts, 1, NOW);
	assert_int_equal(interrupts_left_ms(&interrupts, NOW), INTERRUPTS_KEPT_MS);
	interrupts_pass_on(&interrupts, DUE - 1);
	assert_int_equal(requests[1].cancelled, 0);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE - 1), 1);
	interrupts_pass_on(&interrupts, DUE);
	assert_int_equal(requests[1].cancelled, 1);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE), -1);
	interrupts_pass_on(&interrupts, DUE + 1);
	assert_int_equal(requests[1].cancelled, 1);
}

static void what_is_answered_soon_is_not(void **state)
{
	(void)state;
	interrupts_keep(&interrupts, 1, NOW);
	interrupts_keep(&interrupts, 2, NOW + 5);
	requests[1].in_flight = 0;
	interrupts_pass_on(&interrupts, DUE);
	assert_int_equal(requests[1].cancelled, 0);
	assert_int_equal(requests[2].cancelled, 0);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE), 5);
	interrupts_pass_on(&interrupts, DUE + 5);
	assert_int_equal(requests[2].cancelled, 1);
}

static void what_is_overdue_is_not_waited_for(void **state)
{
	(void)state;
	interrupts_keep(&interrupts, 1, NOW);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE + 7), 0);
}

static void of_too_many_the_oldest_goes_first(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MANY; i++)
		interrupts_keep(&interrupts, i, NOW);
	for (i = 0; i < MANY; i++)
		assert_int_equal(requests[i].cancelled, i < MANY - INTERRUPTS_KEPT);
	interrupts_pass_on(&interrupts, DUE);
	for (i = 0; i < MANY; i++)
		assert_int_equal(requests[i].cancelled, 1);
}

#define TEST(function) cmocka_unit_test_setup(function, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_takes_long_is_cancelled_once),
		TEST(what_is_answered_soon_is_not),
		TEST(what_is_overdue_is_not_waited_for),
		TEST(of_too_many_the_oldest_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
