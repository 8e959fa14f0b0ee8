/* SPDX-License-Identifier: MIT */
/* A lookup that comes when nobody waits for it any more is given back to the server. */
#include <errno.h>
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

static void so_is_that_of_a_file_that_was_made(void **state)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = {.entry = entry};
	uint8_t args[sizeof(struct fuse_create_in) + 2] = {0};

	(void)state;
	connect_with(4, 0);
	time_out(FUSE_CREATE, args, sizeof(args));
	answer_late(0, &out, sizeof(out));
	assert_int_equal(forgotten(), NODE);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_late_lookup_is_given_back),
		TEST(so_is_that_of_a_file_that_was_made),
		TEST(so_are_those_of_a_directory),
		TEST(so_are_those_that_were_to_be_copied),
		TEST(an_entry_that_is_cut_off_is_none),
		TEST(an_error_has_no_lookup),
		TEST(no_node_and_the_root_are_not_given_back),
		TEST(what_is_malformed_is_not_believed),
		TEST(other_answers_are_no_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
