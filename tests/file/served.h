/* SPDX-License-Identifier: MIT */
/* virtiofs-device in a process of its own, and the directory that it serves seen from the host. */
#ifndef TESTS_FILE_SERVED_H
#define TESTS_FILE_SERVED_H

#include <stddef.h>
#include <sys/types.h>

#include <vfs/file.h>

#include "device/device_process.h"

/* What a test is given of a directory, a file, a mount: the group's own. */
extern struct device_process served;

/* For cmocka: what has to be in served before is face, queues, notifications. */
int served_start(void **state);
int served_stop(void **state);

/* What a test has of it: a mount, for so many seconds at most; in the end the directory is empty.
 */
int served_mount(const struct vfs_mount_options *options, unsigned int seconds, struct vfs_fs **fs);
int served_umount(struct vfs_fs **fs);

/* The path of a name in the directory on the host; until the next call by this thread. */
const char *served_path(const char *name);

/* Behind the library's back. */
void served_write(const char *name, const void *data, size_t size);
void served_rename(const char *from, const char *to);

/* The file on the host is this, and nothing else. */
void assert_served_is(const char *name, const void *data, size_t size);

/* All that is in the directory goes. */
void served_empty(void);

/* To the device's control socket. */
void served_command(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The server knows no node beside the root, and has nothing open: at once, or when it has had the
 * time to take what it was sent, and what had to wait for room. */
void assert_nothing_held(struct vfs_fs *fs);

/* Descriptors that this process has open. */
unsigned int open_descriptors(void);

#endif
