/* SPDX-License-Identifier: MIT */
/* A ring between two threads; with a sanitizer of threads, also a check of the barriers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "virtio/device_thread.h"
#include "virtio/ring_pair.h"

/* Each access costs more there, and finds more. */
#ifdef __SANITIZE_THREAD__
#define TOTAL 50000
#else
#define TOTAL 200000
#endif
#define RING_SIZE 16
#define REQUESTS  12

struct request {
	struct question question;
	struct answer answer;
	bool in_flight;
	struct vring_desc table[2] __attribute__((aligned(16)));
};

struct driver {
	struct ring_pair pair;
	struct device_thread device;
	struct request requests[REQUESTS];
	bool sleeps;
	unsigned int depth; /* requests in flight at once */
	unsigned int turns; /* without anything to do */
	uint64_t total;
	uint64_t sent;
	uint64_t answered;
};

static int send_one(struct driver *d, struct request *r)
{
	struct device_segment segments[2] = {
		{.addr = (uintptr_t)&r->question, .len = sizeof(r->question)},
		{.addr = (uintptr_t)&r->answer, .len = sizeof(r->answer)},
	};
	struct vfs_chain chain = chain_of(r->table, segments, 2, 1);
	int err;

	chain.token = r;
	chain.indirect = d->sent % 3 == 0;
	chain.table_addr = (uintptr_t)r->table;
	r->question.number = d->sent + 1;
	r->answer = (struct answer){0};
	err = vfs_ring_add(&d->pair.driver, &chain);
	if (err)
		return err;
	r->in_flight = true;
	d->sent++;
	return 0;
}

/* Come at a different moment each time, so that every interleaving has its chance. */
static void jitter(const struct driver *d)
{
	uint64_t turns = d->depth == 1 ? d->sent * ANSWER_FACTOR >> 58 : 0;

	for (volatile uint64_t i = 0; i < turns; i++)
		;
}

/* Send what fits, published in batches of up to three. */
static const char *send_all(struct driver *d)
{
	jitter(d);
	for (unsigned int i = 0; i < d->depth && d->sent < d->total; i++) {
		int err = d->requests[i].in_flight ? 0 : send_one(d, &d->requests[i]);

		if (err == -ENOSPC)
			break;
		if (err)
			return "a chain was refused";
		if (i % 3 == 0 && vfs_ring_publish(&d->pair.driver))
			event_signal(d->device.kick);
	}
	if (vfs_ring_publish(&d->pair.driver))
		event_signal(d->device.kick);
	return NULL;
}

static const char *check_answer(struct driver *d, struct request *r, uint32_t len)
{
	if (!r->in_flight)
		return "a request was answered twice";
	if (len != sizeof(r->answer))
		return "an answer of the wrong length";
	if (r->answer.number != r->question.number ||
		r->answer.product != r->question.number * ANSWER_FACTOR)
		return "a wrong answer";
	r->in_flight = false;
	d->answered++;
	return NULL;
}

static const char *collect(struct driver *d, bool *some)
{
	const char *fault = NULL;
	void *token;
	uint32_t len;
	int n;

	*some = false;
	while (!fault && (n = vfs_ring_pop(&d->pair.driver, &token, &len)) != 0) {
		if (n < 0)
			return vfs_last_error();
		fault = check_answer(d, token, len);
		*some = true;
	}
	return fault;
}

static const char *wait(struct driver *d)
{
	if (device_thread_failed(&d->device))
		return "the device failed";
	if (!d->sleeps) {
		relax(++d->turns);
		return NULL;
	}
	if (!vfs_ring_enable_interrupts(&d->pair.driver) && !event_wait(d->device.interrupt))
		return "the driver was not interrupted";
	vfs_ring_disable_interrupts(&d->pair.driver);
	return NULL;
}

static const char *drive(struct driver *d)
{
	const char *fault = NULL;

	while (!fault && d->answered < d->total) {
		bool some = false;

		fault = send_all(d);
		if (!fault)
			fault = collect(d, &some);
		if (!fault && !some)
			fault = wait(d);
	}
	return fault;
}

struct setup {
	bool event_idx;
	bool driver_sleeps;
	bool device_sleeps;
	bool io;
	unsigned int depth;
};

static void talk(struct setup setup)
{
	struct driver *d = calloc(1, sizeof(*d));
	const char *fault;

	assert_non_null(d);
	d->sleeps = setup.driver_sleeps;
	d->depth = setup.depth ? setup.depth : REQUESTS;
	d->total = setup.depth == 1 ? TOTAL / 2 : TOTAL;
	ring_pair_open(&d->pair, RING_SIZE, setup.event_idx);
	d->pair.driver.barriers.io = setup.io;
	assert_int_equal(device_thread_start(&d->device, &d->pair.device, setup.device_sleeps), 0);
	fault = drive(d);
	device_thread_stop(&d->device);
	if (d->device.fault)
		fail_msg("device, after %llu answers: %s", (unsigned long long)d->answered,
			d->device.fault);
	if (fault)
		fail_msg("driver, after %llu answers: %s", (unsigned long long)d->answered, fault);
	assert_int_equal(d->sent, d->total);
	assert_int_equal(d->pair.driver.num_free, RING_SIZE);
	ring_pair_close(&d->pair);
	free(d);
}

static void both_poll(void **state)
{
	(void)state;
	talk((struct setup){.event_idx = false});
	talk((struct setup){.event_idx = true});
}

static void both_poll_with_io_barriers(void **state)
{
	(void)state;
	talk((struct setup){.event_idx = true, .io = true});
}

static void the_driver_sleeps(void **state)
{
	(void)state;
	talk((struct setup){.event_idx = false, .driver_sleeps = true});
	talk((struct setup){.event_idx = true, .driver_sleeps = true});
}

static void the_device_sleeps(void **state)
{
	(void)state;
	talk((struct setup){.event_idx = false, .device_sleeps = true});
	talk((struct setup){.event_idx = true, .device_sleeps = true});
}

static void both_sleep(void **state)
{
	(void)state;
	talk((struct setup){.event_idx = false, .driver_sleeps = true, .device_sleeps = true});
	talk((struct setup){.event_idx = true, .driver_sleeps = true, .device_sleeps = true});
}

/* Each request finds the device on its way to sleep; a missing full barrier is likely to show. */
static void one_request_at_a_time(void **state)
{
	(void)state;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		talk((struct setup){.event_idx = event_idx, .device_sleeps = true, .depth = 1});
		talk((struct setup){.event_idx = event_idx, .driver_sleeps = true, .depth = 1});
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_poll),
		cmocka_unit_test(both_poll_with_io_barriers),
		cmocka_unit_test(the_driver_sleeps),
		cmocka_unit_test(the_device_sleeps),
		cmocka_unit_test(both_sleep),
		cmocka_unit_test(one_request_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
