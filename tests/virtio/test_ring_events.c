/* SPDX-License-Identifier: MIT */
/* Who wants to be told of what: notifications and interrupts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core.h"
#include "virtio/ring_pair.h"

#define SIZE 8

static const uint16_t starts[] = {0, 1, 5, 32766, 32768, 65530, 65533, 65534, 65535};

/* Every position of avail_event around every length of a batch. */
static void notifications_follow_the_event_index(void **state)
{
	struct ring_pair pair;

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
		for (unsigned int batch = 1; batch <= SIZE; batch++) {
			for (int event = -20; event <= 20; event++) {
				ring_pair_open_at(&pair, SIZE, true, starts[s]);
				device_ring_set_avail_event(
					&pair.device, (uint16_t)(starts[s] + event));
				for (uintptr_t i = 0; i < batch; i++)
					assert_int_equal(ring_pair_add(&pair, token_of(i), 1), 0);
				assert_int_equal(vfs_ring_publish(&pair.driver),
					event >= 0 && event < (int)batch);
				assert_false(vfs_ring_publish(&pair.driver));
				ring_pair_close(&pair);
			}
		}
	}
}

/* An event index that a batch has passed is answered once, by that batch. */
static void each_notification_is_given_once(void **state)
{
	struct ring_pair pair;

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
		ring_pair_open_at(&pair, SIZE, true, starts[s]);
		device_ring_set_avail_event(&pair.device, (uint16_t)(starts[s] + 3));
		for (uintptr_t i = 0; i < SIZE; i++) {
			assert_int_equal(ring_pair_add(&pair, token_of(i), 1), 0);
			assert_int_equal(vfs_ring_publish(&pair.driver), i == 3);
		}
		ring_pair_close(&pair);
	}
}

/* With an event index that stays where it is, one notification in 65536 chains. */
static void a_forgotten_event_index_comes_round(void **state)
{
	struct ring_pair pair;
	unsigned int notified = 0;

	(void)state;
	ring_pair_open(&pair, SIZE, true);
	device_ring_set_avail_event(&pair.device, 17);
	for (uint32_t n = 0; n < 3 * 65536; n++) {
		struct device_chain chain;

		assert_int_equal(ring_pair_add(&pair, &pair, 1), 0);
		notified += vfs_ring_publish(&pair.driver);
		assert_int_equal(device_ring_take(&pair.device, &chain), 1);
		device_ring_complete(&pair.device, chain.head, 0);
		ring_pair_expect(&pair, &pair, 0);
	}
	assert_int_equal(notified, 3);
	ring_pair_close(&pair);
}

static void notifications_follow_the_flag_without_event_index(void **state)
{
	struct ring_pair pair;

	(void)state;
	ring_pair_open(&pair, SIZE, false);
	device_ring_set_avail_event(&pair.device, 0x7777);
	for (unsigned int i = 0; i < SIZE; i++) {
		device_ring_set_used_flags(&pair.device, i & 1);
		assert_int_equal(ring_pair_add(&pair, token_of(i), 1), 0);
		assert_int_equal(vfs_ring_publish(&pair.driver), !(i & 1));
		assert_false(vfs_ring_publish(&pair.driver));
	}
	ring_pair_close(&pair);
}

static void the_flag_does_not_matter_with_event_index(void **state)
{
	struct ring_pair pair;

	(void)state;
	ring_pair_open(&pair, SIZE, true);
	device_ring_set_used_flags(&pair.device, 1);
	assert_int_equal(ring_pair_add(&pair, &pair, 1), 0);
	assert_true(vfs_ring_publish(&pair.driver));
	assert_int_equal(device_ring_avail_flags(&pair.device), 0);
	vfs_ring_enable_interrupts(&pair.driver);
	assert_int_equal(device_ring_avail_flags(&pair.device), 0);
	vfs_ring_disable_interrupts(&pair.driver);
	assert_int_equal(device_ring_avail_flags(&pair.device), 0);
	ring_pair_close(&pair);
}

static bool complete_one(struct ring_pair *pair)
{
	device_ring_complete(&pair->device, ring_pair_send(pair, pair, 1), 1);
	return device_ring_wants_interrupt(&pair->device);
}

static void no_interrupt_comes_unasked(void **state)
{
	struct ring_pair pair;

	(void)state;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		ring_pair_open(&pair, SIZE, event_idx);
		for (unsigned int i = 0; i < 1000; i++) {
			assert_false(complete_one(&pair));
			ring_pair_expect(&pair, &pair, 1);
		}
		ring_pair_close(&pair);
	}
}

static void an_interrupt_comes_for_the_next_completion(void **state)
{
	struct ring_pair pair;

	(void)state;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
			ring_pair_open_at(&pair, SIZE, event_idx, starts[s]);
			for (unsigned int i = 0; i < 10; i++) {
				assert_false(vfs_ring_enable_interrupts(&pair.driver));
				assert_true(complete_one(&pair));
				assert_int_equal(complete_one(&pair), !event_idx);
				ring_pair_expect(&pair, &pair, 1);
				ring_pair_expect(&pair, &pair, 1);
			}
			ring_pair_close(&pair);
		}
	}
}

static void disabled_interrupts_do_not_come(void **state)
{
	struct ring_pair pair;

	(void)state;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
			ring_pair_open_at(&pair, SIZE, event_idx, starts[s]);
			assert_false(vfs_ring_enable_interrupts(&pair.driver));
			vfs_ring_disable_interrupts(&pair.driver);
			assert_false(complete_one(&pair));
			vfs_ring_disable_interrupts(&pair.driver);
			assert_false(complete_one(&pair));
			assert_true(vfs_ring_enable_interrupts(&pair.driver));
			ring_pair_close(&pair);
		}
	}
}

/* The device completes a chain just before or just after the driver asks for an interrupt. */
static void no_wakeup_is_lost_around_arming(void **state)
{
	struct ring_pair pair;

	(void)state;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
			uint16_t head;

			ring_pair_open_at(&pair, SIZE, event_idx, starts[s]);
			head = ring_pair_send(&pair, token_of(1), 1);
			ring_pair_expect_none(&pair);
			device_ring_complete(&pair.device, head, 1);
			assert_false(device_ring_wants_interrupt(&pair.device));
			assert_true(vfs_ring_enable_interrupts(&pair.driver));
			ring_pair_expect(&pair, token_of(1), 1);

			head = ring_pair_send(&pair, token_of(2), 1);
			assert_false(vfs_ring_enable_interrupts(&pair.driver));
			device_ring_complete(&pair.device, head, 1);
			assert_true(device_ring_wants_interrupt(&pair.device));
			ring_pair_close(&pair);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notifications_follow_the_event_index),
		cmocka_unit_test(each_notification_is_given_once),
		cmocka_unit_test(a_forgotten_event_index_comes_round),
		cmocka_unit_test(notifications_follow_the_flag_without_event_index),
		cmocka_unit_test(the_flag_does_not_matter_with_event_index),
		cmocka_unit_test(no_interrupt_comes_unasked),
		cmocka_unit_test(an_interrupt_comes_for_the_next_completion),
		cmocka_unit_test(disabled_interrupts_do_not_come),
		cmocka_unit_test(no_wakeup_is_lost_around_arming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
