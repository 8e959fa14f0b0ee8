/* SPDX-License-Identifier: MIT */
/*
 * A window of plain memory, and files of memory that are copied there when they are mapped and back
 * when they are unmapped. It judges each call, and what is pinned; as that is done in any thread,
 * the verdict is asked for in the end.
 */
#ifndef TESTS_DAX_STUB_H
#define TESTS_DAX_STUB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dax/dax.h"

#define RANGE	       256u
#define UNIT	       64u
#define MOST_RANGES    64u
#define RANGES(number) ((uint64_t)(number)*RANGE)

struct stub_file {
	unsigned int number;
	uint64_t size; /* now; the content is of its largest size */
	char *content;
	struct vfs_dax_inode *inode;
};

/* What is at a range. */
struct stub_place {
	struct stub_file *file; /* NULL: nothing */
	uint64_t file_offset;
	uint64_t length;
	bool writable;
	bool lost; /* it is not to be used any more */
	atomic_uint pins;
};

struct stub;
typedef void stub_hook_fn(struct stub *stub);

struct stub {
	struct vfs_dax *dax;
	char *memory;
	unsigned int num_ranges;
	unsigned int batch;
	struct stub_place places[MOST_RANGES];
	atomic_uint maps; /* calls */
	atomic_uint unmaps;
	atomic_uint unmap_calls;
	atomic_uint largest_batch;
	atomic_bool broken;

	/* The next call that comes fails. */
	int map_error;
	bool map_unknown;
	int unmap_error;

	/* In each call, before it does anything. */
	stub_hook_fn *on_map;
	stub_hook_fn *on_unmap;
	void *hook_ctx;
};

void stub_create(struct stub *stub, unsigned int num_ranges, unsigned int batch);
void stub_destroy(struct stub *stub);

void stub_file_create(
	struct stub *stub, struct stub_file *file, unsigned int number, uint64_t size);
/* Of the inode alone: the content is there still, to be looked at. */
void stub_file_close(struct stub_file *file);
void stub_file_destroy(struct stub_file *file);

char stub_byte(const struct stub_file *file, uint64_t offset);

/* As vfs_dax_pin() and vfs_dax_pin_span(); what has been pinned is looked at. */
int stub_pin(struct stub *stub, struct stub_file *file, uint64_t offset, unsigned int flags,
	struct vfs_dax_pin *pin);
int stub_pin_span(struct stub *stub, struct stub_file *file, uint64_t offset, uint64_t length,
	unsigned int flags, struct vfs_dax_pin *pin);
void stub_unpin(struct stub *stub, struct vfs_dax_pin *pin);

/* Pin and unpin; fails the test if that fails. */
void stub_touch(struct stub *stub, struct stub_file *file, uint64_t offset, unsigned int flags);

/* Where a part is shown; NULL: nowhere. */
struct stub_place *stub_find(struct stub *stub, const struct stub_file *file, uint64_t offset);

/* Something is wrong, for stub_check() to tell. */
void stub_broken(struct stub *stub, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Nothing was wrong, and, while nothing is under way, all figures fit. */
void stub_check(struct stub *stub);

/* The same with the manager's figures. */
struct vfs_dax_stats stub_stats(struct stub *stub);

#endif
