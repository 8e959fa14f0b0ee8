/* SPDX-License-Identifier: MIT */
/* The DAX window shows files, and what is written there is in them. */
#include "check.h"
#include "fuse.h"

/* Aligned as any device may want it. */
#define RANGE (1u << 21)

static int map_range(struct client *client, const struct file *file, uint64_t at, uint64_t offset)
{
	struct fuse_setupmapping_in in = {.fh = file->fh,
		.foffset = offset,
		.len = RANGE,
		.flags = FUSE_SETUPMAPPING_FLAG_WRITE | FUSE_SETUPMAPPING_FLAG_READ,
		.moffset = at};
	struct op op = {.opcode = FUSE_SETUPMAPPING, .node = file->node, .in = {PART(in)}};

	return (int)op_run(client, &op);
}

static int unmap_range(struct client *client, const struct file *file, uint64_t at)
{
	struct fuse_removemapping_in in = {.count = 1};
	struct fuse_removemapping_one one = {.moffset = at, .len = RANGE};
	struct op op = {
		.opcode = FUSE_REMOVEMAPPING, .node = file->node, .in = {PART(in), PART(one)}};

	return (int)op_run(client, &op);
}

/* A file of two ranges; the patterns of both go on from one to the other. */
static int create(struct client *client, struct file *file)
{
	char *data = client_scratch(client, 2 * RANGE);
	int r = fuse_create(client, client->directory, "file", file);

	fill_pattern(data, 2 * RANGE, 0, 11);
	return r == 0 ? fuse_write_all(client, file, data, 2 * RANGE) : r;
}

static enum verdict shows_files(struct client *client)
{
	char *window = vfs_device_window(client->device);
	struct file file;

	if (!window)
		return skipped("the device has no DAX window");
	expect(vfs_device_info(client->device)->dax_window >= 2 * RANGE, "a small window");
	expect_ok(create(client, &file));
	expect_ok(map_range(client, &file, RANGE, 0));
	expect_ok(map_range(client, &file, 0, RANGE));
	expect(is_pattern(window + RANGE, RANGE, 0, 11), "other data in the first range");
	expect(is_pattern(window, RANGE, RANGE, 11), "other data in the second range");
	expect_ok(unmap_range(client, &file, RANGE));
	expect(is_pattern(window, RANGE, RANGE, 11), "a range went with another one");
	expect_ok(unmap_range(client, &file, 0));
	return PASSED;
}

static enum verdict is_written_through(struct client *client)
{
	char *window = vfs_device_window(client->device), *data;
	struct file file;

	if (!window)
		return skipped("the device has no DAX window");
	expect_ok(create(client, &file));
	expect_ok(map_range(client, &file, 0, 0));
	fill_pattern(window + 1000, 10000, 1000, 12);
	expect_ok(fuse_fsync(client, &file));
	data = client_scratch(client, 20000);
	expect_ok(fuse_read_all(client, &file, data, 20000));
	expect(is_pattern(data, 1000, 0, 11), "other data before it");
	expect(is_pattern(data + 1000, 10000, 1000, 12), "other data where it was written");
	expect(is_pattern(data + 11000, 9000, 11000, 11), "other data behind it");
	fill_pattern(window, 5000, 0, 13);
	expect_ok(unmap_range(client, &file, 0));
	expect_ok(fuse_read_all(client, &file, data, 20000));
	expect(is_pattern(data, 5000, 0, 13), "other data after the mapping is gone");
	return PASSED;
}

static enum verdict shows_what_is_written(struct client *client)
{
	char *window = vfs_device_window(client->device), data[6000];
	struct file file;

	if (!window)
		return skipped("the device has no DAX window");
	expect_ok(create(client, &file));
	expect_ok(map_range(client, &file, 0, 0));
	fill_pattern(data, sizeof(data), 3000, 14);
	expect(fuse_write(client, &file, data, sizeof(data), 3000) == sizeof(data), "WRITE");
	expect(is_pattern(window + 3000, sizeof(data), 3000, 14), "other data in the window");
	expect(is_pattern(window, 3000, 0, 11), "other data before it");
	expect_ok(unmap_range(client, &file, 0));
	return PASSED;
}

static enum verdict mappings_end_with_the_session(struct client *client)
{
	char *window = vfs_device_window(client->device);
	struct fuse_entry_out entry;
	struct file file;

	if (!window)
		return skipped("the device has no DAX window");
	expect_ok(create(client, &file));
	expect_ok(map_range(client, &file, 0, 0));
	expect_ok(client_restart(client, NULL));
	expect_ok(fuse_lookup(client, client->directory, "file", &entry));
	expect_ok(fuse_open(client, entry.nodeid, O_RDWR, &file));
	expect_ok(map_range(client, &file, 0, RANGE));
	expect(is_pattern(window, RANGE, RANGE, 11), "other data");
	expect_ok(unmap_range(client, &file, 0));
	return PASSED;
}

static enum verdict its_end_is_its_end(struct client *client)
{
	uint64_t size = vfs_device_info(client->device)->dax_window;
	struct file file;

	if (!size)
		return skipped("the device has no DAX window");
	expect_ok(create(client, &file));
	expect(map_range(client, &file, size, 0) < 0, "a mapping behind the window");
	expect(map_range(client, &file, size - RANGE / 2, 0) < 0, "a mapping over its end");
	expect_ok(map_range(client, &file, size - RANGE, 0));
	expect_ok(unmap_range(client, &file, size - RANGE));
	return PASSED;
}

static const struct check checks[] = {
	{"window/shows-files", shows_files, NEEDS_SESSION, {0}, false},
	{"window/is-written-through", is_written_through, NEEDS_SESSION, {0}, false},
	{"window/shows-what-is-written", shows_what_is_written, NEEDS_SESSION, {0}, false},
	{"window/mappings-end-with-the-session", mappings_end_with_the_session, NEEDS_SESSION, {0},
		false},
	{"window/its-end-is-its-end", its_end_is_its_end, NEEDS_SESSION, {0}, false},
};

const struct check_list window_checks = CHECK_LIST(checks);
