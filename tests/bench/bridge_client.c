/* SPDX-License-Identifier: MIT */
/*
 * Somebody who uses a mount: one operation over and over, by one thread or several, each with a
 *file of its own.
 *
 *	bridge-client DIR OPERATION THREADS COUNT
 *
 * Prints the median and the 99th percentile of what one took in nanoseconds, and how many there
 *were a second. COUNT is for each thread.
 */
#include <fcntl.h>
#include <inttypes.h>
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
	int fd;
	char *buffer;
	uint64_t *took;
};

struct operation {
	const char *name;
	int flags;
	size_t size;
	void (*run)(const struct thread *thread, size_t size, uint64_t number);
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

static const struct operation operations[] = {
	{"getattr", 0, 0, get_attributes},
	{"read-4k", O_DIRECT, SMALL, read_it},
	{"read-1m", 0, LARGE, read_it},
	{"read-1m-direct", O_DIRECT, LARGE, read_it},
	{"write-1m", 0, LARGE, write_it},
	{"write-1m-direct", O_DIRECT, LARGE, write_it},
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
	return NULL;
}

static void start(struct thread *thread, const char *dir, unsigned int number, uint64_t *took)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/file-%u", dir, number);
	thread->fd = open(path, O_RDWR | O_CLOEXEC | operation->flags);
	if (thread->fd < 0)
		die(path);
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
	printf("p50_ns=%" PRIu64 " p99_ns=%" PRIu64 " per_s=%" PRIu64 "\n", took[n / 2],
		took[n * 99 / 100], n * 1000000000u / elapsed_ns);
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
