/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "virtio/device_thread.h"

#define HELD_MAX   7
#define TIMEOUT_MS 10000

void event_signal(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

bool event_wait(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint64_t count;

	if (poll(&pfd, 1, TIMEOUT_MS) != 1)
		return false;
	return read(fd, &count, sizeof(count)) == sizeof(count);
}

/* Mostly spin, for the two sides to run close to each other; but there may be one processor. */
void relax(unsigned int turn)
{
	if (turn % 64 == 0)
		sched_yield();
}

bool device_thread_failed(const struct device_thread *device)
{
	return __atomic_load_n(&device->failed, __ATOMIC_RELAXED);
}

/* Chains that were taken and not yet answered. */
struct held {
	struct device_chain chains[HELD_MAX];
	unsigned int count;
	uint32_t random;
};

static uint32_t below(struct held *held, uint32_t limit)
{
	held->random = held->random * 1664525u + 1013904223u;
	return (held->random >> 8) % limit;
}

static void answer_one(struct device_thread *device, struct held *held)
{
	unsigned int at = below(held, held->count);
	struct device_chain *chain = &held->chains[at];
	const struct question *question = (const void *)(uintptr_t)chain->segments[0].addr;
	struct answer *answer = (void *)(uintptr_t)chain->segments[1].addr;

	answer->number = question->number;
	answer->product = question->number * ANSWER_FACTOR;
	device_ring_put(device->ring, chain->head, sizeof(*answer));
	held->chains[at] = held->chains[--held->count];
}

static void flush(struct device_thread *device)
{
	device_ring_flush(device->ring);
	if (device_ring_wants_interrupt(device->ring))
		event_signal(device->interrupt);
}

/* Answer at least @count of the held chains, shown to the driver in batches of any size. */
static void answer(struct device_thread *device, struct held *held, unsigned int count)
{
	while (count--) {
		answer_one(device, held);
		if (below(held, 3) == 0)
			flush(device);
	}
	flush(device);
}

static const char *idle(struct device_thread *device)
{
	if (!device->sleeps) {
		relax(++device->turns);
		return NULL;
	}
	if (!device_ring_enable_notify(device->ring) && !event_wait(device->kick))
		return "the device was not notified";
	device_ring_disable_notify(device->ring);
	return NULL;
}

static const char *step(struct device_thread *device, struct held *held)
{
	int took;

	if (held->count == HELD_MAX)
		answer(device, held, 1 + below(held, HELD_MAX));
	took = device_ring_take(device->ring, &held->chains[held->count]);
	if (took < 0)
		return device->ring->fault;
	if (took > 0) {
		if (held->chains[held->count].count != 2)
			return "a chain without two segments";
		held->count++;
		return NULL;
	}
	if (held->count) {
		answer(device, held, held->count);
		return NULL;
	}
	return idle(device);
}

static void *run(void *ctx)
{
	struct device_thread *device = ctx;
	struct held held = {.random = 1};

	while (!device->fault && !__atomic_load_n(&device->stop, __ATOMIC_RELAXED))
		device->fault = step(device, &held);
	__atomic_store_n(&device->failed, device->fault != NULL, __ATOMIC_RELAXED);
	return NULL;
}

int device_thread_start(struct device_thread *device, struct device_ring *ring, bool sleeps)
{
	*device = (struct device_thread){.ring = ring, .sleeps = sleeps};
	device->kick = eventfd(0, EFD_CLOEXEC);
	device->interrupt = eventfd(0, EFD_CLOEXEC);
	return pthread_create(&device->thread, NULL, run, device);
}

void device_thread_stop(struct device_thread *device)
{
	__atomic_store_n(&device->stop, true, __ATOMIC_RELAXED);
	event_signal(device->kick);
	pthread_join(device->thread, NULL);
	close(device->kick);
	close(device->interrupt);
}
