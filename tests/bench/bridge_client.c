/* SPDX-License-Identifier: MIT */
/*
 * Somebody who uses a mount: one operation over and over, by one thread or several, each with a
 *file of its own, or names of its own.
 *
 *	bridge-client DIR OPERATION THREADS COUNT
 *
 * Prints the median and the 99th percentile of what one took in nanoseconds, how many there
 *were a second, and what one took on an average, with what is done once at the end. COUNT is for
 *each thread.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SMALL	    4096u
#define LARGE	    (1u << 20)
#define ALIGNMENT   4096u
#define FILE_SPAN   (64u << 20) /* what is read and written, so as not to fill the page cache */
#define MAX_THREADS 64u

struct thread {
	pthread_t thread;
	char path[PATH_MAX - 32]; /* with a number behind it for names */
	int fd;
	char *buffer;
	uint64_t *took;
};

struct operation {
	const char *name;
	int flags;
	size_t size;
	void (*run)(const struct thread *thread, size_t size, uint64_t number);
	void (*end)(const struct thread *thread); /* once */
};

static const struct operation *operation;
static unsigned long count;
static pthread_barrier_t begin;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void get_attributes(const struct thread *thread, size_t size, uint64_t number)
{
	struct statx stx;

	(void)size;
	(void)number;
	if (statx(thread->fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &stx))
		die("statx");
}

static void get_known_attributes(const struct thread *thread, size_t size, uint64_t number)
{
	struct stat st;

	(void)size;
	(void)number;
	if (stat(thread->path, &st))
		die("stat");
}

static void name_of(const struct thread *thread, uint64_t number, char name[PATH_MAX])
{
	snprintf(name, PATH_MAX, "%s.%" PRIu64, thread->path, number);
}

static void create_it(const struct thread *thread, size_t size, uint64_t number)
{
	char name[PATH_MAX];
	int fd;

	(void)size;
	name_of(thread, number, name);
	fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || close(fd))
		die(name);
}

static void unlink_it(const struct thread *thread, size_t size, uint64_t number)
{
	char name[PATH_MAX];

	(void)size;
	name_of(thread, number, name);
	if (unlink(name))
		die(name);
}

/* What the page cache holds of the file is of no use for the next round. */
static void drop_cache(const struct thread *thread, off_t offset)
{
	if (!offset && posix_fadvise(thread->fd, 0, 0, POSIX_FADV_DONTNEED))
		die("posix_fadvise");
}

static void read_it(const struct thread *thread, size_t size, uint64_t number)
{
	off_t offset = (off_t)(number * size % FILE_SPAN);

	drop_cache(thread, offset);
	if (pread(thread->fd, thread->buffer, size, offset) != (ssize_t)size)
		die("pread");
}

static void write_it(const struct thread *thread, size_t size, uint64_t number)
{
	off_t offset = (off_t)(number * size % FILE_SPAN);

	drop_cache(thread, offset);
	if (pwrite(thread->fd, thread->buffer, size, offset) != (ssize_t)size)
		die("pwrite");
}

/* Each place once before any comes again, in an order that is the same each time. */
static off_t somewhere(size_t size, uint64_t number)
{
	const uint64_t places = FILE_SPAN / size; /* a power of two, so any odd factor will do */

	return (off_t)((number * 0x9e3779b1u + 12345) % places * size);
}

static void read_somewhere(const struct thread *thread, size_t size, uint64_t number)
{
	drop_cache(thread, (off_t)number);
	if (pread(thread->fd, thread->buffer, size, somewhere(size, number)) != (ssize_t)size)
		die("pread");
}

static void write_somewhere(const struct thread *thread, size_t size, uint64_t number)
{
	drop_cache(thread, (off_t)number);
	if (pwrite(thread->fd, thread->buffer, size, somewhere(size, number)) != (ssize_t)size)
		die("pwrite");
}

static void sync_it(const struct thread *thread)
{
	if (fsync(thread->fd))
		die("fsync");
}

static const struct operation operations[] = {
	{"getattr", 0, 0, get_attributes, NULL},
	{"stat", 0, 0, get_known_attributes, NULL},
	{"create", 0, 0, create_it, NULL},
	{"unlink", 0, 0, unlink_it, NULL},
	{"read-4k", O_DIRECT, SMALL, read_it, NULL},
	{"read-1m", 0, LARGE, read_it, NULL},
	{"read-1m-direct", O_DIRECT, LARGE, read_it, NULL},
	{"write-1m", 0, LARGE, write_it, NULL},
	{"write-1m-direct", O_DIRECT, LARGE, write_it, NULL},
	{"write-1m-fsync", 0, LARGE, write_it, sync_it},
	{"random-read-4k", 0, SMALL, read_somewhere, NULL},
	{"random-read-4k-direct", O_DIRECT, SMALL, read_somewhere, NULL},
	{"random-write-4k-fsync", 0, SMALL, write_somewhere, sync_it},
	{"random-write-4k-direct", O_DIRECT, SMALL, write_somewhere, NULL},
};

static void *run(void *argument)
{
	struct thread *thread = argument;
	uint64_t before;

	pthread_barrier_wait(&begin);
	before = now_ns();
	for (unsigned long i = 0; i < count; i++) {
		uint64_t after;

		operation->run(thread, operation->size, i);
		after = now_ns();
		thread->took[i] = after - before;
		before = after;
	}
	if (operation->end)
		operation->end(thread);
	return NULL;
}

static void start(struct thread *thread, const char *dir, unsigned int number, uint64_t *took)
{
	int length = snprintf(thread->path, sizeof(thread->path), "%s/file-%u", dir, number);

	if (length < 0 || (size_t)length >= sizeof(thread->path))
		die(dir);
	thread->fd = open(thread->path, O_RDWR | O_CLOEXEC | operation->flags);
	if (thread->fd < 0)
		die(thread->path);
	thread->took = took;
	thread->buffer = aligned_alloc(ALIGNMENT, LARGE);
	if (!thread->buffer)
		die("aligned_alloc");
	memset(thread->buffer, 0, LARGE);
	if (pthread_create(&thread->thread, NULL, run, thread))
		die("pthread_create");
}

static void finish(struct thread *thread)
{
	pthread_join(thread->thread, NULL);
	close(thread->fd);
	free(thread->buffer);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void report(uint64_t *took, size_t n, uint64_t elapsed_ns)
{
	qsort(took, n, sizeof(*took), compare);
	printf("p50_ns=%" PRIu64 " p99_ns=%" PRIu64 " per_s=%" PRIu64 " ns_per_op=%" PRIu64 "\n",
		took[n / 2], took[n * 99 / 100], n * 1000000000u / elapsed_ns, elapsed_ns / n);
}

static bool find_operation(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (!strcmp(name, operations[i].name))
			operation = &operations[i];
	return operation;
}

int main(int argc, char **argv)
{
	unsigned long threads = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
	static struct thread all[MAX_THREADS];
	uint64_t *took, before;

	count = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	if (!count || !threads || threads > MAX_THREADS || !find_operation(argv[2])) {
		fputs("usage: bridge-client DIR OPERATION THREADS COUNT\n", stderr);
		return 2;
	}
	took = calloc(threads * count, sizeof(*took));
	if (!took || pthread_barrier_init(&begin, NULL, (unsigned int)threads + 1))
		die("calloc");
	for (unsigned int i = 0; i < threads; i++)
		start(&all[i], argv[1], i, took + i * count);
	pthread_barrier_wait(&begin);
	before = now_ns();
	for (unsigned int i = 0; i < threads; i++)
		finish(&all[i]);
	report(took, threads * count, now_ns() - before);
	free(took);
	return 0;
}
