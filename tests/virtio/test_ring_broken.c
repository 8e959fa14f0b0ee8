/* SPDX-License-Identifier: MIT */
/* Devices that break the protocol of a ring. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core.h"
#include "virtio/ring_pair.h"

static void used_idx_beyond_what_is_in_flight(void **state)
{
	struct ring_pair pair;

	(void)state;
	ring_pair_open(&pair, 8, false);
	ring_pair_send(&pair, token_of(1), 1);
	ring_pair_send(&pair, token_of(2), 1);
	device_ring_set_used_idx(&pair.device, 3);
	ring_pair_expect_broken(&pair, "used.idx from 0 to 3 with 2 chains in flight");
	ring_pair_close(&pair);
}

static void used_idx_that_goes_back(void **state)
{
	struct ring_pair pair;

	(void)state;
	ring_pair_open_at(&pair, 8, false, 65535);
	device_ring_complete(&pair.device, ring_pair_send(&pair, token_of(1), 1), 1);
	ring_pair_expect(&pair, token_of(1), 1);
	ring_pair_send(&pair, token_of(2), 1);
	device_ring_set_used_idx(&pair.device, 65535);
	ring_pair_expect_broken(&pair, "used.idx from 0 to 65535 with 1 chains in flight");
	ring_pair_close(&pair);
}

static void used_idx_while_nothing_is_published(void **state)
{
	struct ring_pair pair;

	(void)state;
	ring_pair_open(&pair, 8, false);
	assert_int_equal(ring_pair_add(&pair, token_of(1), 1), 0);
	device_ring_set_used_idx(&pair.device, 1);
	assert_true(vfs_ring_enable_interrupts(&pair.driver));
	ring_pair_expect_broken(&pair, "with 0 chains in flight");
	ring_pair_close(&pair);
}

static void an_id_beyond_the_ring(void **state)
{
	static const uint32_t ids[] = {8, 9, 65536, 0x80000000, UINT32_MAX};
	struct ring_pair pair;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		ring_pair_open(&pair, 8, false);
		ring_pair_send(&pair, token_of(1), 1);
		device_ring_complete(&pair.device, ids[i], 0);
		ring_pair_expect_broken(&pair, "of a ring of 8");
		ring_pair_close(&pair);
	}
}

static void an_id_that_was_never_used(void **state)
{
	struct ring_pair pair;

	(void)state;
	ring_pair_open(&pair, 8, false);
	ring_pair_send(&pair, token_of(1), 1);
	device_ring_complete(&pair.device, 5, 0);
	ring_pair_expect_broken(&pair, "descriptor 5, which is not the head");
	ring_pair_close(&pair);
}

static void an_id_that_was_completed_already(void **state)
{
	struct ring_pair pair;
	uint16_t head;

	(void)state;
	ring_pair_open(&pair, 8, false);
	head = ring_pair_send(&pair, token_of(1), 1);
	ring_pair_send(&pair, token_of(2), 1);
	device_ring_complete(&pair.device, head, 1);
	device_ring_complete(&pair.device, head, 1);
	ring_pair_expect(&pair, token_of(1), 1);
	ring_pair_expect_broken(&pair, "which is not the head");
	ring_pair_close(&pair);
}

static void an_id_within_a_chain(void **state)
{
	struct device_segment segments[2] = {{.addr = 1, .len = 1}, {.addr = 2, .len = 2}};
	struct vring_desc table[2];
	struct vfs_chain chain = chain_of(table, segments, 2, 1);
	struct ring_pair pair;
	struct device_chain seen;

	(void)state;
	ring_pair_open(&pair, 8, false);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), 0);
	vfs_ring_publish(&pair.driver);
	assert_int_equal(device_ring_take(&pair.device, &seen), 1);
	device_ring_complete(&pair.device, seen.head + 1u, 2);
	ring_pair_expect_broken(&pair, "which is not the head");
	ring_pair_close(&pair);
}

static void an_id_that_is_not_published_yet(void **state)
{
	struct ring_pair pair;
	uint16_t head;

	(void)state;
	ring_pair_open(&pair, 8, false);
	ring_pair_send(&pair, token_of(1), 1);
	head = pair.driver.free_head;
	assert_int_equal(ring_pair_add(&pair, token_of(2), 1), 0);
	device_ring_complete(&pair.device, head, 1);
	ring_pair_expect_broken(&pair, "which is not the head");
	ring_pair_close(&pair);
}

static void more_bytes_than_were_writable(void **state)
{
	struct device_segment segments[3] = {
		{.addr = 1, .len = 1000}, {.addr = 2, .len = 10}, {.addr = 3, .len = 20}};
	struct vring_desc table[3];
	struct vfs_chain chain = chain_of(table, segments, 3, 1);
	struct ring_pair pair;
	struct device_chain seen;

	(void)state;
	for (uint32_t excess = 0; excess <= 1; excess++) {
		ring_pair_open(&pair, 4, false);
		assert_int_equal(vfs_ring_add(&pair.driver, &chain), 0);
		vfs_ring_publish(&pair.driver);
		assert_int_equal(device_ring_take(&pair.device, &seen), 1);
		device_ring_complete(&pair.device, seen.head, 30 + excess);
		if (excess)
			ring_pair_expect_broken(
				&pair, "wrote 31 bytes to a chain with room for 30");
		else
			ring_pair_expect(&pair, chain.token, 30);
		ring_pair_close(&pair);
	}
}

static void bytes_although_none_were_writable(void **state)
{
	struct device_segment segment = {.addr = 1, .len = 1000};
	struct vring_desc table;
	struct vfs_chain chain = chain_of(&table, &segment, 1, 1);
	struct ring_pair pair;
	struct device_chain seen;

	(void)state;
	ring_pair_open(&pair, 4, false);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), 0);
	vfs_ring_publish(&pair.driver);
	assert_int_equal(device_ring_take(&pair.device, &seen), 1);
	device_ring_complete(&pair.device, seen.head, 1);
	ring_pair_expect_broken(&pair, "wrote 1 bytes to a chain with room for 0");
	ring_pair_close(&pair);
}

static void what_came_before_the_fault_is_kept(void **state)
{
	struct ring_pair pair;
	uint16_t head;

	(void)state;
	ring_pair_open(&pair, 4, false);
	head = ring_pair_send(&pair, token_of(1), 1);
	ring_pair_send(&pair, token_of(2), 1);
	device_ring_put(&pair.device, head, 1);
	device_ring_put(&pair.device, 1000, 1);
	device_ring_flush(&pair.device);
	ring_pair_expect(&pair, token_of(1), 1);
	ring_pair_expect_broken(&pair, "descriptor 1000");
	assert_ptr_equal(vfs_ring_take_back(&pair.driver), token_of(2));
	assert_null(vfs_ring_take_back(&pair.driver));
	ring_pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_idx_beyond_what_is_in_flight),
		cmocka_unit_test(used_idx_that_goes_back),
		cmocka_unit_test(used_idx_while_nothing_is_published),
		cmocka_unit_test(an_id_beyond_the_ring),
		cmocka_unit_test(an_id_that_was_never_used),
		cmocka_unit_test(an_id_that_was_completed_already),
		cmocka_unit_test(an_id_within_a_chain),
		cmocka_unit_test(an_id_that_is_not_published_yet),
		cmocka_unit_test(more_bytes_than_were_writable),
		cmocka_unit_test(bytes_although_none_were_writable),
		cmocka_unit_test(what_came_before_the_fault_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
