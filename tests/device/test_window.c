/* SPDX-License-Identifier: MIT */
/*
 * The DAX window of a device on a socket, by the public API: files of the served directory in this
 * process's memory, with no virtual machine. Over vhost-user it is the file itself, over vfio-user
 * a copy that the server keeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/device.h>
#include <vfs/error.h>
#include <vfs/fuse_abi.h>
#include <vfs/request.h>
#include <vfs/session.h>

#include "device_process.h"
#include "transport/memory_probe.h"

#define TIMEOUT_MS 5000
#define WINDOW	   (64u << 20)
#define FILE_SIZE  (4u << 20)
#define READ	   FUSE_SETUPMAPPING_FLAG_READ
#define WRITE	   (FUSE_SETUPMAPPING_FLAG_READ | FUSE_SETUPMAPPING_FLAG_WRITE)

static struct device_process process;
static struct vfs_device *device;
static struct vfs_session *session;
static struct vfs_init agreed;
static char *window;
static uint64_t unit; /* what mappings are aligned to */
static uint64_t node;
static int host; /* the same file, as the host has it */

static void connect_session(void)
{
	const struct vfs_session_options options = {.timeout_ms = TIMEOUT_MS};
	const struct vfs_init want = {.flags = FUSE_MAP_ALIGNMENT};

	assert_int_equal(vfs_session_create(device, &options, &session), 0);
	assert_int_equal(vfs_session_init(session, &want, &agreed), 0);
	assert_true(agreed.flags & FUSE_MAP_ALIGNMENT);
	unit = 1ULL << agreed.map_alignment;
	assert_in_range(unit, 4096, 1 << 20);
}

static void disconnect(void)
{
	vfs_session_destroy(session);
	session = NULL;
}

/* Send a message and wait for the answer: 0 or -errno; a body of at most @max bytes. */
static int call(uint32_t opcode, uint64_t to, const void *in, size_t size, void *out, size_t max)
{
	struct vfs_queue *queue = vfs_session_queue(session, 0);
	struct vfs_request *request = vfs_request_get(queue), *done;
	struct fuse_in_header header = {.opcode = opcode, .nodeid = to};
	struct iovec answer[2];
	char *message;
	int r;

	assert_non_null(request);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), in, size);
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + size), 0);
	assert_int_equal(vfs_queue_submit(queue, &request, 1), 0);
	while (!vfs_queue_reap(queue, &done, 1))
		assert_int_equal(vfs_queue_wait(queue, TIMEOUT_MS), 0);
	r = vfs_request_error(done);
	if (out && vfs_request_reply(done, answer) == 2)
		memcpy(out, answer[1].iov_base, answer[1].iov_len < max ? answer[1].iov_len : max);
	vfs_request_put(done);
	return r;
}

static void look_up(const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(
		call(FUSE_LOOKUP, FUSE_ROOT_ID, name, strlen(name) + 1, &entry, sizeof(entry)), 0);
	node = entry.nodeid;
}

static int set_up(uint64_t file_offset, uint64_t length, uint64_t offset, uint64_t flags)
{
	const struct fuse_setupmapping_in in = {.fh = UINT64_MAX,
		.foffset = file_offset,
		.len = length,
		.flags = flags,
		.moffset = offset};

	return call(FUSE_SETUPMAPPING, node, &in, sizeof(in), NULL, 0);
}

static int take_away(uint64_t offset, uint64_t length)
{
	const struct fuse_removemapping_in in = {.count = 1};
	const struct fuse_removemapping_one one = {.moffset = offset, .len = length};
	char message[sizeof(in) + sizeof(one)];

	memcpy(message, &in, sizeof(in));
	memcpy(message + sizeof(in), &one, sizeof(one));
	return call(FUSE_REMOVEMAPPING, node, message, sizeof(message), NULL, 0);
}

static void make_file(void)
{
	char path[100], block[4096];
	unsigned int i;

	snprintf(path, sizeof(path), "%s/share/file", process.dir);
	host = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	assert_true(host >= 0);
	for (i = 0; i < FILE_SIZE / sizeof(block); i++) {
		memset(block, (int)('a' + i % 26), sizeof(block));
		assert_int_equal(write(host, block, sizeof(block)), sizeof(block));
	}
}

static void host_has(uint64_t offset, const char *text)
{
	char bytes[64] = "";

	assert_true(pread(host, bytes, strlen(text), (off_t)offset) >= 0);
	assert_string_equal(bytes, text);
}

static int start(bool vfio_user)
{
	process = (struct device_process){.vfio_user = vfio_user, .dax = "64"};
	assert_int_equal(device_process_start(&process, false), 0);
	make_file();
	assert_int_equal(vfs_device_open(process.name, NULL, &device), 0);
	window = vfs_device_window(device);
	assert_non_null(window);
	assert_int_equal(vfs_device_info(device)->dax_window, WINDOW);
	connect_session();
	look_up("file");
	return 0;
}

static int start_vhost_user(void **state)
{
	(void)state;
	return start(false);
}

static int start_vfio_user(void **state)
{
	(void)state;
	return start(true);
}

static int stop(void **state)
{
	char path[100];

	(void)state;
	disconnect();
	vfs_device_close(device);
	device = NULL;
	close(host);
	snprintf(path, sizeof(path), "%s/share/file", process.dir);
	unlink(path);
	return device_process_stop(&process);
}

static void the_window_is_empty_at_first(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 0; i < WINDOW; i += 1u << 20)
		assert_false(can_read(window + i));
	assert_false(can_read(window + WINDOW - 1));
}

static void the_file_is_in_the_window(void **state)
{
	uint64_t i;

	(void)state;
	assert_int_equal(set_up(0, FILE_SIZE, 8 * unit, READ), 0);
	for (i = 0; i < FILE_SIZE; i++)
		if (window[8 * unit + i] != (char)('a' + i / 4096 % 26))
			fail_msg("byte %llu is %d", (unsigned long long)i, window[8 * unit + i]);
	assert_int_equal(set_up(unit, unit, WINDOW - unit, READ), 0);
	assert_memory_equal(window + WINDOW - unit, window + 9 * unit, unit);
	assert_int_equal(take_away(8 * unit, FILE_SIZE), 0);
	assert_int_equal(take_away(WINDOW - unit, unit), 0);
}

static void both_sides_see_a_write_at_once(void **state)
{
	(void)state;
	assert_int_equal(set_up(0, FILE_SIZE, 0, WRITE), 0);
	memcpy(window + 12345, "from the window", 15);
	host_has(12345, "from the window");
	assert_int_equal(pwrite(host, "from the host", 13, 54321), 13);
	assert_memory_equal(window + 54321, "from the host", 13);
}

static void a_mapping_for_reading_cannot_be_written(void **state)
{
	(void)state;
	assert_int_equal(set_up(0, unit, 0, READ), 0);
	assert_true(can_read(window));
	assert_false(can_write(window));
	/* Mapping it again makes it one for both. */
	assert_int_equal(set_up(0, unit, 0, WRITE), 0);
	assert_true(can_write(window));
}

static void what_is_taken_away_cannot_be_accessed(void **state)
{
	(void)state;
	assert_int_equal(set_up(0, 4 * unit, 0, READ), 0);
	assert_true(can_read(window + unit));
	assert_int_equal(take_away(unit, unit), 0);
	assert_true(can_read(window));
	assert_false(can_read(window + unit));
	assert_false(can_read(window + 2 * unit - 1));
	assert_true(can_read(window + 2 * unit));
	/* Nothing is wrong with what is left. */
	assert_int_equal(window[2 * unit], 'a' + (char)(2 * unit / 4096 % 26));
	assert_int_equal(take_away(0, 4 * unit), 0);
	assert_false(can_read(window));
}

static void what_is_outside_is_refused(void **state)
{
	(void)state;
	assert_true(set_up(0, unit, WINDOW, READ) < 0);
	assert_true(set_up(0, 2 * unit, WINDOW - unit, READ) < 0);
	assert_true(set_up(0, unit, unit / 2, READ) < 0);
	assert_int_equal(set_up(0, unit, WINDOW - unit, READ), 0);
}

/* The daemon waits for the mapping before it answers, whoever spins here. */
static void a_caller_that_spins_gets_its_mapping(void **state)
{
	struct vfs_queue *queue = vfs_session_queue(session, 0);
	unsigned int round;

	(void)state;
	for (round = 0; round < 200; round++) {
		const struct fuse_setupmapping_in in = {.fh = UINT64_MAX,
			.foffset = round % 4 * unit,
			.len = unit,
			.flags = READ,
			.moffset = round * unit};
		struct fuse_in_header header = {.opcode = FUSE_SETUPMAPPING, .nodeid = node};
		struct vfs_request *request = vfs_request_get(queue);
		char *message = vfs_request_message(request);

		memcpy(message, &header, sizeof(header));
		memcpy(message + sizeof(header), &in, sizeof(in));
		assert_int_equal(vfs_request_prepare(request, sizeof(header) + sizeof(in)), 0);
		assert_int_equal(vfs_queue_submit(queue, &request, 1), 0);
		while (!vfs_queue_reap(queue, &request, 1))
			;
		assert_int_equal(vfs_request_error(request), 0);
		vfs_request_put(request);
		assert_int_equal(window[round * unit], 'a' + (char)(in.foffset / 4096 % 26));
	}
}

static void the_next_session_has_an_empty_window(void **state)
{
	void *before = vfs_device_window(device);

	(void)state;
	assert_int_equal(set_up(0, FILE_SIZE, 0, WRITE), 0);
	assert_true(can_read(window));
	disconnect();
	assert_false(can_read(window));
	connect_session();
	look_up("file");
	assert_false(can_read(window));
	assert_ptr_equal(vfs_device_window(device), before);
	assert_int_equal(set_up(unit, unit, 0, READ), 0);
	assert_int_equal(window[0], 'a' + (char)(unit / 4096 % 26));
}

static void nothing_is_left_after_close(void **state)
{
	(void)state;
	assert_int_equal(set_up(0, unit, 0, READ), 0);
	disconnect();
	vfs_device_close(device);
	device = NULL;
	assert_false(can_read(window));
}

static atomic_bool reading;

static void *read_window(void *opaque)
{
	const volatile char *p = window;
	uint64_t sum = 0;

	(void)opaque;
	while (reading)
		sum += (uint64_t)p[sum % unit];
	return NULL;
}

/* Whoever reads meanwhile does not hear of it, until he ends the session. */
static void pages_outlive_the_daemon(void **state)
{
	pthread_t reader;

	(void)state;
	assert_int_equal(set_up(0, unit, 0, READ), 0);
	reading = true;
	assert_int_equal(pthread_create(&reader, NULL, read_window, NULL), 0);
	kill(process.pid, SIGKILL);
	assert_int_equal(waitpid(process.pid, NULL, 0), process.pid);
	assert_int_equal(vfs_device_check(device), -ENODEV);
	assert_int_equal(window[0], 'a');
	reading = false;
	pthread_join(reader, NULL);
	disconnect();
	assert_false(can_read(window));
	assert_int_equal(device_process_restart(&process), 0);
}

static void a_session_that_is_given_up_keeps_its_pages(void **state)
{
	(void)state;
	assert_int_equal(set_up(0, unit, 0, READ), 0);
	vfs_session_abort(session);
	assert_int_equal(window[0], 'a');
	disconnect();
	assert_false(can_read(window));
}

/* ---- vfio-user: the server's memory, mapped from the start ---- */

static void a_copy_of_the_file_is_in_the_window(void **state)
{
	const struct fuse_open_in how = {.flags = O_RDWR};
	struct fuse_open_out opened;
	struct fuse_fsync_in sync = {.fsync_flags = 0};
	uint64_t i;

	(void)state;
	assert_int_equal(call(FUSE_OPEN, node, &how, sizeof(how), &opened, sizeof(opened)), 0);
	sync.fh = opened.fh;
	assert_true(can_read(window) && can_read(window + WINDOW - 1));
	assert_int_equal(set_up(0, FILE_SIZE, unit, WRITE), 0);
	for (i = 0; i < FILE_SIZE; i += 4096)
		assert_int_equal(window[unit + i], 'a' + (char)(i / 4096 % 26));
	memcpy(window + unit + 12345, "from the window", 15);
	assert_int_equal(call(FUSE_FSYNC, node, &sync, sizeof(sync), NULL, 0), 0);
	host_has(12345, "from the window");
	memcpy(window + unit + 22345, "and once more", 13);
	assert_int_equal(take_away(unit, FILE_SIZE), 0);
	host_has(22345, "and once more");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_vhost_user, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_window_is_empty_at_first),
		TEST(the_file_is_in_the_window),
		TEST(both_sides_see_a_write_at_once),
		TEST(a_mapping_for_reading_cannot_be_written),
		TEST(what_is_taken_away_cannot_be_accessed),
		TEST(what_is_outside_is_refused),
		TEST(a_caller_that_spins_gets_its_mapping),
		TEST(the_next_session_has_an_empty_window),
		TEST(nothing_is_left_after_close),
		TEST(pages_outlive_the_daemon),
		TEST(a_session_that_is_given_up_keeps_its_pages),
		cmocka_unit_test_setup_teardown(
			a_copy_of_the_file_is_in_the_window, start_vfio_user, stop),
		cmocka_unit_test_setup_teardown(the_file_is_in_the_window, start_vfio_user, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
