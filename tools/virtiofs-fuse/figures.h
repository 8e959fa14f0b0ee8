/* SPDX-License-Identifier: MIT */
/* What the bridge has done since it was mounted, for SIGUSR1. */
#ifndef VIRTIOFS_FUSE_FIGURES_H
#define VIRTIOFS_FUSE_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

/* More than there are opcodes; what is above is counted in the first one, which is none. */
#define FIGURES_OPCODES 64

/* One thread counts, others read. */
struct figures {
	_Atomic uint64_t asked[FIGURES_OPCODES]; /* messages of the kernel */
};

struct relay;

static inline void figures_count(struct figures *figures, uint32_t opcode)
{
	_Atomic uint64_t *asked = &figures->asked[opcode < FIGURES_OPCODES ? opcode : 0];

	atomic_store_explicit(
		asked, atomic_load_explicit(asked, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Some lines. */
void figures_say(struct relay *relay);

#endif
