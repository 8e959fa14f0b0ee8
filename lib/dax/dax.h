/* SPDX-License-Identifier: MIT */
/*
 * The DAX window: which range of it shows which part of which file. Nothing here knows of devices
 * or messages: what puts parts of files into the window, and takes them out, is handed down.
 *
 * The window is divided into ranges of one size. A range is free, or it shows the part of a file
 * that begins at a multiple of that size; a part is shown once, but for spans (see below). What is
 * shown stays until the range is needed for something else.
 *
 * Who accesses a range has it pinned. A pin is for a copy, and then short: others may wait for its
 * end; or it is a hold, for as long as its owner wants, and nobody waits for that. So who has a
 * short pin must not ask for another one, but with VFS_DAX_HOLD, which never waits for pins.
 *
 * Any thread may call any function.
 */
#ifndef VFS_DAX_INTERNAL_H
#define VFS_DAX_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/dax.h>

struct vfs_dax;
struct vfs_dax_inode;
struct vfs_dax_range;

/* A part of a file, and where it is in the window. */
struct vfs_dax_mapping {
	uint64_t window_offset;
	uint64_t file_offset;
	uint64_t length;
	bool writable;
};

/*
 * How parts of files come into the window. @owner is what vfs_dax_inode_create() was given. Called
 * by several threads at once, for different ranges, without locks.
 */
struct vfs_dax_ops {
	/*
	 * At a place where there is nothing. Return: 0, or what whoever wanted it is told; nothing
	 * was changed then, or, with @unknown set, it is not known what has become of it, and the
	 * range is not used again.
	 */
	int (*map)(void *ctx, void *owner, const struct vfs_dax_mapping *mapping, bool *unknown);
	/*
	 * As many as vfs_dax_config.batch, of files of any owner; that of the first is given. NULL
	 * in the end: a range that is not used any more, as it is not known what it shows. After
	 * an error none of these ranges is used again.
	 */
	int (*unmap)(
		void *ctx, void *owner, const struct vfs_dax_mapping *mappings, unsigned int count);
};

#define VFS_DAX_BATCH_MAX 64u

/* Of ranges, in the order of the figures that are shown of them. */
#define VFS_DAX_STATES 6u

struct vfs_dax_config {
	void *window;	    /* where it is in this process */
	uint64_t length;    /* bytes; what is no whole range at its end is not used */
	uint64_t range;	    /* bytes, a power of 2 and a multiple of @unit */
	uint64_t unit;	    /* what offsets and lengths are multiples of, a power of 2 */
	unsigned int batch; /* most ranges in one call of unmap; no more than above */
	uint64_t *count;    /* where ranges are counted by their state; NULL: for nobody to see */
};

/*
 * -EINVAL: no range fits; -ENOMEM. Starts no thread: that is done when ranges become scarce
 * (fewer than a fifth are free) for the first time, and from then on the thread makes ranges free
 * in batches; where there can be none whoever needs a range does so.
 */
int vfs_dax_create(const struct vfs_dax_config *config, const struct vfs_dax_ops *ops, void *ctx,
	struct vfs_dax **result);

/* Takes everything out of the window. There are no inodes and pins any more. NULL is fine. */
void vfs_dax_destroy(struct vfs_dax *dax);

/* A file. @owner is for vfs_dax_ops. NULL: no memory */
struct vfs_dax_inode *vfs_dax_inode_create(struct vfs_dax *dax, void *owner);

/*
 * Takes what it has out of the window. Nothing of it is pinned; whoever is just making its ranges
 * free is waited for. NULL is fine.
 */
void vfs_dax_inode_destroy(struct vfs_dax_inode *inode);

/*
 * The file ends at @length now, or somebody has changed what it is: take what lies behind it, in
 * whole ranges, out of the window. What is pinned stays.
 */
void vfs_dax_trim(struct vfs_dax_inode *inode, uint64_t length);

/* Take out of the window what is not pinned, of all files. */
void vfs_dax_drop(struct vfs_dax *dax);

#define VFS_DAX_WRITE 1u /* it is going to be written to */
#define VFS_DAX_HOLD  2u /* for long */
#define VFS_DAX_TRY   4u /* if it is mapped already as it is wanted; never waits, for nobody */

/* Pinned memory. */
struct vfs_dax_pin {
	struct vfs_dax_range *range; /* the first of @count neighbours */
	unsigned int count;
	void *address;	 /* of the byte that was asked for */
	uint64_t length; /* of what is mapped from there on, up to the limit */
	bool hold;
};

/*
 * Pin the range with byte @offset of a file. @limit: up to there the file may be shown, a multiple
 * of the unit greater than @offset: the range is mapped up to there or to its end. If it is mapped
 * already, but for less, as the file was shorter then, it is mapped again as soon as a byte is
 * asked for that it does not show. A range that is mapped for reading is mapped again for writing.
 * Both are done when nobody has it pinned: new pins that are short wait for that, too.
 *
 * If all ranges are in use: waits for one whose pins are short.
 *
 * Return: 0, the errors of vfs_dax_ops, or
 *
 *   -EBUSY: all ranges, or this one, which would have to be mapped again, are held, or
 *   retired; with VFS_DAX_HOLD also: pinned
 *   -EAGAIN: with VFS_DAX_TRY, and then no message: it is not mapped, or not as it is wanted
 *   -EINVAL: @limit is not behind @offset
 *   -ENOMEM
 */
int vfs_dax_pin(struct vfs_dax_inode *inode, uint64_t offset, uint64_t limit, unsigned int flags,
	struct vfs_dax_pin *pin);

/*
 * Pin @length bytes from @offset on as one piece of memory, with VFS_DAX_HOLD implied. If they are
 * in more than one range of the file they are shown once more, in neighbouring ranges, for this pin
 * alone. Returns as vfs_dax_pin() does; -ENOSPC: there are not so many ranges.
 */
int vfs_dax_pin_span(struct vfs_dax_inode *inode, uint64_t offset, uint64_t length, uint64_t limit,
	unsigned int flags, struct vfs_dax_pin *pin);

void vfs_dax_unpin(struct vfs_dax_pin *pin);

/* The figures of ranges in @stats; the rest is left as it is. */
void vfs_dax_stats(struct vfs_dax *dax, struct vfs_dax_stats *stats);

#endif
