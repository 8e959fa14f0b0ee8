/* SPDX-License-Identifier: MIT */
/*
 * Copies a file of a device to the local file system: many reads at once, which the device writes
 * where the program wants them, so that nothing is copied on the way.
 *
 *	async-copy DEVICE FILE TARGET [READS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfs/error.h>
#include <vfs/file.h>
#include <vfs/memory.h>

enum {
	PIECE = 256 << 10, /* bytes of a read */
	MAX_READS = 1024,
};

/* One of the reads that are under way. */
struct read {
	struct iovec iov;
	off_t offset;
};

struct copy {
	struct vfs_file *from;
	int to;
	off_t size, next; /* next: the first byte that was not asked for yet */
	struct vfs_aio *aio;
	unsigned int under_way;
};

static int failed(void)
{
	fprintf(stderr, "async-copy: %s\n", vfs_last_error());
	return -1;
}

static int ask(struct copy *copy, struct read *read)
{
	if (vfs_aio_preadv(copy->aio, copy->from, &read->iov, 1, read->offset, read) < 0)
		return failed();
	copy->under_way++;
	return 0;
}

static int ask_for_next(struct copy *copy, struct read *read)
{
	off_t left = copy->size - copy->next;

	if (left <= 0)
		return 0;
	read->offset = copy->next;
	read->iov.iov_len = left < PIECE ? (size_t)left : PIECE;
	copy->next += (off_t)read->iov.iov_len;
	return ask(copy, read);
}

static int write_all(int fd, const char *data, size_t length, off_t offset)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, data, length, offset);

		if (n < 0) {
			perror("async-copy: write");
			return -1;
		}
		data += n;
		offset += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Reads end in any order, each with what there was: none, where the file has become shorter. */
static int take(struct copy *copy, const struct vfs_aio_result *result)
{
	struct read *read = result->user_data;

	copy->under_way--;
	if (result->result < 0) {
		fprintf(stderr, "async-copy: read: %s\n", strerror((int)-result->result));
		return -1;
	}
	if (write_all(copy->to, read->iov.iov_base, (size_t)result->result, read->offset) < 0)
		return -1;
	return ask_for_next(copy, read);
}

static int run(struct copy *copy, struct read *reads, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (ask_for_next(copy, &reads[i]) < 0)
			return -1;
	}
	while (copy->under_way > 0) {
		struct vfs_aio_result results[16];
		int n = vfs_aio_reap(copy->aio, results, 1, 16, -1);

		if (n < 0)
			return failed();
		for (int i = 0; i < n; i++) {
			if (take(copy, &results[i]) < 0)
				return -1;
		}
	}
	return 0;
}

/* The queue is freed first: until then the device may write to the memory. */
static int copy_with_memory(struct copy *copy, struct vfs_fs *fs, char *memory, unsigned int count)
{
	struct read *reads = calloc(count, sizeof(*reads));
	int r;

	if (!reads) {
		perror("async-copy");
		return -1;
	}
	for (unsigned int i = 0; i < count; i++)
		reads[i].iov.iov_base = memory + (size_t)i * PIECE;
	r = vfs_aio_create(fs, count, &copy->aio);
	if (r < 0) {
		failed();
	} else {
		r = run(copy, reads, count);
		vfs_aio_destroy(copy->aio);
	}
	free(reads);
	return r;
}

static int copy_file(struct vfs_fs *fs, struct copy *copy, unsigned int count)
{
	struct vfs_mem *mem;
	struct stat stat;
	void *memory;
	int r;

	if (vfs_fstat(copy->from, &stat) < 0)
		return failed();
	copy->size = stat.st_size;
	if (vfs_mem_alloc(vfs_fs_session(fs), (size_t)count * PIECE, &memory, &mem) < 0)
		return failed();
	r = copy_with_memory(copy, fs, memory, count);
	vfs_mem_unregister(mem);
	return r;
}

static int open_and_copy(struct vfs_fs *fs, char **names, unsigned int count)
{
	struct copy copy = {0};
	int r;

	if (vfs_open(fs, names[0], O_RDONLY, 0, &copy.from) < 0)
		return failed();
	copy.to = open(names[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (copy.to < 0) {
		perror(names[1]);
		r = -1;
	} else {
		r = copy_file(fs, &copy, count);
		close(copy.to);
	}
	vfs_close(copy.from);
	return r;
}

int main(int argc, char **argv)
{
	struct vfs_mount_options options = {.readonly = true};
	long count = argc > 4 ? strtol(argv[4], NULL, 10) : 16;
	struct vfs_fs *fs;
	int r;

	if (argc < 4 || argc > 5 || count < 1 || count > MAX_READS) {
		fprintf(stderr, "usage: async-copy DEVICE FILE TARGET [READS]\n");
		return 2;
	}
	if (vfs_mount(argv[1], &options, &fs) < 0) {
		failed();
		return 1;
	}
	r = open_and_copy(fs, &argv[2], (unsigned int)count);
	vfs_umount(fs);
	return r < 0 ? 1 : 0;
}
