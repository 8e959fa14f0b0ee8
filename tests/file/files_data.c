/* SPDX-License-Identifier: MIT */
/* Checks of what is in files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "check.h"

static enum check_result truncate_by_path(void)
{
	IS(make_file("/a", 0644, "0123456789"), 0);
	IS(c->truncate(fs, "/a", 4), 0);
	IS(size_of("/a"), 4);
	IS(c->truncate(fs, "/a", 6), 0);
	IS(size_of("/a"), 6);
	IS(has_text("/a", "0123"), 0);
	IS(c->truncate(fs, "/a", -1), -EINVAL);
	IS(c->truncate(fs, "/no", 1), -ENOENT);
	IS(c->truncate(fs, "/", 1), -EISDIR);
	return CHECK_GOOD;
}

static enum check_result truncated_is_zero_when_longer(void)
{
	char data[8] = "xxxxxxxx";
	void *file;

	IS(make_file("/a", 0644, "01234567"), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR, 0, &file), 0);
	IS(c->ftruncate(file, 2), 0);
	IS(c->ftruncate(file, 8), 0);
	IS(c->pread(file, data, 8, 0), 8);
	IS(memcmp(data, "01\0\0\0\0\0\0", 8), 0);
	return c->close(file) == 0 ? CHECK_GOOD : CHECK_BAD;
}

static enum check_result truncate_needs_a_file_open_for_writing(void)
{
	void *file;

	IS(make_file("/a", 0644, "0123"), 0);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &file), 0);
	IS(c->ftruncate(file, 0), -EINVAL);
	IS(c->write(file, "x", 1), -EBADF);
	IS(c->close(file), 0);
	IS(c->open(fs, NULL, "/a", O_WRONLY, 0, &file), 0);
	IS(c->read(file, &(char){0}, 1), -EBADF);
	IS(c->close(file), 0);
	return CHECK_GOOD;
}

static enum check_result appends_to_what_is_there_by_then(void)
{
	void *one, *two;

	IS(make_file("/a", 0644, "0"), 0);
	IS(c->open(fs, NULL, "/a", O_WRONLY | O_APPEND, 0, &one), 0);
	IS(c->open(fs, NULL, "/a", O_WRONLY | O_APPEND, 0, &two), 0);
	IS(c->write(one, "1", 1), 1);
	IS(c->write(two, "2", 1), 1);
	IS(c->pwrite(one, "3", 1, 0), 1);
	IS(c->lseek(two, 0, SEEK_CUR), 3);
	IS(c->close(one), 0);
	IS(c->close(two), 0);
	IS(has_text("/a", "0123"), 1);
	return CHECK_GOOD;
}

static enum check_result each_open_file_has_its_position(void)
{
	char data[4] = {0};
	void *one, *two;

	IS(make_file("/a", 0644, "0123456789"), 0);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &one), 0);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &two), 0);
	IS(c->lseek(one, -3, SEEK_END), 7);
	IS(c->read(two, data, 2), 2);
	IS(data[1], '1');
	IS(c->read(one, data, 4), 3);
	IS(data[0], '7');
	IS(c->read(one, data, 4), 0);
	IS(c->lseek(one, -11, SEEK_CUR), -EINVAL);
	IS(c->lseek(one, 100, SEEK_SET), 100);
	IS(c->read(one, data, 1), 0);
	IS(c->pread(two, data, 1, 5), 1);
	IS(c->lseek(two, 0, SEEK_CUR), 2);
	IS(c->close(one), 0);
	IS(c->close(two), 0);
	return CHECK_GOOD;
}

static enum check_result holes_are_where_nothing_was_written(void)
{
	void *file;
	off_t data, hole;

	IS(c->open(fs, NULL, "/a", O_CREAT | O_RDWR, 0644, &file), 0);
	IS(c->pwrite(file, "x", 1, 1 << 20), 1);
	IS(c->ftruncate(file, 2 << 20), 0);
	data = c->lseek(file, 0, SEEK_DATA);
	if (is_lacking(data))
		c->close(file);
	NEEDS(data);
	hole = c->lseek(file, data, SEEK_HOLE);
	/* A file system without holes may say that all is data. */
	IS(data == 1 << 20 || data == 0, 1);
	IS(hole > 1 << 20 && hole <= 2 << 20, 1);
	IS(c->lseek(file, 2 << 20, SEEK_DATA), -ENXIO);
	IS(c->lseek(file, 2 << 20, SEEK_HOLE), -ENXIO);
	IS(c->close(file), 0);
	return CHECK_GOOD;
}

static enum check_result punched_is_zero(void)
{
	char data[16384], zeros[4096] = {0};
	void *file;
	int r;

	memset(data, 'x', sizeof(data));
	IS(c->open(fs, NULL, "/a", O_CREAT | O_RDWR, 0644, &file), 0);
	IS(c->write(file, data, sizeof(data)), sizeof(data));
	r = c->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096);
	if (is_lacking(r))
		c->close(file);
	NEEDS(r);
	IS(r, 0);
	IS(c->pread(file, data, sizeof(data), 0), sizeof(data));
	IS(memcmp(data + 4096, zeros, 4096), 0);
	IS(data[4095] == 'x' && data[8192] == 'x', 1);
	IS(c->fallocate(file, 0, 16384, 100), 0);
	IS(size_of("/a"), 16484);
	IS(c->fallocate(file, FALLOC_FL_KEEP_SIZE, 20000, 100), 0);
	IS(size_of("/a"), 16484);
	IS(c->fallocate(file, 0, 0, 0), -EINVAL);
	IS(c->fallocate(file, 0, -1, 10), -EINVAL);
	IS(c->close(file), 0);
	return CHECK_GOOD;
}

static enum check_result copies_from_file_to_file(void)
{
	void *in, *out;
	off_t from = 2;
	ssize_t n;

	IS(make_file("/a", 0644, "0123456789"), 0);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &in), 0);
	IS(c->open(fs, NULL, "/b", O_CREAT | O_RDWR, 0644, &out), 0);
	n = c->copy_file_range(in, &from, out, NULL, 5);
	IS(n, 5);
	IS(from, 7);
	IS(c->lseek(out, 0, SEEK_CUR), 5);
	IS(c->copy_file_range(in, NULL, out, NULL, 100), 10);
	IS(c->copy_file_range(in, NULL, out, NULL, 100), 0);
	IS(c->copy_file_range(out, NULL, in, NULL, 1), -EBADF);
	IS(c->close(in), 0);
	IS(c->close(out), 0);
	IS(has_text("/b", "234560123456789"), 1);
	return CHECK_GOOD;
}

static enum check_result pieces_are_read_and_written_in_their_order(void)
{
	char text[] = "abcdef";
	char a[2], b[3];
	struct iovec write[2] = {{text + 3, 3}, {text, 3}};
	struct iovec read[2] = {{a, 2}, {b, 3}};
	void *file;

	IS(c->open(fs, NULL, "/a", O_CREAT | O_RDWR, 0644, &file), 0);
	IS(c->writev(file, write, 2), 6);
	IS(c->preadv(file, read, 2, 1), 5);
	IS(memcmp(a, "ef", 2) || memcmp(b, "abc", 3), 0);
	IS(c->pwritev(file, write, 2, 10), 6);
	IS(c->lseek(file, 0, SEEK_CUR), 6);
	IS(size_of("/a"), 16);
	IS(c->close(file), 0);
	return CHECK_GOOD;
}

static enum check_result a_removed_file_lives_while_it_is_open(void)
{
	struct stat stat;
	char data[4];
	void *file;

	IS(make_file("/a", 0644, "0123"), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR, 0, &file), 0);
	IS(c->unlink(fs, NULL, "/a", 0), 0);
	IS(c->fstat(file, &stat), 0);
	IS(stat.st_nlink, 0);
	IS(c->pwrite(file, "45", 2, 4), 2);
	IS(c->pread(file, data, 4, 2), 4);
	IS(memcmp(data, "2345", 4), 0);
	IS(c->ftruncate(file, 1), 0);
	IS(c->fchmod(file, 0600), 0);
	IS(c->fstat(file, &stat), 0);
	IS(stat.st_size, 1);
	IS(stat.st_mode & 07777, 0600);
	IS(make_file("/a", 0644, "new"), 0);
	IS(c->close(file), 0);
	IS(has_text("/a", "new"), 1);
	return CHECK_GOOD;
}

static enum check_result a_file_without_a_name(void)
{
	struct stat stat;
	void *file;
	int r = c->open(fs, NULL, "/", O_TMPFILE | O_RDWR, 0600, &file);

	NEEDS(r);
	IS(r, 0);
	IS(c->write(file, "x", 1), 1);
	IS(c->fstat(file, &stat), 0);
	IS(stat.st_nlink, 0);
	IS(c->close(file), 0);
	IS(c->open(fs, NULL, "/", O_TMPFILE, 0600, &file), -EINVAL);
	return CHECK_GOOD;
}

static enum check_result direct_and_kept_data_agree(void)
{
	char data[8];
	void *kept, *direct;

	IS(make_file("/a", 0644, "01234567"), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR, 0, &kept), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR | O_DIRECT, 0, &direct), 0);
	IS(c->pread(kept, data, 8, 0), 8);
	IS(c->pwrite(direct, "xx", 2, 2), 2);
	IS(c->pread(kept, data, 8, 0), 8);
	IS(memcmp(data, "01xx4567", 8), 0);
	IS(c->pwrite(kept, "yy", 2, 4), 2);
	IS(c->pread(direct, data, 8, 0), 8);
	IS(memcmp(data, "01xxyy67", 8), 0);
	IS(c->close(kept), 0);
	IS(c->close(direct), 0);
	return CHECK_GOOD;
}

static void close_both(void *one, void *two)
{
	c->close(one);
	c->close(two);
}

static enum check_result locks_of_open_files_exclude_each_other(void)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
	void *one, *two;
	int r;

	IS(make_file("/a", 0644, "0123"), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR, 0, &one), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR, 0, &two), 0);
	r = c->lock(one, F_OFD_SETLK, &range);
	if (is_lacking(r))
		close_both(one, two);
	NEEDS(r);
	IS(r, 0);
	r = c->lock(two, F_OFD_SETLK, &range);
	IS(r == -EAGAIN || r == -EACCES, 1);
	range.l_start = 20;
	IS(c->lock(two, F_OFD_SETLK, &range), 0);
	range = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
	IS(c->lock(two, F_OFD_GETLK, &range), 0);
	IS(range.l_type, F_WRLCK);
	IS(range.l_start, 10);
	IS(range.l_len, 10);
	IS(c->close(one), 0);
	range = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
	IS(c->lock(two, F_OFD_SETLK, &range), 0);
	IS(c->close(two), 0);
	return CHECK_GOOD;
}

static enum check_result flocks_exclude_each_other(void)
{
	void *one, *two;
	int r;

	IS(make_file("/a", 0644, "0123"), 0);
	IS(c->open(fs, NULL, "/a", O_RDWR, 0, &one), 0);
	IS(c->open(fs, NULL, "/a", O_RDONLY, 0, &two), 0);
	r = c->flock(one, LOCK_SH);
	if (is_lacking(r))
		close_both(one, two);
	NEEDS(r);
	IS(r, 0);
	IS(c->flock(two, LOCK_SH), 0);
	IS(c->flock(one, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	IS(c->flock(two, LOCK_UN), 0);
	IS(c->flock(one, LOCK_EX | LOCK_NB), 0);
	IS(c->flock(two, LOCK_SH | LOCK_NB), -EWOULDBLOCK);
	IS(c->close(one), 0);
	IS(c->flock(two, LOCK_EX | LOCK_NB), 0);
	IS(c->close(two), 0);
	return CHECK_GOOD;
}

const struct check data_checks[] = {
	{"truncate by path", truncate_by_path},
	{"what is truncated and made longer again is zero", truncated_is_zero_when_longer},
	{"truncate, read and write need a file opened for it",
		truncate_needs_a_file_open_for_writing},
	{"O_APPEND writes behind what is there by then", appends_to_what_is_there_by_then},
	{"each open file has its position", each_open_file_has_its_position},
	{"holes are where nothing was written", holes_are_where_nothing_was_written},
	{"what is punched out is zero", punched_is_zero},
	{"copy_file_range", copies_from_file_to_file},
	{"pieces are read and written in their order", pieces_are_read_and_written_in_their_order},
	{"a removed file lives while it is open", a_removed_file_lives_while_it_is_open},
	{"a file without a name", a_file_without_a_name},
	{"O_DIRECT and what is kept agree", direct_and_kept_data_agree},
	{"locks of open files exclude each other", locks_of_open_files_exclude_each_other},
	{"flock excludes", flocks_exclude_each_other},
	{NULL, NULL},
};
