/* SPDX-License-Identifier: MIT */
/* What the bridge has done since it was mounted, for SIGUSR1. Of the relay's thread alone. */
#ifndef VIRTIOFS_FUSE_FIGURES_H
#define VIRTIOFS_FUSE_FIGURES_H

#include <stdint.h>

/* More than there are opcodes; what is above is counted in the first one, which is none. */
#define FIGURES_OPCODES 64

struct figures {
	uint64_t asked[FIGURES_OPCODES]; /* messages of the kernel */
};

struct vfs_queue;
struct window;

static inline void figures_count(struct figures *figures, uint32_t opcode)
{
	figures->asked[opcode < FIGURES_OPCODES ? opcode : 0]++;
}

/* Some lines. @window: NULL if there is none. */
void figures_say(
	const struct figures *figures, const struct vfs_queue *queue, const struct window *window);

#endif
