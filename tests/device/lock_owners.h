/* SPDX-License-Identifier: MIT */
/*
 * File locks of the driver's lock owners. Each owner of locks on a file has an open file of its
 * own there, whose locks (F_OFD_SETLK) are then its and nobody else's: not those of another owner,
 * nor of any process on this machine.
 */
#ifndef DEVICE_LOCK_OWNERS_H
#define DEVICE_LOCK_OWNERS_H

#include <stdint.h>

struct lock_owners;

struct lock_owners *lock_owners_create(void);
void lock_owners_destroy(struct lock_owners *owners);

/*
 * The file that @owner has for locks on the one behind @fd, opened if need be; it asks by what it
 * has opened as @handle. It is a copy, to be closed. -errno; -EINVAL: it is no regular file.
 */
int lock_owners_open(struct lock_owners *owners, int fd, uint64_t handle, uint64_t owner);

/* All of its locks on the file behind @fd go. */
void lock_owners_drop(struct lock_owners *owners, int fd, uint64_t owner);

/*
 * Nobody has @handle any more: the locks go that were last asked for by it. Linux tells nothing
 * else when an open file goes that has locks of its own.
 */
void lock_owners_release(struct lock_owners *owners, uint64_t handle);

/* All locks go. */
void lock_owners_clear(struct lock_owners *owners);

#endif
