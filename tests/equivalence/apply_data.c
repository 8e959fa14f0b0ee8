/* SPDX-License-Identifier: MIT */
/* Opening, reading, writing. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "differences.h"
#include "side.h"

/* Longer than any operation's. */
static char buffer[2 << 20];

/* What an operation writes is its own. */
static void fill(const struct op *op)
{
	for (size_t i = 0; i < op->length; i++)
		buffer[i] = (char)(op->number * 7 + i + i / 251 + 1);
}

static void say_position(struct side *side, void *file, struct outcome *out)
{
	say(out, "at");
	say_result(out, side->calls->lseek(file, 0, SEEK_CUR));
}

/* Of four pieces, one of them empty; together @length bytes. */
static int make_pieces(size_t length, struct iovec pieces[4])
{
	size_t half = length / 2;

	pieces[0] = (struct iovec){.iov_base = buffer, .iov_len = half};
	pieces[1] = (struct iovec){.iov_base = buffer + half, .iov_len = 0};
	pieces[2] = (struct iovec){.iov_base = buffer + half, .iov_len = (length - half) / 3};
	pieces[3].iov_base = (char *)pieces[2].iov_base + pieces[2].iov_len;
	pieces[3].iov_len = length - half - pieces[2].iov_len;
	return 4;
}

static void opened(struct side *side, const struct op *op, int r, void *file, struct outcome *out)
{
	struct stat stat;

	if (r == 0 && side->calls->fstat(file, &stat) < 0)
		say(out, "without attributes");
	else if (!(op_flags(op) & O_PATH) && differs_opened(op, r, r == 0 ? &stat : NULL))
		out->not_compared = true;
	if (r == 0 && out->not_compared)
		side->calls->close(file);
	else if (r == 0)
		side_put_file(side, op->slot, file, out);
	say_result(out, r);
}

void apply_open(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = NULL;
	int r = side->calls->open(
		side->fs, side_dir(side, op->dir), op->path, op_flags(op), op->mode, &file);

	opened(side, op, r, file, out);
}

void apply_openat2(struct side *side, const struct op *op, struct outcome *out)
{
	/* Special files are not waited for. */
	const struct open_how how = {.flags = (unsigned int)op->choice->value | O_NONBLOCK,
		.resolve = (unsigned int)op->bits};
	void *file = NULL;
	int r = side->calls->openat2(side->fs, side_dir(side, op->dir), op->path, &how, &file);

	opened(side, op, r, file, out);
}

void apply_read(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];

	if (!file)
		return;
	say_data(out, buffer, side->calls->read(file, buffer, op->length));
	say_position(side, file, out);
}

void apply_pread(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];

	if (file)
		say_data(out, buffer, side->calls->pread(file, buffer, op->length, op->offset));
}

void apply_readv(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];
	struct iovec pieces[4];
	int count = make_pieces(op->length, pieces);

	if (!file)
		return;
	say_data(out, buffer, side->calls->readv(file, pieces, count));
	say_position(side, file, out);
}

void apply_preadv(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];
	struct iovec pieces[4];
	int count = make_pieces(op->length, pieces);

	if (file)
		say_data(out, buffer, side->calls->preadv(file, pieces, count, op->offset));
}

void apply_write(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];

	if (!file)
		return;
	fill(op);
	say_result(out, side->calls->write(file, buffer, op->length));
	say_position(side, file, out);
}

void apply_pwrite(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];
	ssize_t r;

	if (!file)
		return;
	fill(op);
	r = side->calls->pwrite(file, buffer, op->length, op->offset);
	out->not_compared = differs_written(op, r);
	say_result(out, r);
	say_position(side, file, out);
}

void apply_writev(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];
	struct iovec pieces[4];
	int count = make_pieces(op->length, pieces);

	if (!file)
		return;
	fill(op);
	say_result(out, side->calls->writev(file, pieces, count));
	say_position(side, file, out);
}

void apply_pwritev(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];
	struct iovec pieces[4];
	int count = make_pieces(op->length, pieces);
	ssize_t r;

	if (!file)
		return;
	fill(op);
	r = side->calls->pwritev(file, pieces, count, op->offset);
	out->not_compared = differs_written(op, r);
	say_result(out, r);
	say_position(side, file, out);
}

void apply_lseek(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];
	struct stat stat;

	if (!file)
		return;
	if (side->calls->fstat(file, &stat) == 0 && S_ISDIR(stat.st_mode))
		out->not_compared = true;
	else
		say_result(out, side->calls->lseek(file, op->offset, op->choice->value));
}

/* 1, 0, or an error */
static int is_zero(struct side *side, void *file, off_t from, off_t to)
{
	ssize_t n;

	for (; from < to; from += n) {
		size_t size = (size_t)(to - from) < sizeof(buffer) ? (size_t)(to - from)
								   : sizeof(buffer);

		n = side->calls->pread(file, buffer, size, from);
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		for (ssize_t i = 0; i < n; i++)
			if (buffer[i])
				return 0;
	}
	return 1;
}

/* Which zeros are a hole is up to a file system, and to what it has in its cache. */
static void say_hole(struct side *side, void *file, const struct op *op, off_t found, off_t size,
	struct outcome *out)
{
	bool data = op->choice->value == SEEK_DATA;
	off_t end = found < 0 ? size : found;
	int r = 1;

	if (found != -ENXIO && (found < op->offset || found > size))
		r = 0;
	else if (data)
		r = is_zero(side, file, op->offset, end);
	else if (found != size)
		r = found < 0 ? 0 : is_zero(side, file, found, found + 1);
	/* Who may only write cannot look, and need not where the other side has no hole. */
	if (r < 0 && r != -EBADF)
		say_result(out, r);
	else
		say(out, r ? "as it may be" : "%lld cannot be", (long long)found);
	side->calls->lseek(file, 0, SEEK_SET);
}

void apply_seek_hole(struct side *side, const struct op *op, struct outcome *out)
{
	void *file = side->files[op->slot];
	struct stat stat;
	off_t found;

	if (!file || side->calls->fstat(file, &stat) < 0 || !S_ISREG(stat.st_mode))
		return;
	found = side->calls->lseek(file, op->offset, op->choice->value);
	if (op->offset < 0 || op->offset >= stat.st_size || (found < 0 && found != -ENXIO))
		say_result(out, found);
	else
		say_hole(side, file, op, found, stat.st_size, out);
}

void apply_truncate(struct side *side, const struct op *op, struct outcome *out)
{
	int r = side->calls->truncate(side->fs, op->path, op->offset);

	out->not_compared = differs_resized(op, r);
	say_result(out, r);
}

void apply_ftruncate(struct side *side, const struct op *op, struct outcome *out)
{
	int r;

	if (!side->files[op->slot])
		return;
	r = side->calls->ftruncate(side->files[op->slot], op->offset);
	out->not_compared = differs_resized(op, r);
	say_result(out, r);
}

void apply_fallocate(struct side *side, const struct op *op, struct outcome *out)
{
	off_t offset = op->offset;
	off_t length = (off_t)op->length;
	int r;

	if (!side->files[op->slot])
		return;
	/* Whole blocks are moved; now and then it is refused. */
	if (op->kind->feature == FEATURE_SHIFT && op->number % 8) {
		offset = offset < 1 << 20 ? offset & ~4095 : offset;
		length = (length + 4095) & ~4095;
	}
	r = side->calls->fallocate(side->files[op->slot], op->choice->value, offset, length);
	out->not_compared = differs_resized(op, r);
	say_result(out, r);
}

void apply_copy(struct side *side, const struct op *op, struct outcome *out)
{
	void *in = side->files[op->slot];
	void *to = side->files[op->slot2];
	off_t offset = op->offset;
	off_t offset2 = op->offset2;
	ssize_t r;

	if (!in || !to)
		return;
	r = side->calls->copy_file_range(in, op->choice->value & 1 ? &offset : NULL, to,
		op->choice->value & 2 ? &offset2 : NULL, op->length);
	out->not_compared = differs_written(op, r);
	say_result(out, r);
	say(out, "offsets %lld %lld", (long long)offset, (long long)offset2);
	say_position(side, in, out);
	say_position(side, to, out);
}

void apply_fsync(struct side *side, const struct op *op, struct outcome *out)
{
	if (side->files[op->slot])
		say_result(out, side->calls->fsync(side->files[op->slot], op->choice->value == 1));
}
