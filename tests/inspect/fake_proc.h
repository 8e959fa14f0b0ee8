/* SPDX-License-Identifier: MIT */
/* The fake tree, with a /proc in it. */
#ifndef TEST_FAKE_PROC_H
#define TEST_FAKE_PROC_H

#include "transport/fake_tree.h"

int proc_make(void **state);
int proc_remove(void **state);

/* A process in the mount namespace @ns, which has the file @open (NULL: none) in /dev/vfio open. */
void proc_process(int pid, const char *command, const char *ns, const char *open);

/* What a process (0: self) has mounted: lines of mountinfo. */
void proc_mountinfo(int pid, const char *lines);

#endif
