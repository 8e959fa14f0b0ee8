/* SPDX-License-Identifier: MIT */
/*
 * What the device notifies of reaches the kernel through the bridge, and what the kernel answers
 * the device: virtiofs-fuse on /dev/fuse, on virtiofs-device as a process of its own.
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
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_driver.h"

#define FILE_NAME "file"
#define ON_DISK	  "on disk!"
#define STORED	  "stored!!"
#define TRIES	  1200

#define NOTIFICATIONS 200
#define PATIENCE_MS   60000

extern char **environ;

static pid_t bridge;
static char mount_point[96];
static unsigned long long node;

/* The device gives the same file the same number to its next client. */
static unsigned long long look_up(void)
{
	struct fuse_in_header header = {.opcode = FUSE_LOOKUP, .nodeid = FUSE_ROOT_ID};
	struct fuse_entry_out entry;
	struct vfs_request *request;
	struct iovec iov[2];
	char *message;

	assert_int_equal(connect_session(&conn), 0);
	request = vfs_request_get(conn.queue);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), FILE_NAME, sizeof(FILE_NAME));
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + sizeof(FILE_NAME)), 0);
	assert_int_equal(vfs_queue_submit(conn.queue, &request, 1), 0);
	assert_ptr_equal(reap(&conn, BOUND_MS), request);
	assert_int_equal(vfs_request_reply(request, iov), 2);
	memcpy(&entry, iov[1].iov_base, sizeof(entry));
	vfs_request_put(request);
	disconnect(&conn);
	return entry.nodeid;
}

static void write_file(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/share/%s", process.dir, FILE_NAME);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, ON_DISK, strlen(ON_DISK)), strlen(ON_DISK));
	close(fd);
}

static bool is_mounted(void)
{
	struct stat here, above;

	return stat(mount_point, &here) == 0 && stat(process.dir, &above) == 0 &&
	       here.st_dev != above.st_dev;
}

static int mount_it(void)
{
	char *argv[] = {"virtiofs-fuse", process.name, mount_point, "-f", NULL};

	snprintf(mount_point, sizeof(mount_point), "%s/mount", process.dir);
	if (mkdir(mount_point, 0755) < 0 ||
		posix_spawn(&bridge, BRIDGE, NULL, NULL, argv, environ) != 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		if (is_mounted())
			return 0;
		usleep(50000);
	}
	return -1;
}

static int start(void **state)
{
	(void)state;
	if (start_process(&(struct device_process){.notify = true, .vfio_user = true}) < 0)
		return -1;
	write_file();
	node = look_up();
	return mount_it();
}

static int stop(void **state)
{
	char path[128];
	int status = -1;

	umount2(mount_point, 0);
	waitpid(bridge, &status, 0);
	rmdir(mount_point);
	snprintf(path, sizeof(path), "%s/share/%s", process.dir, FILE_NAME);
	unlink(path);
	return stop_process(state) == 0 && status == 0 ? 0 : -1;
}

static void say(const char *what)
{
	char line[200];

	snprintf(line, sizeof(line), what, node);
	command(line);
}

static int open_file(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", mount_point, FILE_NAME);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* It can be read, now or soon. */
static void assert_reads(int fd, const char *content)
{
	char bytes[16] = "";

	for (int i = 0; i < TRIES; i++) {
		assert_int_equal(pread(fd, bytes, sizeof(bytes) - 1, 0), strlen(content));
		if (strcmp(bytes, content) == 0)
			return;
		usleep(50000);
	}
	fail_msg("'%s' instead of '%s'", bytes, content);
}

/* Through a file that stays open: opening it would forget what was read before. */
static void test_store_and_invalidate(void **state)
{
	int fd;

	(void)state;
	fd = open_file();
	assert_reads(fd, ON_DISK);
	say("notify store node=%llu offset=0 data=" STORED);
	assert_reads(fd, STORED);
	say("notify inval-inode node=%llu offset=0 length=0");
	assert_reads(fd, ON_DISK);
	close(fd);
}

static void test_retrieve_is_answered_by_the_kernel(void **state)
{
	char answer[256] = "";
	int fd;

	(void)state;
	fd = open_file();
	assert_reads(fd, ON_DISK);
	say("notify retrieve node=%llu offset=0 length=8 unique=77");
	for (int i = 0; i < TRIES && !strstr(answer, "unique=77"); i++) {
		usleep(50000);
		(void)device_process_ask(&process, "retrieved", answer, sizeof(answer));
	}
	close(fd);
	if (!strstr(answer, "data=" ON_DISK))
		fail_msg("the device was told '%s'", answer);
}

/* Of nodes that it does not know, of things that it does not know. */
static void test_what_the_kernel_refuses_ends_nothing(void **state)
{
	int fd;

	(void)state;
	command("notify inval-inode node=12345");
	command("notify poll handle=9");
	command("notify resend");
	command("notify inc-epoch");
	command("notify raw code=99 data=unknown");
	command("notify raw code=2 data=malformed");
	fd = open_file();
	say("notify store node=%llu offset=0 data=" STORED);
	assert_reads(fd, STORED);
	say("notify inval-inode node=%llu offset=0 length=0");
	assert_reads(fd, ON_DISK);
	close(fd);
}

struct reader {
	int fd;
	atomic_bool stop;
	unsigned int wrong;
};

static void *read_on(void *arg)
{
	struct reader *reader = arg;
	char bytes[16];

	while (!reader->stop) {
		ssize_t n = pread(reader->fd, bytes, sizeof(bytes), 0);

		reader->wrong += n != (ssize_t)strlen(ON_DISK) || memcmp(bytes, ON_DISK, (size_t)n);
	}
	return NULL;
}

static uint64_t count_reads(void)
{
	struct device_counts counts;

	assert_int_equal(device_process_counts(&process, &counts), 0);
	return counts.messages[FUSE_READ];
}

static void await_read(uint64_t before)
{
	for (int i = 0; i < PATIENCE_MS && count_reads() == before; i++)
		usleep(1000);
	assert_in_range(count_reads(), before + 1, UINT64_MAX);
}

/* The bridge's two threads at once: the kernel reads again after each notification. */
static void test_requests_go_on_meanwhile(void **state)
{
	struct reader reader = {.fd = open_file()};
	pthread_t thread;

	(void)state;
	assert_reads(reader.fd, ON_DISK);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (int i = 0; i < NOTIFICATIONS; i++) {
		uint64_t before = count_reads();

		say("notify inval-inode node=%llu offset=0 length=0");
		command("notify raw code=2 data=malformed");
		await_read(before);
	}
	reader.stop = true;
	pthread_join(thread, NULL);
	close(reader.fd);
	assert_int_equal(reader.wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_and_invalidate),
		cmocka_unit_test(test_retrieve_is_answered_by_the_kernel),
		cmocka_unit_test(test_what_the_kernel_refuses_ends_nothing),
		cmocka_unit_test(test_requests_go_on_meanwhile),
	};

	if (access("/dev/fuse", R_OK | W_OK) != 0 || geteuid() != 0) {
		printf("skip: no /dev/fuse, or not root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
