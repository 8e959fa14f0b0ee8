/* SPDX-License-Identifier: MIT */
/*
 * Copies a file from or to a device, or within it, with its permissions and times. Holes stay
 *holes.
 *
 *	vfs-cp DEVICE FROM TO
 *
 * A path with a colon in front, as in :/etc/motd, is one on the device.
 */
#define _GNU_SOURCE 1 /* SEEK_DATA */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <vfs/error.h>
#include <vfs/file.h>

/* An open file, here or there. */
struct end {
	const char *name;
	struct vfs_file *file; /* NULL: it is a local one */
	int fd;
};

struct copy {
	struct end from, to;
	off_t size, done;
	time_t last_shown;
};

/* The library's functions return what went wrong, those of the C library leave it in errno. */
static int failed(const struct end *end)
{
	if (end->file)
		fprintf(stderr, "vfs-cp: %s\n", vfs_last_error());
	else
		fprintf(stderr, "vfs-cp: %s: %s\n", end->name, strerror(errno));
	return -1;
}

/* ---- an end of the copy ---- */

static int open_end(struct vfs_fs *fs, const char *name, int flags, struct end *end)
{
	end->name = name;
	end->fd = -1;
	if (name[0] == ':') {
		if (vfs_open(fs, name + 1, flags, 0600, &end->file) == 0)
			return 0;
		fprintf(stderr, "vfs-cp: %s\n", vfs_last_error());
		return -1;
	}
	end->fd = open(name, flags | O_CLOEXEC, 0600);
	return end->fd < 0 ? failed(end) : 0;
}

static int stat_end(struct end *end, struct stat *stat)
{
	int r = end->file ? vfs_fstat(end->file, stat) : fstat(end->fd, stat);

	return r < 0 ? failed(end) : 0;
}

static int set_length(struct end *end, off_t length)
{
	int r = end->file ? vfs_ftruncate(end->file, length) : ftruncate(end->fd, length);

	return r < 0 ? failed(end) : 0;
}

static ssize_t read_end(struct end *end, void *data, size_t size, off_t offset)
{
	ssize_t n = end->file ? vfs_pread(end->file, data, size, offset)
			      : pread(end->fd, data, size, offset);

	return n < 0 ? failed(end) : n;
}

static int write_end(struct end *end, const char *data, size_t size, off_t offset)
{
	while (size > 0) {
		ssize_t n = end->file ? vfs_pwrite(end->file, data, size, offset)
				      : pwrite(end->fd, data, size, offset);

		if (n < 0)
			return failed(end);
		data += n;
		size -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* The next data or hole, or a negative errno value. */
static off_t seek(struct end *end, off_t offset, int whence)
{
	off_t r;

	if (end->file)
		return vfs_lseek(end->file, offset, whence);
	r = lseek(end->fd, offset, whence);
	return r < 0 ? -errno : r;
}

static int set_attributes(struct end *end, const struct stat *stat)
{
	const struct timespec times[] = {stat->st_atim, stat->st_mtim};
	mode_t mode = stat->st_mode & 07777;
	int r = end->file ? vfs_fchmod(end->file, mode) : fchmod(end->fd, mode);

	if (r == 0)
		r = end->file ? vfs_futimens(end->file, times) : futimens(end->fd, times);
	return r < 0 ? failed(end) : 0;
}

/* What was written and is not there yet may fail only now. */
static int close_end(struct end *end)
{
	int r = end->file ? vfs_close(end->file) : close(end->fd);

	return r < 0 ? failed(end) : 0;
}

/* ---- copying ---- */

/* A line that is written over, once a second and at the end. */
static void show_progress(struct copy *copy)
{
	int at_end = copy->done == copy->size;
	time_t now = time(NULL);

	if (!isatty(STDERR_FILENO) || (now == copy->last_shown && !at_end))
		return;
	copy->last_shown = now;
	fprintf(stderr, "\r%3d %%  %jd of %jd MiB%s",
		copy->size ? (int)(100.0 * (double)copy->done / (double)copy->size) : 100,
		(intmax_t)copy->done >> 20, (intmax_t)copy->size >> 20, at_end ? "\n" : "");
}

/* Bytes that were copied, 0 if the source has become shorter. Within the device no data moves. */
static ssize_t copy_piece(struct copy *copy, off_t offset, size_t size)
{
	static char data[1 << 20];
	off_t to_offset = offset;
	ssize_t n;

	if (copy->from.file && copy->to.file) {
		n = vfs_copy_file_range(
			copy->from.file, &offset, copy->to.file, &to_offset, size, 0);
		return n < 0 ? failed(&copy->to) : n;
	}
	n = read_end(&copy->from, data, size < sizeof(data) ? size : sizeof(data), offset);
	if (n > 0 && write_end(&copy->to, data, (size_t)n, offset) < 0)
		return -1;
	return n;
}

static int copy_range(struct copy *copy, off_t offset, off_t end)
{
	while (offset < end) {
		ssize_t n = copy_piece(copy, offset, (size_t)(end - offset));

		if (n <= 0)
			return (int)n;
		offset += n;
		copy->done = offset;
		if (offset < copy->size)
			show_progress(copy);
	}
	return 0;
}

/* Where holes cannot be found all is data. */
static int copy_data(struct copy *copy)
{
	off_t hole = 0;

	while (hole < copy->size) {
		off_t data = seek(&copy->from, hole, SEEK_DATA);

		if (data == -ENXIO)
			break;
		if (data < 0)
			return copy_range(copy, hole, copy->size);
		hole = seek(&copy->from, data, SEEK_HOLE);
		if (hole < 0)
			hole = copy->size;
		if (copy_range(copy, data, hole) < 0)
			return -1;
	}
	copy->done = copy->size;
	return 0;
}

static int same_file(const struct copy *copy, const struct stat *from, const struct stat *to)
{
	return !copy->from.file == !copy->to.file && from->st_dev == to->st_dev &&
	       from->st_ino == to->st_ino;
}

static int copy_open(struct copy *copy)
{
	struct stat from, to;

	if (stat_end(&copy->from, &from) < 0 || stat_end(&copy->to, &to) < 0)
		return -1;
	if (same_file(copy, &from, &to)) {
		fprintf(stderr, "vfs-cp: %s and %s are the same file\n", copy->from.name,
			copy->to.name);
		return -1;
	}
	copy->size = from.st_size;
	if (set_length(&copy->to, 0) < 0 || copy_data(copy) < 0 ||
		set_length(&copy->to, copy->size) < 0)
		return -1;
	show_progress(copy);
	return set_attributes(&copy->to, &from);
}

static int copy(struct vfs_fs *fs, const char *from, const char *to)
{
	struct copy copy = {0};
	int r;

	if (open_end(fs, from, O_RDONLY, &copy.from) < 0)
		return -1;
	if (open_end(fs, to, O_WRONLY | O_CREAT, &copy.to) < 0) {
		close_end(&copy.from);
		return -1;
	}
	r = copy_open(&copy);
	if (close_end(&copy.to) < 0)
		r = -1;
	close_end(&copy.from);
	return r;
}

int main(int argc, char **argv)
{
	struct vfs_mount_options options = {.writeback = true};
	struct vfs_fs *fs;
	int r;

	if (argc != 4) {
		fprintf(stderr, "usage: vfs-cp DEVICE FROM TO\n"
				"A path with a colon in front is one on the device.\n");
		return 2;
	}
	if (vfs_mount(argv[1], &options, &fs) < 0) {
		fprintf(stderr, "vfs-cp: %s\n", vfs_last_error());
		return 1;
	}
	r = copy(fs, argv[2], argv[3]);
	vfs_umount(fs);
	return r < 0 ? 1 : 0;
}
