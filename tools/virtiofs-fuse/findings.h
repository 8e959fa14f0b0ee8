/* SPDX-License-Identifier: MIT */
/* What --check finds: a line each, on standard output. */
#ifndef VIRTIOFS_FUSE_FINDINGS_H
#define VIRTIOFS_FUSE_FINDINGS_H

#include <stdbool.h>

struct findings {
	bool lenient; /* what is a problem of one of several functions is none of all */
	unsigned int warnings;
	unsigned int problems;
};

/* Nothing is to be done. */
void findings_ok(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* It works, but: what is it, and what to do about it. */
void findings_warning(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* It does not work: what is in the way, and what to do about it. */
void findings_problem(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
