/* SPDX-License-Identifier: MIT */
/*
 * Eight threads read and write sixteen files, of which one half of a file fits into the
 * window. Each writes to bytes of its own in each range, and finds there what it wrote last.
 * Whoever cannot have a range waits for it, and nobody waits for ever.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stub.h"
#include "waits.h"

#define THREADS	   8u
#define FILES	   16u
#define PARTS	   16u
#define RANGES_ALL 8u
#define OPERATIONS 4000u
#define FULL	   20u /* times as many */
#define HANG_S	   800

static struct stub stub;
static struct stub_file files[FILES];

struct worker {
	unsigned int number;
	uint64_t random;
	unsigned int written[FILES][PARTS]; /* last, counted */
	unsigned int pins;
	void *thread;
};

static unsigned int any(struct worker *w, unsigned int limit)
{
	w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(w->random >> 33) % limit;
}

/* Where its bytes are. */
static uint64_t own(const struct worker *w, unsigned int part)
{
	return RANGES(part) + w->number * sizeof(unsigned int);
}

/* Half of the time one of few, that are in the window. */
struct place {
	unsigned int file;
	unsigned int part;
};

static struct place any_place(struct worker *w)
{
	bool few = any(w, 2);

	return (struct place){
		.file = any(w, few ? 2 : FILES),
		.part = any(w, few ? 3 : PARTS - 1),
	};
}

/* ---- pins that are short ---- */

static void write_own(struct worker *w, struct place at, void *there)
{
	unsigned int *written = &w->written[at.file][at.part];

	++*written;
	memcpy(there, written, sizeof(*written));
}

static void read_own(struct worker *w, struct place at, const void *there)
{
	unsigned int found, written = w->written[at.file][at.part];

	memcpy(&found, there, sizeof(found));
	if (written && found != written)
		stub_broken(&stub, "thread %u wrote %u to part %u of file %u, and finds %u",
			w->number, written, at.part, at.file, found);
}

/* Nobody writes behind the bytes of the last one. */
static void read_others(const struct stub_file *file, unsigned int part, const char *range)
{
	unsigned int i;

	for (i = THREADS * sizeof(unsigned int); i < RANGE; i += 37)
		if (range[i] != stub_byte(file, RANGES(part) + i))
			stub_broken(&stub, "byte %u of part %u of a file is another", i, part);
}

static void access_one(struct worker *w, unsigned int flags)
{
	struct place at = any_place(w);
	struct vfs_dax_pin pin;
	int r = stub_pin(&stub, &files[at.file], own(w, at.part), flags, &pin);

	if (r)
		return stub_broken(&stub, "a pin fails with %d", r);
	w->pins++;
	read_own(w, at, pin.address);
	if (flags & VFS_DAX_WRITE)
		write_own(w, at, pin.address);
	read_others(&files[at.file], at.part, (char *)pin.address - own(w, at.part) % RANGE);
	stub_unpin(&stub, &pin);
}

/* ---- pins that are long ---- */

/* To be written: nobody has to map it again. Only half of them, so that there is always a range. */
static void hold_one(struct worker *w)
{
	struct place at = any_place(w);
	struct vfs_dax_pin pin;
	unsigned int i;
	int r;

	if (w->number >= THREADS / 2)
		return;
	r = stub_pin(&stub, &files[at.file], own(w, at.part), VFS_DAX_WRITE | VFS_DAX_HOLD, &pin);
	if (r == -EBUSY)
		return;
	if (r)
		return stub_broken(&stub, "a hold fails with %d", r);
	for (i = 0; i < 4; i++)
		access_one(w, any(w, 2) ? VFS_DAX_WRITE : 0);
	read_own(w, at, pin.address);
	stub_unpin(&stub, &pin);
}

/* What nobody writes to is looked at, as it is a copy of its own here. */
static void span_some(struct worker *w)
{
	struct place at = any_place(w);
	struct vfs_dax_pin pin;
	int r;

	/* With the holds, two of them would leave no range. */
	if (w->number != THREADS - 1)
		return;
	r = stub_pin_span(&stub, &files[at.file], RANGES(at.part) + RANGE / 2, RANGE, 0, &pin);
	if (r == -EBUSY)
		return;
	if (r)
		return stub_broken(&stub, "a span fails with %d", r);
	read_others(&files[at.file], at.part, (char *)pin.address - RANGE / 2);
	read_others(&files[at.file], at.part + 1, (char *)pin.address + RANGE / 2);
	stub_unpin(&stub, &pin);
}

static unsigned int num_operations(void)
{
	const char *full = getenv("VFS_TEST_FULL");

	return full && *full ? FULL * OPERATIONS : OPERATIONS;
}

static void work(void *argument)
{
	struct worker *w = argument;
	unsigned int i, count = num_operations();

	for (i = 0; i < count && !atomic_load(&stub.broken); i++) {
		unsigned int what = any(w, 100);

		if (what < 4)
			hold_one(w);
		else if (what < 8)
			span_some(w);
		else if (what == 8)
			vfs_dax_trim(files[any(w, FILES)].inode, RANGES(any(w, PARTS)));
		else if (what == 9)
			vfs_dax_drop(stub.dax);
		else
			access_one(w, what % 3 ? 0 : VFS_DAX_WRITE);
	}
}

/* ---- all of them ---- */

static void all_is_in_the_files(const struct worker *w)
{
	unsigned int file, part, found;

	for (file = 0; file < FILES; file++)
		for (part = 0; part < PARTS; part++) {
			memcpy(&found, files[file].content + own(w, part), sizeof(found));
			if (w->written[file][part])
				assert_int_equal(found, w->written[file][part]);
		}
}

static void check_figures(const struct worker *workers)
{
	struct vfs_dax_stats stats = stub_stats(&stub);
	uint64_t pins = 0;
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		pins += workers[i].pins;
	assert_int_equal(stats.free, RANGES_ALL);
	assert_int_equal(stats.held, 0);
	assert_int_equal(stats.maps, stats.unmaps);
	assert_int_equal(stats.maps + stats.upgrades, atomic_load(&stub.maps));
	assert_int_equal(stats.unmaps + stats.upgrades, atomic_load(&stub.unmaps));
	/* Holds and spans are not counted here. */
	assert_true(stats.hits + stats.maps + stats.upgrades >= pins);
	print_message("%" PRIu64 " pins: %" PRIu64 " hits, %" PRIu64 " maps, %" PRIu64
		      " upgrades, %" PRIu64 " stalls\n",
		pins, stats.hits, stats.maps, stats.upgrades, stats.stalls);
}

static void run(bool thread)
{
	static struct worker workers[THREADS];
	unsigned int i;

	alarm(HANG_S);
	memset(workers, 0, sizeof(workers));
	threads_fail(!thread);
	waits_reset();
	stub_create(&stub, RANGES_ALL, 3);
	for (i = 0; i < FILES; i++)
		stub_file_create(&stub, &files[i], i, RANGES(PARTS));
	for (i = 0; i < THREADS; i++) {
		workers[i].number = i;
		workers[i].random = i + 1;
		workers[i].thread = thread_start(work, &workers[i]);
	}
	for (i = 0; i < THREADS; i++)
		thread_join(workers[i].thread);
	for (i = 0; i < FILES; i++)
		stub_file_close(&files[i]);
	stub_check(&stub);
	for (i = 0; i < THREADS; i++)
		all_is_in_the_files(&workers[i]);
	check_figures(workers);
	for (i = 0; i < FILES; i++)
		stub_file_destroy(&files[i]);
	stub_destroy(&stub);
	alarm(0);
}

static void each_finds_what_it_wrote(void **state)
{
	(void)state;
	run(true);
}

static void without_a_thread_in_the_background_too(void **state)
{
	(void)state;
	run(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finds_what_it_wrote),
		cmocka_unit_test(without_a_thread_in_the_background_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
