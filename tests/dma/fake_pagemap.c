/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/core.h"
#include "dma/fake_pagemap.h"

struct fake_pagemap fake_pagemap;

int fake_pagemap_read(const void *start, size_t page_size, size_t count, uint64_t *addresses)
{
	fake_pagemap.start = start;
	fake_pagemap.page_size = page_size;
	fake_pagemap.count = count;
	if (++fake_pagemap.looks == fake_pagemap.fail_look)
		return vfs_error(-EIO, "fake: pagemap");
	for (size_t i = 0; i < count; i++)
		addresses[i] = fake_pagemap.frame(i, fake_pagemap.looks) * page_size;
	return 0;
}

uint64_t frame_contiguous(size_t page, unsigned int look)
{
	(void)look;
	return FAKE_FIRST_FRAME + page;
}

/* Backwards, and with a hole behind each frame: neither side touches a neighbour. */
uint64_t frame_scattered(size_t page, unsigned int look)
{
	(void)look;
	return FAKE_FIRST_FRAME + 2 * (FAKE_FRAMES_MAX - page);
}

uint64_t frame_in_threes(size_t page, unsigned int look)
{
	(void)look;
	return FAKE_FIRST_FRAME + 4 * (FAKE_FRAMES_MAX - page / 3) + page % 3;
}
