/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/fuse.h>
#include <linux/virtio_ring.h>

#include "relay.h"
#include "relay_daemon.h"
#include "say.h"

struct slot {
	struct request *request; /* NULL: the relay's own */
	bool busy;
};

struct relay {
	struct engine engine;
	struct relay_daemon daemon;
	pthread_mutex_t lock; /* of the ring and of: */
	pthread_cond_t freed;
	struct slot slots[RELAY_SLOTS];
	unsigned int busy;
	uint16_t used; /* entries of the used ring that were looked at */
};

static struct relay *of_engine(struct engine *engine)
{
	return (struct relay *)engine; /* its first member */
}

/* With the lock held: a slot that is now busy. */
static unsigned int take_slot(struct relay *relay, struct request *request)
{
	unsigned int i = 0;

	while (relay->busy == RELAY_SLOTS)
		pthread_cond_wait(&relay->freed, &relay->lock);
	while (relay->slots[i].busy)
		i++;
	relay->slots[i] = (struct slot){.request = request, .busy = true};
	relay->busy++;
	return i;
}

/* With the lock held: give slot @i to the daemon. */
static void submit(struct relay *relay, unsigned int i, size_t readable, size_t writable)
{
	struct relay_memory *memory = relay->daemon.memory;
	struct relay_ring *ring = &memory->requests;
	uint16_t head = (uint16_t)(2 * i), next = (uint16_t)(head + 1);
	uint64_t one = 1;
	ssize_t n;

	ring->desc[head].address = relay_address(&relay->daemon, memory->slots[i].readable);
	ring->desc[head].size = (uint32_t)readable;
	ring->desc[head].flags = writable ? VRING_DESC_F_NEXT : 0;
	ring->desc[head].next = next;
	ring->desc[next].address = relay_address(&relay->daemon, memory->slots[i].writable);
	ring->desc[next].size = (uint32_t)writable;
	ring->desc[next].flags = VRING_DESC_F_WRITE;
	ring->avail.heads[ring->avail.index % RELAY_RING_SIZE] = head;
	__atomic_store_n(&ring->avail.index, (uint16_t)(ring->avail.index + 1), __ATOMIC_RELEASE);
	n = write(relay->daemon.kick, &one, sizeof(one));
	(void)n;
}

static void relay_handle(struct engine *engine, struct request *request)
{
	struct relay *relay = of_engine(engine);
	size_t readable = request->chain.readable, writable = request->chain.writable;
	unsigned int i;

	if (readable > RELAY_BUFFER || !readable) {
		say("a request of %zu bytes cannot be relayed", readable);
		request_done(request);
		return;
	}
	pthread_mutex_lock(&relay->lock);
	i = take_slot(relay, request);
	memcpy(relay->daemon.memory->slots[i].readable, request->message, readable);
	submit(relay, i, readable, writable < RELAY_BUFFER ? writable : RELAY_BUFFER);
	pthread_mutex_unlock(&relay->lock);
}

static void complete(struct relay *relay, unsigned int i, size_t size)
{
	struct iovec iov = {.iov_base = relay->daemon.memory->slots[i].writable, .iov_len = size};
	struct request *request;

	pthread_mutex_lock(&relay->lock);
	request = relay->slots[i].request;
	pthread_mutex_unlock(&relay->lock);
	if (request && size)
		request_reply(request, &iov, 1);
	else if (request)
		request_done(request);
	pthread_mutex_lock(&relay->lock);
	relay->slots[i].busy = false;
	relay->busy--;
	pthread_cond_broadcast(&relay->freed);
	pthread_mutex_unlock(&relay->lock);
}

static void take_answers(struct relay *relay)
{
	struct relay_ring *ring = &relay->daemon.memory->requests;

	while (relay->used != __atomic_load_n(&ring->used.index, __ATOMIC_ACQUIRE)) {
		unsigned int at = relay->used++ % RELAY_RING_SIZE;

		complete(relay, ring->used.entries[at].head / 2 % RELAY_SLOTS,
			ring->used.entries[at].size);
	}
}

static void *wait_for_answers(void *argument)
{
	struct relay *relay = argument;
	struct pollfd fds[] = {{.fd = relay->daemon.call, .events = POLLIN},
		{.fd = relay->daemon.socket, .events = POLLIN}};

	for (;;) {
		uint64_t count;

		poll(fds, 2, -1);
		if (fds[1].revents) {
			say("the daemon behind the relay is gone");
			_exit(1);
		}
		if (fds[0].revents && read(relay->daemon.call, &count, sizeof(count)) > 0)
			take_answers(relay);
	}
}

/* The daemon keeps what a driver looked up until it is told that the driver is gone. */
static void relay_end(struct engine *engine)
{
	const struct fuse_in_header destroy = {
		.len = sizeof(destroy), .opcode = FUSE_DESTROY, .unique = 2};
	struct relay *relay = of_engine(engine);
	unsigned int i;

	pthread_mutex_lock(&relay->lock);
	while (relay->busy)
		pthread_cond_wait(&relay->freed, &relay->lock);
	i = take_slot(relay, NULL);
	memcpy(relay->daemon.memory->slots[i].readable, &destroy, sizeof(destroy));
	submit(relay, i, sizeof(destroy), sizeof(struct fuse_out_header));
	while (relay->busy)
		pthread_cond_wait(&relay->freed, &relay->lock);
	pthread_mutex_unlock(&relay->lock);
}

/* The thread lives as long as the process; so does what it uses. */
static void relay_destroy(struct engine *engine)
{
	(void)engine;
}

struct engine *relay_create(const char *path)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	pthread_t thread;
	int r;

	if (!relay)
		return NULL;
	pthread_mutex_init(&relay->lock, NULL);
	pthread_cond_init(&relay->freed, NULL);
	relay->engine = (struct engine){
		.handle = relay_handle, .end = relay_end, .destroy = relay_destroy};
	r = relay_daemon_start(&relay->daemon, path);
	if (r == 0)
		r = -pthread_create(&thread, NULL, wait_for_answers, relay);
	if (r == 0) {
		pthread_detach(thread);
		return &relay->engine;
	}
	say("%s: %s", path, strerror(-r));
	relay_daemon_close(&relay->daemon);
	free(relay);
	return NULL;
}
