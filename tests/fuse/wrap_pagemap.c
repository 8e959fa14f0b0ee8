/* SPDX-License-Identifier: MIT */
/*
 * Physical addresses for the whole library from fake_pagemap. Link with
 * --wrap=vfs_pagemap_read --wrap=vfs_pagemap_usable.
 */
#include "dma/dma.h"
#include "dma/fake_pagemap.h"

int __wrap_vfs_pagemap_read(const void *start, size_t page_size, size_t count, uint64_t *addresses);
bool __wrap_vfs_pagemap_usable(void);

int __wrap_vfs_pagemap_read(const void *start, size_t page_size, size_t count, uint64_t *addresses)
{
	return fake_pagemap_read(start, page_size, count, addresses);
}

/* As for a process without the capability, if there are none. */
bool __wrap_vfs_pagemap_usable(void)
{
	return fake_pagemap.frame != NULL;
}
