/* SPDX-License-Identifier: MIT */
/* The table of memory that a vhost-user daemon has: what is in it is all that it can reach. */
#ifndef VFS_VHOST_USER_MEMORY_H
#define VFS_VHOST_USER_MEMORY_H

#include "transport/vhost_user.h"

struct vfs_vhost_user_piece {
	struct vfs_vhost_user_region region;
	int fd; /* the arena's; it outlives the mapping */
};

struct vfs_vhost_user_memory {
	struct vfs_vhost_user_channel *channel;
	const char *name; /* the transport's */
	uint32_t max_pieces;
	bool slots; /* VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS was agreed on */
	struct vfs_vhost_user_piece pieces[VHOST_USER_REGIONS_MAX];
	unsigned int num_pieces;
	bool due; /* the daemon has not been told of them */
};

/* Before the first queue is enabled: tell the daemon, unless it knows. */
int vfs_vhost_user_memory_send(struct vfs_vhost_user_memory *memory);

/*
 * @running: queues are enabled, so the daemon has to be told at once. -ENOTSUP: it cannot be, or
 * there is no descriptor. -ENOMEM: it takes no more.
 */
int vfs_vhost_user_memory_add(
	struct vfs_vhost_user_memory *memory, const struct vfs_dma_map *map, bool running);

/* All that begins in this range. */
int vfs_vhost_user_memory_remove(
	struct vfs_vhost_user_memory *memory, uint64_t iova, uint64_t length, bool running);

#endif
