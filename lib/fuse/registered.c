/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"
#include "fuse/fuse.h"

void vfs_mem_table_init(struct vfs_mem_table *table)
{
	pthread_mutex_init(&table->lock, NULL);
	/* Nothing was ever found in this one. */
	atomic_init(&table->generation, 1);
}

/* Where memory that begins at @start is, or would be. */
static size_t place_of(const struct vfs_mem_table *table, const void *start)
{
	size_t from = 0;
	size_t to = table->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (table->mems[middle]->mapping.base <= (const uint8_t *)start)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

struct vfs_mem *vfs_mem_search(
	struct vfs_mem_table *table, struct vfs_mem_hit *hit, const struct iovec *iov, bool written)
{
	size_t place;

	pthread_mutex_lock(&table->lock);
	place = place_of(table, iov->iov_base);
	hit->mem = place ? table->mems[place - 1] : NULL;
	hit->generation = atomic_load(&table->generation);
	pthread_mutex_unlock(&table->lock);
	return hit->mem && vfs_mem_has(hit->mem, iov, written) ? hit->mem : NULL;
}

static int insert(struct vfs_mem_table *table, struct vfs_mem *mem)
{
	size_t place = place_of(table, mem->mapping.base);
	struct vfs_mem **mems = reallocarray(table->mems, table->count + 1, sizeof(*mems));

	if (!mems)
		return vfs_error(-ENOMEM, "out of memory");
	table->mems = mems;
	memmove(&mems[place + 1], &mems[place], (table->count - place) * sizeof(*mems));
	mems[place] = mem;
	table->count++;
	atomic_fetch_add(&table->generation, 1);
	return 0;
}

static void take_out(struct vfs_mem_table *table, const struct vfs_mem *mem)
{
	size_t place = place_of(table, mem->mapping.base) - 1;

	table->count--;
	memmove(&table->mems[place], &table->mems[place + 1],
		(table->count - place) * sizeof(table->mems[0]));
	atomic_fetch_add(&table->generation, 1);
}

static int check_file(const struct vfs_mem_description *d)
{
	struct stat st;

	if (fstat(d->fd, &st) < 0)
		return vfs_error(-EINVAL, "no descriptor of the memory: %s", strerror(errno));
	if ((uint64_t)st.st_size < d->fd_offset || (uint64_t)st.st_size - d->fd_offset < d->length)
		return vfs_error(-EINVAL, "the memory's file is shorter than %zu bytes from %llu",
			d->length, (unsigned long long)d->fd_offset);
	return 0;
}

static int check_description(const struct vfs_session *session, const struct vfs_mem_description *d)
{
	const struct vfs_dma_limits *limits = &session->device->transport->limits;
	const char *name = session->device->info.name;
	uint64_t page = limits->page_size;

	if (!d->length || ((uintptr_t)d->addr | d->length) % page ||
		d->length > UINTPTR_MAX - (uintptr_t)d->addr || (d->fd >= 0 && d->fd_offset % page))
		return vfs_error(-EINVAL, "memory has to be whole pages of %llu bytes",
			(unsigned long long)page);
	if (d->access > VFS_MEM_READ_ONLY)
		return vfs_error(-EINVAL, "access %u to memory is not known", d->access);
	if (limits->translation == VFS_MEMORY_TABLE && d->fd < 0)
		return vfs_error(-ENOTSUP,
			"%s is another process: it cannot have memory without a descriptor "
			"(memfd_create)",
			name);
	if (limits->translation == VFS_UNTRANSLATED && !vfs_memory_stays(d->addr, d->length))
		return vfs_error(-ENOTSUP,
			"%s has no IOMMU: memory has to be huge pages, or locked, to keep its "
			"place",
			name);
	return d->fd >= 0 ? check_file(d) : 0;
}

static bool overlaps(const struct vfs_mem_table *table, const struct vfs_mem_description *d)
{
	size_t place = place_of(table, (const uint8_t *)d->addr + d->length - 1);
	const struct vfs_mapping *before = place ? &table->mems[place - 1]->mapping : NULL;

	return before && before->base + before->size > (const uint8_t *)d->addr;
}

/* Both of a device's own messages and of this are on one socket. */
static int map(struct vfs_session *session, struct vfs_mem *mem)
{
	int r;

	pthread_mutex_lock(&session->device->check_lock);
	r = vfs_session_check(session);
	if (r == 0)
		r = vfs_mapping_create(&session->space, &mem->mapping);
	pthread_mutex_unlock(&session->device->check_lock);
	return r;
}

static void unmap(struct vfs_mem *mem)
{
	pthread_mutex_lock(&mem->session->device->check_lock);
	vfs_mapping_destroy(&mem->mapping);
	pthread_mutex_unlock(&mem->session->device->check_lock);
}

static int map_and_insert(
	struct vfs_session *session, struct vfs_mem *mem, const struct vfs_mem_description *d)
{
	struct vfs_mem_table *table = &session->mems;
	int r;

	pthread_mutex_lock(&table->lock);
	if (overlaps(table, d))
		r = vfs_error(-EEXIST, "part of the memory is registered already");
	else
		r = map(session, mem);
	if (r == 0) {
		r = insert(table, mem);
		if (r < 0)
			unmap(mem);
	}
	pthread_mutex_unlock(&table->lock);
	return r;
}

static int prepare_memory(
	struct vfs_session *session, struct vfs_mem *mem, const struct vfs_mem_description *d)
{
	bool written = d->access == VFS_MEM_READ_WRITE;
	int r = vfs_memory_keep_from_children(d->addr, d->length);

	if (r == 0 && session->space.addressing == VFS_ADDRESSING_PHYSICAL)
		r = vfs_memory_populate(d->addr, d->length, written);
	if (r < 0)
		return r;
	mem->session = session;
	mem->memory.fd = -1;
	mem->uses = calloc(session->num_rings, VFS_MEM_USES_STRIDE * sizeof(*mem->uses));
	mem->mapping = (struct vfs_mapping){
		.base = d->addr,
		.size = d->length,
		.readable = written ? 0 : d->length,
		.page_size = VFS_PAGE_SIZE,
		.fd = d->fd < 0 ? -1 : fcntl(d->fd, F_DUPFD_CLOEXEC, 0),
		.fd_offset = d->fd_offset,
	};
	if (!mem->uses)
		return vfs_error(-ENOMEM, "out of memory");
	if (d->fd >= 0 && mem->mapping.fd < 0)
		return vfs_error(-errno, "cannot keep a descriptor: %s", strerror(errno));
	return 0;
}

/* All but the device's part of it. */
static void release(struct vfs_mem *mem)
{
	if (mem->memory.base)
		vfs_memory_destroy(&mem->memory);
	else
		(void)madvise(mem->mapping.base, mem->mapping.size, MADV_DOFORK);
	if (mem->mapping.fd >= 0)
		close(mem->mapping.fd);
	free(mem->uses);
	free(mem);
}

VFS_EXPORT int vfs_mem_register(struct vfs_session *session,
	const struct vfs_mem_description *description, struct vfs_mem **result)
{
	struct vfs_mem *mem;
	int r = check_description(session, description);

	if (r < 0)
		return r;
	mem = calloc(1, sizeof(*mem));
	if (!mem)
		return vfs_error(-ENOMEM, "out of memory");
	mem->mapping.fd = -1;
	r = prepare_memory(session, mem, description);
	if (r == 0)
		r = map_and_insert(session, mem, description);
	if (r == 0)
		*result = mem;
	else
		release(mem);
	return r;
}

static int alloc_of(struct vfs_session *session, size_t length, bool huge, struct vfs_mem **result)
{
	struct vfs_memory memory;
	struct vfs_mem_description description;
	size_t size = align_up(length, huge ? VFS_HUGE_PAGE_SIZE : VFS_PAGE_SIZE);
	int r = vfs_memory_create(&memory, size, "libvirtiofs data", huge);

	if (r < 0)
		return r;
	description = (struct vfs_mem_description){
		.addr = memory.base, .length = memory.size, .fd = memory.fd};
	r = vfs_mem_register(session, &description, result);
	if (r < 0)
		vfs_memory_destroy(&memory);
	else
		(*result)->memory = memory;
	return r;
}

VFS_EXPORT int vfs_mem_alloc(
	struct vfs_session *session, size_t length, void **addr, struct vfs_mem **result)
{
	int r = -ENOMEM;

	if (!length || length > SIZE_MAX / 2)
		return vfs_error(-EINVAL, "%zu bytes of memory cannot be had", length);
	if (vfs_session_huge_pages(session))
		r = alloc_of(session, length, true, result);
	if (r == -ENOMEM && vfs_session_small_pages(session))
		r = alloc_of(session, length, false, result);
	if (r == 0)
		*addr = (*result)->memory.base;
	return r;
}

static bool is_used(const struct vfs_mem *mem)
{
	unsigned int i;

	for (i = 0; i < mem->session->num_rings; i++)
		if (atomic_load_explicit(&mem->uses[i * VFS_MEM_USES_STRIDE], memory_order_acquire))
			return true;
	return false;
}

VFS_EXPORT int vfs_mem_unregister(struct vfs_mem *mem)
{
	struct vfs_mem_table *table;
	bool used;

	if (!mem)
		return 0;
	table = &mem->session->mems;
	pthread_mutex_lock(&table->lock);
	used = is_used(mem);
	if (!used) {
		take_out(table, mem);
		unmap(mem);
	}
	pthread_mutex_unlock(&table->lock);
	if (used)
		return vfs_error(-EBUSY, "the memory is in use by a request of %s",
			mem->session->device->info.name);
	release(mem);
	return 0;
}

void vfs_mem_table_end(struct vfs_mem_table *table)
{
	while (table->count > 0) {
		struct vfs_mem *mem = table->mems[--table->count];

		unmap(mem);
		release(mem);
	}
	free(table->mems);
	table->mems = NULL;
	pthread_mutex_destroy(&table->lock);
}
