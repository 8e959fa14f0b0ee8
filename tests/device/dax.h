/* SPDX-License-Identifier: MIT */
/*
 * The DAX window (virtio 1.3, 5.11.6.4): which part of it shows which part of which file. What
 * the driver sees is made by whoever the device is attached to.
 */
#ifndef DEVICE_DAX_H
#define DEVICE_DAX_H

#include <stdbool.h>
#include <stdint.h>

/* log2 of what offsets are aligned to */
#define DAX_ALIGNMENT 12u

struct dax;

struct dax_mapping {
	uint64_t window_offset;
	uint64_t file_offset;
	uint64_t size;
	bool writable;
};

/*
 * Makes what the driver sees. 0 or -errno. The last two are of a view that shows copies, else NULL:
 * what the driver has changed goes into the file; a part is shown as it is in the file now, all of
 * it or only what has changed there.
 */
struct dax_view {
	int (*map)(void *opaque, int fd, const struct dax_mapping *mapping);
	int (*unmap)(void *opaque, uint64_t offset, uint64_t size);
	int (*collect)(void *opaque, int fd, const struct dax_mapping *mapping);
	int (*refresh)(void *opaque, int fd, const struct dax_mapping *part, bool all);
	void *opaque;
};

struct dax *dax_create(uint64_t size);
void dax_destroy(struct dax *dax);
uint64_t dax_size(const struct dax *dax);

/* NULL: nobody sees it any more; the mappings are forgotten. */
void dax_attach(struct dax *dax, const struct dax_view *view);

/*
 * Show a part of a file, in place of what was shown there. @fd remains the caller's. -EINVAL: not
 * aligned, or not in the window. -ENXIO: nobody to show it to.
 */
int dax_map(struct dax *dax, int fd, const struct dax_mapping *mapping);

/* Show nothing from @offset to @offset + @size. */
int dax_unmap(struct dax *dax, uint64_t offset, uint64_t size);

/* Show nothing. */
int dax_unmap_all(struct dax *dax);

/* Are copies shown? Only then the next two do anything. */
bool dax_copies(struct dax *dax);

/* The file that @fd is of, or for -1 every file, gets what the driver has written in the window. */
int dax_collect(struct dax *dax, int fd);

/*
 * The bytes of the file from @from to before @to have been replaced; or, if not @all of them, may
 * have been: what the driver has written where they were not stays.
 */
int dax_refresh(struct dax *dax, int fd, uint64_t from, uint64_t to, bool all);

#endif
