/* SPDX-License-Identifier: MIT */
/* The memory of a page and of a wish (vfs/observe.h), for the session that writes it. */
#ifndef VFS_PAGE_H
#define VFS_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include <vfs/observe.h>

struct vfs_page {
	struct vfs_observe_page *head; /* the beginning of it; NULL: there is none */
	size_t size;
	size_t used;
	int fd;
	struct vfs_observe_wish *wish;
	int wish_fd;
};

/*
 * @device: for the names of the memfds. @size: of all that is going to be in it. It is present, so
 * that writing to it cannot fail, cannot shrink, and children do not have it. -ENOMEM and errors of
 * memfd_create().
 */
int vfs_page_create(struct vfs_page *page, const char *device, size_t size);
void vfs_page_destroy(struct vfs_page *page);

/* Room for @count elements, zeroed, on a cache line of their own; NULL, with a message: none. */
void *vfs_page_alloc(struct vfs_page *page, size_t count, size_t size);

/* What vfs_page_alloc() takes of it. */
size_t vfs_page_room(size_t count, size_t size);

/* Where something is in it. */
uint64_t vfs_page_offset(const struct vfs_page *page, const void *what);
struct vfs_observe_array vfs_page_array(
	const struct vfs_page *page, const void *first, size_t stride, size_t count);

/* Something went wrong. Of any thread. */
void vfs_page_text(struct vfs_page *page, const char *text);

#endif
