/* SPDX-License-Identifier: MIT */
/*
 * Threads that read, write, cut, punch and copy, each in a file of its own of which it knows what
 * has to be in it. In the end the host has to see the same.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../equivalence/random.h"
#include "fsx_model.h"
#include "mount.h"

#define THREADS_MAX 16u
#define LENGTH_MAX  (128u << 10)
#define REMEMBERED  24u
#define LINE	    100u

struct fsx_settings {
	struct mount_settings mount;
	struct run_settings run; /* operations of all threads together */
	unsigned int threads;
	bool without_holes;
	bool keep;
};

struct worker {
	const struct fsx_settings *settings;
	const struct mounted *mounted;
	pthread_t thread;
	unsigned int number;
	uint64_t random;
	void *file;
	bool failed;
	char path[16];
	struct fsx_model model;
	uint8_t buffer[LENGTH_MAX];
	char last[REMEMBERED][LINE]; /* operations, as a ring */
	unsigned long done;
};

/* ---- what went wrong ---- */

static void remember(struct worker *w, const char *what, size_t offset, size_t length)
{
	snprintf(w->last[w->done % REMEMBERED], LINE, "%lu %s from %#zx to %#zx, size %#zx",
		w->done, what, offset, offset + length, w->model.size);
	w->done++;
}

static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER;

/* false, always */
static bool fail(struct worker *w, const char *what, long long is, long long expected)
{
	pthread_mutex_lock(&output_lock);
	printf("thread %u: %s: %lld, not %lld\n", w->number, what, is, expected);
	for (unsigned long i = w->done > REMEMBERED ? w->done - REMEMBERED : 0; i < w->done; i++)
		printf("  %s\n", w->last[i % REMEMBERED]);
	pthread_mutex_unlock(&output_lock);
	w->failed = true;
	return false;
}

static bool same(struct worker *w, size_t offset, const uint8_t *data, size_t length)
{
	const uint8_t *wanted = w->model.data + offset;

	for (size_t i = 0; i < length; i++)
		if (data[i] != wanted[i]) {
			printf("byte %#zx of %s is wrong\n", offset + i, w->path);
			return fail(w, "its value", data[i], wanted[i]);
		}
	return true;
}

/* ---- operations; false: something went wrong ---- */

static size_t pick_offset(struct worker *w)
{
	size_t offset = random_below(&w->random, FSX_SIZE_MAX - LENGTH_MAX);

	return random_below(&w->random, 4) ? offset : offset & ~(size_t)4095;
}

static size_t pick_length(struct worker *w)
{
	return 1 + random_below(&w->random, random_below(&w->random, 3) ? 9000 : LENGTH_MAX);
}

static bool do_read(struct worker *w)
{
	size_t offset = pick_offset(w);
	size_t length = pick_length(w);
	size_t wanted = fsx_model_readable(&w->model, offset, length);
	ssize_t n;

	remember(w, "read", offset, length);
	n = w->mounted->calls->pread(w->file, w->buffer, length, (off_t)offset);
	if (n != (ssize_t)wanted)
		return fail(w, "read", n, (long long)wanted);
	return same(w, offset, w->buffer, wanted);
}

static bool do_write(struct worker *w)
{
	size_t offset = pick_offset(w);
	size_t length = pick_length(w);
	ssize_t n;

	remember(w, "write", offset, length);
	for (size_t i = 0; i < length; i++)
		w->buffer[i] = (uint8_t)(w->done * 13 + i + i / 255);
	n = w->mounted->calls->pwrite(w->file, w->buffer, length, (off_t)offset);
	fsx_model_write(&w->model, offset, w->buffer, length);
	return n == (ssize_t)length || fail(w, "write", n, (long long)length);
}

static bool do_truncate(struct worker *w)
{
	size_t size = random_below(&w->random, FSX_SIZE_MAX);
	int r;

	/* Half of them near the end. */
	if (random_below(&w->random, 2) && w->model.size > 5000)
		size = w->model.size - 5000 + random_below(&w->random, 5000);
	remember(w, "truncate", 0, size);
	if (random_below(&w->random, 2))
		r = w->mounted->calls->ftruncate(w->file, (off_t)size);
	else
		r = w->mounted->calls->truncate(w->mounted->fs, w->path, (off_t)size);
	fsx_model_truncate(&w->model, size);
	return r == 0 || fail(w, "truncate", r, 0);
}

static bool do_allocate(struct worker *w)
{
	static const struct {
		const char *name;
		int mode;
	} modes[] = {
		{"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
		{"zero", FALLOC_FL_ZERO_RANGE},
		{"zero inside", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE},
		{"allocate", 0},
	};
	unsigned int n = random_below(&w->random, 4);
	bool grows = !(modes[n].mode & FALLOC_FL_KEEP_SIZE);
	size_t offset = pick_offset(w);
	size_t length = pick_length(w);
	int r;

	if (w->settings->without_holes)
		return do_truncate(w);
	remember(w, modes[n].name, offset, length);
	r = w->mounted->calls->fallocate(w->file, modes[n].mode, (off_t)offset, (off_t)length);
	if (r < 0)
		return fail(w, modes[n].name, r, 0);
	if (modes[n].mode)
		fsx_model_zero(&w->model, offset, length);
	if (grows && w->model.size < offset + length)
		fsx_model_truncate(&w->model, offset + length);
	return true;
}

static bool do_copy(struct worker *w)
{
	size_t from = pick_offset(w);
	size_t to = pick_offset(w);
	size_t length = fsx_model_readable(&w->model, from, pick_length(w));
	off_t off_in = (off_t)from;
	off_t off_out = (off_t)to;

	if (length > (from < to ? to - from : from - to))
		length = from < to ? to - from : from - to;
	if (!length)
		return true;
	remember(w, "copy", from, length);
	remember(w, "  to", to, length);
	for (size_t left = length; left;) {
		ssize_t n = w->mounted->calls->copy_file_range(
			w->file, &off_in, w->file, &off_out, left);

		if (n <= 0)
			return fail(w, "copy", n, (long long)left);
		left -= (size_t)n;
	}
	fsx_model_copy(&w->model, from, to, length);
	return true;
}

static bool do_reopen(struct worker *w)
{
	const struct calls *calls = w->mounted->calls;
	int r = calls->close(w->file);

	remember(w, "close and open", 0, 0);
	w->file = NULL;
	if (r < 0)
		return fail(w, "close", r, 0);
	r = calls->open(w->mounted->fs, NULL, w->path, O_RDWR, 0, &w->file);
	return r == 0 || fail(w, "open", r, 0);
}

static bool do_sync(struct worker *w)
{
	int r;

	remember(w, "fsync", 0, 0);
	r = w->mounted->calls->fsync(w->file, true);
	return r == 0 || fail(w, "fsync", r, 0);
}

static bool do_stat(struct worker *w)
{
	const struct calls *calls = w->mounted->calls;
	struct stat stat;
	int r = random_below(&w->random, 2) ? calls->fstat(w->file, &stat)
					    : calls->stat(w->mounted->fs, NULL, w->path, &stat, 0);

	if (r < 0)
		return fail(w, "stat", r, 0);
	return stat.st_size == (off_t)w->model.size ||
	       fail(w, "size", stat.st_size, (long long)w->model.size);
}

static bool do_one(struct worker *w)
{
	unsigned int n = random_below(&w->random, 1000);

	if (n < 370)
		return do_read(w);
	if (n < 720)
		return do_write(w);
	if (n < 800)
		return do_truncate(w);
	if (n < 880)
		return do_allocate(w);
	if (n < 920)
		return do_copy(w);
	if (n < 960)
		return do_stat(w);
	if (n < 998)
		return do_reopen(w);
	return do_sync(w);
}

/* ---- threads ---- */

static void *work(void *argument)
{
	struct worker *w = argument;
	uint64_t count = w->settings->run.count / w->settings->threads;
	int r = w->mounted->calls->open(
		w->mounted->fs, NULL, w->path, O_RDWR | O_CREAT | O_TRUNC, 0644, &w->file);

	if (r < 0)
		fail(w, "open", r, 0);
	for (uint64_t i = 0; i < count && !w->failed; i++)
		do_one(w);
	r = w->file ? w->mounted->calls->close(w->file) : 0;
	if (r < 0 && !w->failed)
		fail(w, "close", r, 0);
	return NULL;
}

/* As it is on the host, with nothing of the library between. */
static bool check_direct(struct worker *w)
{
	char path[4096];
	size_t done = 0;
	ssize_t n = 1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->settings->run.direct, w->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(w, "open on the host", -errno, 0);
	while (n > 0 && !w->failed) {
		n = pread(fd, w->buffer, sizeof(w->buffer), (off_t)done);
		if (n > 0 && done + (size_t)n <= w->model.size)
			same(w, done, w->buffer, (size_t)n);
		done += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return !w->failed && (done == w->model.size || fail(w, "size on the host", (long long)done,
							       (long long)w->model.size));
}

static bool run_all(
	const struct fsx_settings *settings, const struct mounted *mounted, struct worker *workers)
{
	bool good = true;

	for (unsigned int i = 0; i < settings->threads; i++) {
		workers[i].settings = settings;
		workers[i].mounted = mounted;
		workers[i].number = i;
		workers[i].random = settings->run.seed * 1000 + i;
		snprintf(workers[i].path, sizeof(workers[i].path), "fsx-%u", i);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			return false;
	}
	for (unsigned int i = 0; i < settings->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		good = good && !workers[i].failed;
	}
	for (unsigned int i = 0; i < settings->threads && good && settings->run.direct; i++)
		good = check_direct(&workers[i]);
	return good;
}

static int run(const struct fsx_settings *settings)
{
	struct worker *workers = calloc(settings->threads, sizeof(*workers));
	struct mounted mounted;
	bool good = false;

	if (workers && mount_start(&settings->mount, &mounted) == 0) {
		good = run_all(settings, &mounted, workers);
		good = mount_balanced(&mounted) == 0 && good;
		for (unsigned int i = 0; i < settings->threads && !settings->keep; i++)
			mounted.calls->unlink(mounted.fs, NULL, workers[i].path, 0);
		good = mount_end(&mounted) == 0 && good;
	}
	free(workers);
	printf("%llu operations of %u threads %s, seed %llu\n",
		(unsigned long long)settings->run.count, settings->threads,
		good ? "agree" : "FAILED", (unsigned long long)settings->run.seed);
	return good ? 0 : 1;
}

static const char usage[] = "usage: fsx --device DEVICE|--kernel DIR [OPTION...]\n"
			    "Reads and writes files whose content is known.\n"
			    "\n" MOUNT_USAGE RUN_USAGE(
				    100000) "  --threads N       how many threads (4)\n"
					    "  --without-holes   no fallocate()\n"
					    "  --keep            leave the files there\n";

static const struct option options[] = {
	MOUNT_OPTIONS,
	RUN_OPTIONS,
	{"threads", required_argument, NULL, 't'},
	{"without-holes", no_argument, NULL, 'w'},
	{"keep", no_argument, NULL, 'k'},
	{NULL, 0, NULL, 0},
};

static bool take(int option, struct fsx_settings *settings)
{
	switch (option) {
	case 't':
		settings->threads = (unsigned int)strtoul(optarg, NULL, 0);
		return settings->threads > 0 && settings->threads <= THREADS_MAX;
	case 'w':
		settings->without_holes = true;
		return true;
	case 'k':
		settings->keep = true;
		return true;
	default:
		return run_option(option, optarg, &settings->run) ||
		       mount_option(option, optarg, &settings->mount);
	}
}

int main(int argc, char **argv)
{
	struct fsx_settings settings = {.run = {.seed = 1, .count = 100000}, .threads = 4};
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) >= 0)
		good = take(c, &settings);
	if (!good || optind != argc || !mount_settings_good(&settings.mount)) {
		fputs(usage, stderr);
		return 2;
	}
	setlinebuf(stdout);
	return run(&settings);
}
