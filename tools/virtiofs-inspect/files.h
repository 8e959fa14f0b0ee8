/* SPDX-License-Identifier: MIT */
/* Small files of sysfs and procfs. */
#ifndef INSPECT_FILES_H
#define INSPECT_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Where to look; tests point it at a tree of their own. */
extern const char *inspect_proc_root; /* "/proc" */

/* A path below /sys/bus/pci/devices/@bdf. */
void file_of_function(char path[PATH_MAX], const char *bdf, const char *name);

/* First line of a file, without its newline. -errno, no message. */
int file_read(const char *path, char *line, size_t size);

/* Write all of @text at once. -errno, no message. */
int file_write(const char *path, const char *text);

/* Where a link points to. False if it is no link or cannot be read. */
bool file_link(const char *path, char *target, size_t size);

/* Last component of a path. */
const char *file_name(const char *path);

#endif
