/* SPDX-License-Identifier: MIT */
/*
 * Those who write, and say what was acknowledged. What has number n goes where n modulo some limit
 * says, so that the files stay small.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"

#define WORDS (CLIENT_BLOCK / sizeof(uint64_t))
#define SIZE  ((size_t)CLIENT_BLOCK * CLIENT_BLOCKS)

void block_fill(uint64_t *block, uint64_t number)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		block[i] = number;
}

bool block_is(const uint64_t *block, uint64_t number)
{
	size_t i;

	for (i = 0; i < WORDS; i++) {
		if (block[i] != number)
			return false;
	}
	return true;
}

static bool write_block(int fd, uint64_t number, off_t offset)
{
	uint64_t block[WORDS];

	block_fill(block, number);
	return pwrite(fd, block, sizeof(block), offset) == (ssize_t)sizeof(block);
}

static void acknowledge(struct client *c, uint64_t number)
{
	atomic_store(&c->acknowledged, number + 1);
}

void append_run(struct client *c)
{
	int fd = open("blocks", O_WRONLY | O_CREAT, 0644);
	bool well = fd >= 0;
	uint64_t n;

	for (n = 0; client_did(c, well); n++) {
		well = write_block(fd, n, (off_t)(n % CLIENT_BLOCKS) * CLIENT_BLOCK) && !fsync(fd);
		if (well)
			acknowledge(c, n);
	}
}

void map_run(struct client *c)
{
	int fd = open("blocks", O_RDWR | O_CREAT, 0644);
	bool well = fd >= 0 && !ftruncate(fd, (off_t)SIZE);
	uint8_t *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t n;

	well = well && map != MAP_FAILED;
	for (n = 0; client_did(c, well); n++) {
		void *block = map + n % CLIENT_BLOCKS * CLIENT_BLOCK;

		block_fill(block, n);
		well = !msync(block, CLIENT_BLOCK, MS_SYNC);
		if (well)
			acknowledge(c, n);
	}
}

static void name_file(char name[16], uint64_t number)
{
	snprintf(name, 16, "file-%u", (unsigned int)(number % CLIENT_FILES));
}

/* As an editor does it: there is always a whole file of that name. */
static bool replace(uint64_t number)
{
	int fd = open("new", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	char name[16];
	bool well;

	if (fd < 0)
		return false;
	name_file(name, number);
	well = write_block(fd, number, 0) && !fsync(fd);
	/* What close() says is what fsync() said. */
	close(fd);
	return well && !rename("new", name);
}

void replace_run(struct client *c)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	bool well = dir >= 0;
	uint64_t n;

	for (n = 0; client_did(c, well); n++) {
		well = replace(n) && !fsync(dir);
		if (well)
			acknowledge(c, n);
	}
}

/* The newest number below `end` that goes to the same place as `place`. */
static uint64_t newest_at(uint64_t place, uint64_t end, uint64_t places)
{
	return place + (end - 1 - place) / places * places;
}

static bool complain(const struct client *c, const char *name, uint64_t number)
{
	fprintf(stderr, "%s: %s does not have what was acknowledged as number %llu of %llu\n",
		c->dir, name, (unsigned long long)number,
		(unsigned long long)atomic_load(&c->acknowledged));
	return false;
}

static bool blocks_are_kept(const struct client *c, int fd, uint64_t end)
{
	uint64_t place;

	for (place = 0; place < CLIENT_BLOCKS && place < end; place++) {
		uint64_t number = newest_at(place, end, CLIENT_BLOCKS);
		uint64_t block[WORDS];

		/* The next one may have been written there in part. */
		if (end % CLIENT_BLOCKS == place)
			continue;
		if (pread(fd, block, sizeof(block), (off_t)place * CLIENT_BLOCK) !=
				(ssize_t)sizeof(block) ||
			!block_is(block, number))
			return complain(c, "blocks", number);
	}
	return true;
}

static bool file_is_kept(const struct client *c, int dir, uint64_t place, uint64_t end)
{
	uint64_t number = newest_at(place, end, CLIENT_FILES);
	uint64_t block[WORDS];
	char name[16];
	ssize_t n;
	int fd;

	name_file(name, place);
	fd = openat(dir, name, O_RDONLY);
	if (fd < 0)
		return complain(c, name, number);
	n = read(fd, block, sizeof(block));
	close(fd);
	/* The next one may have come there, but not in part. */
	if (n == (ssize_t)sizeof(block) &&
		(block_is(block, number) || (end % CLIENT_FILES == place && block_is(block, end))))
		return true;
	return complain(c, name, number);
}

static int open_in(const char *dir, const char *name, int flags)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY);
	int fd;

	if (at < 0)
		return -1;
	fd = openat(at, name, flags);
	close(at);
	return fd;
}

bool append_is_kept(const struct client *c, const char *dir)
{
	uint64_t end = atomic_load(&c->acknowledged);
	int fd = open_in(dir, "blocks", O_RDONLY);
	bool kept;

	if (fd < 0)
		return !end || complain(c, "blocks", 0);
	kept = blocks_are_kept(c, fd, end);
	close(fd);
	return kept;
}

bool map_is_kept(const struct client *c, const char *dir)
{
	return append_is_kept(c, dir);
}

bool replace_is_kept(const struct client *c, const char *dir)
{
	uint64_t end = atomic_load(&c->acknowledged);
	int fd = open_in(dir, ".", O_RDONLY | O_DIRECTORY);
	bool kept = fd >= 0 || !end;
	uint64_t place;

	for (place = 0; kept && place < CLIENT_FILES && place < end; place++)
		kept = file_is_kept(c, fd, place, end);
	if (fd >= 0)
		close(fd);
	return kept;
}
