/* SPDX-License-Identifier: MIT */
/*
 * Random steps of driver and device against a model of the ring: four queues of requests.
 * VFS_TEST_SEED repeats a run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/core.h"
#include "virtio/ring_pair.h"

#define RINGS	     300
#define STEPS	     3000
#define SIZE_MAX_LOG 6
#define REQUESTS     (1 << SIZE_MAX_LOG)
#define SEGMENTS     6

struct request {
	bool busy;
	struct device_segment segments[SEGMENTS];
	unsigned int num_readable;
	struct vfs_chain chain;
	struct vring_desc table[SEGMENTS] __attribute__((aligned(16)));
	uint32_t writable;
	uint16_t head;
	uint32_t len;
};

/* Requests in the order in which they have to come out. */
struct fifo {
	struct request *items[REQUESTS];
	unsigned int count;
};

struct model {
	struct ring_pair pair;
	struct request requests[REQUESTS];
	struct fifo added, published, taken, written, flushed;
	unsigned int descs; /* in use */
	uint16_t num_added; /* index of the avail ring */
	uint16_t num_published;
	bool waiting; /* the driver found nothing after it asked for an interrupt */
	bool notify_flag;
	uint16_t notify_event;
	uint64_t random;
};

static uint32_t below(struct model *m, uint32_t limit)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (uint32_t)(m->random >> 16) % limit;
}

static void push(struct fifo *fifo, struct request *request)
{
	fifo->items[fifo->count++] = request;
}

static struct request *pull(struct fifo *fifo, unsigned int at)
{
	struct request *request = fifo->items[at];

	fifo->count--;
	memmove(&fifo->items[at], &fifo->items[at + 1],
		(fifo->count - at) * sizeof(fifo->items[0]));
	return request;
}

static struct request *idle_request(struct model *m)
{
	for (unsigned int i = 0; i < REQUESTS; i++) {
		if (!m->requests[i].busy)
			return &m->requests[i];
	}
	return NULL;
}

static unsigned int descs_of(const struct request *r)
{
	return r->chain.indirect ? 1u : (unsigned int)r->chain.count;
}

static void build(struct model *m, struct request *r)
{
	uint32_t most = m->pair.driver.size < SEGMENTS ? m->pair.driver.size : SEGMENTS;
	uint32_t count = 1 + below(m, most);
	bool indirect = below(m, 2);

	r->num_readable = below(m, count + 1);
	r->writable = 0;
	for (uint32_t i = 0; i < count; i++) {
		r->segments[i].addr = ((uint64_t)below(m, UINT32_MAX) << 32) | below(m, UINT32_MAX);
		r->segments[i].len = 1 + below(m, 1 << 20);
		if (i >= r->num_readable)
			r->writable += r->segments[i].len;
	}
	r->chain = chain_of(r->table, r->segments, count, r->num_readable);
	r->chain.token = r;
	r->chain.indirect = indirect;
	r->chain.table_addr = (uintptr_t)r->table;
}

static void add(struct model *m)
{
	struct request *r = idle_request(m);
	unsigned int needed;

	if (!r)
		return;
	build(m, r);
	needed = descs_of(r);
	if (m->descs + needed > m->pair.driver.size) {
		assert_int_equal(vfs_ring_add(&m->pair.driver, &r->chain), -ENOSPC);
		return;
	}
	assert_int_equal(vfs_ring_add(&m->pair.driver, &r->chain), 0);
	r->busy = true;
	m->descs += needed;
	m->num_added++;
	push(&m->added, r);
}

static void publish(struct model *m)
{
	bool wanted = !m->pair.device.event_idx && m->added.count && m->notify_flag;

	for (uint16_t i = m->num_published; m->pair.device.event_idx && i != m->num_added; i++)
		wanted |= i == m->notify_event;
	assert_int_equal(vfs_ring_publish(&m->pair.driver), wanted);
	m->num_published = m->num_added;
	while (m->added.count)
		push(&m->published, pull(&m->added, 0));
}

static void take(struct model *m)
{
	struct device_chain seen;
	struct request *r;

	if (m->published.count == 0) {
		assert_int_equal(device_ring_take(&m->pair.device, &seen), 0);
		return;
	}
	r = pull(&m->published, 0);
	assert_int_equal(device_ring_take(&m->pair.device, &seen), 1);
	assert_int_equal(seen.indirect, r->chain.indirect);
	assert_int_equal(seen.num_readable, r->num_readable);
	assert_int_equal(seen.count, r->chain.count);
	assert_int_equal(seen.writable_bytes, r->writable);
	for (unsigned int i = 0; i < seen.count; i++) {
		assert_int_equal(seen.segments[i].addr, r->segments[i].addr);
		assert_int_equal(seen.segments[i].len, r->segments[i].len);
	}
	r->head = seen.head;
	push(&m->taken, r);
}

static void write_used(struct model *m)
{
	struct request *r;

	if (m->taken.count == 0)
		return;
	r = pull(&m->taken, below(m, m->taken.count));
	r->len = below(m, r->writable + 1);
	device_ring_put(&m->pair.device, r->head, r->len);
	push(&m->written, r);
}

static void flush(struct model *m)
{
	bool news = m->written.count != 0;
	bool interrupt;

	device_ring_flush(&m->pair.device);
	while (m->written.count)
		push(&m->flushed, pull(&m->written, 0));
	interrupt = device_ring_wants_interrupt(&m->pair.device);
	if (m->waiting && news) {
		assert_true(interrupt);
		m->waiting = false;
	}
}

static void pop(struct model *m)
{
	struct request *r;

	if (m->flushed.count == 0) {
		ring_pair_expect_none(&m->pair);
		return;
	}
	r = pull(&m->flushed, 0);
	ring_pair_expect(&m->pair, r, r->len);
	m->descs -= descs_of(r);
	assert_int_equal(m->pair.driver.num_free, m->pair.driver.size - m->descs);
	r->busy = false;
}

static void change_interrupts(struct model *m)
{
	if (below(m, 2)) {
		vfs_ring_disable_interrupts(&m->pair.driver);
		m->waiting = false;
	} else {
		m->waiting = !vfs_ring_enable_interrupts(&m->pair.driver);
		assert_int_equal(m->waiting, m->flushed.count == 0);
	}
}

static void change_notify(struct model *m)
{
	m->notify_flag = below(m, 2);
	m->notify_event = (uint16_t)(m->num_published + below(m, 16) - 8);
	device_ring_set_used_flags(&m->pair.device, !m->notify_flag);
	device_ring_set_avail_event(&m->pair.device, m->notify_event);
}

static void drain(struct model *m)
{
	publish(m);
	while (m->published.count)
		take(m);
	while (m->taken.count)
		write_used(m);
	flush(m);
	while (m->flushed.count)
		pop(m);
	assert_int_equal(m->pair.driver.num_free, m->pair.driver.size);
	assert_null(vfs_ring_take_back(&m->pair.driver));
}

static void run(struct model *m)
{
	static void (*const steps[])(struct model *) = {add, add, add, publish, take, take,
		write_used, write_used, flush, pop, pop, change_interrupts, change_notify};
	uint16_t start = (uint16_t)(65536 - below(m, 400));

	ring_pair_open_at(
		&m->pair, (uint16_t)(1u << below(m, SIZE_MAX_LOG + 1)), below(m, 2), start);
	m->num_added = start;
	m->num_published = start;
	change_notify(m);
	for (unsigned int i = 0; i < STEPS; i++)
		steps[below(m, ARRAY_SIZE(steps))](m);
	drain(m);
	ring_pair_close(&m->pair);
}

static void random_steps_agree_with_a_model(void **state)
{
	const char *given = getenv("VFS_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	struct model *m = malloc(sizeof(*m));

	(void)state;
	assert_non_null(m);
	print_message("VFS_TEST_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	for (unsigned int i = 0; i < RINGS; i++) {
		memset(m, 0, sizeof(*m));
		m->random = (seed * RINGS + i + 1) * 0x9e3779b97f4a7c15ull | 1;
		run(m);
	}
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps_agree_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
