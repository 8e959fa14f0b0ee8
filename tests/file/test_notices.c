/* SPDX-License-Identifier: MIT */
/*
 * A mount that believes all that it has seen, of a directory that changes on the host: after one
 * notification of the device the very next call sees the change, and before it none does.
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>
#include <vfs/notify.h>

#include "between.h"
#include "served.h"

#define BOUND_S 20
#define BLOCK	(64u << 10)

static struct vfs_fs *fs;

static int begin(void **state)
{
	const struct vfs_mount_options options = {
		.cache = VFS_CACHE_ALWAYS, .session.notify_buffers = 8, .readahead = -1};

	(void)state;
	served_write("file", "before", 6);
	return served_mount(&options, BOUND_S, &fs);
}

static int end(void **state)
{
	(void)state;
	return served_umount(&fs);
}

/* ---- what is known, and what the device says ---- */

/* What the device calls it; it is given back, as the mount owes a lookup of its own. */
static unsigned long long node_of(const char *name)
{
	struct fuse_forget_one forget = {.nlookup = 1};
	struct vfs_op op;

	vfs_op_lookup(&op, FUSE_ROOT_ID, name);
	assert_int_equal(vfs_fuse_call(vfs_fs_fuse(fs), &op), 0);
	forget.nodeid = op.answer.entry.nodeid;
	assert_int_equal(vfs_forget(vfs_fs_session(fs), &forget, 1), 0);
	return forget.nodeid;
}

/* The device says it, and it has arrived; nobody has taken it yet. */
#define SAY(...)                             \
	do {                                 \
		served_command(__VA_ARGS__); \
		wait_for_notice();           \
	} while (0)

static void wait_for_notice(void)
{
	struct vfs_session *session = vfs_fs_session(fs);
	struct pollfd pfd = {.fd = vfs_notify_fd(session), .events = POLLIN};

	if (!vfs_notify_arm(session))
		assert_int_equal(poll(&pfd, 1, BOUND_S * 1000), 1);
}

static int stat_of(const char *path)
{
	struct stat attr;

	return vfs_stat(fs, path, &attr);
}

static off_t size_of(const char *path)
{
	struct stat attr;

	assert_int_equal(vfs_stat(fs, path, &attr), 0);
	return attr.st_size;
}

static struct vfs_file *open_file(void)
{
	struct vfs_file *file;

	assert_int_equal(vfs_open(fs, "file", O_RDONLY, 0, &file), 0);
	return file;
}

static void assert_reads(struct vfs_file *file, const char *content, off_t offset)
{
	char found[16] = "";
	size_t size = strlen(content);

	assert_int_equal(vfs_pread(file, found, size, offset), size);
	assert_string_equal(found, content);
}

/* ---- attributes and data ---- */

static void test_attributes(void **state)
{
	(void)state;
	assert_int_equal(size_of("file"), 6);
	served_write("file", "longer than before", 18);
	assert_int_equal(size_of("file"), 6);
	SAY("notify inval-inode node=%llu offset=-1", node_of("file"));
	assert_int_equal(size_of("file"), 18);
}

static void test_data(void **state)
{
	struct vfs_file *file = open_file();

	(void)state;
	assert_reads(file, "before", 0);
	served_write("file", "after!", 6);
	assert_reads(file, "before", 0);
	SAY("notify inval-inode node=%llu offset=0 length=0", node_of("file"));
	assert_reads(file, "after!", 0);
	assert_int_equal(vfs_close(file), 0);
}

/* More of it is there than was. */
static void test_data_that_was_appended(void **state)
{
	struct vfs_file *file = open_file();

	(void)state;
	assert_reads(file, "before", 0);
	served_write("file", "before, and after", 17);
	SAY("notify inval-inode node=%llu offset=0 length=0", node_of("file"));
	assert_reads(file, "before, and aft", 0);
	assert_int_equal(vfs_close(file), 0);
}

static void write_blocks(char content)
{
	static char blocks[2 * BLOCK];

	memset(blocks, content, sizeof(blocks));
	served_write("file", blocks, sizeof(blocks));
}

static void test_a_range_of_data(void **state)
{
	struct vfs_file *file;

	(void)state;
	write_blocks('a');
	file = open_file();
	assert_reads(file, "a", 0);
	assert_reads(file, "a", BLOCK);
	write_blocks('b');
	SAY("notify inval-inode node=%llu offset=%u length=%u", node_of("file"), BLOCK, BLOCK);
	assert_reads(file, "a", 0);
	assert_reads(file, "b", BLOCK);
	assert_int_equal(vfs_close(file), 0);
}

static void test_data_that_the_server_sends(void **state)
{
	struct vfs_file *file = open_file();

	(void)state;
	assert_reads(file, "before", 0);
	served_write("file", "stored", 6);
	assert_reads(file, "before", 0);
	SAY("notify store node=%llu offset=0 data=stored", node_of("file"));
	assert_reads(file, "stored", 0);
	assert_int_equal(vfs_close(file), 0);
}

static void test_data_that_the_server_wants(void **state)
{
	struct vfs_file *file = open_file();
	char expected[128];
	char answer[256];

	(void)state;
	assert_reads(file, "before", 0);
	snprintf(expected, sizeof(expected), "unique=77 node=%llu offset=2 length=4 data=fore",
		node_of("file"));
	SAY("notify retrieve node=%llu offset=2 length=4 unique=77", node_of("file"));
	(void)stat_of("file");
	assert_int_equal(device_process_ask(&served, "retrieved", answer, sizeof(answer)), 0);
	assert_string_equal(answer, expected);
	assert_int_equal(vfs_close(file), 0);
}

/* ---- names ---- */

static void test_a_name_that_is_gone(void **state)
{
	(void)state;
	assert_int_equal(stat_of("file"), 0);
	served_rename("file", "moved");
	assert_int_equal(stat_of("file"), 0);
	SAY("notify inval-entry node=1 name=file");
	assert_int_equal(stat_of("file"), -ENOENT);
}

static void test_a_name_of_something_else(void **state)
{
	(void)state;
	served_write("other", "something else", 14);
	assert_int_equal(size_of("file"), 6);
	served_rename("other", "file");
	assert_int_equal(size_of("file"), 6);
	SAY("notify inval-entry node=1 name=file");
	assert_int_equal(size_of("file"), 14);
}

static void test_a_name_that_may_have_changed(void **state)
{
	(void)state;
	assert_int_equal(stat_of("file"), 0);
	served_rename("file", "moved");
	assert_int_equal(stat_of("file"), 0);
	SAY("notify inval-entry node=1 name=file flags=1");
	assert_int_equal(stat_of("file"), -ENOENT);
}

static void test_a_name_that_was_removed(void **state)
{
	unsigned long long node;

	(void)state;
	assert_int_equal(stat_of("file"), 0);
	node = node_of("file");
	assert_int_equal(unlink(served_path("file")), 0);
	SAY("notify delete node=1 child=%llu name=file", node + 1000);
	assert_int_equal(stat_of("file"), 0);
	SAY("notify delete node=1 child=%llu name=file", node);
	assert_int_equal(stat_of("file"), -ENOENT);
}

static void test_all_names(void **state)
{
	(void)state;
	served_write("other", "", 0);
	assert_int_equal(stat_of("file"), 0);
	assert_int_equal(stat_of("other"), 0);
	assert_int_equal(unlink(served_path("file")), 0);
	assert_int_equal(unlink(served_path("other")), 0);
	assert_int_equal(stat_of("file"), 0);
	assert_int_equal(stat_of("other"), 0);
	SAY("notify inc-epoch");
	assert_int_equal(stat_of("file"), -ENOENT);
	assert_int_equal(stat_of("other"), -ENOENT);
}

/* Who has it open goes up from there as before. */
static void test_a_name_of_an_open_directory(void **state)
{
	struct vfs_file *dir;
	struct stat attr;

	(void)state;
	assert_int_equal(mkdir(served_path("dir"), 0755), 0);
	assert_int_equal(vfs_open(fs, "dir", O_RDONLY | O_DIRECTORY, 0, &dir), 0);
	SAY("notify inval-entry node=1 name=dir");
	assert_int_equal(vfs_fstatat(fs, dir, "../file", &attr, 0), 0);
	assert_int_equal(vfs_close(dir), 0);
}

/* ---- while this client changes names itself ---- */

/* The host has moved it away before this client hears that it has made it. */
static void move_away_and_say_so(void)
{
	served_rename("new", "moved");
	SAY("notify inval-entry node=1 name=new");
	assert_int_equal(stat_of("/"), 0);
}

static void test_a_name_that_goes_while_it_is_made(void **state)
{
	(void)state;
	between(FUSE_MKDIR, move_away_and_say_so);
	assert_int_equal(vfs_mkdir(fs, "new", 0755), 0);
	assert_int_equal(stat_of("new"), -ENOENT);
	assert_int_equal(stat_of("moved"), 0);
}

static void test_a_name_that_goes_while_it_is_given(void **state)
{
	(void)state;
	between(FUSE_RENAME2, move_away_and_say_so);
	assert_int_equal(vfs_renameat2(fs, NULL, "file", NULL, "new", RENAME_NOREPLACE), 0);
	assert_int_equal(stat_of("new"), -ENOENT);
	assert_int_equal(stat_of("moved"), 0);
}

static void test_nodes_that_are_to_be_forgotten(void **state)
{
	char answer[64];

	(void)state;
	assert_int_equal(stat_of("file"), 0);
	assert_int_equal(device_process_ask(&served, "held", answer, sizeof(answer)), 0);
	assert_string_equal(answer, "nodes=1 lookups=1 open=0");
	SAY("notify prune node=%llu", node_of("file"));
	assert_int_equal(stat_of("/"), 0);
	assert_nothing_held(fs);
}

/* ---- what says nothing ---- */

static void test_what_is_unknown_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(size_of("file"), 6);
	served_write("file", "longer than before", 18);
	SAY("notify inval-inode node=12345 offset=0 length=0");
	SAY("notify inval-entry node=1 name=another");
	SAY("notify inval-entry node=12345 name=file");
	SAY("notify raw code=99 data=unknown");
	SAY("notify raw code=2 data=malformed");
	SAY("notify resend");
	SAY("notify poll handle=9");
	assert_int_equal(size_of("file"), 6);
}

#define NOTICE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

static int run(const char *face, bool vfio_user)
{
	const struct CMUnitTest tests[] = {
		NOTICE_TEST(test_attributes),
		NOTICE_TEST(test_data),
		NOTICE_TEST(test_data_that_was_appended),
		NOTICE_TEST(test_a_range_of_data),
		NOTICE_TEST(test_data_that_the_server_sends),
		NOTICE_TEST(test_data_that_the_server_wants),
		NOTICE_TEST(test_a_name_that_is_gone),
		NOTICE_TEST(test_a_name_of_something_else),
		NOTICE_TEST(test_a_name_that_may_have_changed),
		NOTICE_TEST(test_a_name_that_was_removed),
		NOTICE_TEST(test_all_names),
		NOTICE_TEST(test_a_name_of_an_open_directory),
		NOTICE_TEST(test_a_name_that_goes_while_it_is_made),
		NOTICE_TEST(test_a_name_that_goes_while_it_is_given),
		NOTICE_TEST(test_nodes_that_are_to_be_forgotten),
		NOTICE_TEST(test_what_is_unknown_changes_nothing),
	};

	served = (struct device_process){.notify = true, .vfio_user = vfio_user};
	return cmocka_run_group_tests_name(face, tests, served_start, served_stop);
}

int main(void)
{
	return run("vhost-user", false) + run("vfio-user", true);
}
