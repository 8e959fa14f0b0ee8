/* SPDX-License-Identifier: MIT */
/* Catch what other programs that we start print on stderr. */
#ifndef VIRTIOFS_FUSE_QUIET_H
#define VIRTIOFS_FUSE_QUIET_H

#include <stddef.h>

void quiet_begin(void);

/* The first line of what was printed since, "" if nothing was. */
void quiet_end(char *line, size_t size);

#endif
