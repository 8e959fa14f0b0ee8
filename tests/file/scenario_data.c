/* SPDX-License-Identifier: MIT */
/* Data of files. What fsync and close have said is on the server is looked for there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "scarce.h"
#include "scenario.h"
#include "served.h"

#define SMALL 100u
#define LARGE (200u << 10)

static char pattern[LARGE];
static char back[LARGE];

static void fill_pattern(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)('a' + (i + i / 4096) % 23);
}

static bool wrote(struct vfs_file *file, size_t size, off_t offset)
{
	return OK(vfs_pwrite(file, pattern + offset, size, offset));
}

static void read_all(struct vfs_file *file, size_t size)
{
	ssize_t n;

	memset(back, 0, sizeof(back));
	for (size_t done = 0; done < size; done += (size_t)n) {
		n = vfs_pread(file, back + done, size - done, (off_t)done);
		if (!judged("vfs_pread", n))
			return;
		assert_true(n > 0);
	}
	assert_memory_equal(back, pattern, size);
}

/* An error of writing back is told once, and what could not be written may be gone then. */
static void sync_and_look(struct vfs_file *file, const char *name, size_t size)
{
	if (judged("vfs_fsync", vfs_fsync(file)))
		assert_served_is(name, pattern, size);
}

static void close_and_look(struct vfs_file *file, const char *name, size_t size)
{
	if (judged("vfs_close", vfs_close(file)) && size)
		assert_served_is(name, pattern, size);
}

static void small(struct vfs_fs *fs)
{
	struct vfs_file *file;
	bool good;

	if (!OK(vfs_open(fs, "small", O_RDWR | O_CREAT, 0600, &file)))
		return;
	good = wrote(file, SMALL, 0);
	if (good)
		sync_and_look(file, "small", SMALL);
	if (good)
		good = wrote(file, SMALL, 0);
	if (good)
		read_all(file, SMALL);
	close_and_look(file, "small", good ? SMALL : 0);
}

/* In pieces, some of them apart, the last one first. */
static void large(struct vfs_fs *fs)
{
	const unsigned int pieces = 8;
	const size_t size = LARGE / pieces;
	struct vfs_file *file;
	bool good = true;

	if (!OK(vfs_open(fs, "large", O_RDWR | O_CREAT, 0600, &file)))
		return;
	for (unsigned int i = pieces; i-- > 0;)
		good = wrote(file, size, (off_t)(i * size)) && good;
	if (good)
		sync_and_look(file, "large", LARGE);
	close_and_look(file, "large", good ? LARGE : 0);
	if (!good || !OK(vfs_drop_caches(fs)) || !OK(vfs_open(fs, "large", O_RDONLY, 0, &file)))
		return;
	read_all(file, LARGE);
	(void)judged("vfs_lseek", vfs_lseek(file, 0, SEEK_HOLE));
	(void)judged("vfs_close", vfs_close(file));
}

static void copy(struct vfs_fs *fs)
{
	struct vfs_file *in;
	struct vfs_file *out;
	off_t from = 0;
	off_t to = 0;

	if (!OK(vfs_open(fs, "small", O_RDONLY, 0, &in)))
		return;
	if (OK(vfs_open(fs, "copy", O_RDWR | O_CREAT, 0600, &out))) {
		(void)judged("copy", vfs_copy_file_range(in, &from, out, &to, SMALL, 0));
		(void)OK(vfs_fallocate(out, 0, 0, LARGE));
		(void)OK(vfs_ftruncate(out, 10));
		(void)judged("vfs_close", vfs_close(out));
	}
	(void)judged("vfs_close", vfs_close(in));
}

static void cut(struct vfs_fs *fs)
{
	struct vfs_file *file;
	struct stat attr;

	(void)OK(vfs_truncate(fs, "large", 5000));
	if (!OK(vfs_open(fs, "large", O_RDWR | O_TRUNC, 0, &file)))
		return;
	if (OK(vfs_fstat(file, &attr)))
		assert_int_equal(attr.st_size, 0);
	(void)judged("vfs_close", vfs_close(file));
	if (!OK(vfs_open(fs, "large", O_WRONLY | O_APPEND, 0, &file)))
		return;
	(void)judged("vfs_write", vfs_write(file, pattern, SMALL));
	(void)judged("vfs_close", vfs_close(file));
}

static void unlinked(struct vfs_fs *fs)
{
	struct vfs_file *file;

	if (!OK(vfs_open(fs, "gone", O_RDWR | O_CREAT, 0600, &file)))
		return;
	if (wrote(file, SMALL, 0) && TRY(vfs_unlink(fs, "gone"), -ENOENT))
		read_all(file, SMALL);
	(void)judged("vfs_close", vfs_close(file));
}

static void locks(struct vfs_fs *fs)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
	struct vfs_file *file;

	if (!OK(vfs_open(fs, "small", O_RDWR, 0, &file)))
		return;
	(void)OK(vfs_lock(file, F_SETLK, &lock));
	(void)OK(vfs_flock(file, LOCK_EX));
	(void)judged("vfs_close", vfs_close(file));
}

static void begin_all(struct vfs_aio *aio, struct vfs_file *file)
{
	const struct iovec out = {.iov_base = pattern, .iov_len = LARGE};
	const struct iovec in = {.iov_base = back, .iov_len = SMALL};

	(void)OK(vfs_aio_pwritev(aio, file, &out, 1, 0, NULL));
	(void)OK(vfs_aio_preadv(aio, file, &in, 1, 0, NULL));
	(void)OK(vfs_aio_fsync(aio, file, false, NULL));
}

static void without_waiting(struct vfs_fs *fs)
{
	struct vfs_aio_result results[4];
	struct vfs_file *file;
	struct vfs_aio *aio;
	int n;

	if (!OK(vfs_open(fs, "aio", O_RDWR | O_CREAT, 0600, &file)))
		return;
	if (OK(vfs_aio_create(fs, 4, &aio))) {
		begin_all(aio, file);
		(void)judged("vfs_aio_fd", vfs_aio_fd(aio));
		n = vfs_aio_reap(aio, results, 3, 4, -1);
		if (judged("vfs_aio_reap", n))
			for (int i = 0; i < n; i++)
				(void)judged("aio", results[i].result);
		vfs_aio_destroy(aio);
	}
	(void)judged("vfs_close", vfs_close(file));
}

void scenario_data(struct vfs_fs *fs)
{
	fill_pattern();
	small(fs);
	large(fs);
	copy(fs);
	cut(fs);
	unlinked(fs);
	locks(fs);
	without_waiting(fs);
	(void)OK(vfs_syncfs(fs));
}
