/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/mman.h>

#include "dma/fake_memfd.h"

#define HUGE_SIZE_BITS (0x3fu << 26)

struct fake_memfd fake_memfd;

int __real_memfd_create(const char *name, unsigned int flags);
int __wrap_memfd_create(const char *name, unsigned int flags);

int __wrap_memfd_create(const char *name, unsigned int flags)
{
	if (!(flags & MFD_HUGETLB)) {
		fake_memfd.num_small++;
		return __real_memfd_create(name, flags);
	}
	fake_memfd.num_huge++;
	if (!fake_memfd.huge) {
		errno = ENOENT;
		return -1;
	}
	return __real_memfd_create(name, flags & ~(MFD_HUGETLB | HUGE_SIZE_BITS));
}
