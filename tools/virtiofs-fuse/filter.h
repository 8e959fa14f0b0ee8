/* SPDX-License-Identifier: MIT */
/* The system calls that are left. */
#ifndef VIRTIOFS_FUSE_FILTER_H
#define VIRTIOFS_FUSE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* What filters them, with its version, for people. */
void filter_describe(char *text, size_t size);

/* Refuse all others with EPERM, in all threads. @uring: io_uring is used. NULL, or why not. */
const char *filter_load(bool uring);

#endif
