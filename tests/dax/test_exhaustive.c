/* SPDX-License-Identifier: MIT */
/*
 * All sequences of a few operations, up to some length, on a window of two or three ranges. What
 * each is to come to follows from what is mapped and pinned before it; what would wait is left out,
 * as there is nobody to wait for. The longest sequences have the shorter ones in them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/core.h"
#include "stub.h"
#include "waits.h"

#define MOST_STEPS 8u

/* ---- what can be done ---- */

enum kind { PIN, SPAN, UNPIN_FIRST, UNPIN_LAST, TRIM, DROP, RESIZE, MAP_FAILS, UNMAP_FAILS };

struct operation {
	const char *name;
	enum kind kind;
	unsigned int file;
	uint64_t offset; /* or size */
	unsigned int flags;
	int error;
	bool unknown;
};

#define LONG  (RANGES(2) + 128)
#define SHORT (RANGES(2) + 64)

static const struct operation operations[] = {
	{.name = "read a0", .kind = PIN, .offset = 5},
	{.name = "write a0", .kind = PIN, .offset = RANGE - 1, .flags = VFS_DAX_WRITE},
	{.name = "write a1", .kind = PIN, .offset = RANGES(1), .flags = VFS_DAX_WRITE},
	{.name = "read a2, what has grown", .kind = PIN, .offset = RANGES(2) + 70},
	{.name = "read a2", .kind = PIN, .offset = RANGES(2)},
	{.name = "read b0", .kind = PIN, .file = 1},
	{.name = "write b0", .kind = PIN, .file = 1, .flags = VFS_DAX_WRITE},
	{.name = "hold a0", .kind = PIN, .flags = VFS_DAX_HOLD},
	{.name = "hold b0 to write", .kind = PIN, .file = 1, .flags = VFS_DAX_HOLD | VFS_DAX_WRITE},
	{.name = "span a0 a1", .kind = SPAN, .offset = 10},
	{.name = "unpin first", .kind = UNPIN_FIRST},
	{.name = "unpin last", .kind = UNPIN_LAST},
	{.name = "trim a to 1", .kind = TRIM, .offset = RANGES(1)},
	{.name = "drop", .kind = DROP},
	{.name = "a is shorter or longer", .kind = RESIZE},
	/* Only with failures. */
	{.name = "the next map fails", .kind = MAP_FAILS, .error = -EIO},
	{.name = "the next map is lost", .kind = MAP_FAILS, .error = -ETIMEDOUT, .unknown = true},
	{.name = "the next unmap fails", .kind = UNMAP_FAILS, .error = -EPERM},
};

#define WITHOUT_FAILURES (ARRAY_SIZE(operations) - 3)

/* ---- what is there ---- */

struct pinned {
	struct vfs_dax_pin pin;
	bool span;
};

static struct stub stub;
static struct stub_file files[2];
static struct pinned pinned[MOST_STEPS];
static unsigned int num_pinned;
static unsigned int holds[MOST_RANGES];
static bool spans[MOST_RANGES];

static unsigned int pins_at(unsigned int i)
{
	return atomic_load(&stub.places[i].pins);
}

/* Where it is shown to all; num_ranges: nowhere. */
static unsigned int where(const struct operation *op)
{
	uint64_t part = op->offset - op->offset % RANGE;
	unsigned int i;

	for (i = 0; i < stub.num_ranges; i++)
		if (stub.places[i].file == &files[op->file] && !stub.places[i].lost && !spans[i] &&
			stub.places[i].file_offset == part)
			break;
	return i;
}

static unsigned int count_places(bool (*is)(unsigned int i))
{
	unsigned int i, count = 0;

	for (i = 0; i < stub.num_ranges; i++)
		count += is(i);
	return count;
}

static bool is_free(unsigned int i)
{
	return !stub.places[i].lost && !stub.places[i].file;
}

static bool can_be_taken(unsigned int i)
{
	return !stub.places[i].lost && !pins_at(i);
}

static bool is_held(unsigned int i)
{
	return holds[i];
}

static bool is_gone(unsigned int i)
{
	return stub.places[i].lost || holds[i];
}

/* ---- what is to come of it ---- */

#define CANNOT_BE_DONE 1

static int expected_of_new(const struct operation *op)
{
	unsigned int can = count_places(can_be_taken);

	/* That one would be lost, and there would be none. */
	if (!count_places(is_free) && stub.unmap_error && can == 1)
		return CANNOT_BE_DONE;
	if (can)
		return 0;
	if ((op->flags & VFS_DAX_HOLD) || count_places(is_gone) == stub.num_ranges)
		return -EBUSY;
	return CANNOT_BE_DONE;
}

static bool is_hit(const struct operation *op)
{
	unsigned int i = where(op);

	return op->kind == PIN && i < stub.num_ranges && op->offset < files[op->file].size &&
	       op->offset < stub.places[i].file_offset + stub.places[i].length &&
	       (stub.places[i].writable || !(op->flags & VFS_DAX_WRITE));
}

static int expected_of_pin(const struct operation *op)
{
	unsigned int i = where(op);

	if (op->offset >= files[op->file].size)
		return -EINVAL;
	if (i == stub.num_ranges)
		return expected_of_new(op);
	if (is_hit(op))
		return 0;
	if (holds[i] || (pins_at(i) && (op->flags & VFS_DAX_HOLD)))
		return -EBUSY;
	return pins_at(i) ? CANNOT_BE_DONE : 0;
}

static int expected_of_span(void)
{
	unsigned int i;

	for (i = 0; i + 1 < stub.num_ranges; i++)
		if (can_be_taken(i) && can_be_taken(i + 1))
			return 0;
	return -EBUSY;
}

static int expected_of(const struct operation *op)
{
	switch (op->kind) {
	case PIN:
		return expected_of_pin(op);
	case SPAN:
		return expected_of_span();
	case UNPIN_FIRST:
		return num_pinned ? 0 : CANNOT_BE_DONE;
	case UNPIN_LAST:
		return num_pinned > 1 ? 0 : CANNOT_BE_DONE;
	case MAP_FAILS:
		return stub.map_error ? CANNOT_BE_DONE : 0;
	case UNMAP_FAILS:
		return stub.unmap_error ? CANNOT_BE_DONE : 0;
	default:
		return 0;
	}
}

/* ---- doing it ---- */

static void note_pin(const struct vfs_dax_pin *pin, bool span, int by)
{
	size_t first = (size_t)((char *)pin->address - stub.memory) / RANGE;
	unsigned int i;

	for (i = 0; i < pin->count; i++) {
		if (pin->hold)
			holds[first + i] += (unsigned int)by;
		if (span)
			spans[first + i] = by > 0;
	}
}

static int do_pin(const struct operation *op)
{
	struct pinned *p = &pinned[num_pinned];
	int r;

	p->span = op->kind == SPAN;
	if (p->span)
		r = stub_pin_span(&stub, &files[op->file], op->offset, RANGE, op->flags, &p->pin);
	else
		r = stub_pin(&stub, &files[op->file], op->offset, op->flags, &p->pin);
	if (r)
		return r;
	note_pin(&p->pin, p->span, 1);
	num_pinned++;
	if (*(char *)p->pin.address != stub_byte(&files[op->file], op->offset))
		stub_broken(&stub, "another byte");
	return 0;
}

static int do_unpin(unsigned int i)
{
	struct pinned p = pinned[i];

	for (; i + 1 < num_pinned; i++)
		pinned[i] = pinned[i + 1];
	num_pinned--;
	stub_unpin(&stub, &p.pin);
	note_pin(&p.pin, p.span, -1);
	return 0;
}

static int do_operation(const struct operation *op)
{
	switch (op->kind) {
	case PIN:
	case SPAN:
		return do_pin(op);
	case UNPIN_FIRST:
		return do_unpin(0);
	case UNPIN_LAST:
		return do_unpin(num_pinned - 1);
	case TRIM:
		vfs_dax_trim(files[op->file].inode, op->offset);
		return 0;
	case DROP:
		vfs_dax_drop(stub.dax);
		return 0;
	case RESIZE:
		files[0].size = files[0].size == LONG ? SHORT : LONG;
		return 0;
	case MAP_FAILS:
		stub.map_error = op->error;
		stub.map_unknown = op->unknown;
		return 0;
	case UNMAP_FAILS:
		stub.unmap_error = op->error;
		return 0;
	}
	return 0;
}

/* ---- was it right? ---- */

struct before {
	struct stub_place places[3];
	bool spans[3];
	uint64_t hits;
	unsigned int requests;
	int map_error;
	int unmap_error;
};

static unsigned int requests(void)
{
	return atomic_load(&stub.maps) + atomic_load(&stub.unmaps);
}

static void look_before(struct before *before)
{
	unsigned int i;

	*before = (struct before){.hits = stub_stats(&stub).hits,
		.requests = requests(),
		.map_error = stub.map_error,
		.unmap_error = stub.unmap_error};
	for (i = 0; i < stub.num_ranges; i++) {
		before->places[i] = stub.places[i];
		before->spans[i] = spans[i];
	}
}

static bool same_place(const struct stub_place *was, const struct stub_place *is)
{
	return was->file == is->file && was->file_offset == is->file_offset &&
	       was->length == is->length && was->writable == is->writable && was->lost == is->lost;
}

/* Is this to be gone after it, and nothing else? */
static bool is_taken_out(const struct operation *op, const struct stub_place *was)
{
	if (!was->file || was->lost || atomic_load(&was->pins))
		return false;
	return op->kind == DROP ||
	       (was->file == &files[op->file] && was->file_offset >= op->offset);
}

static bool places_are_right(const struct operation *op, const struct before *before)
{
	unsigned int i;

	for (i = 0; i < stub.num_ranges; i++) {
		const struct stub_place *was = &before->places[i], *is = &stub.places[i];

		/* What is pinned stays; but a span goes when it is not. */
		if (atomic_load(&was->pins) && !(before->spans[i] && !spans[i]) &&
			!same_place(was, is))
			return false;
		if (op->kind != DROP && op->kind != TRIM)
			continue;
		if (is_taken_out(op, was) ? is->file && !is->lost : !same_place(was, is))
			return false;
	}
	return true;
}

/* Is a part shown twice? */
static bool one_is_twice(void)
{
	unsigned int i, k;

	for (i = 0; i < stub.num_ranges; i++)
		for (k = i + 1; k < stub.num_ranges; k++)
			if (!spans[i] && !spans[k] && stub.places[i].file && !stub.places[i].lost &&
				!stub.places[k].lost &&
				stub.places[i].file == stub.places[k].file &&
				stub.places[i].file_offset == stub.places[k].file_offset)
				return true;
	return false;
}

/* After a failure that was ordered there may also be too few ranges. */
static bool result_is_right(const struct before *before, int expected, int result)
{
	bool map_failed = before->map_error && !stub.map_error;
	bool unmap_failed = before->unmap_error && !stub.unmap_error;

	if (map_failed || unmap_failed)
		return result == 0 || (map_failed && result == before->map_error) ||
		       (unmap_failed && (result == before->unmap_error || result == -EBUSY));
	return result == expected;
}

/* NULL: all is right. */
static const char *what_is_wrong(
	const struct operation *op, const struct before *before, bool hit, int expected, int result)
{
	struct vfs_dax_stats stats = stub_stats(&stub);

	if (!result_is_right(before, expected, result))
		return "the result";
	if (hit && requests() != before->requests)
		return "requests for what is there";
	if (stats.hits != before->hits + hit)
		return "the count of hits";
	if (stats.held != count_places(is_held))
		return "the count of what is held";
	if (!places_are_right(op, before))
		return "what is mapped";
	if (one_is_twice())
		return "a part is shown twice";
	return NULL;
}

/* ---- sequences ---- */

static unsigned int chosen[MOST_STEPS];
static unsigned long num_sequences;

static void tell(unsigned int steps, const char *what, int expected, int result)
{
	unsigned int i;

	for (i = 0; i <= steps; i++)
		print_error("%s%s", i ? ", " : "", operations[chosen[i]].name);
	fail_msg("%s is wrong (result %d, expected %d)", what, result, expected);
}

/* False: it cannot be done. */
static bool do_step(unsigned int step)
{
	const struct operation *op = &operations[chosen[step]];
	int expected = expected_of(op), result;
	struct before before;
	const char *what;
	bool hit = is_hit(op);

	if (expected == CANNOT_BE_DONE)
		return false;
	look_before(&before);
	result = do_operation(op);
	what = what_is_wrong(op, &before, hit, expected, result);
	if (!what && atomic_load(&stub.broken))
		what = "a request or a pin";
	if (what)
		tell(step, what, expected, result);
	stub_check(&stub);
	return true;
}

static void begin(unsigned int num_ranges)
{
	stub_create(&stub, num_ranges, 2);
	stub_file_create(&stub, &files[0], 1, SHORT);
	stub_file_create(&stub, &files[1], 2, RANGES(1));
	num_pinned = 0;
}

static void end(void)
{
	stub.unmap_error = 0;
	while (num_pinned)
		do_unpin(0);
	stub_file_destroy(&files[0]);
	stub_file_destroy(&files[1]);
	stub_check(&stub);
	stub_destroy(&stub);
}

/* How many steps of it could be done. */
static unsigned int do_sequence(unsigned int num_ranges, unsigned int length)
{
	unsigned int step;

	begin(num_ranges);
	for (step = 0; step < length; step++)
		if (!do_step(step))
			break;
	end();
	num_sequences++;
	return step;
}

/* The next one that does not begin in the same way up to and including that step. */
static bool next_sequence(unsigned int step, unsigned int num_operations)
{
	unsigned int i;

	for (i = step + 1; i < MOST_STEPS; i++)
		chosen[i] = 0;
	while (++chosen[step] == num_operations) {
		chosen[step] = 0;
		if (step-- == 0)
			return false;
	}
	return true;
}

static void do_all(unsigned int num_ranges, unsigned int length, size_t num_operations)
{
	unsigned int done;

	num_sequences = 0;
	do
		done = do_sequence(num_ranges, length);
	while (next_sequence(done < length ? done : length - 1, (unsigned int)num_operations));
	print_message("%lu sequences of %u on %u ranges\n", num_sequences, length, num_ranges);
}

static unsigned int one_more(void)
{
	const char *full = getenv("VFS_TEST_FULL");

	return full && *full ? 1 : 0;
}

static void every_sequence_on_two_ranges(void **state)
{
	(void)state;
	do_all(2, 4 + one_more(), WITHOUT_FAILURES);
}

static void every_sequence_on_three_ranges(void **state)
{
	(void)state;
	do_all(3, 4 + one_more(), WITHOUT_FAILURES);
}

static void every_sequence_with_failures(void **state)
{
	(void)state;
	do_all(2, 4 + one_more(), ARRAY_SIZE(operations));
	do_all(3, 4 + one_more(), ARRAY_SIZE(operations));
}

static int without_thread(void **state)
{
	(void)state;
	threads_fail(true);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sequence_on_two_ranges),
		cmocka_unit_test(every_sequence_on_three_ranges),
		cmocka_unit_test(every_sequence_with_failures),
	};

	return cmocka_run_group_tests(tests, without_thread, NULL);
}
