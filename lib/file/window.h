/* SPDX-License-Identifier: MIT */
/*
 * Files in the DAX window. Whether a file is accessed through it is decided when it is opened and
 * nobody else has it open, and stays so; nothing is kept of such a file otherwise (data.h). What
 * cannot be done in the window is done by request: behind the last whole unit of the file, where it
 * grows, and where no range is to be had. The server sees to it that both show the same.
 *
 * A pin is held for one copy, and nothing else is waited for meanwhile.
 */
#ifndef VFS_FILE_WINDOW_H
#define VFS_FILE_WINDOW_H

#include "dax/dax.h"
#include "dax/server.h"
#include "file/fs.h"
#include "file/iter.h"

#define VFS_WINDOW_STRIPES 8u

/* What all open files count, in pieces that processors do not take from each other. */
struct vfs_window_counters {
	_Atomic uint64_t read_bytes;
	_Atomic uint64_t written_bytes;
	_Atomic uint64_t misfits;
	_Atomic uint64_t faults;
} __attribute__((aligned(64)));

/* The window of a mount. */
struct vfs_window {
	struct vfs_fs *fs;
	struct vfs_dax *dax;
	int guard;	/* see vfs_guard_acquire() */
	uint64_t unit;	/* bytes, of which mappings are made up */
	uint64_t range; /* bytes */
	atomic_bool off;
	atomic_bool looked;   /* at what kind of memory it is */
	pthread_mutex_t lock; /* of looking, and of what applications have mapped: */
	struct vfs_dax_memory memory;
	struct vfs_list maps; /* see map.c */
	struct vfs_window_counters counters[VFS_WINDOW_STRIPES];
};

/*
 * The window as the options want it; fs->window is NULL if it is not to be used. -ENOTSUP and other
 * errors: the options insist.
 */
int vfs_window_create(struct vfs_fs *fs);

/* No node is left. */
void vfs_window_destroy(struct vfs_fs *fs);

/* A regular file has been opened: decide whether it is accessed through the window. */
void vfs_window_open(struct vfs_file *file);

/* Is it? */
bool vfs_file_in_window(const struct vfs_file *file);

/*
 * Pin the part of a file with @offset, for as much as the file has in whole units (@size: of the
 * file). @what: VFS_DAX_*. -EOPNOTSUPP: the window turned out not to be worth it.
 */
int vfs_window_pin(struct vfs_file *file, uint64_t offset, uint64_t limit, unsigned int what,
	struct vfs_dax_pin *pin);

/* The same for a pointer that is handed out, see vfs_dax_pin_span(). */
int vfs_window_hold(struct vfs_file *file, uint64_t offset, uint64_t length, uint64_t limit,
	unsigned int what, struct vfs_dax_pin *pin);

/* What does not begin in a whole unit of a file of this size is not in the window. */
static inline uint64_t vfs_window_end(const struct vfs_window *window, uint64_t size)
{
	return size & ~(window->unit - 1);
}

/* vfs_file_read() of a file in the window. */
ssize_t vfs_window_read(struct vfs_file *file, struct vfs_iter *to, uint64_t offset);

/*
 * Write what can be written in the window, from its beginning on: how many bytes. The rest is to be
 * written by request.
 */
size_t vfs_window_write(struct vfs_file *file, struct vfs_iter *from, uint64_t offset);

/* What lies behind @size is not shown any more. */
void vfs_window_cut(struct vfs_node *node, uint64_t size);

/* It was written to in the window, which the server does not see. */
void vfs_window_soiled(struct vfs_node *node);

/*
 * Tell the server that it was, so that its times are right: when it is closed, brought to stable
 * storage, or asked for its attributes. @file: one that is open for writing, or NULL.
 */
void vfs_window_tell(struct vfs_node *node, const struct vfs_file *file);

/* What applications have mapped of all files ends (map.c). */
void vfs_maps_end(struct vfs_window *window);

#endif
