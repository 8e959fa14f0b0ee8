/* SPDX-License-Identifier: MIT */
/* Physical addresses as a test would like them to be. */
#ifndef TEST_FAKE_PAGEMAP_H
#define TEST_FAKE_PAGEMAP_H

#include <stddef.h>
#include <stdint.h>

struct fake_pagemap {
	/* The number of the frame, in pages of the size in question, at the how-manyth look. */
	uint64_t (*frame)(size_t page, unsigned int look);
	unsigned int looks;	/* so far */
	unsigned int fail_look; /* which of them fails with -EIO, from 1; 0: none */
	const void *start;	/* of the last look */
	size_t page_size;
	size_t count;
};

extern struct fake_pagemap fake_pagemap;

/* A vfs_pagemap_fn. */
int fake_pagemap_read(const void *start, size_t page_size, size_t count, uint64_t *addresses);

/* Some frames: one after the other; no two neighbours together; in runs of three. */
#define FAKE_FIRST_FRAME 0x300u
#define FAKE_FRAMES_MAX	 0x100000u
uint64_t frame_contiguous(size_t page, unsigned int look);
uint64_t frame_scattered(size_t page, unsigned int look);
uint64_t frame_in_threes(size_t page, unsigned int look);

#endif
