/* SPDX-License-Identifier: MIT */
#include "looking.h"

#include <limits.h>

#include "clock.h"

/*
 * With more of them there is always something to do soon. Whoever sleeps meanwhile leaves the
 * processor to others, and finds several at once when he is woken.
 */
#define MAX_IN_FLIGHT 2

/*
 * What patience counts has this length here, one system call or so: then reading the clock is
 * little. It is meant for interrupts. Being woken by another program takes less, so that a look for
 * messages is made out to be longer than it is, and so is the time that they take.
 */
#define LOOK_NS	       1000u
#define MESSAGE_FACTOR 3u

/* Whoever never sleeps has to look after everything else from time to time. */
#define LOOKS_PER_CHECK 1000u

static void init_patience(struct vfs_patience *patience, enum vfs_poll poll)
{
	vfs_patience_init(patience, poll);
	vfs_patience_look_takes(patience, LOOK_NS * 1000);
}

void looking_init(struct looking *looking, enum vfs_poll poll)
{
	*looking = (struct looking){0};
	init_patience(&looking->answers, poll);
	init_patience(&looking->messages, poll);
}

static unsigned int factor_of(const struct looking *looking, const struct vfs_patience *patience)
{
	return patience == &looking->messages ? MESSAGE_FACTOR : 1;
}

bool looking_begin(struct looking *looking, unsigned int in_flight, bool large)
{
	struct vfs_patience *patience = in_flight ? &looking->answers : &looking->messages;
	bool adapts = patience->poll == VFS_POLL_AUTO;
	unsigned int looks;

	looking->waits = NULL;
	if (patience->poll == VFS_POLL_NEVER || (adapts && (large || in_flight > MAX_IN_FLIGHT)))
		return false;
	if (adapts)
		looking->waits = patience;
	looks = vfs_patience_begin(patience);
	if (looks == UINT_MAX)
		looks = LOOKS_PER_CHECK;
	looking->began_ns = now_ns();
	looking->until_ns = looking->began_ns +
			    (uint64_t)looks * LOOK_NS / factor_of(looking, patience);
	return looks > 0;
}

bool looking_on(const struct looking *looking)
{
	return now_ns() < looking->until_ns;
}

void looking_end(struct looking *looking, bool looked)
{
	struct vfs_patience *patience = looking->waits;

	if (patience)
		vfs_patience_end(patience,
			(now_ns() - looking->began_ns) * factor_of(looking, patience), looked);
	looking->waits = NULL;
}

bool looking_never_sleeps(const struct looking *looking)
{
	return looking->answers.poll == VFS_POLL_ALWAYS;
}
