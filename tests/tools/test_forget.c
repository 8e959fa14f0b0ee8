/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forget.h"
#include "window.h"

#include <vfs/session.h>

/* Room for a message */
union slot {
	struct fuse_in_header header;
	char bytes[1024];
};

static union slot slots[3];
static uint64_t sent[64]; /* node IDs in the order that they were taken */
static uint64_t lookups[64];
static size_t num_sent;
static int broken;

int vfs_forget(struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count)
{
	size_t i;

	(void)session;
	for (i = 0; i < count && !broken; i++) {
		sent[num_sent] = forgets[i].nodeid;
		lookups[num_sent++] = forgets[i].nlookup;
	}
	return broken;
}

/* A window has something of nodes with odd numbers. */
static char some_window;
static uint64_t left_to_window;

bool window_forget(struct window *window, const struct fuse_forget_one *one)
{
	if (!window || one->nodeid % 2 == 0)
		return false;
	left_to_window += one->nlookup;
	return true;
}

static size_t make_single(union slot *slot, uint64_t node, uint64_t nlookup)
{
	struct {
		struct fuse_in_header header;
		struct fuse_forget_in in;
	} message = {
		.header = {.len = sizeof(message), .opcode = FUSE_FORGET, .nodeid = node},
		.in = {.nlookup = nlookup},
	};

	memcpy(slot, &message, sizeof(message));
	return sizeof(message);
}

static size_t make_batch(union slot *slot, uint64_t first, uint32_t count)
{
	struct {
		struct fuse_in_header header;
		struct fuse_batch_forget_in in;
		struct fuse_forget_one forgets[16];
	} message = {
		.header = {.opcode = FUSE_BATCH_FORGET},
		.in = {.count = count},
	};
	size_t size = offsetof(__typeof__(message), forgets) + count * sizeof(message.forgets[0]);
	uint32_t i;

	for (i = 0; i < count; i++)
		message.forgets[i] = (struct fuse_forget_one){.nodeid = first + i, .nlookup = i};
	message.header.len = (uint32_t)size;
	memcpy(slot, &message, size);
	return size;
}

static int set_up(void **state)
{
	(void)state;
	memset(slots, 0, sizeof(slots));
	num_sent = 0;
	left_to_window = 0;
	broken = 0;
	return 0;
}

static void test_single_forget_is_sent(void **state)
{
	size_t length = make_single(&slots[0], 42, 7);

	(void)state;
	assert_int_equal(forget_take(NULL, NULL, &slots[0].header, length), 0);
	assert_int_equal(num_sent, 1);
	assert_int_equal(sent[0], 42);
	assert_int_equal(lookups[0], 7);
}

static void test_batch_is_sent_in_order(void **state)
{
	size_t length = make_batch(&slots[0], 100, 5);
	size_t i;

	(void)state;
	assert_int_equal(forget_take(NULL, NULL, &slots[0].header, length), 0);
	assert_int_equal(num_sent, 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(sent[i], 100 + i);
		assert_int_equal(lookups[i], i);
	}
}

static void test_message_that_is_too_short_is_dropped(void **state)
{
	(void)state;
	make_batch(&slots[0], 1, 3);
	/* Its count says three, but there is only one. */
	assert_int_equal(forget_take(NULL, NULL, &slots[0].header, 40 + 8 + 16), 0);
	assert_int_equal(num_sent, 1);
	make_single(&slots[1], 1, 1);
	assert_int_equal(forget_take(NULL, NULL, &slots[1].header, 40), 0);
	make_batch(&slots[2], 1, 0);
	assert_int_equal(forget_take(NULL, NULL, &slots[2].header, 44), 0);
	assert_int_equal(num_sent, 1);
}

static void test_failure_is_passed_on(void **state)
{
	size_t length = make_single(&slots[0], 1, 1);

	(void)state;
	broken = -EIO;
	assert_int_equal(forget_take(NULL, NULL, &slots[0].header, length), -EIO);
}

static void test_what_the_window_has_is_left_to_it(void **state)
{
	struct window *window = (void *)&some_window;
	size_t length = make_single(&slots[0], 41, 7);

	(void)state;
	assert_int_equal(forget_take(NULL, window, &slots[0].header, length), 0);
	assert_int_equal(num_sent, 0);
	assert_int_equal(left_to_window, 7);
	length = make_batch(&slots[1], 100, 6);
	assert_int_equal(forget_take(NULL, window, &slots[1].header, length), 0);
	assert_int_equal(num_sent, 3);
	assert_int_equal(sent[2], 104);
	assert_int_equal(lookups[2], 4);
	assert_int_equal(left_to_window, 7 + 1 + 3 + 5);
	/* Nothing is left to send. */
	broken = -EIO;
	length = make_batch(&slots[2], 101, 1);
	assert_int_equal(forget_take(NULL, window, &slots[2].header, length), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_single_forget_is_sent, set_up),
		cmocka_unit_test_setup(test_batch_is_sent_in_order, set_up),
		cmocka_unit_test_setup(test_message_that_is_too_short_is_dropped, set_up),
		cmocka_unit_test_setup(test_failure_is_passed_on, set_up),
		cmocka_unit_test_setup(test_what_the_window_has_is_left_to_it, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
