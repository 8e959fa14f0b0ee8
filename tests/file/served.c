/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "served.h"

#define TRIES 5000

struct device_process served;

int served_start(void **state)
{
	(void)state;
	return device_process_start(&served, false);
}

int served_stop(void **state)
{
	(void)state;
	served_empty();
	return device_process_stop(&served);
}

int served_mount(const struct vfs_mount_options *options, unsigned int seconds, struct vfs_fs **fs)
{
	alarm(seconds);
	return vfs_mount(served.name, options, fs);
}

int served_umount(struct vfs_fs **fs)
{
	(void)vfs_umount(*fs);
	*fs = NULL;
	served_empty();
	alarm(0);
	return 0;
}

const char *served_path(const char *name)
{
	static _Thread_local char path[512];

	snprintf(path, sizeof(path), "%s/share/%s", served.dir, name);
	return path;
}

void served_write(const char *name, const void *data, size_t size)
{
	int fd = open(served_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

void served_rename(const char *from, const char *to)
{
	char source[512];

	snprintf(source, sizeof(source), "%s", served_path(from));
	assert_int_equal(rename(source, served_path(to)), 0);
}

void assert_served_is(const char *name, const void *data, size_t size)
{
	static char found[1 << 20];
	int fd = open(served_path(name), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		fail_msg("the server has no %s", name);
	n = pread(fd, found, sizeof(found), 0);
	close(fd);
	if (n != (ssize_t)size || memcmp(found, data, size) != 0)
		fail_msg("%s has %zd bytes, of %zu, or others", name, n, size);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

void served_empty(void)
{
	(void)nftw(served_path(""), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void served_command(const char *format, ...)
{
	char line[200];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (device_process_command(&served, line) != 0)
		fail_msg("the device does not understand '%s'", line);
}

void assert_nothing_held(struct vfs_fs *fs)
{
	uint64_t nodes = 1, lookups = 0, open = 0;
	char answer[128];

	for (int i = 0; i < TRIES; i++) {
		assert_int_equal(device_process_ask(&served, "held", answer, sizeof(answer)), 0);
		assert_int_equal(
			sscanf(answer, "nodes=%" SCNu64 " lookups=%" SCNu64 " open=%" SCNu64,
				&nodes, &lookups, &open),
			3);
		if (!nodes && !open)
			return;
		(void)vfs_session_progress(vfs_fs_session(fs));
		usleep(1000);
	}
	fail_msg("the server still holds %s", answer);
}

unsigned int open_descriptors(void)
{
	unsigned int count = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}
