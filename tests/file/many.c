/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "many.h"
#include "served.h"

#define FULL_ROUNDS 20u

const struct many_mode many_modes[] = {
	{"auto", VFS_CACHE_AUTO, false},
	{"none", VFS_CACHE_NONE, false},
	{"always", VFS_CACHE_ALWAYS, false},
	{"writeback", VFS_CACHE_AUTO, true},
	{NULL, VFS_CACHE_AUTO, false},
};

unsigned int many_random(struct worker *w, unsigned int limit)
{
	w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(w->random >> 33) % limit;
}

bool many_fail(struct worker *w, const char *format, ...)
{
	va_list args;

	if (w->failure[0])
		return false;
	va_start(args, format);
	vsnprintf(w->failure, sizeof(w->failure), format, args);
	va_end(args);
	return false;
}

struct started {
	pthread_t thread;
	struct worker worker;
	void (*work)(struct worker *w);
};

static void *work(void *argument)
{
	struct started *started = argument;

	started->work(&started->worker);
	return NULL;
}

/* More than once with --full. */
static unsigned int rounds(void)
{
	const char *full = getenv("VFS_TEST_FULL");

	return full && *full ? FULL_ROUNDS : 1;
}

void many_in_each_mode(void (*test)(const struct many_mode *mode))
{
	const struct many_mode *mode;
	unsigned int i;

	for (mode = many_modes; mode->name; mode++) {
		print_message("%s\n", mode->name);
		for (i = 0; i < rounds(); i++)
			test(mode);
	}
}

void many_run(struct vfs_fs *fs, void (*what)(struct worker *w), unsigned int count)
{
	static unsigned int seed;
	struct started started[MANY] = {0};
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		started[i].work = what;
		started[i].worker = (struct worker){
			.number = i, .random = ++seed, .count = count, .fs = fs};
		if (pthread_create(&started[i].thread, NULL, work, &started[i]) != 0)
			abort();
	}
	for (i = 0; i < MANY; i++)
		pthread_join(started[i].thread, NULL);
	for (i = 0; i < MANY; i++)
		if (started[i].worker.failure[0])
			fail_msg("thread %u: %s", i, started[i].worker.failure);
}

struct vfs_fs *many_mount(const struct many_mode *mode)
{
	const struct vfs_mount_options options = {.cache = mode->cache,
		.writeback = mode->writeback,
		.cache_nodes = 16,
		.cache_bytes = 512 << 10,
		.session.num_queues = 4,
		.session.depth = 8,
		.session.max_payload = 64 << 10};
	struct vfs_fs *fs = NULL;

	if (vfs_mount(served.name, &options, &fs) < 0)
		fail_msg("%s", vfs_last_error());
	return fs;
}
