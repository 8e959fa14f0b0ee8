/* SPDX-License-Identifier: MIT */
/*
 * Whether the relay looks for what comes next before it sleeps. To be woken takes longer than many
 * servers do, and than many programs take to ask for the next thing. What comes later than that is
 * slept for, which is found out for the device and for the kernel by themselves.
 */
#ifndef VIRTIOFS_FUSE_LOOKING_H
#define VIRTIOFS_FUSE_LOOKING_H

#include <stdbool.h>
#include <stdint.h>

#include "fuse/patience.h"

struct looking {
	struct vfs_patience answers;
	struct vfs_patience messages;
	struct vfs_patience *waits; /* NULL: nobody wants to know for how long */
	uint64_t began_ns;
	uint64_t until_ns;
};

void looking_init(struct looking *looking, enum vfs_poll poll);

/*
 * Begin to wait: for an answer if there are requests @in_flight, or for a message of the kernel.
 * @large: much data goes to and fro, which takes longer than this. False: sleep at once.
 */
bool looking_begin(struct looking *looking, unsigned int in_flight, bool large);

/* Not yet long enough. */
bool looking_on(const struct looking *looking);

/* There is something; @looked: without sleeping. */
void looking_end(struct looking *looking, bool looked);

bool looking_never_sleeps(const struct looking *looking);

#endif
