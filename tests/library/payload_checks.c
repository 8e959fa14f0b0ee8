/* SPDX-License-Identifier: MIT */
/* Data of every size and at every place. */
#include "check.h"
#include "fuse.h"

#define MIB (1u << 20)

/* With the largest requests that there can be. */
#define LARGE                                  \
	{                                      \
		.depth = 4, .max_payload = MIB \
	}

static enum verdict largest_are_moved(struct client *client)
{
	uint32_t write = client->init.max_write;
	uint32_t read = (uint32_t)vfs_session_max_payload(client->session);
	size_t size = (size_t)2 * (write > read ? write : read);
	char *data = client_scratch(client, size);
	struct file file;

	fill_pattern(data, size, 0, 7);
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect(fuse_write(client, &file, data, write, 0) == write, "WRITE of %u", write);
	expect(fuse_write(client, &file, data + write, write, write) == write,
		"a second WRITE of %u", write);
	memset(data, 0, size);
	expect(fuse_read(client, &file, data, write, write) == write, "READ of %u", write);
	expect(is_pattern(data, write, write, 7), "other data in %u bytes", write);
	/* A server may read no more than it lets be written. */
	if (read <= write) {
		expect(fuse_read(client, &file, data, read, 0) == read, "READ of %u", read);
		expect(is_pattern(data, read, 0, 7), "other data in %u bytes", read);
	}
	return PASSED;
}

static enum verdict sizes_are_odd(struct client *client)
{
	static const uint32_t sizes[] = {
		1, 2, 3, 7, 511, 513, 1023, 1024, 1025, 4095, 4096, 4097, 8191, 12345, 65535};
	static const uint64_t offsets[] = {0, 1, 4095, 4097, 1000003};
	char *data = client_scratch(client, 65536);
	struct file file;
	size_t i, k;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			uint32_t size = sizes[k];
			unsigned int seed = (unsigned int)(i * 100 + k);

			if (size > client->init.max_write)
				continue;
			fill_pattern(data, size, offsets[i], seed);
			expect(fuse_write(client, &file, data, size, offsets[i]) == size,
				"WRITE of %u at %llu", size, (unsigned long long)offsets[i]);
			memset(data, 0, size);
			expect(fuse_read(client, &file, data, size, offsets[i]) == size,
				"READ of %u at %llu", size, (unsigned long long)offsets[i]);
			expect(is_pattern(data, size, offsets[i], seed),
				"other data in %u bytes at %llu", size,
				(unsigned long long)offsets[i]);
		}
	}
	return PASSED;
}

static enum verdict nothing_is_moved(struct client *client)
{
	struct fuse_attr attr;
	struct file file;
	char data;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect(fuse_write(client, &file, &data, 0, 0) == 0, "WRITE");
	expect(fuse_read(client, &file, &data, 0, 0) == 0, "READ");
	expect_ok(fuse_getattr(client, file.node, &attr));
	expect(attr.size == 0, "%llu bytes", (unsigned long long)attr.size);
	return PASSED;
}

static enum verdict offsets_are_large(struct client *client)
{
	uint64_t offset = (1ULL << 40) + 12345;
	char data[100];
	struct file file;

	fill_pattern(data, sizeof(data), offset, 8);
	expect_ok(fuse_create(client, client->directory, "file", &file));
	if (fuse_write(client, &file, data, sizeof(data), offset) == -EFBIG)
		return skipped("the server's file system has no files of 1 TiB");
	memset(data, 0, sizeof(data));
	expect(fuse_read(client, &file, data, sizeof(data), offset) == sizeof(data), "READ");
	expect(is_pattern(data, sizeof(data), offset, 8), "other data");
	return PASSED;
}

struct transfer {
	struct file file;
	uint32_t size;
	struct fuse_write_in write;
	struct fuse_read_in read;
	unsigned char *data;
};

static void make_write(void *ctx, unsigned int i, struct op *op)
{
	struct transfer *t = ctx;
	uint64_t offset = (uint64_t)i * t->size;

	fill_pattern(t->data, t->size, offset, 9);
	t->write = (struct fuse_write_in){.fh = t->file.fh, .offset = offset, .size = t->size};
	*op = (struct op){.opcode = FUSE_WRITE,
		.node = t->file.node,
		.in = {PART(t->write), {t->data, t->size}}};
}

static void make_read(void *ctx, unsigned int i, struct op *op)
{
	struct transfer *t = ctx;

	t->read = (struct fuse_read_in){
		.fh = t->file.fh, .offset = (uint64_t)i * t->size, .size = t->size};
	*op = (struct op){.opcode = FUSE_READ, .node = t->file.node, .in = {PART(t->read)}};
}

static int compare_read(void *ctx, unsigned int i, const struct vfs_request *request)
{
	struct transfer *t = ctx;
	ssize_t n = op_answer(request, t->data, t->size);

	if (n < 0)
		return (int)n;
	return n == t->size && is_pattern(t->data, t->size, (uint64_t)i * t->size, 9) ? 0
										      : -EBADMSG;
}

static enum verdict many_are_large(struct client *client)
{
	struct transfer t = {.size = client->init.max_write};
	struct stream write = {.count = 16, .make = make_write, .ctx = &t};
	struct stream read = {.count = 16, .make = make_read, .answered = compare_read, .ctx = &t};

	t.data = client_scratch(client, t.size);
	expect_ok(fuse_create(client, client->directory, "file", &t.file));
	expect_ok(stream_run(client->queue, &write));
	expect_ok(stream_run(client->queue, &read));
	return PASSED;
}

static const struct check checks[] = {
	{"payload/largest-are-moved", largest_are_moved, NEEDS_SESSION, LARGE, false},
	{"payload/sizes-are-odd", sizes_are_odd, NEEDS_SESSION, {0}, false},
	{"payload/nothing-is-moved", nothing_is_moved, NEEDS_SESSION, {0}, false},
	{"payload/offsets-are-large", offsets_are_large, NEEDS_SESSION, {0}, false},
	{"payload/many-are-large", many_are_large, NEEDS_SESSION, LARGE, false},
};

const struct check_list payload_checks = CHECK_LIST(checks);
