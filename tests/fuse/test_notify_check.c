/* SPDX-License-Identifier: MIT */
/* Notifications that are taken, and notifications that are not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fuse.h"

/* Bytes of a notification, its header first. */
static struct {
	uint64_t words[256];
	uint32_t length;
} m;

static struct vfs_notification n;

static struct fuse_out_header *header(void)
{
	return (struct fuse_out_header *)m.words;
}

static void start(int32_t code)
{
	memset(&m, 0, sizeof(m));
	header()->error = code;
	m.length = sizeof(struct fuse_out_header);
}

static void add(const void *bytes, size_t length)
{
	memcpy((char *)m.words + m.length, bytes, length);
	m.length += (uint32_t)length;
}

static int check_with(unsigned int quirks)
{
	header()->len = m.length;
	return vfs_notify_check(m.words, m.length, quirks, &n);
}

static void good(void)
{
	assert_int_equal(check_with(0), 1);
	assert_int_equal(n.code, header()->error);
	assert_ptr_equal(n.message, m.words);
	assert_int_equal(n.message_length, m.length);
}

static void bad(const char *says)
{
	assert_int_equal(check_with(0), -EBADMSG);
	assert_error_says(says);
}

/* The same with a byte less and a byte more, which no kind allows. */
static void bad_in_other_lengths(void)
{
	m.length--;
	assert_int_equal(check_with(0), -EBADMSG);
	m.length += 2;
	assert_int_equal(check_with(0), -EBADMSG);
	m.length--;
}

static void headers(void **state)
{
	(void)state;
	start(FUSE_NOTIFY_POLL);
	assert_int_equal(vfs_notify_check(m.words, 0, 0, &n), -EBADMSG);
	assert_int_equal(vfs_notify_check(m.words, 15, 0, &n), -EBADMSG);
	assert_error_says("has 15 bytes, too few for its header");
	header()->len = 17;
	assert_int_equal(vfs_notify_check(m.words, 16, 0, &n), -EBADMSG);
	assert_error_says("says it has 17 bytes, the device wrote 16");
	header()->unique = 5;
	bad("has the unique 5");
	start(0);
	bad("has the code 0");
	start(-2);
	bad("has the code -2");
}

static void codes_that_are_not_known_are_passed(void **state)
{
	static const int32_t codes[] = {10, 63, 64, 1000, INT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		start(codes[i]);
		add("what it is", 10);
		assert_int_equal(check_with(0), 0);
		assert_int_equal(n.code, codes[i]);
		assert_int_equal(n.message_length, 26);
	}
}

static void poll_has_a_handle(void **state)
{
	const struct fuse_notify_poll_wakeup_out out = {.kh = 77};

	(void)state;
	start(FUSE_NOTIFY_POLL);
	add(&out, sizeof(out));
	good();
	assert_int_equal(n.handle, 77);
	bad_in_other_lengths();
}

static void inval_inode_has_any_range(void **state)
{
	struct fuse_notify_inval_inode_out out = {.ino = 5, .off = -1, .len = -7};

	(void)state;
	start(FUSE_NOTIFY_INVAL_INODE);
	add(&out, sizeof(out));
	good();
	assert_int_equal(n.node, 5);
	assert_true(n.offset == -1);
	assert_true(n.length == -7);
	bad_in_other_lengths();

	out.ino = 0;
	start(FUSE_NOTIFY_INVAL_INODE);
	add(&out, sizeof(out));
	bad("INVAL_INODE: it is about node 0");
}

static void put_entry(uint64_t parent, uint32_t namelen, const char *name, size_t bytes)
{
	const struct fuse_notify_inval_entry_out out = {
		.parent = parent, .namelen = namelen, .flags = FUSE_EXPIRE_ONLY};

	start(FUSE_NOTIFY_INVAL_ENTRY);
	add(&out, sizeof(out));
	add(name, bytes);
}

static void names_are_checked(void **state)
{
	char longest[1026];

	(void)state;
	put_entry(3, 5, "entry", 6);
	good();
	assert_int_equal(n.node, 3);
	assert_int_equal(n.flags, FUSE_EXPIRE_ONLY);
	assert_string_equal(n.name, "entry");
	bad_in_other_lengths();

	memset(longest, 'x', sizeof(longest));
	longest[1024] = '\0';
	put_entry(3, 1024, longest, 1025);
	good();
	assert_int_equal(strlen(n.name), 1024);
	longest[1024] = 'x';
	longest[1025] = '\0';
	put_entry(3, 1025, longest, 1026);
	bad("a name of 1025 bytes");

	put_entry(3, 0, "", 1);
	bad("a name of 0 bytes");
	put_entry(3, UINT32_MAX, "entry", 6);
	bad("a name of 4294967295 bytes");
	put_entry(3, 6, "entry", 6);
	bad("6 bytes for a name of 6");
	put_entry(3, 5, "entryX", 6);
	bad("a name with a slash, a NUL, or none at its end");
	put_entry(3, 5, "en/ry", 6);
	bad("a name with a slash");
	put_entry(3, 5, "en\0ry", 6);
	bad("a name with a slash");
	put_entry(0, 5, "entry", 6);
	bad("about node 0");
}

static void delete_has_a_child(void **state)
{
	const struct fuse_notify_delete_out out = {.parent = 3, .child = 9, .namelen = 1};

	(void)state;
	start(FUSE_NOTIFY_DELETE);
	add(&out, sizeof(out));
	add("f", 2);
	good();
	assert_int_equal(n.node, 3);
	assert_int_equal(n.child, 9);
	assert_string_equal(n.name, "f");
	bad_in_other_lengths();
}

static void put_store(uint64_t node, uint64_t offset, uint32_t size, size_t bytes)
{
	const struct fuse_notify_store_out out = {.nodeid = node, .offset = offset, .size = size};

	start(FUSE_NOTIFY_STORE);
	add(&out, sizeof(out));
	add("0123456789", bytes);
}

static void store_has_its_data(void **state)
{
	(void)state;
	put_store(4, INT64_MAX - 10, 10, 10);
	good();
	assert_int_equal(n.node, 4);
	assert_true(n.offset == INT64_MAX - 10);
	assert_int_equal(n.length, 10);
	assert_memory_equal(n.data, "0123456789", 10);
	bad_in_other_lengths();
	put_store(4, 0, 0, 0);
	good();

	put_store(4, INT64_MAX - 9, 10, 10);
	bad("10 bytes at offset 9223372036854775798");
	put_store(4, UINT64_MAX, 10, 10);
	bad("10 bytes at offset 18446744073709551615");
	put_store(4, 0, UINT32_MAX, 10);
	bad("4294967295 bytes of data where 10 are");
	put_store(0, 0, 10, 10);
	bad("about node 0");
}

static void put_retrieve(uint64_t node, uint64_t offset, uint32_t size)
{
	const struct fuse_notify_retrieve_out out = {
		.notify_unique = 33, .nodeid = node, .offset = offset, .size = size};

	start(FUSE_NOTIFY_RETRIEVE);
	add(&out, sizeof(out));
}

static void retrieve_has_a_range(void **state)
{
	(void)state;
	put_retrieve(4, 4096, UINT32_MAX);
	good();
	assert_int_equal(n.unique, 33);
	assert_int_equal(n.node, 4);
	assert_int_equal(n.offset, 4096);
	assert_true(n.length == UINT32_MAX);
	bad_in_other_lengths();
	put_retrieve(4, 1ULL << 63, 1);
	bad("1 bytes at offset");
	put_retrieve(0, 0, 1);
	bad("about node 0");
}

static void resend_and_inc_epoch_have_nothing(void **state)
{
	(void)state;
	start(VFS_FUSE_NOTIFY_RESEND);
	good();
	add("x", 1);
	bad("RESEND: a body of 1 bytes");
	start(VFS_FUSE_NOTIFY_INC_EPOCH);
	good();
	add("x", 1);
	bad("INC_EPOCH: a body of 1 bytes");
}

static void put_prune(uint32_t count, size_t nodes)
{
	static const uint64_t some[] = {11, 12, 13};
	const uint32_t head[4] = {count};

	start(VFS_FUSE_NOTIFY_PRUNE);
	add(head, sizeof(head));
	add(some, nodes * sizeof(some[0]));
}

static void prune_has_nodes(void **state)
{
	(void)state;
	put_prune(3, 3);
	good();
	assert_int_equal(n.num_nodes, 3);
	assert_int_equal(n.nodes[2], 13);
	bad_in_other_lengths();
	put_prune(0, 0);
	good();
	put_prune(2, 3);
	bad("24 bytes for 2 nodes");
	/* 2^29 nodes are 2^32 bytes, which are 0 in 32 bits. */
	put_prune(1u << 29, 0);
	bad("0 bytes for 536870912 nodes");
}

static void put_lock(int32_t error)
{
	const struct {
		uint64_t unique;
		int32_t error;
		uint32_t padding;
	} out = {.unique = 1234, .error = error};

	start(7);
	add(&out, sizeof(out));
}

static void locks_come_with_their_quirk_only(void **state)
{
	(void)state;
	put_lock(-EDEADLK);
	bad("RESEND: a body of 16 bytes (the quirk lock-wait takes that)");
	assert_int_equal(check_with(VFS_QUIRK_LOCK_WAIT), 1);
	assert_int_equal(n.code, VFS_NOTIFY_LOCK);
	assert_int_equal(n.unique, 1234);
	assert_int_equal(n.error, -EDEADLK);
	put_lock(1);
	assert_int_equal(check_with(VFS_QUIRK_LOCK_WAIT), -EBADMSG);
	assert_error_says("a lock with the error 1");
	put_lock(-4096);
	assert_int_equal(check_with(VFS_QUIRK_LOCK_WAIT), -EBADMSG);
	start(7);
	assert_int_equal(check_with(VFS_QUIRK_LOCK_WAIT), 1);
	assert_int_equal(n.code, VFS_FUSE_NOTIFY_RESEND);
}

/* Whatever is cut off, nothing beyond the end is looked at; the sanitizers watch. */
static void nothing_beyond_the_end_is_read(void **state)
{
	(void)state;
	for (int32_t code = 1; code < 12; code++) {
		for (uint32_t length = 16; length < 80; length++) {
			uint64_t *exact = test_malloc(length);
			struct fuse_out_header out = {.len = length, .error = code};

			memset(exact, 0x01, length);
			memcpy(exact, &out, sizeof(out));
			(void)vfs_notify_check(exact, length, VFS_QUIRK_LOCK_WAIT, &n);
			test_free(exact);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(codes_that_are_not_known_are_passed),
		cmocka_unit_test(poll_has_a_handle),
		cmocka_unit_test(inval_inode_has_any_range),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(delete_has_a_child),
		cmocka_unit_test(store_has_its_data),
		cmocka_unit_test(retrieve_has_a_range),
		cmocka_unit_test(resend_and_inc_epoch_have_nothing),
		cmocka_unit_test(prune_has_nodes),
		cmocka_unit_test(locks_come_with_their_quirk_only),
		cmocka_unit_test(nothing_beyond_the_end_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
