/* SPDX-License-Identifier: MIT */
/*
 * The driver's memory as the device sees it: regions of it that are mapped here, and how an
 * address becomes a pointer into one. Without an IOTLB a bus address lies in a region as it is;
 * with one, the IOTLB says which user address it stands for.
 */
#ifndef DEVICE_MEMORY_H
#define DEVICE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum access { ACCESS_READ = 1, ACCESS_WRITE = 2 };

/* BUS: what the driver puts in descriptors. USER: the other process's own addresses. */
enum space { SPACE_BUS, SPACE_USER };

struct memory;

struct memory_region {
	uint64_t bus;
	uint64_t user;
	uint64_t size;
	uint64_t offset; /* of the region in its file */
	enum access access;
};

/* Asks for a translation; the answer comes by memory_translate(). Called without any lock. */
typedef int (*memory_miss)(void *opaque, uint64_t address, enum access access);

struct memory *memory_create(void);
void memory_destroy(struct memory *m);

/*
 * Map a region; @fd remains the caller's. Without one (-1), and then without access, the region is
 * only known. -ENOMEM, -EINVAL, -EEXIST: it overlaps another, or what mmap() says.
 */
int memory_add(struct memory *m, const struct memory_region *region, int fd);

/* Is any of these bus addresses in a region? */
bool memory_overlaps(struct memory *m, uint64_t bus, uint64_t size);

/* Forget the region that starts at @bus. -ENOENT */
int memory_remove(struct memory *m, uint64_t bus, uint64_t size);

/* Forget the regions that lie in a range, of which there may be none. -EINVAL: it cuts one. */
int memory_remove_inside(struct memory *m, uint64_t bus, uint64_t size);

/* Forget all regions; translations stay. */
void memory_clear_regions(struct memory *m);

/* From now on bus addresses are translated; @miss NULL: no longer. Drops all translations. */
void memory_use_iotlb(struct memory *m, memory_miss miss, void *opaque);

/* The IOTLB: @bus..@bus + @size is at @user. -EINVAL if that overflows. */
int memory_translate(
	struct memory *m, uint64_t bus, uint64_t user, uint64_t size, enum access access);

/* When it returns nobody uses a translation of that range any more. */
void memory_invalidate(struct memory *m, uint64_t bus, uint64_t size);

/*
 * One thread's way to the memory. Pointers hold between view_begin() and view_end(), which should
 * be short: whoever takes memory away waits for it.
 */
struct view {
	struct memory *memory;
	uint64_t missed; /* the address that had no translation */
	enum access missed_access;
};

/* A run of memory that was looked up before. Zeroed is empty. */
struct window {
	uint64_t start;
	size_t size;
	char *host;
	uint64_t generation;
};

void view_begin(struct view *view);
void view_end(struct view *view);

/*
 * The pointer to @size bytes at @address, in one piece; NULL if not all of them can be reached,
 * then view_resolve() says whether to try again.
 */
void *view_at(struct view *view, struct window *window, enum space space, uint64_t address,
	size_t size, enum access access);

/* Copy to or from bus addresses, in as many pieces as needed. 0 or -EFAULT */
int view_read(struct view *view, uint64_t address, void *buffer, size_t size);
int view_write(struct view *view, uint64_t address, const void *buffer, size_t size);

/*
 * After -EFAULT, outside of view_begin() and view_end(): ask for the missing translation and wait
 * for it. 0: try again. -EFAULT: there is none. -ECANCELED: memory_cancel().
 */
int view_resolve(struct view *view);

/* Lets nobody wait in view_resolve() while @on. */
void memory_cancel(struct memory *m, bool on);

/* No translation will come for this address: ends view_resolve() with -EFAULT. */
void memory_refuse(struct memory *m, uint64_t bus);

#endif
