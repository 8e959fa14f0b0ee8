/* SPDX-License-Identifier: MIT */
/*
 * A reader that remembers what it has read until it is told that it has changed: by one
 * notification of the device, which is a process of its own, on either face.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>
#include <vfs/notify.h>

#include "fault_driver.h"

#define FILE_NAME "file"

/* What the reader remembers. */
struct cached {
	bool known;
	uint64_t node;
	uint64_t size;
};

static struct cached cached;
static unsigned int asked; /* the server */

static int start_on_vhost_user(void **state)
{
	(void)state;
	return start_process(&(struct device_process){.notify = true});
}

static int start_on_vfio_user(void **state)
{
	(void)state;
	return start_process(&(struct device_process){.notify = true, .vfio_user = true});
}

static const char *path(void)
{
	static char text[96];

	snprintf(text, sizeof(text), "%s/share/%s", process.dir, FILE_NAME);
	return text;
}

/* Behind the reader's back. */
static void write_file(const char *content)
{
	int fd = open(path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static int begin(void **state)
{
	const struct vfs_session_options options = {.timeout_ms = 10000, .notify_buffers = 8};
	struct vfs_init want = {0}, got;

	(void)state;
	cached = (struct cached){0};
	asked = 0;
	write_file("old");
	if (vfs_device_open(process.name, NULL, &conn.device) < 0 ||
		vfs_session_create(conn.device, &options, &conn.session) < 0 ||
		vfs_session_init(conn.session, &want, &got) < 0) {
		print_error("%s\n", vfs_last_error());
		return -1;
	}
	conn.queue = vfs_session_queue(conn.session, 0);
	return 0;
}

static int end(void **state)
{
	unlink(path());
	return close_connection(state);
}

/* The body of the answer, or a negative errno. */
static int ask(
	uint32_t opcode, uint64_t node, const void *args, size_t length, void *answer, size_t size)
{
	struct fuse_in_header header = {.opcode = opcode, .nodeid = node};
	struct vfs_request *request = vfs_request_get(conn.queue);
	char *message = vfs_request_message(request);
	struct iovec iov[2];
	int r;

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), args, length);
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + length), 0);
	assert_int_equal(vfs_queue_submit(conn.queue, &request, 1), 0);
	asked++;
	assert_ptr_equal(reap(&conn, BOUND_MS), request);
	r = vfs_request_error(request);
	if (r == 0 && size) {
		assert_int_equal(vfs_request_reply(request, iov), 2);
		memcpy(answer, iov[1].iov_base, size < iov[1].iov_len ? size : iov[1].iov_len);
	}
	vfs_request_put(request);
	return r;
}

static int look_up(void)
{
	struct fuse_entry_out entry;
	int r = ask(FUSE_LOOKUP, FUSE_ROOT_ID, FILE_NAME, sizeof(FILE_NAME), &entry, sizeof(entry));

	if (r == 0)
		cached = (struct cached){
			.known = true, .node = entry.nodeid, .size = entry.attr.size};
	return r;
}

/* From memory as long as it may. */
static uint64_t size_of_file(void)
{
	const struct fuse_getattr_in in = {0};
	struct fuse_attr_out out = {0};

	if (!cached.known) {
		assert_int_equal(
			ask(FUSE_GETATTR, cached.node, &in, sizeof(in), &out, sizeof(out)), 0);
		cached.size = out.attr.size;
		cached.known = true;
	}
	return cached.size;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	char line[200];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	command(line);
}

/* The next one, waited for as a program would. */
static struct vfs_notification hear(void)
{
	struct pollfd pfd = {.fd = vfs_notify_fd(conn.session), .events = POLLIN};
	struct vfs_notification n;
	int r;

	while ((r = vfs_notify_next(conn.session, &n)) == 0) {
		if (!vfs_notify_arm(conn.session))
			assert_int_equal(poll(&pfd, 1, BOUND_MS), 1);
	}
	assert_int_equal(r, 1);
	return n;
}

static void heed(void)
{
	struct vfs_notification n = hear();

	if (n.code == FUSE_NOTIFY_INVAL_INODE && n.node == cached.node)
		cached.known = false;
}

static void test_it_sees_a_change_after_one_notification(void **state)
{
	(void)state;
	assert_int_equal(look_up(), 0);
	assert_int_equal(size_of_file(), 3);
	write_file("longer than before");
	assert_int_equal(size_of_file(), 3);
	assert_int_equal(asked, 1);

	say("notify inval-inode node=%llu offset=0 length=0", (unsigned long long)cached.node);
	heed();
	assert_int_equal(size_of_file(), 18);
	assert_int_equal(size_of_file(), 18);
	assert_int_equal(asked, 2);
}

/* More than there are buffers at once, and each of them told from the others. */
static void test_many_come_in_order(void **state)
{
	struct vfs_notification n;
	uint64_t i;

	(void)state;
	for (i = 1; i <= 50; i++)
		say("notify inval-inode node=%llu", (unsigned long long)i);
	for (i = 1; i <= 50; i++) {
		n = hear();
		assert_int_equal(n.code, FUSE_NOTIFY_INVAL_INODE);
		assert_int_equal(n.node, i);
	}
}

static void test_every_kind_arrives(void **state)
{
	struct vfs_notification n;

	(void)state;
	say("notify inval-entry node=1 name=" FILE_NAME " flags=1");
	n = hear();
	assert_int_equal(n.code, FUSE_NOTIFY_INVAL_ENTRY);
	assert_string_equal(n.name, FILE_NAME);
	assert_int_equal(n.flags, FUSE_EXPIRE_ONLY);
	say("notify delete node=1 child=5 name=gone");
	n = hear();
	assert_int_equal(n.code, FUSE_NOTIFY_DELETE);
	assert_string_equal(n.name, "gone");
	assert_int_equal(n.child, 5);
	say("notify store node=5 offset=4096 data=hello");
	n = hear();
	assert_int_equal(n.code, FUSE_NOTIFY_STORE);
	assert_int_equal(n.length, 5);
	assert_memory_equal(n.data, "hello", 5);
	say("notify poll handle=7");
	n = hear();
	assert_int_equal(n.code, FUSE_NOTIFY_POLL);
	assert_int_equal(n.handle, 7);
	say("notify resend");
	assert_int_equal(hear().code, VFS_FUSE_NOTIFY_RESEND);
	say("notify inc-epoch");
	assert_int_equal(hear().code, VFS_FUSE_NOTIFY_INC_EPOCH);
	say("notify raw code=77 data=whatever");
	assert_int_equal(hear().code, 77);
}

static void test_malformed_ones_are_passed_over(void **state)
{
	(void)state;
	say("notify raw code=3 data=no-entry");
	say("notify raw code=1 unique=5");
	say("notify raw code=1 claim=4096");
	say("notify inval-entry node=1 name=a/b");
	say("notify inval-inode node=8");
	assert_int_equal(hear().node, 8);
	assert_int_equal(vfs_notify_counters(conn.session)->malformed, 4);
	assert_int_equal(vfs_notify_counters(conn.session)->delivered, 1);
}

static void test_retrieve_is_answered_on_a_request_queue(void **state)
{
	struct {
		struct fuse_in_header header;
		struct fuse_notify_retrieve_in in;
		char data[4];
	} reply = {.header.opcode = FUSE_NOTIFY_REPLY, .in.size = 4, .data = "abcd"};
	struct vfs_request *request;
	struct vfs_notification n;
	char answer[256];

	(void)state;
	say("notify retrieve node=9 offset=8192 length=4 unique=55");
	n = hear();
	assert_int_equal(n.code, FUSE_NOTIFY_RETRIEVE);
	reply.header.unique = n.unique;
	reply.header.nodeid = n.node;
	reply.in.offset = (uint64_t)n.offset;
	request = vfs_request_get(conn.queue);
	memcpy(vfs_request_message(request), &reply, sizeof(reply));
	assert_int_equal(vfs_request_prepare(request, sizeof(reply)), 0);
	assert_int_equal(vfs_queue_submit(conn.queue, &request, 1), 0);
	assert_ptr_equal(reap(&conn, BOUND_MS), request);
	assert_int_equal(vfs_request_error(request), 0);
	vfs_request_put(request);
	assert_int_equal(device_process_ask(&process, "retrieved", answer, sizeof(answer)), 0);
	assert_non_null(strstr(answer, "unique=55 node=9 offset=8192 length=4 data=abcd"));
}

/* Request queues are where they are without the feature. */
static void test_who_does_not_ask_is_served_as_ever(void **state)
{
	(void)state;
	disconnect(&conn);
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(vfs_notify_fd(conn.session), -ENOTSUP);
	assert_int_equal(getattr(&conn), 0);
	assert_int_equal(device_process_command(&process, "notify inval-inode node=1"), -1);
}

#define READER_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(test_it_sees_a_change_after_one_notification),
		READER_TEST(test_many_come_in_order),
		READER_TEST(test_every_kind_arrives),
		READER_TEST(test_malformed_ones_are_passed_over),
		READER_TEST(test_retrieve_is_answered_on_a_request_queue),
		READER_TEST(test_who_does_not_ask_is_served_as_ever),
	};

	return cmocka_run_group_tests_name("vhost-user", tests, start_on_vhost_user, stop_process) +
	       cmocka_run_group_tests_name("vfio-user", tests, start_on_vfio_user, stop_process);
}
