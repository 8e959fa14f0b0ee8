/* SPDX-License-Identifier: MIT */
/* Many threads at once, each with its own sequence of numbers. */
#ifndef TESTS_FILE_MANY_H
#define TESTS_FILE_MANY_H

#include <stdbool.h>
#include <stdint.h>

#include <vfs/file.h>

#define MANY 8u

struct worker {
	unsigned int number;
	uint64_t random;
	unsigned int count; /* of operations to do */
	struct vfs_fs *fs;
	char failure[256]; /* what went wrong, as only the first thread may fail a test */
};

/* The next number below @limit. */
unsigned int many_random(struct worker *w, unsigned int limit);

/* The first thing that went wrong stays. Returns false. */
bool many_fail(struct worker *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* MANY threads do it, and have ended. Fails the test if one has failed. */
void many_run(struct vfs_fs *fs, void (*work)(struct worker *w), unsigned int count);

/* How the library is mounted, and in which mode. */
struct many_mode {
	const char *name;
	enum vfs_cache cache;
	bool writeback;
};

/* Up to the one without a name. */
extern const struct many_mode many_modes[];

/* Does a test in each of them, more often with VFS_TEST_FULL. */
void many_in_each_mode(void (*test)(const struct many_mode *mode));

/* On a device with four queues, with little room for what is kept. */
struct vfs_fs *many_mount(const struct many_mode *mode);

#endif
