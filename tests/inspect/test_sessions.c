/* SPDX-License-Identifier: MIT */
/*
 * What is said of a session's queues from outside, while our device does what it should or should
 * not. The session is this process's own, or that of a child that can be stopped or killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>
#include <vfs/file.h>

#include "attach.h"
#include "core/core.h"
#include "device/fault_driver.h"
#include "verdict.h"

#define REQUESTS 1u /* the first request queue */
#define PAUSE_US 30000u

static pid_t child;
static struct vfs_fs *mounted; /* ended with the test, if there is one */
static struct verdict verdict;

static int judge(struct attached *session, void *ctx)
{
	struct queue_state before;
	struct queue_state now;

	(void)ctx;
	queue_state_read(session, REQUESTS, &before);
	usleep(PAUSE_US);
	assert_int_equal(attach_again(session), 0);
	queue_state_read(session, REQUESTS, &now);
	verdict_of(session, &before, &now, &verdict);
	queue_state_free(&before);
	queue_state_free(&now);
	return 1;
}

static const char *process_of(pid_t pid)
{
	static char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return text;
}

static void judge_process(pid_t pid)
{
	assert_int_equal(attach_each(process_of(pid), judge, NULL), 1);
}

/* Whatever it says as long as a request is young. */
static void wait_for(pid_t pid, enum verdict_kind kind)
{
	do
		judge_process(pid);
	while (verdict.kind != kind && verdict.kind <= VERDICT_HEALTHY);
	if (verdict.kind != kind)
		fail_msg("%s: %s", verdict_name(verdict.kind), verdict.text);
}

static void assert_said_of_it(const char *text)
{
	if (!strstr(verdict.text, text))
		fail_msg("wants '%s': %s", text, verdict.text);
}

/* ---- verdicts ---- */

static void a_queue_with_nothing_to_do_is_idle(void **state)
{
	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(getattr(&conn), 0);
	judge_process(getpid());
	assert_int_equal(verdict.kind, VERDICT_IDLE);
	assert_said_of_it("2 answered so far");
	assert_false(verdict_is_bad(verdict.kind));
}

static void a_young_request_is_healthy(void **state)
{
	struct vfs_request *request;

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	command("stall");
	request = send_getattr(&conn);
	judge_process(getpid());
	assert_int_equal(verdict.kind, VERDICT_HEALTHY);
	assert_said_of_it("1 in flight");
	command("resume");
	assert_ptr_equal(reap(&conn, BOUND_MS), request);
}

static void a_device_that_takes_nothing_is_stalled_and_since_when(void **state)
{
	uint64_t before = vfs_now_ns();

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	command("stall");
	(void)send_getattr(&conn);
	(void)send_getattr(&conn);
	wait_for(getpid(), VERDICT_STALLED);
	assert_said_of_it("has not taken requests for");
	assert_said_of_it("since ");
	assert_said_of_it("2 in the ring");
	assert_true(verdict_is_bad(verdict.kind));
	assert_in_range(verdict.since_ns, 1000000000, vfs_now_ns() - before);
	command("resume");
	assert_non_null(reap(&conn, BOUND_MS));
	assert_non_null(reap(&conn, BOUND_MS));
	judge_process(getpid());
	assert_int_equal(verdict.kind, VERDICT_IDLE);
}

static void a_device_that_has_taken_it_does_not_answer(void **state)
{
	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	command("never");
	(void)send_getattr(&conn);
	wait_for(getpid(), VERDICT_UNANSWERED);
	assert_said_of_it("has taken all requests and does not answer");
	vfs_session_abort(conn.session);
	judge_process(getpid());
	assert_int_equal(verdict.kind, VERDICT_FAILED);
}

static void completions_that_nobody_takes_are_not_reaped(void **state)
{
	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	(void)send_getattr(&conn);
	wait_for(getpid(), VERDICT_UNREAPED);
	assert_said_of_it("completions are not being reaped: 1 wait");
	assert_said_of_it("does not look at the queue");
	assert_non_null(reap(&conn, BOUND_MS));
	judge_process(getpid());
	assert_int_equal(verdict.kind, VERDICT_IDLE);
}

/* The session has not looked yet, and then it has. */
static void corrupt(const char *fault, const char *why, int entry, const char *why_then)
{
	assert_int_equal(connect_session(&conn), 0);
	command(fault);
	(void)send_getattr(&conn);
	wait_for(getpid(), VERDICT_CORRUPT);
	assert_said_of_it(why);
	assert_int_equal(verdict.entry, entry);
	assert_non_null(reap(&conn, BOUND_MS));
	judge_process(getpid());
	assert_int_equal(verdict.kind, VERDICT_CORRUPT);
	assert_said_of_it(why_then);
	disconnect(&conn);
}

static void the_entry_that_corrupts_a_ring_is_named(void **state)
{
	(void)state;
	/* INIT was entry 0. */
	corrupt("used-id-range value=5000", "used ring entry 1 (index 1) says descriptor 5000", 1,
		"used ring entry 1 (index 1) says descriptor 5000");
	corrupt("used-len-large", "the device may write", 1, "used ring entry 1 (index 1)");
	corrupt("used-id-range value=7", "no chain in flight begins there", 1,
		"returned descriptor 7, which is not the head");
	corrupt("ring-index-jump", "the used index is", -1, "the used index is");
}

/* Write to the arena, as a device does that may not; @what: 'd'escriptors or 'a'vailable ring. */
static int write_where_it_may_not(struct attached *session, void *ctx)
{
	struct vfs_observe_queue info = snapshot_queue(&session->snapshot, REQUESTS);
	uint64_t offset = *(const char *)ctx == 'd' ? info.desc : info.avail + 2;
	uint16_t value = 77;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", session->arena_fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)offset), sizeof(value));
	close(fd);
	return 1;
}

static void corrupt_by_writing(char where, const char *why)
{
	assert_int_equal(connect_session(&conn), 0);
	command("stall");
	(void)send_getattr(&conn);
	assert_int_equal(attach_each(process_of(getpid()), write_where_it_may_not, &where), 1);
	judge_process(getpid());
	assert_int_equal(verdict.kind, VERDICT_CORRUPT);
	assert_said_of_it(why);
	vfs_session_abort(conn.session);
	disconnect(&conn);
	command("resume");
}

static void what_only_the_session_should_write_is_looked_at_too(void **state)
{
	(void)state;
	corrupt_by_writing('d', "descriptor 0 leads to 0x");
	corrupt_by_writing(
		'a', "the available index is 77 in memory, and the session has written 2");
}

/* ---- processes ---- */

/* A session of a child's, with a request that it does not reap; false: it did not come so far. */
static bool start_child(void)
{
	int fds[2];
	char byte;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		bool good = connect_session(&conn) == 0 && send_getattr(&conn);

		if (good && write(fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		byte = 0;
	close(fds[0]);
	return byte == 'x';
}

static void end_child(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
}

static void a_process_that_is_stopped_is_said_to_be(void **state)
{
	(void)state;
	assert_true(start_child());
	kill(child, SIGSTOP);
	wait_for(child, VERDICT_UNREAPED);
	assert_said_of_it("the process is stopped");
	end_child();
}

static int look_at_the_dead(struct attached *session, void *ctx)
{
	uint8_t byte;

	(void)ctx;
	end_child();
	assert_int_equal(attach_again(session), -ESRCH);
	assert_int_equal(attach_process_state(session), '?');
	/* What was there can be looked at for as long as one likes. */
	assert_true(attach_read(session, 0, &byte, 1));
	assert_true(snapshot_num_queues(&session->snapshot) >= 2);
	return 1;
}

static void a_process_may_die_while_it_is_looked_at(void **state)
{
	pid_t pid;

	(void)state;
	assert_true(start_child());
	pid = child;
	assert_int_equal(attach_each(process_of(pid), look_at_the_dead, NULL), 1);
	assert_int_equal(attach_each(process_of(pid), judge, NULL), -ESRCH);
}

static int wish_and_look_on(struct attached *session, void *ctx)
{
	uint64_t until = vfs_now_ns() + 30000000000ull;

	(void)ctx;
	if (pwrite(session->wish_fd, &until, sizeof(until), 0) != sizeof(until))
		return 1;
	while (attach_again(session) == 0)
		;
	return 1;
}

static void a_reader_may_die_while_he_looks(void **state)
{
	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(attach_each(process_of(getppid()), wish_and_look_on, NULL));
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(getattr(&conn), 0);
	end_child();
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(getattr(&conn), 0);
	judge_process(getpid());
	assert_int_equal(verdict.kind, VERDICT_IDLE);
}

static int count_them(struct attached *session, void *ctx)
{
	unsigned int *count = ctx;

	(*count)++;
	assert_true(session->arena_fd >= 0);
	assert_true(session->wish_fd >= 0);
	assert_string_equal(session->tag, "myfs");
	return 0;
}

static void a_session_is_found_by_process_device_or_tag(void **state)
{
	unsigned int count = 0;

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(attach_each(process_of(getpid()), count_them, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(attach_each(vfs_device_info(conn.device)->name, count_them, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(attach_each("myfs", count_them, &count), 0);
	assert_true(count >= 3);
	assert_int_equal(attach_each("no such session", count_them, &count), -ESRCH);
	assert_non_null(strstr(vfs_last_error(), "no such session"));
}

/* ---- figures of a mount ---- */

static uint64_t figures[VFS_OBSERVE_FIGURES];

/* Without a window there are none of it. */
static int read_some_figures(struct attached *session, void *ctx)
{
	(void)ctx;
	for (unsigned int i = 0; i < VFS_OBSERVE_DAX_FREE; i++)
		assert_true(snapshot_figure(&session->snapshot, i, &figures[i]));
	assert_false(snapshot_figure(
		&session->snapshot, VFS_OBSERVE_DAX_FREE, &figures[VFS_OBSERVE_DAX_FREE]));
	return 0;
}

static int read_figures(struct attached *session, void *ctx)
{
	(void)ctx;
	for (unsigned int i = 0; i < VFS_OBSERVE_FIGURES; i++)
		assert_true(snapshot_figure(&session->snapshot, i, &figures[i]));
	return 0;
}

static void look_at_figures(void)
{
	assert_int_equal(attach_each(process_of(getpid()), read_figures, NULL), 0);
}

static void make_file(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/share/%s", process.dir, name);
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 100000), 0);
	close(fd);
}

static void read_file(enum vfs_dax_mode dax)
{
	const struct vfs_mount_options options = {.cache = VFS_CACHE_ALWAYS, .dax = dax};
	char data[40000];
	struct vfs_file *file;

	assert_int_equal(vfs_mount(process.name, &options, &mounted), 0);
	assert_int_equal(vfs_open(mounted, "file", O_RDONLY, 0, &file), 0);
	assert_int_equal(vfs_read(file, data, sizeof(data)), sizeof(data));
	assert_int_equal(vfs_close(file), 0);
}

static void what_a_mount_keeps_is_shown(void **state)
{
	struct vfs_cache_stats stats;

	(void)state;
	make_file("file");
	read_file(VFS_DAX_NEVER);
	vfs_fs_cache_stats(mounted, &stats);
	assert_int_equal(attach_each(process_of(getpid()), read_some_figures, NULL), 0);
	assert_int_equal(figures[VFS_OBSERVE_NODES], 2);
	assert_int_equal(figures[VFS_OBSERVE_NAME_MISSES], stats.name_misses);
	assert_true(figures[VFS_OBSERVE_DATA_BLOCKS] * 16384 == stats.bytes);
	assert_int_equal(figures[VFS_OBSERVE_DATA_MISSES], stats.data_misses);
	assert_true(stats.data_misses > 0);
}

static void ranges_of_a_window_are_shown(void **state)
{
	(void)state;
	make_file("file");
	read_file(VFS_DAX_ALWAYS);
	look_at_figures();
	assert_int_equal(figures[VFS_OBSERVE_DAX_READABLE], 1);
	assert_int_equal(figures[VFS_OBSERVE_DAX_FREE], 7);
	assert_int_equal(figures[VFS_OBSERVE_DAX_RETIRED], 0);
}

/* ---- */

static int end_test(void **state)
{
	(void)state;
	if (child)
		end_child();
	command("clear");
	command("resume");
	disconnect(&conn);
	assert_int_equal(vfs_umount(mounted), 0);
	mounted = NULL;
	return 0;
}

static int begin(void **state)
{
	(void)state;
	process.dax = "16";
	return device_process_start(&process, false);
}

static int end(void **state)
{
	(void)state;
	return device_process_stop(&process);
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_queue_with_nothing_to_do_is_idle),
		TEST(a_young_request_is_healthy),
		TEST(a_device_that_takes_nothing_is_stalled_and_since_when),
		TEST(a_device_that_has_taken_it_does_not_answer),
		TEST(completions_that_nobody_takes_are_not_reaped),
		TEST(the_entry_that_corrupts_a_ring_is_named),
		TEST(what_only_the_session_should_write_is_looked_at_too),
		TEST(a_process_that_is_stopped_is_said_to_be),
		TEST(a_process_may_die_while_it_is_looked_at),
		TEST(a_reader_may_die_while_he_looks),
		TEST(a_session_is_found_by_process_device_or_tag),
		TEST(what_a_mount_keeps_is_shown),
		TEST(ranges_of_a_window_are_shown),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
