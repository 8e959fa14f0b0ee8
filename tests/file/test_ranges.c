/* SPDX-License-Identifier: MIT */
/*
 * Many threads write and read one file, each its own bytes of it, between those of all others in
 * the same blocks; some past what is kept. There is less room than the file has bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "many.h"
#include "served.h"

#define SIZE	   (768u << 10)
#define STRIDE	   3000u /* of each thread in turn */
#define OPERATIONS 300u
#define SYNC_EVERY 64u
#define HANG_S	   600

/* Each thread knows what is in its bytes, and looks at no others. */
static char model[SIZE];

static bool write_own(struct worker *w, struct vfs_file *file, size_t offset, size_t size)
{
	ssize_t n;

	memset(model + offset, 'a' + (int)many_random(w, 26), size);
	n = vfs_pwrite(file, model + offset, size, (off_t)offset);
	return n == (ssize_t)size || many_fail(w, "write: %zd (%s)", n, vfs_last_error());
}

static bool read_own(struct worker *w, struct vfs_file *file, size_t offset, size_t size)
{
	char found[STRIDE];
	ssize_t n = vfs_pread(file, found, size, (off_t)offset);

	if (n != (ssize_t)size)
		return many_fail(w, "read %zu at %zu: %zd (%s)", size, offset, n, vfs_last_error());
	if (memcmp(found, model + offset, size) != 0)
		return many_fail(w, "other bytes at %zu", offset);
	return true;
}

static bool do_one(struct worker *w, struct vfs_file *file)
{
	size_t turn = many_random(w, SIZE / (STRIDE * MANY));
	size_t skip = many_random(w, STRIDE);
	size_t size = 1 + many_random(w, (unsigned int)(STRIDE - skip));
	size_t offset = (turn * MANY + w->number) * STRIDE + skip;

	return many_random(w, 2) ? write_own(w, file, offset, size)
				 : read_own(w, file, offset, size);
}

static void work(struct worker *w)
{
	bool direct = w->number % 4 == 3;
	struct vfs_file *file;
	int r = vfs_open(w->fs, "file", O_RDWR | (direct ? O_DIRECT : 0), 0, &file);

	if (r < 0) {
		many_fail(w, "open: %d", r);
		return;
	}
	for (unsigned int i = 0; i < w->count && do_one(w, file); i++)
		if (i % SYNC_EVERY == 0 && (r = vfs_fsync(file)) < 0)
			many_fail(w, "fsync: %d (%s)", r, vfs_last_error());
	r = vfs_close(file);
	if (r < 0)
		many_fail(w, "close: %d (%s)", r, vfs_last_error());
}

static void in_mode(const struct many_mode *mode)
{
	struct vfs_fs *fs;

	memset(model, '.', sizeof(model));
	served_write("file", model, sizeof(model));
	fs = many_mount(mode);
	many_run(fs, work, OPERATIONS);
	assert_served_is("file", model, sizeof(model));
	assert_int_equal(vfs_drop_caches(fs), 0);
	assert_nothing_held(fs);
	assert_int_equal(vfs_umount(fs), 0);
}

static void test_each_finds_what_it_wrote(void **state)
{
	(void)state;
	many_in_each_mode(in_mode);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_finds_what_it_wrote),
	};

	alarm(HANG_S);
	served.queues = "4";
	return cmocka_run_group_tests(tests, served_start, served_stop);
}
