/* SPDX-License-Identifier: MIT */
/* cpus=: a list of processors. */
#ifndef VIRTIOFS_FUSE_CPU_LIST_H
#define VIRTIOFS_FUSE_CPU_LIST_H

#include <sched.h>

/*
 * Numbers and ranges with colons or commas between, "0-3:6". Those of them that this process may
 * run on. 0, or -1 after the one line that says what is wrong, as that there are none.
 */
int cpu_list_parse(const char *text, cpu_set_t *cpus);

#endif
