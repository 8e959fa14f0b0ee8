/* SPDX-License-Identifier: MIT */
/*
 * INTERRUPTs of the kernel's: it sends one whenever a process that waits gets a signal. They are
 * kept back for a while, and passed on for requests that are not answered by then. For the others
 * they would come too late, and QEMU's virtiofsd crashes when it is told of a request that it has
 * just answered: it keeps such an INTERRUPT, and answers it later in memory that it has given back.
 *
 * Any thread may call these.
 */
#ifndef VIRTIOFS_FUSE_INTERRUPTS_H
#define VIRTIOFS_FUSE_INTERRUPTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Not much for a person who waits, long for an answer to what may take for ever: a lock. Anything
 * else is answered by itself, but by a server that is stuck.
 */
#define INTERRUPTS_KEPT_MS 100
#define INTERRUPTS_LONG_MS 2000

enum interrupts_step {
	INTERRUPTS_SOON, /* after the first of these */
	INTERRUPTS_LATE, /* after the second */
};

/* One more, and the oldest goes out at once. */
#define INTERRUPTS_KEPT 64

struct interrupts {
	/* Cancel the request with this unique, whoever has it. False: not yet, if it is soon. */
	bool (*cancel)(void *ctx, uint64_t unique, enum interrupts_step step);
	/* One is kept now, where there was none. */
	void (*kept_one)(void *ctx);
	void *ctx;

	pthread_mutex_t lock;
	unsigned int num;
	struct interrupt {
		uint64_t unique; /* of the request */
		int64_t due_ms;
		enum interrupts_step step;
	} kept[INTERRUPTS_KEPT];
};

void interrupts_init(struct interrupts *interrupts,
	bool (*cancel)(void *ctx, uint64_t unique, enum interrupts_step step),
	void (*kept_one)(void *ctx), void *ctx);
void interrupts_destroy(struct interrupts *interrupts);

void interrupts_keep(struct interrupts *interrupts, uint64_t unique, int64_t now_ms);

/* Cancel the requests that have not been answered in time. */
void interrupts_pass_on(struct interrupts *interrupts, int64_t now_ms);

/* Until the next one is due; -1: there is none. */
int interrupts_left_ms(struct interrupts *interrupts, int64_t now_ms);

#endif
