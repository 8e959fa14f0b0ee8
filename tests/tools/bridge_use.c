/* SPDX-License-Identifier: MIT */
#include "bridge_use.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

struct bridge_run run;

int set_up(void **state)
{
	(void)state;
	bridge_set_up(&run);
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	bridge_tear_down(&run);
	return 0;
}

const char *path(const char *name)
{
	return bridge_path(&run, name);
}

ssize_t read_some(const char *name)
{
	char buffer[4096];
	int fd = open(path(name), O_RDONLY | O_DIRECT | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buffer, sizeof(buffer));
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

static void *read_thread(void *arg)
{
	struct reader *reader = arg;

	reader->result = read_some(reader->name);
	return NULL;
}

void start_reading(struct reader *reader, const char *name)
{
	reader->name = name;
	assert_int_equal(pthread_create(&reader->thread, NULL, read_thread, reader), 0);
}

void start_reading_and_wait(struct reader *reader, const char *name)
{
	start_reading(reader, name);
	bridge_sleep_ms(100);
}

ssize_t finish_reading(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
	return reader->result;
}

void write_pattern(const char *name, size_t size)
{
	char *data = malloc(size);
	int fd = open(path(name), O_WRONLY | O_TRUNC | O_CLOEXEC);
	size_t i;

	assert_non_null(data);
	assert_true(fd >= 0);
	for (i = 0; i < size; i++)
		data[i] = (char)(i * 7 + (i >> 12));
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(close(fd), 0);
	free(data);
}

void check_pattern(const char *name, size_t size)
{
	char *data = malloc(size + 1);
	int fd = open(path(name), O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	size_t i;
	ssize_t n;

	assert_non_null(data);
	assert_true(fd >= 0);
	/* The data shall come from the server, not from the page cache. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while ((n = read(fd, data + done, size + 1 - done)) > 0)
		done += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(done, size);
	for (i = 0; i < size; i++) {
		if (data[i] != (char)(i * 7 + (i >> 12)))
			fail_msg("byte %zu differs", i);
	}
	close(fd);
	free(data);
}

void ends_with_signal(int number)
{
	bridge_start_foreground(&run, NULL);
	assert_int_equal(kill(run.pid, number), 0);
	assert_int_equal(bridge_wait(&run), 0);
	assert_false(bridge_mounted(&run));
}
