/* SPDX-License-Identifier: MIT */
/*
 * Many files that all want to be in a DAX window that has room for few parts of them: threads read
 * and write here and there in files whose content is known, and nothing is to be done by request.
 * In the end the host has to see the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../equivalence/random.h"
#include "mount.h"

#define FILES	     64u
#define THREADS	     8u
#define CELL	     512u /* what is written at once, and has one version */
#define LOCKED	     (256u << 10)
#define LENGTH_MAX   (96u << 10)
#define USUAL_LENGTH 6000u

struct pressure {
	struct mount_settings mount;
	const char *direct;
	uint64_t seed;
	unsigned long count; /* of all threads together */
	size_t size;	     /* of a file */
};

struct known_file {
	char name[16];
	void *file;
	uint8_t *versions; /* of each cell; 0: nothing was written there */
	pthread_rwlock_t *locks;
};

struct worker {
	const struct pressure *settings;
	pthread_t thread;
	uint64_t random;
	uint64_t reads;
	uint64_t writes;
	bool failed;
	uint8_t buffer[LENGTH_MAX];
};

static struct known_file files[FILES];
static struct mounted mounted;

/* ---- what is where ---- */

static uint8_t byte_of(const struct known_file *f, size_t offset, uint8_t version)
{
	return version ? (uint8_t)(offset + offset / 251 + version * 31 + (size_t)(f - files) * 7) |
				 1
		       : 0;
}

static bool is_right(const struct known_file *f, const uint8_t *data, size_t offset, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t wanted = byte_of(f, offset + i, f->versions[(offset + i) / CELL]);

		if (data[i] != wanted) {
			printf("byte %#zx of %s is %#x, not %#x of version %u\n", offset + i,
				f->name, data[i], wanted, f->versions[(offset + i) / CELL]);
			return false;
		}
	}
	return true;
}

static bool make(struct known_file *f, unsigned int number, size_t size)
{
	size_t count = size / LOCKED;
	int r;

	snprintf(f->name, sizeof(f->name), "pressure-%u", number);
	f->versions = calloc(size / CELL, 1);
	f->locks = calloc(count, sizeof(f->locks[0]));
	if (!f->versions || !f->locks)
		return false;
	for (size_t i = 0; i < count; i++)
		pthread_rwlock_init(&f->locks[i], NULL);
	r = mounted.calls->open(
		mounted.fs, NULL, f->name, O_RDWR | O_CREAT | O_TRUNC, 0644, &f->file);
	if (r == 0)
		r = mounted.calls->ftruncate(f->file, (off_t)size);
	if (r < 0)
		printf("%s: %s\n", f->name, strerror(-r));
	return r == 0;
}

/* ---- reading and writing ---- */

static void lock(struct known_file *f, size_t offset, size_t length, bool write)
{
	for (size_t i = offset / LOCKED; i <= (offset + length - 1) / LOCKED; i++)
		if (write)
			pthread_rwlock_wrlock(&f->locks[i]);
		else
			pthread_rwlock_rdlock(&f->locks[i]);
}

static void unlock(struct known_file *f, size_t offset, size_t length)
{
	for (size_t i = offset / LOCKED; i <= (offset + length - 1) / LOCKED; i++)
		pthread_rwlock_unlock(&f->locks[i]);
}

static bool as_long_as_wanted(ssize_t n, size_t length, const char *what)
{
	if (n != (ssize_t)length)
		printf("%s: %zd, not %zu\n", what, n, length);
	return n == (ssize_t)length;
}

static bool read_some(struct worker *w, struct known_file *f, size_t offset, size_t length)
{
	ssize_t n;
	bool good;

	lock(f, offset, length, false);
	n = mounted.calls->pread(f->file, w->buffer, length, (off_t)offset);
	good = as_long_as_wanted(n, length, "read") && is_right(f, w->buffer, offset, length);
	unlock(f, offset, length);
	w->reads++;
	return good;
}

static bool write_some(struct worker *w, struct known_file *f, size_t offset, size_t length)
{
	ssize_t n;

	lock(f, offset, length, true);
	for (size_t at = offset; at < offset + length; at += CELL) {
		uint8_t version = (uint8_t)(f->versions[at / CELL] % 255 + 1);

		f->versions[at / CELL] = version;
		for (size_t i = at; i < at + CELL; i++)
			w->buffer[i - offset] = byte_of(f, i, version);
	}
	n = mounted.calls->pwrite(f->file, w->buffer, length, (off_t)offset);
	unlock(f, offset, length);
	w->writes++;
	return as_long_as_wanted(n, length, "write");
}

static bool do_one(struct worker *w)
{
	struct known_file *f = &files[random_below(&w->random, FILES)];
	size_t most = random_below(&w->random, 50) ? USUAL_LENGTH : LENGTH_MAX;
	size_t length = 1 + random_below(&w->random, most - CELL);
	size_t offset = random_below(&w->random, w->settings->size - LENGTH_MAX);

	if (random_below(&w->random, 2))
		return read_some(w, f, offset, length);
	offset -= offset % CELL;
	length += CELL - length % CELL;
	return write_some(w, f, offset, length);
}

static void *work(void *argument)
{
	struct worker *w = argument;

	for (unsigned long i = 0; i < w->settings->count / THREADS && !w->failed; i++)
		w->failed = !do_one(w);
	return NULL;
}

static bool work_all(const struct pressure *settings)
{
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	uint64_t reads = 0, writes = 0;
	bool good = workers;

	for (unsigned int i = 0; i < THREADS && good; i++) {
		workers[i].settings = settings;
		workers[i].random = settings->seed * 1000 + i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < THREADS && workers; i++) {
		pthread_join(workers[i].thread, NULL);
		good = good && !workers[i].failed;
		reads += workers[i].reads;
		writes += workers[i].writes;
	}
	free(workers);
	printf("%llu reads and %llu writes in %u files of %zu bytes %s\n",
		(unsigned long long)reads, (unsigned long long)writes, FILES, settings->size,
		good ? "agree" : "FAILED");
	return good;
}

/* ---- in the end ---- */

static bool is_hole(const struct known_file *f, size_t from, size_t to)
{
	for (; from < to; from += CELL)
		if (f->versions[from / CELL]) {
			printf("%s has nothing at %#zx\n", f->name, from);
			return false;
		}
	return true;
}

/* From one hole to the next. */
static bool check_host(const struct known_file *f, int fd, size_t size)
{
	static uint8_t buffer[256 << 10];
	size_t at = 0;

	while (at < size) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		size_t next = data < 0 ? size : (size_t)data;
		ssize_t n;

		if (!is_hole(f, at, next))
			return false;
		at = next;
		n = at < size ? pread(fd, buffer, sizeof(buffer), (off_t)at) : 0;
		if (n < 0 || !is_right(f, buffer, at, (size_t)n))
			return false;
		at += (size_t)n;
	}
	return true;
}

static bool check_direct(const struct pressure *settings, const struct known_file *f)
{
	char path[4096];
	bool good;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", settings->direct, f->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		printf("%s: %s\n", path, strerror(errno));
		return false;
	}
	good = check_host(f, fd, settings->size);
	close(fd);
	return good;
}

/* Nothing went round the window, which had room for few of them. */
static bool figures_are_right(void)
{
	struct vfs_dax_stats s;

	vfs_fs_dax_stats(mounted.fs, &s);
	printf("%llu of %llu ranges had something else before, %llu accesses waited for one, "
	       "%llu went by request; %llu MiB read, %llu MiB written\n",
		(unsigned long long)s.reclaims, (unsigned long long)s.maps,
		(unsigned long long)s.stalls, (unsigned long long)s.misfits,
		(unsigned long long)s.read_bytes >> 20, (unsigned long long)s.written_bytes >> 20);
	return s.reclaims > s.ranges && !s.misfits && !s.faults && !s.retired &&
	       s.free + s.mapping + s.mapped_read + s.mapped_write + s.reclaiming == s.ranges;
}

static bool run_mounted(const struct pressure *settings)
{
	bool good = true;

	for (unsigned int i = 0; i < FILES && good; i++)
		good = make(&files[i], i, settings->size);
	good = good && work_all(settings);
	good = good && (!mounted.fs || figures_are_right());
	for (unsigned int i = 0; i < FILES; i++) {
		if (files[i].file)
			good = mounted.calls->close(files[i].file) == 0 && good;
		if (good && settings->direct)
			good = check_direct(settings, &files[i]);
		(void)mounted.calls->unlink(mounted.fs, NULL, files[i].name, 0);
	}
	return mount_balanced(&mounted) == 0 && good;
}

static void free_all(void)
{
	for (unsigned int i = 0; i < FILES; i++) {
		free(files[i].versions);
		free(files[i].locks);
	}
}

static const char usage[] =
	"usage: window-pressure --device DEVICE --dax always|--kernel DIR [OPTION...]\n"
	"Eight threads in 64 files whose content is known.\n"
	"\n" MOUNT_USAGE
	"  --direct DIR      the served directory: in the end it is the same there\n"
	"  --seed N          another sequence (1)\n"
	"  --count N         how many operations (20000)\n"
	"  --size MIB        of a file (4)\n";

static const struct option options[] = {
	MOUNT_OPTIONS,
	{"direct", required_argument, NULL, 'd'},
	{"seed", required_argument, NULL, 's'},
	{"count", required_argument, NULL, 'n'},
	{"size", required_argument, NULL, 'z'},
	{NULL, 0, NULL, 0},
};

static bool take(int option, struct pressure *settings)
{
	switch (option) {
	case 'd':
		settings->direct = optarg;
		return true;
	case 's':
		settings->seed = strtoull(optarg, NULL, 0);
		return true;
	case 'n':
		settings->count = strtoul(optarg, NULL, 0);
		return settings->count > 0;
	case 'z':
		settings->size = strtoul(optarg, NULL, 0) << 20;
		return settings->size > 0;
	default:
		return mount_option(option, optarg, &settings->mount);
	}
}

int main(int argc, char **argv)
{
	struct pressure settings = {.seed = 1, .count = 20000, .size = 4u << 20};
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) >= 0)
		good = take(c, &settings);
	if (!good || optind != argc || !mount_settings_good(&settings.mount)) {
		fputs(usage, stderr);
		return 2;
	}
	setlinebuf(stdout);
	if (mount_start(&settings.mount, &mounted) < 0)
		return 2;
	good = run_mounted(&settings);
	good = mount_end(&mounted) == 0 && good;
	free_all();
	return good ? 0 : 1;
}
