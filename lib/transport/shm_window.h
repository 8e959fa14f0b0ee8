/* SPDX-License-Identifier: MIT */
/*
 * A shared-memory region of this process: a range of addresses in which parts of files are mapped
 * and unmapped at somebody else's word. What is not mapped cannot be accessed.
 */
#ifndef VFS_SHM_WINDOW_H
#define VFS_SHM_WINDOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vfs_shm_mapping;

struct vfs_shm_window {
	uint8_t *addr; /* NULL: there is none */
	uint64_t length;
	pthread_mutex_t lock; /* of: */
	struct vfs_shm_mapping *mappings;
};

/* A part of a file, and where in the window it is to be. */
struct vfs_shm_file {
	uint64_t offset;
	uint64_t length;
	int fd; /* not needed any more afterwards */
	uint64_t fd_offset;
	bool writable;
};

/* -EINVAL: the length is 0, not of whole pages, or more than there are addresses. -ENOMEM. */
int vfs_shm_window_create(struct vfs_shm_window *w, uint64_t length);
void vfs_shm_window_destroy(struct vfs_shm_window *w);

/*
 * -EINVAL: not whole pages inside the window, or not a file. -EEXIST: something is mapped there.
 * -EACCES: the descriptor is not for that. -ENOMEM.
 */
int vfs_shm_window_map(struct vfs_shm_window *w, const struct vfs_shm_file *file);

/* Whole mappings, also none. -EINVAL: it is a part of one, or as above. -ENOMEM. */
int vfs_shm_window_unmap(struct vfs_shm_window *w, uint64_t offset, uint64_t length);

/* Everything. */
void vfs_shm_window_clear(struct vfs_shm_window *w);

#endif
