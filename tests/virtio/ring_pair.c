/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "core/core.h"
#include "virtio/ring_pair.h"

static void *dirty_memory(size_t alignment, size_t bytes)
{
	void *memory = NULL;

	assert_int_equal(posix_memalign(&memory, alignment, bytes), 0);
	memset(memory, 0xa5, bytes);
	return memory;
}

void ring_pair_open(struct ring_pair *pair, uint16_t size, bool event_idx)
{
	size_t pointer = sizeof(void *);

	memset(pair, 0, sizeof(*pair));
	pair->memory.desc = dirty_memory(VFS_RING_DESC_ALIGN, vfs_ring_desc_bytes(size));
	pair->memory.avail = dirty_memory(pointer, vfs_ring_avail_bytes(size));
	pair->memory.used = dirty_memory(pointer, vfs_ring_used_bytes(size));
	assert_int_equal(vfs_ring_init(&pair->driver, size, &pair->memory, event_idx,
				 (struct vfs_barriers){0}),
		0);
	device_ring_init(&pair->device, size, event_idx, pair->memory.desc, pair->memory.avail,
		pair->memory.used);
}

void ring_pair_open_at(struct ring_pair *pair, uint16_t size, bool event_idx, uint16_t start)
{
	ring_pair_open(pair, size, event_idx);
	pair->driver.avail_idx = start;
	pair->driver.published_idx = start;
	pair->driver.used_idx = start;
	pair->driver.seen_idx = start;
	device_ring_jump(&pair->device, start);
	/* Interrupts are off in relation to where the indices are. */
	vfs_ring_enable_interrupts(&pair->driver);
	vfs_ring_disable_interrupts(&pair->driver);
}

void ring_pair_close(struct ring_pair *pair)
{
	vfs_ring_fini(&pair->driver);
	free(pair->memory.desc);
	free(pair->memory.avail);
	free(pair->memory.used);
}

struct vfs_chain chain_of(struct vring_desc *table, const struct device_segment *segments,
	unsigned int count, unsigned int num_readable)
{
	struct vfs_chain chain = {.token = table};

	vfs_chain_set_table(&chain, table, (uint16_t)count);
	for (unsigned int i = 0; i < count; i++)
		assert_true(vfs_chain_add(
			&chain, segments[i].addr, segments[i].len, i >= num_readable));
	return chain;
}

int ring_pair_add(struct ring_pair *pair, void *token, uint32_t len)
{
	struct device_segment segment = {.addr = (uintptr_t)token, .len = len};
	struct vring_desc table;
	struct vfs_chain chain = chain_of(&table, &segment, 1, 0);

	chain.token = token;
	return vfs_ring_add(&pair->driver, &chain);
}

uint16_t ring_pair_send(struct ring_pair *pair, void *token, uint32_t len)
{
	struct device_chain chain;

	assert_int_equal(ring_pair_add(pair, token, len), 0);
	vfs_ring_publish(&pair->driver);
	assert_int_equal(device_ring_take(&pair->device, &chain), 1);
	assert_int_equal(chain.segments[0].addr, (uintptr_t)token);
	return chain.head;
}

void ring_pair_expect(struct ring_pair *pair, void *token, uint32_t len)
{
	void *got = NULL;
	uint32_t written = 0;

	assert_int_equal(vfs_ring_pop(&pair->driver, &got, &written), 1);
	assert_ptr_equal(got, token);
	assert_int_equal(written, len);
}

void ring_pair_expect_none(struct ring_pair *pair)
{
	void *token = pair;
	uint32_t len = 77;

	assert_int_equal(vfs_ring_pop(&pair->driver, &token, &len), 0);
	assert_ptr_equal(token, pair);
	assert_int_equal(len, 77);
}

void ring_pair_expect_broken(struct ring_pair *pair, const char *words)
{
	uint16_t published = pair->driver.published_idx;
	void *token = pair;
	uint32_t len = 77;

	assert_int_equal(vfs_ring_pop(&pair->driver, &token, &len), -EIO);
	if (!strstr(vfs_last_error(), words))
		fail_msg("\"%s\" does not say \"%s\"", vfs_last_error(), words);
	assert_ptr_equal(token, pair);
	assert_int_equal(len, 77);

	assert_true(pair->driver.broken);
	assert_int_equal(vfs_ring_pop(&pair->driver, &token, &len), -EIO);
	assert_int_equal(ring_pair_add(pair, token_of(9), 1), -EIO);
	assert_false(vfs_ring_publish(&pair->driver));
	assert_int_equal(device_ring_avail_idx(&pair->device), published);
	assert_true(vfs_ring_enable_interrupts(&pair->driver));
}

void *token_of(uintptr_t number)
{
	return (void *)(0x1000 + 16 * number); /* NOLINT(performance-no-int-to-ptr) */
}
