/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>

#include "op.h"
#include "random.h"

static const gid_t more_groups[] = {1000};

/* Root twice, who may everything: what others may not do gives no more than an error. */
const struct vfs_caller op_callers[] = {
	{.uid = 0, .gid = 0, .pid = 1, .umask = 022},
	{.uid = 1000, .gid = 1000, .pid = 1, .umask = 022},
	{.uid = 0, .gid = 0, .pid = 1, .umask = 0},
	{.uid = 1000, .gid = 1000, .pid = 1, .umask = 077},
	{.uid = 1001, .gid = 1001, .pid = 1, .umask = 002},
	{.uid = 1001, .gid = 1001, .pid = 1, .umask = 022, .groups = more_groups, .num_groups = 1},
};

/*
 * Nobody tells the servers that there are of supplementary groups, so what is made by right of one
 * is not made.
 */
static unsigned int make_caller(uint64_t *random, bool creates)
{
	return random_below(random, creates ? 5 : 6);
}

static const struct kind *make_kind(uint64_t *random)
{
	unsigned int sum = 0;
	unsigned int n;

	for (unsigned int i = 0; i < op_num_kinds; i++)
		sum += op_kinds[i].weight;
	n = random_below(random, sum);
	for (unsigned int i = 0;; i++) {
		if (n < op_kinds[i].weight)
			return &op_kinds[i];
		n -= op_kinds[i].weight;
	}
}

static int make_bits(uint64_t *random, const struct flag *bits)
{
	int value = 0;

	for (; bits && bits->name; bits++)
		if (random_chance(random, bits->in_1000))
			value |= bits->value;
	return value;
}

static const struct flag *make_choice(uint64_t *random, const struct flag *choices)
{
	unsigned int count = 0;

	while (choices && choices[count].name)
		count++;
	return count ? &choices[random_below(random, count)] : NULL;
}

static int make_dir(uint64_t *random)
{
	return random_chance(random, 120) ? (int)random_below(random, OP_FILES) : -1;
}

/* Mostly what lets others pass; now and then what does not, or what a write has to take away. */
static mode_t make_mode(uint64_t *random)
{
	static const mode_t usual[] = {0755, 0777, 0777, 0775, 0666, 0777};
	static const mode_t odd[] = {0644, 0700, 0600, 0664, 0711, 0444, 0555, 0, 02755, 04755,
		06777, 01755, 02777, 0070, 0007, 04644, 02664, 0222};

	if (random_chance(random, 700))
		return usual[random_below(random, 6)];
	return odd[random_below(random, 18)];
}

/* Around the borders of pages, blocks and requests, and once in a while beyond all of them. */
static off_t make_offset(uint64_t *random)
{
	static const off_t borders[] = {0, 512, 4096, 8192, 32768, 65536, 131072, 1 << 20};
	unsigned int n = random_below(random, 1000);

	if (n < 200)
		return 0;
	if (n < 600)
		return random_below(random, 10000);
	if (n < 850)
		return borders[random_below(random, 8)] + random_below(random, 9) - 4;
	if (n < 985)
		return random_below(random, 300000);
	if (n < 990)
		return INT64_MAX - random_below(random, 3);
	return -(off_t)random_below(random, 5000) - 1;
}

static size_t make_length(uint64_t *random)
{
	static const size_t borders[] = {1, 512, 4096, 8192, 65536, 131072};
	unsigned int n = random_below(random, 1000);

	if (n < 30)
		return 0;
	if (n < 500)
		return 1 + random_below(random, 200);
	if (n < 800)
		return 1 + random_below(random, 9000);
	if (n < 940)
		return borders[random_below(random, 6)] + random_below(random, 2);
	if (n < 998)
		return random_below(random, 100000);
	return (1 << 20) + 4096 + random_below(random, 5000);
}

/* A time long ago, which cannot be taken for now. */
static struct timespec make_time(uint64_t *random)
{
	unsigned int n = random_below(random, 100);
	struct timespec time = {.tv_sec = random_below(random, 2000000),
		.tv_nsec = random_below(random, 1000000000)};

	if (n < 10)
		time.tv_nsec = UTIME_NOW;
	else if (n < 25)
		time.tv_nsec = UTIME_OMIT;
	else if (n < 28)
		time.tv_nsec = 1000000000;
	else if (n < 32)
		time.tv_sec = -time.tv_sec;
	return time;
}

static void make_owner(uint64_t *random, struct op *op)
{
	static const uid_t ids[] = {0, 1000, 1000, 1001, 1001, (uid_t)-1, 1000, 77777};

	op->uid = ids[random_below(random, 8)];
	op->gid = ids[random_below(random, 8)];
}

static void make_range(uint64_t *random, struct op *op)
{
	op->offset = random_below(random, 40) * 10;
	op->length = random_below(random, 4) ? 1 + random_below(random, 100) : 0;
}

static void make_fields(uint64_t *random, unsigned int fields, struct op *op)
{
	static const char *const xattrs[] = {
		"user.a", "user.b", "user.a", "user.b", "user.long-name", "user.", "none", ""};

	op->slot = random_below(random, fields & OP_STREAM ? OP_DIRS : OP_FILES);
	op->slot2 = random_below(random, OP_FILES);
	op->dir = fields & OP_DIR ? make_dir(random) : -1;
	op->dir2 = fields & OP_DIR ? make_dir(random) : -1;
	op->mode = make_mode(random);
	op->offset = make_offset(random);
	op->offset2 = make_offset(random);
	op->length = make_length(random);
	make_owner(random, op);
	if (fields & OP_RANGE)
		make_range(random, op);
	op->times[0] = make_time(random);
	op->times[1] = make_time(random);
	op->xattr = xattrs[random_below(random, 8)];
	op_make_path(random, op->path);
	op_make_path(random, op->path2);
}

void op_make(uint64_t seed, uint64_t number, struct op *op)
{
	uint64_t state = seed * 0xd1342543de82ef95ULL + number;
	uint64_t *random = &state;

	random_next(random);
	op->number = number;
	op->kind = make_kind(random);
	op->choice = make_choice(random, op->kind->choices);
	op->bits = make_bits(random, op->kind->bits);
	op->at = make_bits(random, op->kind->at);
	op->caller = make_caller(random, op->kind->fields & OP_CREATES);
	make_fields(random, op->kind->fields, op);
}

/* Nobody has a file so large. */
#define HUGE_OFFSET (1LL << 60)

unsigned int op_features(const struct op *op)
{
	unsigned int features = op->kind->feature;

	if (op->kind->fields & OP_OFFSET && op->offset > HUGE_OFFSET)
		features |= FEATURE_HUGE;
	if (op->kind->fields & OP_OFFSET2 && op->offset2 > HUGE_OFFSET)
		features |= FEATURE_HUGE;
	if (op->kind->fields & OP_MODE && op->mode & (S_ISUID | S_ISGID))
		features |= FEATURE_SET_ID;
	return features;
}

/* A path of thousands of bytes by its ends. */
static void print_path(const char *name, const char *path, FILE *stream)
{
	size_t length = strlen(path);

	fprintf(stream, " %s=\"", name);
	for (size_t i = 0; i < length; i++) {
		if (length > 60 && i == 20) {
			fprintf(stream, "...%zu bytes...", length);
			i = length - 20;
		}
		fprintf(stream, path[i] < ' ' ? "\\x%02x" : "%c", (unsigned char)path[i]);
	}
	fputc('"', stream);
}

static void print_bits(const struct flag *bits, int value, FILE *stream)
{
	for (; bits && bits->name; bits++)
		if (value & bits->value)
			fprintf(stream, " %s", bits->name);
}

static void print_time(const struct timespec *time, FILE *stream)
{
	if (time->tv_nsec == UTIME_NOW)
		fputs(" UTIME_NOW", stream);
	else if (time->tv_nsec == UTIME_OMIT)
		fputs(" UTIME_OMIT", stream);
	else
		fprintf(stream, " %lld.%09ld", (long long)time->tv_sec, time->tv_nsec);
}

static void print_owner(uid_t uid, gid_t gid, FILE *stream)
{
	fprintf(stream, " %d:%d", (int)uid, (int)gid);
}

static void print_where(const struct op *op, unsigned int fields, FILE *stream)
{
	if (fields & (OP_SLOT | OP_STREAM))
		fprintf(stream, fields & OP_STREAM ? " stream %u" : " file %u", op->slot);
	if (fields & OP_SLOT2)
		fprintf(stream, " file %u", op->slot2);
	if (op->dir >= 0)
		fprintf(stream, " from file %d", op->dir);
	if (fields & OP_PATH)
		print_path("path", op->path, stream);
	if (fields & OP_PATH2 && op->dir2 >= 0)
		fprintf(stream, " from file %d", op->dir2);
	if (fields & OP_PATH2)
		print_path("path2", op->path2, stream);
}

static void print_numbers(const struct op *op, unsigned int fields, FILE *stream)
{
	if (fields & OP_MODE)
		fprintf(stream, " mode %04o", (unsigned int)op->mode);
	if (fields & (OP_OFFSET | OP_RANGE))
		fprintf(stream, " offset %lld", (long long)op->offset);
	if (fields & OP_OFFSET2)
		fprintf(stream, " offset2 %lld", (long long)op->offset2);
	if (fields & (OP_LENGTH | OP_RANGE))
		fprintf(stream, " length %zu", op->length);
	if (fields & OP_OWNER)
		print_owner(op->uid, op->gid, stream);
	if (fields & OP_TIMES) {
		print_time(&op->times[0], stream);
		print_time(&op->times[1], stream);
	}
	if (fields & OP_XATTR)
		fprintf(stream, " \"%s\"", op->xattr);
}

void op_print(const struct op *op, FILE *stream)
{
	const struct vfs_caller *caller = &op_callers[op->caller];

	fprintf(stream, "%6llu %s", (unsigned long long)op->number, op->kind->name);
	print_where(op, op->kind->fields, stream);
	if (op->choice)
		fprintf(stream, " %s", op->choice->name);
	print_bits(op->kind->bits, op->bits, stream);
	print_bits(op->kind->at, op->at, stream);
	print_numbers(op, op->kind->fields, stream);
	fprintf(stream, ", as %u:%u%s umask %03o\n", (unsigned int)caller->uid,
		(unsigned int)caller->gid, caller->num_groups ? "+" : "",
		(unsigned int)caller->umask);
}
