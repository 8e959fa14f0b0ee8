/* SPDX-License-Identifier: MIT */
/*
 * What an operation came to, as a text: equal texts are equal outcomes, and one that differs can be
 * read. What differs rightfully is not put into it; differences.c has the list.
 */
#ifndef EQUIVALENCE_OUTCOME_H
#define EQUIVALENCE_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define OUTCOME_ROOM 6000u

struct outcome {
	uint64_t hash; /* of all, also of what had no room */
	uint32_t used;
	bool not_compared; /* the operation was left out */
	char text[OUTCOME_ROOM];
};

void outcome_begin(struct outcome *outcome);
bool outcome_equal(const struct outcome *a, const struct outcome *b);

/* Adds to the text, with a space in front. */
void say(struct outcome *outcome, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A number, or the name of an error. */
void say_result(struct outcome *outcome, ssize_t result);

/* How many bytes, and a hash of them; or an error. */
void say_data(struct outcome *outcome, const void *data, ssize_t result);

/* Attributes that have to be the same. */
void say_stat(struct outcome *outcome, const struct stat *stat);

/* A time that somebody set, or "now". */
void say_time(struct outcome *outcome, const char *name, const struct timespec *time);

uint64_t hash_data(uint64_t hash, const void *data, size_t size);
#define HASH_BEGIN 0xcbf29ce484222325ULL

#endif
