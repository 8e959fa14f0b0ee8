/* SPDX-License-Identifier: MIT */
/* A lookup or a handle that comes when nobody waits for it any more is given back to the server. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "fuse/fixture.h"

#define HIPRIO 0
#define NODE   77u

static const struct fuse_entry_out entry = {.nodeid = NODE};

/* Its caller was told that there is no answer, and the device has it still. */
static void wait_in_vain(struct vfs_request *request, size_t length)
{
	assert_int_equal(vfs_request_prepare(request, sizeof(struct fuse_in_header) + length), 0);
	vfs_request_set_timeout(request, 1);
	submit(request);
	take(&taken);
	assert_int_equal(vfs_queue_wait(queue, 10000), 0);
	request = reap_one(queue);
	assert_int_equal(vfs_request_error(request), -ETIMEDOUT);
	vfs_request_put(request);
}

static void time_out(uint32_t opcode, const void *args, size_t length)
{
	wait_in_vain(message_raw(queue, opcode, args, length), length);
}

static void answer_late(int error, const void *body, size_t length)
{
	fuse_device_answer(&d, &taken, error, body, length);
	reap_none(queue);
	assert_int_equal(vfs_queue_counters(queue)->late, 1);
}

/* The next FORGET; 0: there is none. INTERRUPTs are taken and done with. */
static uint64_t forgotten(void)
{
	struct taken message;
	struct fuse_forget_in in;

	while (fuse_device_take(&d, HIPRIO, &message)) {
		fuse_device_write(&d, &message, NULL, 0, 0);
		if (message.header.opcode != FUSE_FORGET)
			continue;
		memcpy(&in, message.bytes + sizeof(struct fuse_in_header), sizeof(in));
		assert_int_equal(in.nlookup, 1);
		return message.header.nodeid;
	}
	return 0;
}

static void a_late_lookup_is_given_back(void **state)
{
	(void)state;
	connect_with(4, 0);
	time_out(FUSE_LOOKUP, "name", 5);
	answer_late(0, &entry, sizeof(entry));
	assert_int_equal(forgotten(), NODE);
	assert_int_equal(forgotten(), 0);
}

static void an_error_has_no_lookup(void **state)
{
	(void)state;
	connect_with(4, 0);
	time_out(FUSE_LOOKUP, "name", 5);
	answer_late(-ENOENT, NULL, 0);
	assert_int_equal(forgotten(), 0);
}

static void no_node_and_the_root_are_not_given_back(void **state)
{
	static const uint64_t nodes[] = {0, FUSE_ROOT_ID};

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		struct fuse_entry_out out = {.nodeid = nodes[i]};

		if (i > 0)
			set_up(state);
		connect_with(4, 0);
		time_out(FUSE_LOOKUP, "name", 5);
		answer_late(0, &out, sizeof(out));
		assert_int_equal(forgotten(), 0);
		if (i == 0)
			tear_down(state);
	}
}

static void what_is_malformed_is_not_believed(void **state)
{
	(void)state;
	connect_with(4, 0);
	time_out(FUSE_LOOKUP, "name", 5);
	answer_late(0, &entry, sizeof(entry) - 8);
	assert_int_equal(forgotten(), 0);
}

static void other_answers_are_no_entries(void **state)
{
	struct fuse_getattr_in in = {0};
	struct fuse_attr_out out = {.attr_valid = NODE};

	(void)state;
	connect_with(4, 0);
	time_out(FUSE_GETATTR, &in, sizeof(in));
	answer_late(0, &out, sizeof(out));
	assert_int_equal(forgotten(), 0);
}

/* ---- READDIRPLUS ---- */

static uint8_t entries[2048];
static size_t entries_length;

static void add_entry(const char *name, uint64_t node)
{
	struct fuse_direntplus head = {
		.entry_out.nodeid = node, .dirent.namelen = (uint32_t)strlen(name)};

	memcpy(entries + entries_length, &head, FUSE_NAME_OFFSET_DIRENTPLUS);
	memcpy(entries + entries_length + FUSE_NAME_OFFSET_DIRENTPLUS, name, strlen(name));
	entries_length += FUSE_DIRENTPLUS_SIZE(&head);
}

static void fill_directory(void)
{
	entries_length = 0;
	memset(entries, 0, sizeof(entries));
	add_entry(".", 5);
	add_entry("..", 6);
	add_entry("a", NODE);
	add_entry("unknown", 0);
	add_entry("..b", NODE + 1);
}

/* Into these pieces, or into the request. */
static void list_late(const struct iovec *data, unsigned int count)
{
	struct fuse_read_in in = {.size = sizeof(entries)};
	struct vfs_request *request = message_raw(queue, FUSE_READDIRPLUS, &in, sizeof(in));

	assert_int_equal(vfs_request_set_data(request, data, count), 0);
	wait_in_vain(request, sizeof(in));
	answer_late(0, entries, entries_length);
}

static void so_are_those_of_a_directory(void **state)
{
	(void)state;
	fill_directory();
	connect_with(4, 0);
	list_late(NULL, 0);
	assert_int_equal(forgotten(), NODE);
	assert_int_equal(forgotten(), NODE + 1);
	assert_int_equal(forgotten(), 0);
}

static void so_are_those_that_were_to_be_copied(void **state)
{
	static uint8_t memory[sizeof(entries)];
	struct iovec pieces[2] = {{memory, 200}, {memory + 200, sizeof(memory) - 200}};

	(void)state;
	fill_directory();
	connect_with(4, 0);
	list_late(pieces, 2);
	assert_int_equal(forgotten(), NODE);
	assert_int_equal(forgotten(), NODE + 1);
	/* It is not his any more. */
	assert_int_equal(memory[0], 0);
}

static void an_entry_that_is_cut_off_is_none(void **state)
{
	(void)state;
	fill_directory();
	entries_length -= 8;
	connect_with(4, 0);
	list_late(NULL, 0);
	assert_int_equal(forgotten(), NODE);
	assert_int_equal(forgotten(), 0);
}

/* ---- handles ---- */

static struct taken late_one;

#define DIRECTORY 33u
#define HANDLE	  0x1234567890u

static const struct fuse_open_out opened = {.fh = HANDLE};

static const struct {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
} created = {.entry = {.nodeid = NODE}, .open = {.fh = HANDLE}};

static struct vfs_request *message_open(uint32_t opcode)
{
	struct fuse_open_in in = {.flags = O_WRONLY | O_APPEND | O_TRUNC};
	struct vfs_request *request = message_raw(queue, opcode, &in, sizeof(in));

	((struct fuse_in_header *)vfs_request_message(request))->nodeid = DIRECTORY;
	return request;
}

static void open_in_vain(uint32_t opcode)
{
	wait_in_vain(message_open(opcode), sizeof(struct fuse_open_in));
}

static void create_in_vain(uint32_t opcode)
{
	struct fuse_create_in in = {.flags = O_RDWR | O_CREAT | O_EXCL};
	uint8_t args[sizeof(in) + sizeof("name")] = {0};

	memcpy(args, &in, sizeof(in));
	memcpy(args + sizeof(in), "name", sizeof("name"));
	time_out(opcode, args, sizeof(args));
}

static void expect_release(uint32_t opcode, uint64_t node, uint32_t flags)
{
	uint64_t before = taken.header.unique;
	struct fuse_release_in in;

	take(&taken);
	assert_int_equal(taken.header.opcode, opcode);
	assert_int_equal(taken.header.nodeid, node);
	assert_int_not_equal(taken.header.unique, before);
	assert_int_equal(taken.length, sizeof(taken.header) + sizeof(in));
	memcpy(&in, taken.bytes + sizeof(taken.header), sizeof(in));
	assert_int_equal(in.fh, HANDLE);
	assert_int_equal(in.flags, flags);
}

/* Nobody hears of its answer, and the request is free again then. */
static void answer_release(void)
{
	fuse_device_answer(&d, &taken, 0, NULL, 0);
	reap_none(queue);
	take_none();
	assert_int_equal(vfs_queue_counters(queue)->late, 1);
	assert_int_equal(vfs_queue_in_flight(queue), 0);
}

static void expect_free(void)
{
	struct vfs_request *request = vfs_request_get(queue);

	assert_non_null(request);
	vfs_request_put(request);
}

static void a_late_handle_is_released(void **state)
{
	(void)state;
	connect_with(1, 0);
	open_in_vain(FUSE_OPEN);
	answer_late(0, &opened, sizeof(opened));
	expect_release(FUSE_RELEASE, DIRECTORY, O_WRONLY | O_APPEND);
	assert_null(vfs_request_get(queue));
	answer_release();
	expect_free();
	assert_int_equal(forgotten(), 0);
}

static void so_is_that_of_a_directory(void **state)
{
	(void)state;
	connect_with(1, 0);
	open_in_vain(FUSE_OPENDIR);
	answer_late(0, &opened, sizeof(opened));
	expect_release(FUSE_RELEASEDIR, DIRECTORY, O_WRONLY | O_APPEND);
	answer_release();
	expect_free();
}

/* Its node is used until then. */
static void what_was_made_is_given_back_when_it_is_released(void **state)
{
	static const uint32_t opcodes[] = {FUSE_CREATE, FUSE_TMPFILE};

	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		if (i > 0)
			set_up(state);
		connect_with(1, 0);
		create_in_vain(opcodes[i]);
		answer_late(0, &created, sizeof(created));
		expect_release(FUSE_RELEASE, NODE, O_RDWR);
		assert_int_equal(forgotten(), 0);
		answer_release();
		assert_int_equal(forgotten(), NODE);
		assert_int_equal(forgotten(), 0);
		expect_free();
		if (i == 0)
			tear_down(state);
	}
}

static void so_it_is_whatever_the_answer_to_that(void **state)
{
	(void)state;
	connect_with(1, 0);
	create_in_vain(FUSE_CREATE);
	answer_late(0, &created, sizeof(created));
	expect_release(FUSE_RELEASE, NODE, O_RDWR);
	fuse_device_write(&d, &taken, NULL, 0, 0);
	reap_none(queue);
	assert_int_equal(forgotten(), NODE);
	expect_free();
}

static void what_was_not_opened_is_not_released(void **state)
{
	static const int errors[] = {-ENOSYS, -EINTR, -ENOENT};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (i > 0)
			set_up(state);
		connect_with(1, 0);
		open_in_vain(FUSE_OPEN);
		answer_late(errors[i], NULL, 0);
		take_none();
		expect_free();
		if (i + 1 < ARRAY_SIZE(errors))
			tear_down(state);
	}
}

/* It has his request still, in which nothing changes that he can see. */
static void the_caller_need_not_know(void **state)
{
	struct vfs_request *request;
	struct iovec iov[2];
	uint64_t unique;

	(void)state;
	connect_with(1, 0);
	request = message_open(FUSE_OPEN);
	assert_int_equal(
		vfs_request_prepare(request, sizeof(taken.header) + sizeof(struct fuse_open_in)),
		0);
	vfs_request_set_timeout(request, 1);
	submit(request);
	take(&taken);
	unique = taken.header.unique;
	assert_int_equal(vfs_queue_wait(queue, 10000), 0);
	fuse_device_answer(&d, &taken, 0, &opened, sizeof(opened));
	assert_ptr_equal(reap_one(queue), request);
	expect_release(FUSE_RELEASE, DIRECTORY, O_WRONLY | O_APPEND);
	assert_int_equal(vfs_request_error(request), -ETIMEDOUT);
	assert_int_equal(vfs_request_reply(request, iov), 1);
	assert_int_equal(((const struct fuse_out_header *)iov[0].iov_base)->unique, unique);
	answer_release();
	assert_null(vfs_request_get(queue));
	vfs_request_put(request);
	expect_free();
}

/* What the late answer has left, before those that wait for room. */
static void a_full_ring_has_room_for_it(void **state)
{
	(void)state;
	d.stub.offered &= ~FEATURE_INDIRECT;
	connect_with(4, 4);
	open_in_vain(FUSE_OPEN);
	late_one = taken;
	for (uintptr_t i = 1; i <= 3; i++)
		submit(message_statfs(queue, i));
	take(&taken);
	fuse_device_answer(&d, &late_one, 0, &opened, sizeof(opened));
	late_one = taken;
	reap_none(queue);
	expect_release(FUSE_RELEASE, DIRECTORY, O_WRONLY | O_APPEND);
	take_none();
	answer_statfs(&late_one);
	expect(1);
	for (uintptr_t i = 2; i <= 3; i++) {
		take(&taken);
		answer_statfs(&taken);
		expect(i);
	}
}

static void a_device_that_fails_releases_by_itself(void **state)
{
	(void)state;
	connect_with(1, 0);
	create_in_vain(FUSE_CREATE);
	answer_late(0, &created, sizeof(created));
	expect_release(FUSE_RELEASE, NODE, O_RDWR);
	vfs_session_abort(session);
	reap_none(queue);
	expect_free();
}

static void answer_it_before_destroy(struct fuse_device *device, const struct taken *message)
{
	if (message->header.opcode == FUSE_DESTROY)
		fuse_device_answer(device, &late_one, 0, &created, sizeof(created));
	fuse_device_serve(device, message);
}

static void nothing_is_released_after_destroy(void **state)
{
	(void)state;
	connect_with(2, 0);
	create_in_vain(FUSE_CREATE);
	late_one = taken;
	assert_int_equal(forgotten(), 0);
	d.serve = answer_it_before_destroy;
	vfs_session_destroy(session);
	session = NULL;
	assert_int_equal(d.served[FUSE_DESTROY], 1);
	assert_int_equal(d.served[FUSE_RELEASE], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_late_lookup_is_given_back),
		TEST(so_are_those_of_a_directory),
		TEST(so_are_those_that_were_to_be_copied),
		TEST(an_entry_that_is_cut_off_is_none),
		TEST(an_error_has_no_lookup),
		TEST(no_node_and_the_root_are_not_given_back),
		TEST(what_is_malformed_is_not_believed),
		TEST(other_answers_are_no_entries),
		TEST(a_late_handle_is_released),
		TEST(so_is_that_of_a_directory),
		TEST(what_was_made_is_given_back_when_it_is_released),
		TEST(so_it_is_whatever_the_answer_to_that),
		TEST(what_was_not_opened_is_not_released),
		TEST(the_caller_need_not_know),
		TEST(a_full_ring_has_room_for_it),
		TEST(a_device_that_fails_releases_by_itself),
		TEST(nothing_is_released_after_destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
