/* SPDX-License-Identifier: MIT */
/*
 * A device that does wrong under each function of the API: it ends in time by the right error,
 * unmounting does too, and the next mount works.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>
#include <vfs/request.h>
#include <vfs/session.h>
#include <vfs/sync.h>

#include "asked.h"
#include "served.h"

/* An answer is waited for so long; a whole function with all its messages ends within the bound. */
#define TIMEOUT_MS 250
#define BOUND_S	   20

static struct vfs_fs *fs;
static unsigned int descriptors;

static int begin(void **state)
{
	(void)state;
	descriptors = open_descriptors();
	return 0;
}

static int unmount(void)
{
	struct vfs_fs *mounted = fs;

	fs = NULL;
	return vfs_umount(mounted);
}

static int end(void **state)
{
	(void)state;
	alarm(0);
	(void)unmount();
	(void)device_process_command(&served, "clear");
	return open_descriptors() == descriptors ? 0 : -1;
}

static void mount_it(unsigned int timeout_ms)
{
	const struct vfs_mount_options options = {.cache = VFS_CACHE_NONE,
		.session.depth = 4,
		.session.max_payload = 64 << 10,
		.fuse.timeout_ms = timeout_ms};

	if (vfs_mount(served.name, &options, &fs) < 0)
		fail_msg("%s", vfs_last_error());
}

/* What a function comes to on a new mount; it has as much time as it needs for one answer. */
static int64_t with_fault(
	const struct asked *what, struct asked_of *of, const char *fault, unsigned int timeout_ms)
{
	int64_t r;

	asked_prepare();
	mount_it(timeout_ms);
	asked_open(fs, of);
	served_command("%s opcode=%u", fault, what->opcode);
	alarm(BOUND_S);
	r = what->call(of);
	/* There may be nobody any more. */
	(void)device_process_command(&served, "clear");
	return r;
}

/* Only that one call has the error, or none with 0. */
static void each_ends_by(const char *fault, unsigned int timeout_ms, int error)
{
	const struct asked *what;
	struct asked_of of;
	int64_t r;

	for (what = asked; what->name; what++) {
		r = with_fault(what, &of, fault, timeout_ms);
		if (error ? r != error : r < 0)
			fail_msg("%s: %" PRId64 " (%s)", what->name, r, vfs_last_error());
		assert_int_equal(vfs_mkdir(fs, "more", 0755), 0);
		vfs_closedir(of.dir);
		assert_int_equal(unmount(), 0);
		alarm(0);
	}
}

static void test_a_malformed_answer_is_an_error(void **state)
{
	(void)state;
	each_ends_by("wrong-len", 0, -EIO);
	each_ends_by("wrong-error", 0, -EIO);
	each_ends_by("wrong-unique", 0, -EIO);
}

static void test_no_answer_is_an_error_in_time(void **state)
{
	(void)state;
	each_ends_by("never", TIMEOUT_MS, -ETIMEDOUT);
}

static void test_a_late_answer_is_none(void **state)
{
	(void)state;
	each_ends_by("late value=20", 0, 0);
}

static bool opens(uint32_t opcode)
{
	return opcode == FUSE_OPEN || opcode == FUSE_OPENDIR || opcode == FUSE_CREATE;
}

static uint64_t late_answers(void)
{
	struct vfs_session *session = vfs_fs_session(fs);
	uint64_t count = 0;

	for (unsigned int i = 0; i < vfs_session_num_queues(session); i++)
		count += vfs_queue_counters(vfs_session_queue(session, i))->late;
	return count;
}

/* Whoever calls collects it. */
static void collect_late_answer(void)
{
	struct stat attr;

	while (!late_answers())
		assert_int_equal(vfs_stat(fs, "/", &attr), 0);
}

/* In the end the library's own threads collect the answer to what it has sent. */
static void test_what_is_opened_too_late_is_not_kept_open(void **state)
{
	const struct asked *what;
	struct asked_of of;

	(void)state;
	for (what = asked; what->name; what++) {
		if (!opens(what->opcode))
			continue;
		assert_int_equal(with_fault(what, &of, "late value=500", TIMEOUT_MS), -ETIMEDOUT);
		collect_late_answer();
		assert_int_equal(vfs_sync_start_threads(vfs_fuse_sync(vfs_fs_fuse(fs))), 0);
		vfs_closedir(of.dir);
		assert_int_equal(vfs_close(of.file), 0);
		assert_int_equal(vfs_drop_caches(fs), 0);
		assert_nothing_held(fs);
		assert_int_equal(unmount(), 0);
		alarm(0);
	}
}

static void start_again(void)
{
	assert_int_equal(waitpid(served.pid, NULL, 0), served.pid);
	assert_int_equal(device_process_restart(&served), 0);
}

/* The mount is over with the device: what is asked next is told so. */
static void each_is_the_last(const char *fault, int next)
{
	const struct asked *what;
	struct asked_of of;
	int64_t r;

	for (what = asked; what->name; what++) {
		r = with_fault(what, &of, fault, 0);
		if (r != -EIO && r != -ENODEV)
			fail_msg("%s: %" PRId64 " (%s)", what->name, r, vfs_last_error());
		assert_int_equal(vfs_mkdir(fs, "more", 0755), next);
		vfs_closedir(of.dir);
		(void)unmount();
		alarm(0);
		if (next == -ENODEV)
			start_again();
	}
}

static void test_a_broken_ring_ends_all(void **state)
{
	(void)state;
	each_is_the_last("used-id-range", -EIO);
}

static void test_a_device_that_wants_a_reset_ends_all(void **state)
{
	(void)state;
	each_is_the_last("needs-reset", -EIO);
}

static void test_a_device_that_dies_ends_all(void **state)
{
	(void)state;
	each_is_the_last("die", -ENODEV);
}

#define FAULT_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_a_malformed_answer_is_an_error),
		FAULT_TEST(test_no_answer_is_an_error_in_time),
		FAULT_TEST(test_a_late_answer_is_none),
		FAULT_TEST(test_what_is_opened_too_late_is_not_kept_open),
		FAULT_TEST(test_a_device_that_dies_ends_all),
		FAULT_TEST(test_a_broken_ring_ends_all),
		FAULT_TEST(test_a_device_that_wants_a_reset_ends_all),
	};

	return cmocka_run_group_tests(tests, served_start, served_stop);
}
