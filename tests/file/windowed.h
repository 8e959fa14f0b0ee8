/* SPDX-License-Identifier: MIT */
/* A mount whose files are in the DAX window of virtiofs-device (served.h). */
#ifndef TESTS_FILE_WINDOWED_H
#define TESTS_FILE_WINDOWED_H

#include <stddef.h>
#include <stdint.h>

#include <vfs/file.h>
#include <vfs/fuse_abi.h>

#define WINDOW_MIB "1"
#define WINDOW	   (1u << 20)
#define RANGE	   (64u << 10)
#define RANGES	   (WINDOW / RANGE)
#define UNIT	   4096u /* of what is mapped */

extern struct vfs_fs *windowed;

/* For cmocka: an empty directory on a device with a window; afterwards nothing is mounted. */
int windowed_begin(void **state);
int windowed_end(void **state);

/* Always in the window, with everything else kept for ever: what is asked is asked for the data. */
struct vfs_mount_options windowed_options(void);

/* Into windowed. */
void windowed_mount(const struct vfs_mount_options *options);
void windowed_unmount(void);

/* The byte that has to be there in a file of windowed_make(). */
char windowed_byte(uint64_t offset, unsigned int version);

/* On the host, behind the library's back. */
void windowed_make(const char *name, size_t size, unsigned int version);

/* These are its bytes. */
void assert_bytes(const char *data, size_t size, uint64_t offset, unsigned int version);

/* The host sees a file of windowed_make(). */
void assert_host_has(const char *name, size_t size, unsigned int version);

/* Through the library: exactly so many bytes, and the right ones. */
void assert_reads(struct vfs_file *file, size_t size, uint64_t offset, unsigned int version);

struct vfs_file *windowed_open(const char *name, int flags);

/* Messages that the device was sent since the test began: all, or those of an opcode. */
uint64_t messages(void);
uint64_t messages_of(unsigned int opcode);

struct vfs_dax_stats dax_stats(void);

/* Each range is in one state, and what was mapped and not unmapped is in these. */
void assert_ranges_add_up(void);

#endif
