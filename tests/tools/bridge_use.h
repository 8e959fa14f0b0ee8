/* SPDX-License-Identifier: MIT */
/* Use the mount of a bridge that runs on the stub. */
#ifndef TESTS_TOOLS_BRIDGE_USE_H
#define TESTS_TOOLS_BRIDGE_USE_H

#include <pthread.h>
#include <stddef.h>
#include <sys/types.h>

#include "bridge_run.h"

/* The one that the tests of a program run, one after the other. */
extern struct bridge_run run;

int set_up(void **state);
int tear_down(void **state);

const char *path(const char *name);

/* The size that one READ of the file gives, or -errno. The page cache would try again. */
ssize_t read_some(const char *name);

struct reader {
	pthread_t thread;
	const char *name;
	ssize_t result;
};

void start_reading(struct reader *reader, const char *name);

/* A reader cannot say that its request is under way. */
void start_reading_and_wait(struct reader *reader, const char *name);
ssize_t finish_reading(struct reader *reader);

void write_pattern(const char *name, size_t size);
void check_pattern(const char *name, size_t size);

void ends_with_signal(int number);

#endif
