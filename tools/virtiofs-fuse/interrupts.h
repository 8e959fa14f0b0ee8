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
#include <stdint.h>

/* Not much for a person who waits, long for an answer. */
#define INTERRUPTS_KEPT_MS 100

/* One more, and the oldest goes out at once. */
#define INTERRUPTS_KEPT 64

struct interrupts {
	/* Cancel the request with this unique, whoever has it. */
	void (*cancel)(void *ctx, uint64_t unique);
	/* One is kept now, where there was none. */
	void (*kept_one)(void *ctx);
	void *ctx;

	pthread_mutex_t lock;
	unsigned int num;
	/* in the order in which they are due */
	struct interrupt {
		uint64_t unique; /* of the request */
		int64_t due_ms;
	} kept[INTERRUPTS_KEPT];
};

void interrupts_init(struct interrupts *interrupts, void (*cancel)(void *ctx, uint64_t unique),
	void (*kept_one)(void *ctx), void *ctx);
void interrupts_destroy(struct interrupts *interrupts);

void interrupts_keep(struct interrupts *interrupts, uint64_t unique, int64_t now_ms);

/* Cancel the requests that have not been answered in time. */
void interrupts_pass_on(struct interrupts *interrupts, int64_t now_ms);

/* Until the next one is due; -1: there is none. */
int interrupts_left_ms(struct interrupts *interrupts, int64_t now_ms);

#endif
