/* SPDX-License-Identifier: MIT */
/* Chains, indices and the free list of a ring. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "core/core.h"
#include "virtio/ring_pair.h"

static void only_powers_of_two_are_sizes(void **state)
{
	static const uint16_t bad[] = {0, 3, 5, 6, 7, 1000, 32767, 32769, 65535};
	struct vfs_ring_memory memory = {0};
	struct vfs_ring ring;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(
			vfs_ring_init(&ring, bad[i], &memory, false, (struct vfs_barriers){0}),
			-EINVAL);
}

static void memory_is_as_large_as_the_specification_says(void **state)
{
	(void)state;
	assert_int_equal(vfs_ring_desc_bytes(32768), 16 * 32768);
	assert_int_equal(vfs_ring_avail_bytes(32768), 6 + 2 * 32768);
	assert_int_equal(vfs_ring_used_bytes(32768), 6 + 8 * 32768);
	assert_int_equal(vfs_ring_desc_bytes(1), 16);
	assert_int_equal(vfs_ring_avail_bytes(1), 8);
	assert_int_equal(vfs_ring_used_bytes(1), 14);
}

static void a_new_ring_is_empty_and_silent(void **state)
{
	struct ring_pair pair;
	struct device_chain chain;

	(void)state;
	ring_pair_open(&pair, 8, false);
	assert_int_equal(device_ring_take(&pair.device, &chain), 0);
	ring_pair_expect_none(&pair);
	assert_false(vfs_ring_publish(&pair.driver));
	assert_null(vfs_ring_take_back(&pair.driver));
	ring_pair_close(&pair);
}

/* Segments that differ in address and length, and can be told apart by both. */
static void make_segments(struct device_segment *segments, unsigned int count, uint64_t base)
{
	for (unsigned int i = 0; i < count; i++)
		segments[i] = (struct device_segment){.addr = base + 4096ull * i, .len = 100 + i};
}

static void check_segments(
	const struct device_chain *seen, const struct device_segment *segments, unsigned int count)
{
	assert_int_equal(seen->count, count);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(seen->segments[i].addr, segments[i].addr);
		assert_int_equal(seen->segments[i].len, segments[i].len);
	}
}

static void send_and_complete(struct ring_pair *pair, const struct vfs_chain *chain,
	const struct device_segment *segments, unsigned int num_readable)
{
	unsigned int count = (unsigned int)chain->count;
	struct device_chain seen;

	assert_int_equal(vfs_ring_add(&pair->driver, chain), 0);
	assert_int_equal(pair->driver.num_free, 16 - (chain->indirect ? 1 : count));
	assert_int_equal(device_ring_take(&pair->device, &seen), 0);
	assert_true(vfs_ring_publish(&pair->driver));
	assert_int_equal(device_ring_take(&pair->device, &seen), 1);
	assert_int_equal(seen.indirect, chain->indirect);
	assert_int_equal(seen.num_readable, num_readable);
	check_segments(&seen, segments, count);
	device_ring_complete(&pair->device, seen.head, (uint32_t)seen.writable_bytes);
	ring_pair_expect(pair, chain->token, (uint32_t)seen.writable_bytes);
	assert_int_equal(pair->driver.num_free, 16);
}

/* Every split of every number of segments, sent and completed several times. */
static void chains_arrive(bool indirect)
{
	struct device_segment segments[16];
	struct ring_pair pair;
	void *table = NULL;

	ring_pair_open(&pair, 16, false);
	for (unsigned int count = 1; count <= 16; count++) {
		make_segments(segments, count, 0x123456789000);
		assert_int_equal(posix_memalign(&table, 16, (size_t)count * VFS_RING_DESC_SIZE), 0);
		for (unsigned int readable = 0; readable <= count; readable++) {
			struct vfs_chain chain = chain_of(table, segments, count, readable);

			chain.indirect = indirect;
			chain.table_addr = (uintptr_t)table;
			send_and_complete(&pair, &chain, segments, readable);
		}
		free(table);
		table = NULL;
	}
	ring_pair_close(&pair);
}

static void direct_chains_arrive_as_they_were_built(void **state)
{
	(void)state;
	chains_arrive(false);
}

static void indirect_chains_arrive_as_they_were_built(void **state)
{
	(void)state;
	chains_arrive(true);
}

static void a_chain_has_the_pieces_that_it_has_room_for(void **state)
{
	struct vring_desc table[2];
	struct vfs_chain chain = {.token = &chain};

	(void)state;
	vfs_chain_set_table(&chain, table, 2);
	assert_true(vfs_chain_add(&chain, 0x1000, 5, false));
	/* Descriptors without a byte are not allowed (virtio 1.3 §2.7.5), nor needed. */
	assert_true(vfs_chain_add(&chain, 0x2000, 0, false));
	assert_true(vfs_chain_add(&chain, 0x3000, 6, true));
	assert_int_equal(chain.count, 2);
	assert_int_equal(chain.readable, 5);
	assert_int_equal(chain.writable, 6);
	assert_false(vfs_chain_add(&chain, 0x4000, 7, true));
	assert_true(vfs_chain_add(&chain, 0x4000, 0, true));
	assert_int_equal(chain.count, 2);
	assert_int_equal(chain.writable, 6);
	vfs_chain_clear(&chain);
	assert_true(vfs_chain_add(&chain, 0x4000, 7, true));
	assert_int_equal(chain.count, 1);
	assert_int_equal(chain.readable, 0);
	assert_int_equal(chain.writable, 7);
	vfs_chain_begin(&chain, 0x5000, 8);
	assert_int_equal(chain.count, 1);
	assert_int_equal(chain.readable, 8);
	assert_int_equal(chain.writable, 0);
}

static void senseless_chains_are_refused(void **state)
{
	struct device_segment segments[9];
	struct vring_desc table[9];
	struct vfs_chain chain;
	struct ring_pair pair;

	(void)state;
	ring_pair_open(&pair, 8, false);
	make_segments(segments, 9, 0);

	chain = chain_of(table, segments, 0, 0);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), -EINVAL);
	chain = chain_of(table, segments, 9, 4);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), -EINVAL);
	assert_string_equal(vfs_last_error(), "a chain of 9 descriptors for a ring of 8 entries");
	chain.indirect = true;
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), -EINVAL);
	chain = chain_of(table, segments, 8, 3);
	chain.token = NULL;
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), -EINVAL);
	chain.token = &chain;

	assert_int_equal(pair.driver.num_free, 8);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), 0);
	ring_pair_close(&pair);
}

static void a_chain_has_as_many_bytes_as_a_completion_can_say(void **state)
{
	struct device_segment segments[3] = {
		{.len = 1u << 31}, {.len = (1u << 31) - 1}, {.len = 1}};
	struct vring_desc table[3];
	struct vfs_chain chain = chain_of(table, segments, 3, 0);
	struct ring_pair pair;
	struct device_chain seen;

	(void)state;
	ring_pair_open(&pair, 4, false);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), -EINVAL);
	chain = chain_of(table, segments, 2, 0);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), 0);
	vfs_ring_publish(&pair.driver);
	assert_int_equal(device_ring_take(&pair.device, &seen), 1);
	device_ring_complete(&pair.device, seen.head, UINT32_MAX);
	ring_pair_expect(&pair, chain.token, UINT32_MAX);
	ring_pair_close(&pair);
}

/* Fill a ring of @size, see it refuse one more, empty it; until the indices wrapped twice. */
static void wrap(uint16_t size, bool event_idx)
{
	struct ring_pair pair;

	ring_pair_open(&pair, size, event_idx);
	for (uint32_t n = 0; n < 2 * 65536 + 3; n += size) {
		struct device_chain chain;

		for (uint32_t i = 0; i < size; i++)
			assert_int_equal(ring_pair_add(&pair, token_of(n + i), n + i + 1), 0);
		assert_int_equal(ring_pair_add(&pair, &pair, 1), -ENOSPC);
		vfs_ring_publish(&pair.driver);
		assert_int_equal(device_ring_avail_idx(&pair.device), (uint16_t)(n + size));
		for (uint32_t i = 0; i < size; i++) {
			assert_int_equal(device_ring_take(&pair.device, &chain), 1);
			device_ring_put(&pair.device, chain.head, chain.segments[0].len);
		}
		device_ring_flush(&pair.device);
		for (uint32_t i = 0; i < size; i++)
			ring_pair_expect(&pair, token_of(n + i), n + i + 1);
		ring_pair_expect_none(&pair);
		assert_int_equal(pair.driver.num_free, size);
	}
	ring_pair_close(&pair);
}

static void rings_of_every_size_wrap(void **state)
{
	(void)state;
	for (uint32_t size = 1; size <= 32768; size *= 2) {
		wrap((uint16_t)size, false);
		wrap((uint16_t)size, true);
	}
}

static void a_full_ring_takes_chains_again_when_one_completes(void **state)
{
	struct device_segment segments[3];
	struct vring_desc table[3];
	struct vfs_chain chain;
	struct ring_pair pair;
	uint16_t heads[8];

	(void)state;
	make_segments(segments, 3, 0);
	chain = chain_of(table, segments, 3, 2);
	ring_pair_open(&pair, 8, false);
	for (uintptr_t i = 0; i < 6; i++)
		heads[i] = ring_pair_send(&pair, token_of(i), 1);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), -ENOSPC);
	device_ring_complete(&pair.device, heads[3], 0);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), -ENOSPC);
	ring_pair_expect(&pair, token_of(3), 0);
	assert_int_equal(vfs_ring_add(&pair.driver, &chain), 0);
	assert_int_equal(pair.driver.num_free, 0);
	ring_pair_close(&pair);
}

static void completions_come_in_the_order_of_the_device(void **state)
{
	static const unsigned int order[] = {5, 0, 7, 2, 1, 6, 3, 4};
	struct ring_pair pair;
	uint16_t heads[8];

	(void)state;
	ring_pair_open(&pair, 8, false);
	for (unsigned int round = 0; round < 20; round++) {
		for (uintptr_t i = 0; i < 8; i++)
			heads[i] = ring_pair_send(&pair, token_of(i), 8);
		for (unsigned int i = 0; i < 8; i++)
			device_ring_complete(&pair.device, heads[order[i]], order[i]);
		for (unsigned int i = 0; i < 8; i++)
			ring_pair_expect(&pair, token_of(order[i]), order[i]);
		ring_pair_expect_none(&pair);
	}
	ring_pair_close(&pair);
}

/* One chain stays while all others go round until the indices have wrapped. */
static void a_slow_chain_outlives_a_wrap(void **state)
{
	struct ring_pair pair;
	uint16_t slow;

	(void)state;
	ring_pair_open(&pair, 4, false);
	slow = ring_pair_send(&pair, &pair, 4);
	for (uintptr_t i = 0; i < 65536; i++) {
		device_ring_complete(&pair.device, ring_pair_send(&pair, token_of(i), 1), 1);
		ring_pair_expect(&pair, token_of(i), 1);
	}
	device_ring_complete(&pair.device, slow, 4);
	ring_pair_expect(&pair, &pair, 4);
	assert_int_equal(pair.driver.num_free, 4);
	ring_pair_close(&pair);
}

static void what_the_device_scribbles_into_its_memory_is_not_read(void **state)
{
	struct ring_pair pair;
	uint16_t heads[4];

	(void)state;
	ring_pair_open(&pair, 4, false);
	for (uintptr_t i = 0; i < 4; i++)
		heads[i] = ring_pair_send(&pair, token_of(i), 1);
	memset(pair.memory.desc, 0xff, vfs_ring_desc_bytes(4));
	memset(pair.memory.avail, 0xff, vfs_ring_avail_bytes(4));
	for (uintptr_t i = 0; i < 4; i++) {
		device_ring_complete(&pair.device, heads[i], 1);
		ring_pair_expect(&pair, token_of(i), 1);
	}
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(ring_pair_add(&pair, token_of(i), 1), 0);
	vfs_ring_publish(&pair.driver);
	assert_int_equal(device_ring_avail_idx(&pair.device), 8);
	ring_pair_close(&pair);
}

static void chains_can_be_taken_back_after_a_reset(void **state)
{
	struct ring_pair pair;
	unsigned int seen = 0;
	uint16_t heads[4];

	(void)state;
	ring_pair_open(&pair, 16, false);
	for (uintptr_t i = 0; i < 4; i++)
		heads[i] = ring_pair_send(&pair, token_of(i), 1);
	device_ring_complete(&pair.device, heads[2], 0);
	ring_pair_expect(&pair, token_of(2), 0);
	device_ring_complete(&pair.device, 99, 0);
	ring_pair_expect_broken(&pair, "99");
	pair.driver.broken = false;
	assert_int_equal(ring_pair_add(&pair, token_of(4), 1), 0);
	pair.driver.broken = true;

	for (unsigned int i = 0; i < 4; i++) {
		uintptr_t token = (uintptr_t)vfs_ring_take_back(&pair.driver);

		assert_int_not_equal(token, 0);
		seen |= 1u << ((token - 0x1000) / 16);
	}
	assert_int_equal(seen, 0x1b);
	assert_null(vfs_ring_take_back(&pair.driver));
	assert_null(vfs_ring_take_back(&pair.driver));
	assert_int_equal(pair.driver.num_free, 16);
	ring_pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_powers_of_two_are_sizes),
		cmocka_unit_test(memory_is_as_large_as_the_specification_says),
		cmocka_unit_test(a_new_ring_is_empty_and_silent),
		cmocka_unit_test(direct_chains_arrive_as_they_were_built),
		cmocka_unit_test(indirect_chains_arrive_as_they_were_built),
		cmocka_unit_test(a_chain_has_the_pieces_that_it_has_room_for),
		cmocka_unit_test(senseless_chains_are_refused),
		cmocka_unit_test(a_chain_has_as_many_bytes_as_a_completion_can_say),
		cmocka_unit_test(rings_of_every_size_wrap),
		cmocka_unit_test(a_full_ring_takes_chains_again_when_one_completes),
		cmocka_unit_test(completions_come_in_the_order_of_the_device),
		cmocka_unit_test(a_slow_chain_outlives_a_wrap),
		cmocka_unit_test(what_the_device_scribbles_into_its_memory_is_not_read),
		cmocka_unit_test(chains_can_be_taken_back_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
