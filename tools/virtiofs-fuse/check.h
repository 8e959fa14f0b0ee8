/* SPDX-License-Identifier: MIT */
/*
 * --check: what would keep a mount from working, found before it is tried. Each file looks at one
 * thing; sysfs, /dev and /proc are where transport/sysfs.h and files.h say.
 */
#ifndef VIRTIOFS_FUSE_CHECK_H
#define VIRTIOFS_FUSE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "findings.h"

struct options;

/* Where to look; tests point it at a tree of their own. */
extern const char *check_etc_root; /* "/etc" */

/*
 * --check [DEVICE]. 0 if nothing was found that is in the way; -1, also after the line that says
 * why nothing could be looked at.
 */
int check_run(const struct options *options);

/* What the kernel and libfuse need in order to mount. */
void check_fuse(struct findings *findings, const struct options *options);

/* FUSE over io_uring; @error is what came of making a ring, 0 or -errno. */
void check_uring(struct findings *findings, const struct options *options, int error);

/* Tries whether system calls can be filtered, in a process of its own. */
void check_sandbox(struct findings *findings, const struct options *options);

/* The socket of a daemon. Nothing is connected: a daemon may serve one connection only. */
void check_socket(struct findings *findings, const char *name);

/* What sysfs and VFIO's files say of a function. False: something is in the way. */
bool check_function(struct findings *findings, const char *bdf);

/*
 * Memory for a function with these @features. @translated: there is an IOMMU in front of it.
 * @addresses: this process may see physical ones.
 */
struct check_memory {
	unsigned long long features;
	bool translated;
	bool addresses;
};

void check_memory(struct findings *findings, const char *bdf, const struct options *options,
	const struct check_memory *memory);

/* Are there enough of them? @required: it does not work otherwise. */
void check_hugepages(struct findings *findings, const struct options *options, bool required);

/* The limit on locked memory, in bytes, for a process that it holds for. */
void check_locked(
	struct findings *findings, const struct options *options, unsigned long long limit);

#endif
