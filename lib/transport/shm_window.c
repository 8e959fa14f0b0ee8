/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "core/core.h"
#include "transport/shm_window.h"

/* They do not overlap. */
struct vfs_shm_mapping {
	uint64_t offset;
	uint64_t length;
	struct vfs_shm_mapping *next;
};

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Addresses with nothing behind them, in place of what was at @addr; NULL: anywhere. */
static void *reserve(void *addr, uint64_t length)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (addr ? MAP_FIXED : 0);
	void *p = length <= SIZE_MAX ? mmap(addr, length, PROT_NONE, flags, -1, 0) : MAP_FAILED;

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, length, MADV_DONTFORK);
	return p;
}

int vfs_shm_window_create(struct vfs_shm_window *w, uint64_t length)
{
	*w = (struct vfs_shm_window){0};
	if (!length || length % page_size())
		return vfs_error(-EINVAL, "a window of 0x%llx bytes is not of whole pages",
			(unsigned long long)length);
	w->addr = reserve(NULL, length);
	if (!w->addr)
		return vfs_error(-ENOMEM, "no addresses for a window of 0x%llx bytes",
			(unsigned long long)length);
	w->length = length;
	pthread_mutex_init(&w->lock, NULL);
	return 0;
}

static int check_range(const struct vfs_shm_window *w, uint64_t offset, uint64_t length)
{
	uint64_t page = page_size();

	if (!length || offset % page || length % page || length > w->length ||
		offset > w->length - length)
		return vfs_error(-EINVAL,
			"0x%llx bytes at 0x%llx are not whole pages inside the window",
			(unsigned long long)length, (unsigned long long)offset);
	return 0;
}

/*
 * Mapping a file must do no more than that. Pages of hugetlbfs are larger, and the kernel maps
 * whole ones, also over what is behind the window.
 */
static int check_file(const struct vfs_shm_file *file)
{
	struct statfs fs;
	struct stat st;

	if (file->fd_offset > INT64_MAX - file->length || file->fd_offset % page_size())
		return vfs_error(-EINVAL, "the file's offset 0x%llx is none of a page",
			(unsigned long long)file->fd_offset);
	if (fstat(file->fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatfs(file->fd, &fs) < 0)
		return vfs_error(-EINVAL, "what is to be mapped is not a file");
	if (fs.f_type == HUGETLBFS_MAGIC && file->length % (uint64_t)fs.f_bsize)
		return vfs_error(-EINVAL, "0x%llx bytes are not whole huge pages",
			(unsigned long long)file->length);
	return 0;
}

static bool overlaps(const struct vfs_shm_mapping *m, uint64_t offset, uint64_t length)
{
	return m->offset < offset + length && offset < m->offset + m->length;
}

static bool is_inside(const struct vfs_shm_mapping *m, uint64_t offset, uint64_t length)
{
	return m->offset >= offset && m->offset + m->length <= offset + length;
}

/*
 * In two steps: a file that cannot be mapped must not leave a hole in the window, where something
 * else could come to be; and a child must not get it in between.
 */
static int put_file(uint8_t *addr, const struct vfs_shm_file *file)
{
	int protection = PROT_READ | (file->writable ? PROT_WRITE : 0);
	void *p = mmap(
		NULL, file->length, protection, MAP_SHARED, file->fd, (off_t)file->fd_offset);
	int error;

	if (p == MAP_FAILED)
		return vfs_error(-errno, "the file cannot be mapped: %s", strerror(errno));
	(void)madvise(p, file->length, MADV_DONTFORK);
	if (mremap(p, file->length, file->length, MREMAP_MAYMOVE | MREMAP_FIXED, addr) == addr)
		return 0;
	error = errno;
	munmap(p, file->length);
	return vfs_error(-error, "the file cannot be mapped there: %s", strerror(error));
}

/* With the lock held. */
static int map_file(struct vfs_shm_window *w, const struct vfs_shm_file *file)
{
	struct vfs_shm_mapping *m;
	int r;

	for (m = w->mappings; m; m = m->next)
		if (overlaps(m, file->offset, file->length))
			return vfs_error(-EEXIST,
				"something is mapped at 0x%llx of the window already",
				(unsigned long long)m->offset);
	m = malloc(sizeof(*m));
	if (!m)
		return vfs_error(-ENOMEM, "out of memory");
	r = put_file(w->addr + file->offset, file);
	if (r < 0) {
		free(m);
		return r;
	}
	*m = (struct vfs_shm_mapping){
		.offset = file->offset, .length = file->length, .next = w->mappings};
	w->mappings = m;
	return 0;
}

int vfs_shm_window_map(struct vfs_shm_window *w, const struct vfs_shm_file *file)
{
	int r = check_range(w, file->offset, file->length);

	if (r == 0)
		r = check_file(file);
	if (r < 0)
		return r;
	pthread_mutex_lock(&w->lock);
	r = map_file(w, file);
	pthread_mutex_unlock(&w->lock);
	return r;
}

/* With the lock held. */
static int unmap_range(struct vfs_shm_window *w, uint64_t offset, uint64_t length)
{
	struct vfs_shm_mapping **p = &w->mappings;
	struct vfs_shm_mapping *m;

	for (m = w->mappings; m; m = m->next)
		if (overlaps(m, offset, length) && !is_inside(m, offset, length))
			return vfs_error(-EINVAL, "0x%llx bytes at 0x%llx are a part of a mapping",
				(unsigned long long)length, (unsigned long long)offset);
	if (!reserve(w->addr + offset, length))
		return vfs_error(-ENOMEM, "it cannot be unmapped: %s", strerror(errno));
	while ((m = *p) != NULL) {
		if (is_inside(m, offset, length)) {
			*p = m->next;
			free(m);
		} else {
			p = &m->next;
		}
	}
	return 0;
}

int vfs_shm_window_unmap(struct vfs_shm_window *w, uint64_t offset, uint64_t length)
{
	int r = check_range(w, offset, length);

	if (r < 0)
		return r;
	pthread_mutex_lock(&w->lock);
	r = unmap_range(w, offset, length);
	pthread_mutex_unlock(&w->lock);
	return r;
}

void vfs_shm_window_clear(struct vfs_shm_window *w)
{
	if (w->addr)
		(void)vfs_shm_window_unmap(w, 0, w->length);
}

void vfs_shm_window_destroy(struct vfs_shm_window *w)
{
	if (!w->addr)
		return;
	vfs_shm_window_clear(w);
	munmap(w->addr, w->length);
	pthread_mutex_destroy(&w->lock);
	w->addr = NULL;
}
