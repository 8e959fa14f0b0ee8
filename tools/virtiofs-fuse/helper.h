/* SPDX-License-Identifier: MIT */
/*
 * Being called by mount(8), as mount.fuse.virtiofs: DEVICE DIR [-sfnv] [-N namespace] [-t type]
 * [-o options].
 */
#ifndef VIRTIOFS_FUSE_HELPER_H
#define VIRTIOFS_FUSE_HELPER_H

#include <stdbool.h>

struct helper {
	bool called; /* by mount(8) */
	bool fake;   /* do everything but the mount */
	bool sloppy; /* pass over options that are not known */
	int argc;    /* what is left of the command line */
	char **argv;
};

/* Take mount(8)'s flags off. 0, or -1 after the one line that says what is wrong. */
int helper_take(struct helper *helper, int argc, char **argv);
void helper_free(struct helper *helper);

#endif
