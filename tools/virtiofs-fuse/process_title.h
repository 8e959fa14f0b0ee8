/* SPDX-License-Identifier: MIT */
/* What ps(1) and pidof(8) show of a process. */
#ifndef VIRTIOFS_FUSE_PROCESS_TITLE_H
#define VIRTIOFS_FUSE_PROCESS_TITLE_H

/* Once, with what main() got: the title is written over it. */
void process_title_init(int argc, char **argv);

/* "@name: @about", as far as it fits. What was in the arguments is gone. */
void process_title_set(const char *name, const char *about);

#endif
