/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_SIZE (4u << 20)
#define LARGEST	  (1u << 20)
#define PAGE	  4096u

/* A file and what is to be in it. */
struct content {
	int fd;
	unsigned int unit; /* in which offsets and sizes are */
	char *file;
	char *io;
};

static void open_content(struct content *content, int flags, unsigned int unit)
{
	*content = (struct content){
		.fd = open("file", O_RDWR | O_CREAT | flags, 0644),
		.unit = unit,
		.file = calloc(1, FILE_SIZE),
		.io = aligned_alloc(PAGE, LARGEST),
	};
	load_must(content->fd >= 0 && content->file && content->io, "open");
	load_must(!ftruncate(content->fd, FILE_SIZE), "ftruncate");
}

static void close_content(struct content *content)
{
	load_must(!fsync(content->fd) && !close(content->fd), "fsync, close");
	free(content->file);
	free(content->io);
}

/* Most of them are small. */
static void choose(const struct content *content, size_t *offset, size_t *size)
{
	size_t largest = load_random(8) ? 4 * PAGE : LARGEST;
	uint32_t units = (uint32_t)(largest / content->unit);

	*size = (1 + load_random(units)) * content->unit;
	*offset = load_random((uint32_t)((FILE_SIZE - *size) / content->unit + 1)) * content->unit;
}

static void fill(char *data, size_t size)
{
	uint32_t word = load_random(UINT32_MAX);
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = (char)((word + i * 2654435761u) >> 24);
}

static void write_some(struct content *content, size_t offset, size_t size)
{
	fill(content->io, size);
	memcpy(content->file + offset, content->io, size);
	load_must(pwrite(content->fd, content->io, size, (off_t)offset) == (ssize_t)size, "pwrite");
}

static void read_some(struct content *content, size_t offset, size_t size)
{
	load_must(pread(content->fd, content->io, size, (off_t)offset) == (ssize_t)size, "pread");
	errno = EILSEQ;
	load_must(!memcmp(content->io, content->file + offset, size), "what was read");
}

/* What is behind the new end is gone, and there are zeros when the file grows again. */
static void cut(struct content *content, size_t offset)
{
	memset(content->file + offset, 0, FILE_SIZE - offset);
	load_must(!ftruncate(content->fd, (off_t)offset) && !ftruncate(content->fd, FILE_SIZE),
		"ftruncate");
}

static void read_and_write(struct content *content, unsigned int count)
{
	size_t offset, size;

	while (count--) {
		uint32_t what = load_random(64);

		choose(content, &offset, &size);
		if (!what)
			cut(content, offset);
		else if (what == 1)
			load_must(!fdatasync(content->fd), "fdatasync");
		else if (what % 2)
			write_some(content, offset, size);
		else
			read_some(content, offset, size);
	}
}

void load_buffered(unsigned int count)
{
	struct content content;

	open_content(&content, 0, 1);
	read_and_write(&content, count);
	close_content(&content);
}

void load_direct(unsigned int count)
{
	struct content content;

	open_content(&content, O_DIRECT, PAGE);
	read_and_write(&content, count);
	close_content(&content);
}

void load_mapped(unsigned int count)
{
	struct content content;
	size_t offset, size;
	char *map;

	open_content(&content, 0, 1);
	map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, content.fd, 0);
	load_must(map != MAP_FAILED, "mmap");
	while (count--) {
		choose(&content, &offset, &size);
		fill(map + offset, size);
		memcpy(content.file + offset, map + offset, size);
		choose(&content, &offset, &size);
		read_some(&content, offset, size);
		if (!load_random(16))
			load_must(!msync(map, FILE_SIZE, MS_SYNC), "msync");
	}
	load_must(!munmap(map, FILE_SIZE), "munmap");
	close_content(&content);
}
