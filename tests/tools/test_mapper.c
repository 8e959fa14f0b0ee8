/* SPDX-License-Identifier: MIT */
/* What the mapper asks the server for, and what it makes of the answers. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <vfs/fuse.h>

#include "mapper.h"

#define UNIT   4096u
#define RANGE  (4 * UNIT)
#define RANGES 4u
#define FILE_N 42

static _Alignas(UNIT) char window[RANGES * RANGE];

/* ---- a server: each answer is given at once ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct {
	struct fuse_attr attr;
	int getattr_error;
	int setup_error;
	bool write_refused;
	bool lost; /* what has become of it is not known */
	bool closed;
	unsigned int getattrs;
	unsigned int setups;
	unsigned int removed; /* ranges */
	uint64_t mapped;      /* bytes of the last one */
	uint64_t removed_from;
	uint64_t forgotten;
	unsigned int removed_before;
	unsigned int wakes;
} server;

static int set_up_mapping(const struct fuse_setupmapping_in *in)
{
	server.setups++;
	server.mapped = in->len;
	if (server.write_refused && (in->flags & FUSE_SETUPMAPPING_FLAG_WRITE))
		return -EACCES;
	return server.setup_error;
}

static int serve(struct vfs_op *op)
{
	if (server.closed)
		return -ECANCELED;
	op->answered = true;
	switch (op->opcode) {
	case FUSE_GETATTR:
		server.getattrs++;
		op->answer.attr = (struct fuse_attr_out){.attr = server.attr};
		return server.getattr_error;
	case FUSE_SETUPMAPPING:
		op->answered = !server.lost;
		return set_up_mapping(&op->args.setupmapping);
	case FUSE_REMOVEMAPPING:
		server.removed += op->args.removemapping.count;
		server.removed_from = op->node;
		return 0;
	default:
		return -EPROTO;
	}
}

int64_t jobs_call(struct jobs *jobs, struct vfs_op *op)
{
	(void)jobs;
	op->answered = false;
	pthread_mutex_lock(&lock);
	op->result = serve(op);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return op->result;
}

void jobs_wake(struct jobs *jobs)
{
	(void)jobs;
	pthread_mutex_lock(&lock);
	server.wakes++;
	pthread_mutex_unlock(&lock);
}

int vfs_forget(struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count)
{
	(void)session;
	pthread_mutex_lock(&lock);
	if (count == 1 && forgets->nodeid == FILE_N)
		server.forgotten += forgets->nlookup;
	server.removed_before = server.removed;
	pthread_mutex_unlock(&lock);
	return 0;
}

/* ---- the mapper ---- */

static struct mapper mapper;
static struct shown *shown;

static void start(enum vfs_dax_mode mode)
{
	const struct mapper_options options = {
		.name = "stub",
		.window = window,
		.length = sizeof(window),
		.mode = mode,
		.range = RANGE,
		.unit = UNIT,
	};

	memset(&server, 0, sizeof(server));
	server.attr = (struct fuse_attr){.mode = S_IFREG | 0644, .size = 10 * RANGE};
	assert_int_equal(mapper_start(&mapper, NULL, NULL, &options), 0);
	shown = mapper_show(&mapper, FILE_N);
	assert_non_null(shown);
}

static void want(uint64_t offset, uint64_t length, bool write)
{
	mapper_want(&mapper, &(struct want){
				     .shown = shown,
				     .offset = offset,
				     .length = length,
				     .write = write,
			     });
}

static bool is_idle(void)
{
	bool idle;

	pthread_mutex_lock(&mapper.lock);
	idle = !mapper.busy && !mapper.num_wants && !mapper.going;
	pthread_mutex_unlock(&mapper.lock);
	return idle;
}

/* It has done all that it was told before. */
static void settle(void)
{
	while (!is_idle())
		sched_yield();
}

static void finish(void)
{
	if (shown)
		mapper_drop(&mapper, shown, 0);
	shown = NULL;
	mapper_stop(&mapper);
	mapper_join(&mapper);
	assert_true(atomic_load(&mapper.ended));
	assert_true(server.wakes > 0);
	assert_int_equal(mapper.stats.held, 0);
}

static void await_setups(unsigned int count)
{
	pthread_mutex_lock(&lock);
	while (server.setups < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static bool is_mapped(uint64_t offset, unsigned int flags)
{
	struct vfs_dax_pin pin;

	if (vfs_dax_pin(shown->inode, offset, UINT64_MAX, VFS_DAX_TRY | flags, &pin))
		return false;
	vfs_dax_unpin(&pin);
	return true;
}

static int start_by_default(uint64_t range, uint64_t unit)
{
	const struct mapper_options options = {
		.name = "stub",
		.window = window,
		.length = sizeof(window),
		.mode = VFS_DAX_AUTO,
		.range = range,
		.unit = unit,
	};

	return mapper_start(&mapper, NULL, NULL, &options);
}

/* Only what was asked for, and cannot be, is wrong. */
static void a_window_without_a_range_is_none(void **state)
{
	(void)state;
	assert_int_equal(start_by_default(0, UNIT), -ENOTSUP);
	assert_int_equal(start_by_default(0, 1ull << 62), -ENOTSUP);
	assert_int_equal(start_by_default(2 * sizeof(window), UNIT), -EINVAL);
}

static void what_is_wanted_is_mapped(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	assert_int_equal(atomic_load(&shown->end), UINT64_MAX);
	want(RANGE + 5, 100, false);
	settle();
	assert_true(is_mapped(RANGE, 0));
	assert_false(is_mapped(RANGE, VFS_DAX_WRITE));
	assert_false(is_mapped(0, 0));
	assert_int_equal(atomic_load(&shown->end), 10 * RANGE);
	assert_true(atomic_load(&mapper.looked));
	assert_int_equal(server.setups, 1);
	finish();
	assert_int_equal(server.removed, 1);
}

static void only_whole_units_of_a_file_are_mapped(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	server.attr.size = 2 * UNIT + 100;
	want(UNIT, UNIT, false);
	/* What reaches into the last, incomplete one would be asked of the server all the same. */
	want(RANGE, UNIT, false);
	settle();
	assert_int_equal(server.setups, 1);
	assert_int_equal(server.mapped, 2 * UNIT);
	assert_int_equal(atomic_load(&shown->end), 2 * UNIT);
	finish();
}

static void a_file_that_is_too_short_is_not_mapped(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	server.attr.size = UNIT - 1;
	want(0, 100, false);
	settle();
	assert_int_equal(server.setups, 0);
	assert_int_equal(atomic_load(&shown->end), 0);
	assert_false(atomic_load(&shown->refused));
	finish();
}

static void what_reaches_behind_the_end_is_not_mapped(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	server.attr.size = 2 * UNIT + 100;
	want(0, 2 * UNIT + 1, false);
	settle();
	assert_int_equal(server.setups, 0);
	finish();
}

static void only_regular_files_are_mapped(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	server.attr.mode = S_IFIFO | 0644;
	want(0, 100, false);
	settle();
	assert_true(atomic_load(&shown->refused));
	assert_int_equal(server.setups, 0);
	finish();
}

static void by_inode_only_what_is_marked_is_mapped(void **state)
{
	(void)state;
	start(VFS_DAX_INODE);
	want(0, 100, false);
	settle();
	assert_true(atomic_load(&shown->refused));
	assert_int_equal(server.setups, 0);
	finish();

	start(VFS_DAX_INODE);
	server.attr.flags = FUSE_ATTR_DAX;
	want(0, 100, false);
	settle();
	assert_true(is_mapped(0, 0));
	finish();
}

static void a_file_that_cannot_be_written_is_read(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	server.write_refused = true;
	want(0, 100, true);
	want(RANGE, 100, false);
	settle();
	assert_true(atomic_load(&shown->read_only));
	assert_false(atomic_load(&shown->refused));
	assert_true(is_mapped(RANGE, 0));
	assert_false(atomic_load(&mapper.off));
	finish();
}

static void a_server_that_cannot_map_is_asked_once(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	server.setup_error = -ENOSYS;
	want(0, 100, false);
	want(RANGE, 100, false);
	settle();
	assert_int_equal(server.setups, 1);
	assert_true(atomic_load(&mapper.off));
	finish();
}

static void lookups_go_back_when_nothing_is_mapped_any_more(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	want(0, 100, false);
	want(RANGE, 100, false);
	await_setups(2);
	mapper_drop(&mapper, shown, 3);
	shown = NULL;
	settle();
	assert_int_equal(server.removed, 2);
	assert_int_equal(server.removed_before, 2);
	assert_int_equal(server.forgotten, 3);
	finish();
}

/* Nothing is asked for it, and nobody touches what is gone. */
static void what_was_wanted_of_a_dropped_node_is_not_done(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	/* Meanwhile the thread waits for its first answer. */
	pthread_mutex_lock(&lock);
	want(0, 100, false);
	want(RANGE, 100, false);
	want(2 * RANGE, 100, false);
	mapper_drop(&mapper, shown, 1);
	shown = NULL;
	pthread_mutex_unlock(&lock);
	settle();
	assert_true(server.setups <= 1);
	assert_int_equal(server.removed, server.setups);
	assert_int_equal(server.forgotten, 1);
	finish();
}

static void the_end_of_the_relay_ends_it(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	want(0, 100, false);
	pthread_mutex_lock(&lock);
	server.closed = true;
	pthread_mutex_unlock(&lock);
	want(RANGE, 100, true);
	mapper_drop(&mapper, shown, 1);
	shown = NULL;
	settle();
	assert_int_equal(server.removed, 0);
	finish();
}

/* The server may have it there. */
static void what_was_lost_is_taken_out_in_the_end(void **state)
{
	(void)state;
	start(VFS_DAX_ALWAYS);
	server.lost = true;
	server.setup_error = -ETIMEDOUT;
	want(0, 100, false);
	settle();
	assert_false(is_mapped(0, 0));
	assert_int_equal(server.removed, 0);
	finish();
	assert_int_equal(mapper.stats.retired, 1);
	assert_int_equal(server.removed, 1);
	assert_int_equal(server.removed_from, FUSE_ROOT_ID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_without_a_range_is_none),
		cmocka_unit_test(what_is_wanted_is_mapped),
		cmocka_unit_test(only_whole_units_of_a_file_are_mapped),
		cmocka_unit_test(a_file_that_is_too_short_is_not_mapped),
		cmocka_unit_test(what_reaches_behind_the_end_is_not_mapped),
		cmocka_unit_test(only_regular_files_are_mapped),
		cmocka_unit_test(by_inode_only_what_is_marked_is_mapped),
		cmocka_unit_test(a_file_that_cannot_be_written_is_read),
		cmocka_unit_test(a_server_that_cannot_map_is_asked_once),
		cmocka_unit_test(lookups_go_back_when_nothing_is_mapped_any_more),
		cmocka_unit_test(what_was_wanted_of_a_dropped_node_is_not_done),
		cmocka_unit_test(the_end_of_the_relay_ends_it),
		cmocka_unit_test(what_was_lost_is_taken_out_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
