/* SPDX-License-Identifier: MIT */
/*
 * What the verbs that look at sessions print: a list of rows with the same fields, as a table for
 * people, or as JSON for programs, where names are not changed and numbers have no units.
 */
#ifndef INSPECT_OUTPUT_H
#define INSPECT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output;

/* @json: instead of tables. NULL: no memory. */
struct output *output_begin(bool json);

/* All is complete. -ENOMEM: it is not. */
int output_end(struct output *output);

/* A heading; in JSON an object instead, with all that follows, until output_close(). */
void output_open(struct output *output, const char *heading);
void output_close(struct output *output);

/* Rows, until output_list_end(). @name: NULL for the only list that there is. */
void output_list(struct output *output, const char *name);
void output_list_end(struct output *output);

/* A row has the fields that follow, which are the same for all rows of a list. */
void output_row(struct output *output);

/* Of a row; or, in JSON alone, of what is open. */
void output_text(struct output *output, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void output_number(struct output *output, const char *name, uint64_t number);
/* "yes" or "no" */
void output_flag(struct output *output, const char *name, bool flag);
/* Negative: there is none. */
void output_maybe(struct output *output, const char *name, int64_t number);
void output_hex(struct output *output, const char *name, uint64_t number);
void output_bytes(struct output *output, const char *name, uint64_t bytes);
void output_ns(struct output *output, const char *name, uint64_t ns);

/* "1.5 ms" */
#define OUTPUT_TIME_MAX 32
char *output_time(uint64_t ns, char out[OUTPUT_TIME_MAX]);

#endif
