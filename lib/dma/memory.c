/* SPDX-License-Identifier: MIT */
/* Memory that another process can map: a memfd, from huge pages or not. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/core.h"
#include "dma/dma.h"

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

static int no_room(size_t size, bool huge)
{
	if (huge)
		return vfs_error(-ENOMEM,
			"the memory for the device has to be hugepages, and %zu of 2 MiB are not "
			"free: raise the sysctl vm.nr_hugepages",
			size / VFS_HUGE_PAGE_SIZE);
	return vfs_error(-ENOMEM, "cannot get %zu bytes for the device: %s", size, strerror(errno));
}

int vfs_memory_keep_from_children(void *base, size_t size)
{
	/* A child must not keep pinned pages, nor see them copied. */
	if (madvise(base, size, MADV_DONTFORK) < 0)
		return vfs_error(
			-errno, "cannot keep the memory from children: %s", strerror(errno));
	return 0;
}

static int create(struct vfs_memory *memory, const char *name, bool huge)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	void *base;

	memory->fd = memfd_create(name, huge ? flags | MFD_HUGETLB | MFD_HUGE_2MB : flags);
	if (memory->fd < 0 && huge)
		return no_room(memory->size, huge);
	if (memory->fd < 0)
		return vfs_error(
			-errno, "cannot create memory for the device: %s", strerror(errno));
	if (ftruncate(memory->fd, (off_t)memory->size) < 0)
		return no_room(memory->size, huge);
	/* Nobody shrinks it under the device. */
	(void)fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	base = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		memory->fd, 0);
	if (base == MAP_FAILED)
		return no_room(memory->size, huge);
	memory->base = base;
	return vfs_memory_keep_from_children(memory->base, memory->size);
}

int vfs_memory_create(struct vfs_memory *memory, size_t size, const char *name, bool huge)
{
	int r;

	*memory = (struct vfs_memory){.fd = -1, .size = size};
	r = create(memory, name, huge);
	if (r < 0)
		vfs_memory_destroy(memory);
	return r;
}

void vfs_memory_destroy(struct vfs_memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->size);
	if (memory->fd >= 0)
		close(memory->fd);
	*memory = (struct vfs_memory){.fd = -1};
}
