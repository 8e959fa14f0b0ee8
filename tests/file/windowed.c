/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "served.h"
#include "shared_memory.h"
#include "windowed.h"

#define LARGEST (4u << 20)

struct vfs_fs *windowed;

static char data[LARGEST];
static struct device_counts counted; /* when the test began */

struct vfs_mount_options windowed_options(void)
{
	return (struct vfs_mount_options){
		.cache = VFS_CACHE_ALWAYS, .dax = VFS_DAX_ALWAYS, .dax_range = RANGE};
}

void windowed_mount(const struct vfs_mount_options *options)
{
	if (vfs_mount(served.name, options, &windowed) < 0)
		fail_msg("%s", vfs_last_error());
}

void windowed_unmount(void)
{
	struct vfs_fs *fs = windowed;

	windowed = NULL;
	if (vfs_umount(fs) < 0)
		fail_msg("%s", vfs_last_error());
}

int windowed_begin(void **state)
{
	const struct vfs_mount_options options = windowed_options();

	(void)state;
	windowed_mount(&options);
	return device_process_counts(&served, &counted);
}

int windowed_end(void **state)
{
	(void)state;
	vfs_umount(windowed);
	windowed = NULL;
	served_empty();
	return device_process_command(&served, "clear");
}

/* No two neighbouring units, ranges or versions look the same. */
char windowed_byte(uint64_t offset, unsigned int version)
{
	return (char)('a' + (offset + offset / 4099 * 7 + version * 11) % 26);
}

void windowed_make(const char *name, size_t size, unsigned int version)
{
	assert_true(size <= sizeof(data));
	for (size_t i = 0; i < size; i++)
		data[i] = windowed_byte(i, version);
	served_write(name, data, size);
}

void assert_bytes(const char *bytes, size_t size, uint64_t offset, unsigned int version)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != windowed_byte(offset + i, version))
			fail_msg("byte %#zx of those from %#llx on is %#x, not %#x", i,
				(unsigned long long)offset, (unsigned char)bytes[i],
				(unsigned char)windowed_byte(offset + i, version));
}

void assert_host_has(const char *name, size_t size, unsigned int version)
{
	int fd = open(served_path(name), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = pread(fd, data, sizeof(data), 0);
	close(fd);
	assert_int_equal(n, size);
	assert_bytes(data, size, 0, version);
}

void assert_reads(struct vfs_file *file, size_t size, uint64_t offset, unsigned int version)
{
	char *bytes = malloc(size + 1);
	ssize_t n = vfs_pread(file, bytes, size, (off_t)offset);

	if (n != (ssize_t)size)
		fail_msg("%zd of %zu bytes from %#llx on (%s)", n, size, (unsigned long long)offset,
			vfs_last_error());
	assert_bytes(bytes, size, offset, version);
	free(bytes);
}

struct vfs_file *windowed_open(const char *name, int flags)
{
	struct vfs_file *file = NULL;

	if (vfs_open(windowed, name, flags, 0644, &file) < 0)
		fail_msg("%s", vfs_last_error());
	return file;
}

uint64_t messages(void)
{
	struct device_counts counts;
	uint64_t all = 0;

	assert_int_equal(device_process_counts(&served, &counts), 0);
	for (unsigned int i = 0; i < 64; i++)
		all += counts.messages[i] - counted.messages[i];
	return all;
}

uint64_t messages_of(unsigned int opcode)
{
	struct device_counts counts;

	assert_int_equal(device_process_counts(&served, &counts), 0);
	return counts.messages[opcode] - counted.messages[opcode];
}

struct vfs_dax_stats dax_stats(void)
{
	struct vfs_dax_stats stats;

	vfs_fs_dax_stats(windowed, &stats);
	return stats;
}

void assert_ranges_add_up(void)
{
	struct vfs_dax_stats s = dax_stats();

	assert_int_equal(s.ranges, s.window / s.range);
	assert_int_equal(
		s.free + s.mapping + s.mapped_read + s.mapped_write + s.reclaiming + s.retired,
		s.ranges);
	assert_int_equal(
		s.maps - s.unmaps, s.mapped_read + s.mapped_write + s.reclaiming + s.retired);
	assert_true(s.held <= s.mapped_read + s.mapped_write);
}
