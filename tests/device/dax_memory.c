/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dax_memory.h"

#define PIECE 65536u

/* Anonymous memory: pages of it that are never shown take no room. */
static char *map_shared(int fd, uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int dax_memory_create(struct dax_memory *memory, uint64_t size)
{
	*memory = (struct dax_memory){.fd = -1, .size = size};
	if (!size)
		return 0;
	memory->fd = memfd_create("virtiofs-device window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory->fd < 0 || ftruncate(memory->fd, (off_t)size) < 0)
		return -errno;
	/* A client that maps it can know that it stays. */
	if (fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	memory->host = map_shared(memory->fd, size);
	memory->last = map_shared(-1, size);
	return memory->host && memory->last ? 0 : -ENOMEM;
}

void dax_memory_destroy(struct dax_memory *memory)
{
	if (memory->host)
		munmap(memory->host, memory->size);
	if (memory->last)
		munmap(memory->last, memory->size);
	if (memory->fd >= 0)
		close(memory->fd);
}

/* How much of a mapping the file has. 0 to its size, or -errno */
static int64_t bytes_in_file(int fd, const struct dax_mapping *m)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return -errno;
	if ((uint64_t)stat.st_size <= m->file_offset)
		return 0;
	return (uint64_t)stat.st_size - m->file_offset < m->size
		       ? (int64_t)((uint64_t)stat.st_size - m->file_offset)
		       : (int64_t)m->size;
}

/* The next bytes from @at that are not equal; false: there are none. */
static bool next_difference(const char *a, const char *b, size_t size, size_t *at, size_t *length)
{
	size_t i = *at, end;

	while (size - i >= 64 && memcmp(a + i, b + i, 64) == 0)
		i += 64;
	while (i < size && a[i] == b[i])
		i++;
	for (end = i; end < size && a[end] != b[end];)
		end++;
	*at = i;
	*length = end - i;
	return i < size;
}

static int write_all(int fd, const char *from, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, from, size, (off_t)offset);

		if (n < 0)
			return -errno;
		from += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/* A copy first: the driver may go on writing. */
static int collect_piece(int fd, uint64_t offset, const char *host, char *last, size_t size)
{
	char now[PIECE];
	size_t at = 0, length;
	int r = 0;

	memcpy(now, host, size);
	while (r == 0 && next_difference(now, last, size, &at, &length)) {
		r = write_all(fd, now + at, length, offset + at);
		at += length;
	}
	if (r == 0)
		memcpy(last, now, size);
	return r;
}

/* How much of @size bytes at @at is in the first @in_file ones. */
static size_t part_in_file(uint64_t at, size_t size, uint64_t in_file)
{
	if (at >= in_file)
		return 0;
	return in_file - at < size ? (size_t)(in_file - at) : size;
}

/* What is past the file's end is not in the file: it stays where it is. */
static int collect(void *opaque, int fd, const struct dax_mapping *m)
{
	struct dax_memory *memory = opaque;
	const char *host = memory->host + m->window_offset;
	char *last = memory->last + m->window_offset;
	int64_t in_file = bytes_in_file(fd, m);
	uint64_t at;
	int r = in_file < 0 ? (int)in_file : 0;

	for (at = 0; r == 0 && at < (uint64_t)in_file; at += PIECE) {
		size_t n = part_in_file(at, PIECE, (uint64_t)in_file);

		if (memcmp(host + at, last + at, n) != 0)
			r = collect_piece(fd, m->file_offset + at, host + at, last + at, n);
	}
	return r;
}

/* From @now; all of it, or what is another than before: the rest the driver may have changed. */
static void show(const char *now, char *host, char *last, size_t size, bool all)
{
	size_t at = 0, length;

	if (all) {
		memcpy(host, now, size);
		memcpy(last, now, size);
		return;
	}
	while (next_difference(now, last, size, &at, &length)) {
		memcpy(host + at, now + at, length);
		memcpy(last + at, now + at, length);
		at += length;
	}
}

/* Where nothing is shown there are zeroes, which take no room. */
static int unmap(void *opaque, uint64_t offset, uint64_t size)
{
	struct dax_memory *memory = opaque;

	if (fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		    (off_t)size) < 0 ||
		madvise(memory->last + offset, size, MADV_DONTNEED) < 0)
		return -errno;
	return 0;
}

static int refresh(void *opaque, int fd, const struct dax_mapping *part, bool all)
{
	struct dax_memory *memory = opaque;
	int64_t in_file = bytes_in_file(fd, part);
	uint64_t at;

	if (in_file < 0)
		return (int)in_file;
	for (at = 0; at < part->size; at += PIECE) {
		size_t n = part->size - at < PIECE ? (size_t)(part->size - at) : PIECE;
		size_t have = part_in_file(at, n, (uint64_t)in_file);
		char now[PIECE] = {0};

		/* If it has become shorter meanwhile there are zeroes. */
		if (have && pread(fd, now, have, (off_t)(part->file_offset + at)) < 0)
			return -errno;
		show(now, memory->host + part->window_offset + at,
			memory->last + part->window_offset + at, n, all);
	}
	return 0;
}

/* What is behind the file's end is zeroes already. */
static int map(void *opaque, int fd, const struct dax_mapping *mapping)
{
	struct dax_mapping part = *mapping;
	int64_t in_file = bytes_in_file(fd, mapping);

	if (in_file < 0)
		return (int)in_file;
	part.size = (uint64_t)in_file;
	return refresh(opaque, fd, &part, true);
}

void dax_memory_attach(struct dax_memory *memory, struct dax *dax)
{
	const struct dax_view view = {.map = map,
		.unmap = unmap,
		.collect = collect,
		.refresh = refresh,
		.opaque = memory};

	dax_attach(dax, &view);
}
