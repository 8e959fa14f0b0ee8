/* SPDX-License-Identifier: MIT */
/* Reading and writing files in the DAX window. */
#include <errno.h>
#include <sys/stat.h>

#include "file/cache.h"
#include "file/window.h"

static struct vfs_window_counters *counters(const struct vfs_file *file)
{
	return &file->fs->window->counters[((uintptr_t)file >> 6) % VFS_WINDOW_STRIPES];
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

typedef size_t copy_fn(struct iovec piece, char *window);

static size_t copy_out(struct iovec piece, char *window)
{
	return vfs_copy_from_map(piece.iov_base, window, piece.iov_len);
}

static size_t copy_in(struct iovec piece, char *window)
{
	return vfs_copy_to_map(window, piece.iov_base, piece.iov_len);
}

/* @size bytes, which are left; or fewer: there is nothing behind the next one. */
static size_t copy(struct vfs_iter *iter, char *window, size_t size, copy_fn *some)
{
	struct vfs_iter at = *iter;
	size_t done = 0;

	while (done < size) {
		struct iovec piece;
		size_t n;

		(void)vfs_iter_slice(&at, &piece, 1, size - done);
		n = some(piece, window + done);
		done += n;
		if (n < piece.iov_len)
			break;
	}
	vfs_iter_advance(iter, done);
	return done;
}

/* ---- reading ---- */

struct reading {
	struct vfs_file *file;
	struct vfs_iter *to;
	uint64_t offset; /* up to here it has been read, */
	uint64_t start;	 /* from here on */
	uint64_t size;	 /* of the file */
};

static size_t bytes_until(const struct reading *reading, uint64_t end)
{
	return min_size(reading->to->left, (size_t)(end - reading->offset));
}

/* It is done by request up to there. */
static int ask(struct reading *reading, uint64_t end)
{
	struct vfs_iter part = *reading->to;
	ssize_t r;

	vfs_iter_limit(&part, bytes_until(reading, end));
	r = vfs_read_past(reading->file, &part, reading->offset);
	if (r < 0)
		return (int)r;
	/* It ends here, whatever was known. */
	if (r == 0)
		reading->size = reading->offset;
	vfs_iter_advance(reading->to, (size_t)r);
	reading->offset += (uint64_t)r;
	return 0;
}

/* There is nothing behind a part of the window: the file has become shorter, or the device is gone.
 */
static int ask_after_fault(struct reading *reading)
{
	uint64_t unit = reading->file->fs->window->unit;
	uint64_t end = (reading->offset & ~(unit - 1)) + unit;
	int r = vfs_data_size(reading->file, true, &reading->size);

	count(&counters(reading->file)->faults, 1);
	if (r < 0)
		return r;
	/* What was copied from the rest of its last page is not in the file. */
	if (reading->offset >= reading->size) {
		reading->offset = reading->size > reading->start ? reading->size : reading->start;
		return 0;
	}
	return ask(reading, end < reading->size ? end : reading->size);
}

static int copy_range(struct reading *reading, struct vfs_dax_pin *pin)
{
	size_t size = min_size(bytes_until(reading, reading->size), pin->length);
	size_t done = copy(reading->to, pin->address, size, copy_out);

	vfs_dax_unpin(pin);
	reading->offset += done;
	count(&counters(reading->file)->read_bytes, done);
	return done < size ? ask_after_fault(reading) : 0;
}

static uint64_t range_end(const struct reading *reading)
{
	uint64_t range = reading->file->fs->window->range;
	uint64_t end = (reading->offset & ~(range - 1)) + range;

	return end < reading->size ? end : reading->size;
}

static int read_range(struct reading *reading)
{
	uint64_t whole = vfs_window_end(reading->file->fs->window, reading->size);
	struct vfs_dax_pin pin;

	if (reading->offset >= whole)
		return ask(reading, reading->size);
	if (vfs_window_pin(reading->file, reading->offset, whole, 0, &pin) == 0)
		return copy_range(reading, &pin);
	count(&counters(reading->file)->misfits, 1);
	return ask(reading, range_end(reading));
}

ssize_t vfs_window_read(struct vfs_file *file, struct vfs_iter *to, uint64_t offset)
{
	struct reading reading = {.file = file, .to = to, .offset = offset, .start = offset};
	int r = vfs_data_size(file, false, &reading.size);

	while (r == 0 && to->left && reading.offset < reading.size)
		r = read_range(&reading);
	return reading.offset > offset ? (ssize_t)(reading.offset - offset) : r;
}

/* ---- writing ---- */

/* What the server sees to with each WRITE is not to be gone round. */
static bool may_write(struct vfs_file *file)
{
	return !(file->flags & (O_SYNC | O_DSYNC)) && vfs_may_write_unseen(file);
}

/* True: there may be more. */
static bool write_range(
	struct vfs_file *file, struct vfs_iter *from, uint64_t *offset, uint64_t whole)
{
	struct vfs_dax_pin pin;
	size_t done, size;

	if (vfs_window_pin(file, *offset, whole, VFS_DAX_WRITE, &pin) < 0) {
		count(&counters(file)->misfits, 1);
		return false;
	}
	size = min_size(min_size(from->left, pin.length), (size_t)(whole - *offset));
	done = copy(from, pin.address, size, copy_in);
	vfs_dax_unpin(&pin);
	*offset += done;
	count(&counters(file)->written_bytes, done);
	if (done < size)
		count(&counters(file)->faults, 1);
	return done == size;
}

size_t vfs_window_write(struct vfs_file *file, struct vfs_iter *from, uint64_t offset)
{
	uint64_t start = offset;
	uint64_t size, whole;

	if (!may_write(file) || vfs_data_size(file, false, &size) < 0)
		return 0;
	whole = vfs_window_end(file->fs->window, size);
	while (from->left && offset < whole && write_range(file, from, &offset, whole))
		;
	if (offset > start)
		vfs_window_soiled(file->node);
	return (size_t)(offset - start);
}
