/* SPDX-License-Identifier: MIT */
/*
 * What the user is told. A start that fails says one line; so what the library warns of and
 * what libfuse prints is held back until it is known whether the start succeeds.
 */
#ifndef VIRTIOFS_FUSE_REPORT_H
#define VIRTIOFS_FUSE_REPORT_H

#include <stdbool.h>

/* Catch libfuse's messages. */
void report_start(void);

/* Let the library's messages through, all of them to stderr with @debug. */
void report_library(bool debug);

/* Open syslog and all that it needs, for who cannot open anything later. */
void report_open_syslog(void);

/* The start succeeded. In the background, messages go to syslog from here on. */
void report_ready(bool background);

/* Why the program ends, or what went wrong: one line. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What somebody asked for: one line. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* libfuse's last complaint, one line. */
const char *report_libfuse(void);

/* The library's sentence for the last failure, or the errno's if it has none. */
const char *report_reason(int error);

#endif
