/* SPDX-License-Identifier: MIT */
/* The relay's side towards the daemon: a connection, shared memory, and where things are in it. */
#ifndef DEVICE_RELAY_DAEMON_H
#define DEVICE_RELAY_DAEMON_H

#include <stddef.h>
#include <stdint.h>

#define RELAY_SLOTS	32u
#define RELAY_RING_SIZE (2 * RELAY_SLOTS) /* a slot is a readable and a writable descriptor */
#define RELAY_BUFFER	((1u << 20) + 8192u)

/* What a queue needs, in pages of its own. */
struct relay_ring {
	struct {
		uint64_t address;
		uint32_t size;
		uint16_t flags;
		uint16_t next;
	} desc[RELAY_RING_SIZE];
	struct {
		uint16_t flags;
		uint16_t index;
		uint16_t heads[RELAY_RING_SIZE];
		uint16_t event;
	} avail;
	struct {
		uint16_t flags;
		uint16_t index;
		struct {
			uint32_t head;
			uint32_t size;
		} entries[RELAY_RING_SIZE];
		uint16_t event;
	} used __attribute__((aligned(8)));
} __attribute__((aligned(4096)));

struct relay_memory {
	struct relay_ring hiprio; /* has to be there, nothing is sent on it */
	struct relay_ring requests;
	struct {
		char readable[RELAY_BUFFER];
		char writable[RELAY_BUFFER];
	} slots[RELAY_SLOTS];
};

struct relay_daemon {
	int socket;
	struct relay_memory *memory;
	int kick;
	int call;
	int idle_kick; /* of the hiprio queue */
	int idle_call;
};

/* The address of what is in the shared memory. */
uint64_t relay_address(const struct relay_daemon *d, const void *p);

/* Connect, share the memory, start both queues. -errno; what was opened is to be closed then too.
 */
int relay_daemon_start(struct relay_daemon *d, const char *path);
void relay_daemon_close(struct relay_daemon *d);

#endif
