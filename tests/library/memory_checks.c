/* SPDX-License-Identifier: MIT */
/* Data in memory of the application, where the device reads and writes it. */
#include <stdlib.h>
#include <sys/mman.h>

#include <vfs/memory.h>

#include "check.h"
#include "io.h"

#define PAGE 4096u
#define SIZE (16 * PAGE)

/* A READ or WRITE with its data in pieces; bytes that were moved, or an error. */
static ssize_t transfer(struct client *client, const struct file *file, uint32_t opcode,
	const struct iovec *iov, unsigned int count, uint64_t offset)
{
	const struct io io = {file, opcode, iov, count, offset};
	struct vfs_request *request = vfs_request_get(client->queue);
	int r = io_prepare(request, &io);
	ssize_t moved;

	if (r == 0)
		r = vfs_queue_submit(client->queue, &request, 1);
	if (r < 0) {
		vfs_request_put(request);
		return r;
	}
	r = vfs_queue_reap_wait(client->queue, &request, 1, 1, PATIENCE_MS);
	if (r < 0)
		return r;
	moved = io_result(request, &io);
	vfs_request_put(request);
	return moved;
}

static enum verdict registered_is_moved(struct client *client)
{
	char *other = client_scratch(client, SIZE);
	struct vfs_mem *mem;
	struct iovec iov;
	struct file file;
	void *addr;
	char *data;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(io_memory_get(client, SIZE, &addr, &mem));
	data = addr;
	iov = (struct iovec){.iov_base = data + 5, .iov_len = SIZE - 100};
	fill_pattern(iov.iov_base, iov.iov_len, 0, 11);
	expect(transfer(client, &file, FUSE_WRITE, &iov, 1, 0) == (ssize_t)iov.iov_len, "WRITE");
	expect(fuse_read(client, &file, other, SIZE, 0) == (ssize_t)iov.iov_len, "plain READ");
	expect(is_pattern(other, iov.iov_len, 0, 11), "other data in the file");
	memset(data, 0, SIZE);
	iov = (struct iovec){.iov_base = data + PAGE, .iov_len = 9 * PAGE};
	expect(transfer(client, &file, FUSE_READ, &iov, 1, 77) == 9 * PAGE, "READ");
	expect(is_pattern(data + PAGE, 9 * PAGE, 77, 11), "other data in memory");
	expect(data[PAGE - 1] == 0 && data[10 * PAGE] == 0, "more was written than was asked for");
	expect_ok(io_memory_put(addr, mem));
	return PASSED;
}

static enum verdict pieces_are_mixed(struct client *client)
{
	char *other = client_scratch(client, SIZE);
	struct vfs_mem *mem;
	struct iovec iov[9];
	struct file file;
	size_t total = 0;
	unsigned int i;
	void *addr;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(io_memory_get(client, SIZE, &addr, &mem));
	for (i = 0; i < 9; i++) {
		char *base = i % 3 == 1 ? other : addr;

		iov[i] = (struct iovec){
			.iov_base = base + i * PAGE + 3 * i, .iov_len = 100 + 400 * i};
		fill_pattern(iov[i].iov_base, iov[i].iov_len, total, 12);
		total += iov[i].iov_len;
	}
	expect(transfer(client, &file, FUSE_WRITE, iov, 9, 0) == (ssize_t)total, "WRITE");
	for (i = 0; i < 9; i++)
		memset(iov[i].iov_base, 0, iov[i].iov_len);
	expect(transfer(client, &file, FUSE_READ, iov, 9, 0) == (ssize_t)total, "READ");
	total = 0;
	for (i = 0; i < 9; i++) {
		expect(is_pattern(iov[i].iov_base, iov[i].iov_len, total, 12),
			"other data in piece %u", i);
		total += iov[i].iov_len;
	}
	expect_ok(io_memory_put(addr, mem));
	return PASSED;
}

static enum verdict memory_comes_and_goes(struct client *client)
{
	struct file file;
	unsigned int i;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	for (i = 0; i < 20; i++) {
		struct vfs_mem *mem;
		struct iovec iov;
		void *addr;

		expect_ok(io_memory_get(client, SIZE, &addr, &mem));
		iov = (struct iovec){.iov_base = addr, .iov_len = SIZE};
		fill_pattern(addr, SIZE, 0, i);
		expect(transfer(client, &file, FUSE_WRITE, &iov, 1, 0) == SIZE, "WRITE");
		memset(addr, 0, SIZE);
		expect(transfer(client, &file, FUSE_READ, &iov, 1, 0) == SIZE, "READ");
		expect(is_pattern(addr, SIZE, 0, i), "other data");
		expect_ok(io_memory_put(addr, mem));
	}
	return PASSED;
}

/* It has no descriptor, so a device that is another process cannot have it. */
static enum verdict anonymous_is_moved_too(struct client *client)
{
	struct vfs_mem_description description = {.length = SIZE, .fd = -1};
	struct vfs_mem *mem = NULL;
	struct iovec iov = {.iov_len = SIZE};
	struct file file;
	int r;

	description.addr = mmap(
		NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(description.addr != MAP_FAILED, "mmap: %s", strerror(errno));
	iov.iov_base = description.addr;
	r = vfs_mem_register(client->session, &description, &mem);
	expect(r == 0 || (r == -ENOTSUP && *vfs_last_error()), "%s", vfs_last_error());
	fill_pattern(description.addr, SIZE, 0, 13);
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect(transfer(client, &file, FUSE_WRITE, &iov, 1, 0) == SIZE, "WRITE");
	memset(description.addr, 0, SIZE);
	expect(transfer(client, &file, FUSE_READ, &iov, 1, 0) == SIZE, "READ");
	expect(is_pattern(description.addr, SIZE, 0, 13), "other data");
	expect_ok(vfs_mem_unregister(mem));
	expect_ok(munmap(description.addr, SIZE));
	return PASSED;
}

static const struct check checks[] = {
	{"memory/registered-is-moved", registered_is_moved, NEEDS_SESSION, {0}, false},
	{"memory/pieces-are-mixed", pieces_are_mixed, NEEDS_SESSION, {0}, false},
	{"memory/comes-and-goes", memory_comes_and_goes, NEEDS_SESSION, {0}, false},
	{"memory/anonymous-is-moved-too", anonymous_is_moved_too, NEEDS_SESSION, {0}, false},
};

const struct check_list memory_checks = CHECK_LIST(checks);
