/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "dma/dma.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT	 (1ULL << 63)
#define PAGEMAP_PFN_MASK ((1ULL << 55) - 1)

static int read_entry(int fd, const void *page, uint64_t *entry)
{
	off_t offset = (off_t)((uintptr_t)page / VFS_PAGE_SIZE * sizeof(*entry));

	return pread(fd, entry, sizeof(*entry), offset) == (ssize_t)sizeof(*entry) ? 0 : -EIO;
}

int vfs_pagemap_read(const void *start, size_t page_size, size_t count, uint64_t *addresses)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t i;
	int r = 0;

	if (fd < 0)
		return vfs_error(-errno, "cannot open /proc/self/pagemap: %s", strerror(errno));
	for (i = 0; i < count && r == 0; i++) {
		uint64_t entry;

		if (read_entry(fd, (const char *)start + i * page_size, &entry) < 0)
			r = vfs_error(-EIO, "cannot read /proc/self/pagemap");
		else if (!(entry & PAGEMAP_PRESENT))
			r = vfs_error(-EIO, "memory for the device is not present");
		else if (!(entry & PAGEMAP_PFN_MASK))
			r = vfs_error(-EPERM, "physical addresses need CAP_SYS_ADMIN");
		else
			addresses[i] = (entry & PAGEMAP_PFN_MASK) * VFS_PAGE_SIZE;
	}
	close(fd);
	return r;
}

bool vfs_pagemap_usable(void)
{
	volatile char here = 0;
	uint64_t address;
	const char *page = (const char *)((uintptr_t)&here & ~(uintptr_t)(VFS_PAGE_SIZE - 1));

	return vfs_pagemap_read(page, VFS_PAGE_SIZE, 1, &address) == 0;
}
