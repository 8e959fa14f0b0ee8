/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include <vfs/observe.h>

#include "dma/fake_memfd.h"

#define HUGE_SIZE_BITS (0x3fu << 26)

struct fake_memfd fake_memfd;

int __real_memfd_create(const char *name, unsigned int flags);
int __wrap_memfd_create(const char *name, unsigned int flags);

/* Of a session, which the device does not see. */
static bool is_for_readers(const char *name)
{
	return strncmp(name, VFS_OBSERVE_PAGE, strlen(VFS_OBSERVE_PAGE)) == 0 ||
	       strncmp(name, VFS_OBSERVE_WISH, strlen(VFS_OBSERVE_WISH)) == 0;
}

int __wrap_memfd_create(const char *name, unsigned int flags)
{
	if (!(flags & MFD_HUGETLB)) {
		fake_memfd.num_small += !is_for_readers(name);
		return __real_memfd_create(name, flags);
	}
	fake_memfd.num_huge++;
	if (!fake_memfd.huge) {
		errno = ENOENT;
		return -1;
	}
	return __real_memfd_create(name, flags & ~(MFD_HUGETLB | HUGE_SIZE_BITS));
}
