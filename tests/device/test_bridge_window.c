/* SPDX-License-Identifier: MIT */
/*
 * The bridge with a DAX window: what the kernel is told is what the file has, whoever changes it,
 * and what is mapped costs no request. virtiofs-fuse on /dev/fuse, on virtiofs-device as a process
 * of its own, with a window that is smaller than the files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_driver.h"

#define PAGE	  4096u
#define FILE_SIZE (1u << 20)
#define LARGE	  (8u << 20) /* twice the window */
#define TRIES	  2000
#define ROUNDS	  50u

extern char **environ;

static pid_t bridge;
static char mount_point[96];

/* ---- the mount ---- */

static bool is_mounted(void)
{
	struct stat here, above;

	return stat(mount_point, &here) == 0 && stat(process.dir, &above) == 0 &&
	       here.st_dev != above.st_dev;
}

static int mount_it(void)
{
	char *argv[] = {"virtiofs-fuse", process.name, mount_point, "-f", "-o",
		"dax=always,dax_range=65536,depth=4", NULL};

	snprintf(mount_point, sizeof(mount_point), "%s/mount", process.dir);
	if (mkdir(mount_point, 0755) < 0 ||
		posix_spawn(&bridge, BRIDGE, NULL, NULL, argv, environ) != 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		if (is_mounted())
			return 0;
		usleep(10000);
	}
	return -1;
}

static int start(void **state)
{
	(void)state;
	if (start_process(&(struct device_process){.dax = "4", .writeback = true}) < 0)
		return -1;
	return mount_it();
}

/* Under ThreadSanitizer the bridge's status says whether there was a race. */
static int stop(void **state)
{
	int status = -1;

	umount2(mount_point, 0);
	waitpid(bridge, &status, 0);
	rmdir(mount_point);
	return stop_process(state) == 0 && status == 0 ? 0 : -1;
}

/* ---- a file, from both sides ---- */

static void host_path(const char *name, char path[128])
{
	snprintf(path, 128, "%s/share/%s", process.dir, name);
}

static int open_host(const char *name)
{
	char path[128];
	int fd;

	host_path(name, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	return fd;
}

static int open_guest(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", mount_point, name);
	fd = open(path, flags | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	return fd;
}

static void remove_host(const char *name)
{
	char path[128];

	host_path(name, path);
	unlink(path);
}

/* Each page says where it is, and in which version. */
static void fill_page(unsigned char *page, uint64_t number, unsigned int version)
{
	memset(page, (int)(number * 7 + version), PAGE);
	memcpy(page, &number, sizeof(number));
}

static void write_pages(int fd, uint64_t first, uint64_t count, unsigned int version)
{
	unsigned char page[PAGE];

	for (uint64_t i = first; i < first + count; i++) {
		fill_page(page, i, version);
		assert_int_equal(pwrite(fd, page, PAGE, (off_t)(i * PAGE)), PAGE);
	}
}

static bool has_pages(int fd, uint64_t first, uint64_t count, unsigned int version)
{
	unsigned char page[PAGE], expected[PAGE];

	for (uint64_t i = first; i < first + count; i++) {
		fill_page(expected, i, version);
		if (pread(fd, page, PAGE, (off_t)(i * PAGE)) != PAGE ||
			memcmp(page, expected, PAGE) != 0)
			return false;
	}
	return true;
}

/* To the server, and no further. */
static void write_back(int fd)
{
	const unsigned int all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				 SYNC_FILE_RANGE_WAIT_AFTER;

	assert_int_equal(sync_file_range(fd, 0, 0, all), 0);
}

/* What the kernel has kept of it, it asks for again. */
static void forget_pages(int fd)
{
	write_back(fd);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
}

static uint64_t count_of(uint32_t opcode)
{
	struct device_counts counts;

	assert_int_equal(device_process_counts(&process, &counts), 0);
	return counts.messages[opcode];
}

/* Until it needs no requests, as all of it is mapped. */
static void read_until_mapped(int fd, uint64_t first, uint64_t count, unsigned int version)
{
	uint64_t before, after = count_of(FUSE_READ);
	int i;

	for (i = 0; i < TRIES; i++) {
		before = after;
		forget_pages(fd);
		assert_true(has_pages(fd, first, count, version));
		after = count_of(FUSE_READ);
		if (after == before)
			return;
	}
	fail_msg("it is still read by requests");
}

/* ---- reading ---- */

static void what_is_mapped_is_read_with_no_request(void **state)
{
	int host = open_host("read"), fd;
	uint64_t before;

	(void)state;
	write_pages(host, 0, FILE_SIZE / PAGE, 1);
	fd = open_guest("read", O_RDONLY);
	read_until_mapped(fd, 0, FILE_SIZE / PAGE, 1);
	/* What the host does is seen there at once. */
	before = count_of(FUSE_READ);
	write_pages(host, 0, FILE_SIZE / PAGE, 2);
	forget_pages(fd);
	assert_true(has_pages(fd, 0, FILE_SIZE / PAGE, 2));
	assert_int_equal(count_of(FUSE_READ), before);
	close(fd);
	close(host);
	remove_host("read");
}

static void the_incomplete_page_at_the_end_is_right(void **state)
{
	int host = open_host("tail"), fd;
	char bytes[64] = "";

	(void)state;
	write_pages(host, 0, 64, 1);
	assert_int_equal(pwrite(host, "the tail", 8, 64 * PAGE), 8);
	fd = open_guest("tail", O_RDWR);
	for (int i = 0; i < 5; i++) {
		forget_pages(fd);
		assert_true(has_pages(fd, 0, 64, 1));
		assert_int_equal(pread(fd, bytes, sizeof(bytes), 64 * PAGE), 8);
		assert_string_equal(bytes, "the tail");
	}
	/* The page was not whole when the rest was mapped. */
	write_pages(fd, 64, 64, 1);
	read_until_mapped(fd, 0, 128, 1);
	close(fd);
	close(host);
	remove_host("tail");
}

/* The window is too small for all of it. */
static void a_file_that_does_not_fit_is_read(void **state)
{
	int host = open_host("large"), fd;

	(void)state;
	write_pages(host, 0, LARGE / PAGE, 1);
	fd = open_guest("large", O_RDONLY);
	for (int i = 0; i < 3; i++) {
		forget_pages(fd);
		assert_true(has_pages(fd, 0, LARGE / PAGE, 1));
	}
	close(fd);
	close(host);
	remove_host("large");
}

/* Under the hands of who reads it: nobody dies, and what is there is right. */
static void a_file_that_the_host_makes_shorter_ends_there(void **state)
{
	int host = open_host("short"), fd;
	unsigned char page[PAGE];

	(void)state;
	write_pages(host, 0, 128, 1);
	fd = open_guest("short", O_RDONLY);
	read_until_mapped(fd, 0, 128, 1);
	assert_int_equal(ftruncate(host, 40 * PAGE), 0);
	forget_pages(fd);
	assert_true(has_pages(fd, 0, 40, 1));
	/* The kernel still believes in the size that it had. */
	assert_true(pread(fd, page, PAGE, 100 * PAGE) >= 0);
	close(fd);
	fd = open_guest("short", O_RDONLY);
	assert_true(has_pages(fd, 0, 40, 1));
	close(fd);
	close(host);
	remove_host("short");
}

/* ---- writing ---- */

static void write_until_mapped(int fd, uint64_t pages)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		uint64_t before = count_of(FUSE_WRITE);

		write_pages(fd, 0, pages, i);
		write_back(fd);
		if (count_of(FUSE_WRITE) == before)
			return;
	}
	fail_msg("it is still written by requests");
}

static void what_is_mapped_is_written_with_no_request(void **state)
{
	int host = open_host("write"), fd;

	(void)state;
	write_pages(host, 0, 64, 99);
	fd = open_guest("write", O_RDWR);
	write_until_mapped(fd, 16);
	write_pages(fd, 0, 64, 7);
	write_back(fd);
	assert_true(has_pages(host, 0, 64, 7));
	forget_pages(fd);
	assert_true(has_pages(fd, 0, 64, 7));
	close(fd);
	close(host);
	remove_host("write");
}

/* What is written behind the new end has to be in the file, and not in the rest of a page. */
static void a_file_that_was_made_shorter_grows_again(void **state)
{
	int host = open_host("grow"), fd;
	char bytes[16] = "";
	struct stat st;

	(void)state;
	write_pages(host, 0, 64, 1);
	fd = open_guest("grow", O_RDWR);
	for (int i = 0; i < 20; i++) {
		write_until_mapped(fd, 16);
		assert_int_equal(ftruncate(fd, 10 * PAGE + 100), 0);
		/* The server sees the first WRITE after a change in any case. */
		assert_int_equal(pwrite(fd, "first", 5, 0), 5);
		write_back(fd);
		assert_int_equal(pwrite(fd, "behind", 6, 10 * PAGE + 1000), 6);
		write_back(fd);
		assert_int_equal(fstat(host, &st), 0);
		assert_int_equal(st.st_size, 10 * PAGE + 1006);
		assert_int_equal(pread(host, bytes, 6, 10 * PAGE + 1000), 6);
		assert_string_equal(bytes, "behind");
		assert_int_equal(pread(host, bytes, 1, 10 * PAGE + 500), 1);
		assert_int_equal(bytes[0], 0);
		write_pages(fd, 0, 64, 2);
	}
	close(fd);
	/* The same by O_TRUNC. */
	fd = open_guest("grow", O_RDWR | O_TRUNC);
	assert_int_equal(pwrite(fd, "new", 3, 50), 3);
	write_back(fd);
	assert_int_equal(fstat(host, &st), 0);
	assert_int_equal(st.st_size, 53);
	close(fd);
	close(host);
	remove_host("grow");
}

/* It may have to take away what was just given. */
static void the_server_sees_a_write_after_a_change(void **state)
{
	int host = open_host("seen"), fd;
	uint64_t before;

	(void)state;
	write_pages(host, 0, 16, 1);
	fd = open_guest("seen", O_RDWR);
	for (int i = 0; i < 5; i++) {
		write_until_mapped(fd, 16);
		assert_int_equal(fchmod(fd, 0600 + (mode_t)i), 0);
		before = count_of(FUSE_WRITE);
		write_pages(fd, 0, 1, 5);
		write_back(fd);
		assert_int_equal(count_of(FUSE_WRITE), before + 1);
	}
	close(fd);
	close(host);
	remove_host("seen");
}

static void times_are_those_of_the_last_write(void **state)
{
	static const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	int host = open_host("times"), fd;
	struct stat st;

	(void)state;
	write_pages(host, 0, 16, 1);
	fd = open_guest("times", O_RDWR);
	write_until_mapped(fd, 16);
	assert_int_equal(futimens(fd, long_ago), 0);
	assert_int_equal(fstat(host, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1000);
	write_pages(fd, 0, 16, 3);
	close(fd);
	assert_int_equal(fstat(host, &st), 0);
	assert_true(st.st_mtim.tv_sec > 1000);
	close(host);
	remove_host("times");
}

static void set_id_bits_are_taken_away(void **state)
{
	int host = open_host("setid"), fd;
	struct stat st;

	(void)state;
	write_pages(host, 0, 16, 1);
	fd = open_guest("setid", O_RDWR);
	assert_int_equal(fchown(host, 65534, 65534), 0);
	write_until_mapped(fd, 16);
	assert_int_equal(fchmod(fd, 06755), 0);
	assert_int_equal(setegid(65534), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	write_back(fd);
	assert_int_equal(fstat(host, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	close(fd);
	close(host);
	remove_host("setid");
}

/* ---- nodes ---- */

/* What of the mount nobody uses: the kernel does so at each remount. */
static void drop_names(void)
{
	assert_int_equal(mount(NULL, mount_point, NULL, MS_REMOUNT, NULL), 0);
}

/* The kernel forgets the file, and the server its number. */
static void what_another_file_had_is_not_shown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		int host = open_host("again"), fd;

		write_pages(host, 0, 32, i);
		fd = open_guest("again", O_RDONLY);
		read_until_mapped(fd, 0, 32, i);
		close(fd);
		close(host);
		remove_host("again");
		drop_names();
	}
	assert_true(count_of(FUSE_FORGET) + count_of(FUSE_BATCH_FORGET) > 0);
}

/* ---- all at once ---- */

static atomic_bool over;
static atomic_uint wrong;

static void *change_pages(void *arg)
{
	const uint64_t first = *(const uint64_t *)arg;
	int fd = open_guest("busy", O_RDWR);

	for (unsigned int i = 0; i < ROUNDS; i++) {
		write_pages(fd, first, 32, i);
		forget_pages(fd);
		wrong += !has_pages(fd, first, 32, i);
	}
	close(fd);
	return NULL;
}

static void *read_large(void *arg)
{
	int fd = open_guest("push", O_RDONLY);

	(void)arg;
	while (!over) {
		forget_pages(fd);
		wrong += !has_pages(fd, 0, LARGE / PAGE, 5);
	}
	close(fd);
	return NULL;
}

static void *truncate_other(void *arg)
{
	int fd = open_guest("cut", O_RDWR | O_CREAT);

	(void)arg;
	while (!over) {
		write_pages(fd, 0, 40, 3);
		forget_pages(fd);
		wrong += !has_pages(fd, 0, 40, 3);
		assert_int_equal(ftruncate(fd, 5 * PAGE + 17), 0);
		wrong += !has_pages(fd, 0, 5, 3);
	}
	close(fd);
	return NULL;
}

static void everything_goes_on_at_once(void **state)
{
	const uint64_t parts[3] = {0, 40, 100};
	int busy = open_host("busy"), push = open_host("push");
	pthread_t writers[3], reader, cutter;

	(void)state;
	write_pages(busy, 0, FILE_SIZE / PAGE, 0);
	write_pages(push, 0, LARGE / PAGE, 5);
	over = false;
	assert_int_equal(pthread_create(&reader, NULL, read_large, NULL), 0);
	assert_int_equal(pthread_create(&cutter, NULL, truncate_other, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, change_pages,
					 (void *)(uintptr_t)&parts[i]),
			0);
	for (int i = 0; i < 3; i++)
		pthread_join(writers[i], NULL);
	over = true;
	pthread_join(reader, NULL);
	pthread_join(cutter, NULL);
	assert_int_equal(wrong, 0);
	for (int i = 0; i < 3; i++)
		assert_true(has_pages(busy, parts[i], 32, ROUNDS - 1));
	close(busy);
	close(push);
	remove_host("busy");
	remove_host("push");
	remove_host("cut");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mapped_is_read_with_no_request),
		cmocka_unit_test(the_incomplete_page_at_the_end_is_right),
		cmocka_unit_test(a_file_that_does_not_fit_is_read),
		cmocka_unit_test(a_file_that_the_host_makes_shorter_ends_there),
		cmocka_unit_test(what_is_mapped_is_written_with_no_request),
		cmocka_unit_test(a_file_that_was_made_shorter_grows_again),
		cmocka_unit_test(the_server_sees_a_write_after_a_change),
		cmocka_unit_test(times_are_those_of_the_last_write),
		cmocka_unit_test(set_id_bits_are_taken_away),
		cmocka_unit_test(what_another_file_had_is_not_shown),
		cmocka_unit_test(everything_goes_on_at_once),
	};

	if (access("/dev/fuse", R_OK | W_OK) != 0 || geteuid() != 0) {
		printf("skip: no /dev/fuse, or not root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
