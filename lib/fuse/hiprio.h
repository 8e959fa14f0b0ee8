/* SPDX-License-Identifier: MIT */
/*
 * The hiprio queue (virtio 1.3 §5.11.6.2): FORGET and INTERRUPT. Unlike a request queue it belongs
 * to no thread, as any of them may have something to forget; a lock that is held for moments only
 * is what they share.
 */
#ifndef VFS_HIPRIO_H
#define VFS_HIPRIO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "fuse/backlog.h"

struct vfs_queue;
struct vfs_request;

struct vfs_hiprio {
	pthread_mutex_t lock;
	struct vfs_queue *queue;
	struct vfs_forget_backlog backlog;
	unsigned int forgets; /* messages with FORGETs that are under way */
	atomic_bool waiting;  /* some found no room, for those who do not hold the lock */
};

/* -ENOMEM */
int vfs_hiprio_init(struct vfs_hiprio *hiprio, struct vfs_queue *queue);
void vfs_hiprio_fini(struct vfs_hiprio *hiprio);

/*
 * Send INTERRUPT for a request that the device has. -EAGAIN: there is no room now. Otherwise as
 * vfs_session_check().
 */
int vfs_hiprio_interrupt(struct vfs_hiprio *hiprio, struct vfs_request *target);

/* Collect what the device has done. For threads that come by; without a message. */
void vfs_hiprio_collect(struct vfs_hiprio *hiprio);

/* The same, when its descriptor is readable. */
void vfs_hiprio_woken(struct vfs_hiprio *hiprio);

#endif
