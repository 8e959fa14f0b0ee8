/* SPDX-License-Identifier: MIT */
/*
 * The ranges of a DAX window from the inside.
 *
 *                        map                      map
 *      free -----------> mapping -----------> readable, writable
 *       ^                 |  |  ^                |        |
 *       |  it has failed  |  |  | once more, for |        | is not pinned, and its
 *       +-----------------+  |  | writing or for |        | place is needed, or it
 *       |                    |  | what has grown |        | is not to be seen
 *       |                    |  +----------------+        v
 *       +--------------------|---------------------- reclaiming
 *             unmap          |                            |
 *                            +-------> retired <----------+
 *                                not known        it has failed
 *
 * Locks, from the outside inwards; no operation of the window is called with one of them.
 *
 * vfs_dax.lock: of the window. A range changes its state and its file with this lock and that of
 * the file, so either is enough to look at them. So who has this one alone may go from a range to
 * its file, which cannot go away meanwhile.
 *
 * vfs_dax_inode.lock: what a file has in the window, and who has pinned it. Enough by itself for
 * who finds what he wants, and for the end of a pin.
 *
 * Who waits for a range of a file does so on vfs_dax_inode.changed, which is told of each new
 * state, and, if vfs_dax_range.upgrade is set, of the end of its pins. Who waits for any range to
 * become free does so on vfs_dax.changed. He counts in vfs_dax.waiting before he looks at the pins,
 * and who unpins looks at vfs_dax.waiting after that, so that one of them sees the other.
 */
#ifndef VFS_DAX_RANGES_H
#define VFS_DAX_RANGES_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/core.h"
#include "core/list.h"
#include "dax/dax.h"

enum vfs_range_state {
	VFS_RANGE_FREE,
	VFS_RANGE_MAPPING, /* belongs to one who has it pinned */
	VFS_RANGE_READABLE,
	VFS_RANGE_WRITABLE,
	VFS_RANGE_RECLAIMING, /* belongs to one who has it in a list */
	VFS_RANGE_RETIRED,
	VFS_RANGE_STATES,
};

_Static_assert(VFS_RANGE_STATES == VFS_DAX_STATES, "each state is counted");

struct vfs_dax_range {
	enum vfs_range_state state;
	unsigned int pins; /* holds included */
	unsigned int holds;
	bool writable;	  /* if it is mapped */
	bool span;	  /* shows something once more, for a single pin */
	bool upgrade;	  /* somebody waits for the end of its pins, to map it again */
	atomic_bool used; /* since it was looked at for reclaiming */
	struct vfs_dax_inode *inode;
	uint64_t file_offset;
	uint64_t length;      /* of what is mapped of the file */
	struct vfs_list link; /* vfs_dax.free, or what somebody makes free */
} __attribute__((aligned(64)));

struct vfs_dax {
	struct vfs_dax_config config;
	struct vfs_dax_ops ops;
	void *ctx;
	struct vfs_dax_range *ranges;
	size_t num_ranges;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_size_t waiting; /* for a free range */
	atomic_size_t held;    /* ranges */
	struct vfs_list free;
	struct vfs_list inodes;
	uint64_t *count; /* ranges in each state */
	uint64_t own_count[VFS_RANGE_STATES];
	size_t kept;	    /* vfs_dax_inode.kept of all */
	size_t num_keepers; /* inodes that have any */
	size_t hand;	    /* the range to look at next for reclaiming */
	bool said;	    /* that one was retired */

	/* Of vfs_dax_stats. */
	uint64_t hits; /* of inodes that are no more */
	uint64_t maps;
	uint64_t upgrades;
	uint64_t unmaps;
	uint64_t unmap_calls;
	uint64_t reclaims;
	uint64_t stalls;

	pthread_t thread;
	pthread_cond_t work;
	bool scarce; /* there is something to do for it */
	bool stop;
	bool tried; /* to start it */
	bool running;
};

struct vfs_dax_shown {
	uint64_t part; /* where it begins in the file */
	struct vfs_dax_range *range;
};

/* A request that has failed, for those who have waited for it. */
struct vfs_dax_failure {
	uint64_t count;
	uint64_t part;
	bool writable;
	int error;
};

struct vfs_dax_inode {
	struct vfs_dax *dax;
	void *owner;
	struct vfs_list link; /* vfs_dax.inodes */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct vfs_dax_shown *shown; /* sorted by part; spans are not in it */
	size_t num_shown;
	size_t room;
	size_t kept; /* of these, those that are not being made free; with the lock of the window */
	size_t num_span; /* ranges */
	uint64_t hits;
	struct vfs_dax_failure failure;
};

/* What somebody wants to pin. */
struct vfs_dax_want {
	struct vfs_dax_inode *inode;
	uint64_t part;
	uint64_t offset;
	uint64_t need; /* up to there it has to be mapped */
	uint64_t limit;
	bool write;
	bool hold;
	bool only_try;
	bool stalled;
};

static inline bool vfs_range_is_mapped(const struct vfs_dax_range *range)
{
	return range->state == VFS_RANGE_READABLE || range->state == VFS_RANGE_WRITABLE;
}

static inline void vfs_dax_lock_both(struct vfs_dax_inode *inode)
{
	pthread_mutex_lock(&inode->dax->lock);
	pthread_mutex_lock(&inode->lock);
}

static inline void vfs_dax_unlock_both(struct vfs_dax_inode *inode)
{
	pthread_mutex_unlock(&inode->lock);
	pthread_mutex_unlock(&inode->dax->lock);
}

/* ---- ranges (range.c) ---- */

/* With both locks; that of the window if it has no file. */
void vfs_range_set_state(
	struct vfs_dax_range *range, struct vfs_dax *dax, enum vfs_range_state state);

/* Its file has it no longer. With both locks. */
void vfs_range_leave(struct vfs_dax_range *range, enum vfs_range_state state);

/* Nobody can have it mapped, or nobody wants it: with the lock of the window, without a file. */
void vfs_range_free(struct vfs_dax_range *range, struct vfs_dax *dax);

/* With the lock of the window: those who wait for a free range look again. */
void vfs_dax_wake(struct vfs_dax *dax);

void vfs_range_hold(struct vfs_dax_range *range);
void vfs_range_unhold(struct vfs_dax_range *range);

void vfs_range_fill_pin(
	struct vfs_dax_range *range, const struct vfs_dax_want *want, struct vfs_dax_pin *pin);

/* ---- what a file has in the window, with both locks or its own (inode.c) ---- */

struct vfs_dax_range *vfs_dax_find(const struct vfs_dax_inode *inode, uint64_t part);

/* There will be room for one more. -ENOMEM */
int vfs_dax_reserve(struct vfs_dax_inode *inode);
void vfs_dax_insert(struct vfs_dax_inode *inode, struct vfs_dax_range *range);
void vfs_dax_remove(struct vfs_dax_inode *inode, struct vfs_dax_range *range);

/* ---- requests, without locks (map.c) ---- */

/*
 * Map a range that is in state mapping: it is mapped then, or it has left its file. @again: for a
 * part that it has shown before, and has been taken out.
 */
int vfs_range_map(struct vfs_dax_range *range, uint64_t limit, bool writable, bool again);

/* The same for a range that is mapped still. */
int vfs_range_map_again(struct vfs_dax_range *range, uint64_t limit, bool writable);

/* Unmap all in the list; they are in this state then, or retired. @needed: for something else. */
int vfs_dax_unmap(
	struct vfs_dax *dax, struct vfs_list *list, enum vfs_range_state state, bool needed);

/* ---- making free (reclaim.c) ---- */

/* With both locks: it is being made free from now on, by whose list it is. */
void vfs_range_claim(struct vfs_dax_range *range, struct vfs_list *list);

/* With the lock of the window: the same, if it is mapped and not pinned. */
bool vfs_range_claim_idle(struct vfs_dax_range *range, struct vfs_list *list);

/*
 * With the lock of the window, which it lets go of meanwhile: what there is, or was, to be done so
 * that there is a free range. -EBUSY: nothing.
 */
int vfs_dax_make_room(struct vfs_dax *dax, bool hold);

/* With the lock of the window: one has been taken. */
void vfs_dax_look_after(struct vfs_dax *dax);
void vfs_dax_stop_thread(struct vfs_dax *dax);

/* ---- pins (pin.c, span.c) ---- */

int vfs_dax_pin_part(struct vfs_dax_want *want, struct vfs_dax_pin *pin);

void vfs_dax_unpin_span(struct vfs_dax_pin *pin);

#endif
