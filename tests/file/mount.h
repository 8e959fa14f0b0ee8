/* SPDX-License-Identifier: MIT */
/* The mount of a test program, by what its command line says; and what the server holds for it. */
#ifndef FILE_MOUNT_H
#define FILE_MOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <vfs/file.h>

#include "calls.h"

struct mount_settings {
	const char *device;    /* NULL: the kernel, on */
	const char *directory; /* this one, in which the process then is */
	enum vfs_cache cache;
	bool writeback;
	enum vfs_dax_mode dax;
	uint64_t dax_range;
	enum vfs_faults dax_faults;
	const char *control; /* socket of virtiofs-device, which says what it holds; NULL: none */
	pid_t daemon;	     /* the server that has a descriptor for each node; 0: none */
};

struct mounted {
	const struct mount_settings *settings;
	const struct calls *calls;
	struct vfs_fs *fs;	  /* NULL: the kernel */
	unsigned int descriptors; /* of the daemon in the beginning */
};

/* Options for getopt_long() that mount_option() takes; to be put into a program's own list. */
#define MOUNT_OPTIONS                                                                           \
	{"device", required_argument, NULL, 'D'}, {"kernel", required_argument, NULL, 'K'},     \
		{"cache", required_argument, NULL, 'C'}, {"writeback", no_argument, NULL, 'W'}, \
		{"dax", required_argument, NULL, 'X'},                                          \
		{"dax-range", required_argument, NULL, 'R'},                                    \
		{"dax-faults", required_argument, NULL, 'F'},                                   \
		{"control", required_argument, NULL, 'O'},                                      \
	{                                                                                       \
		"daemon", required_argument, NULL, 'P'                                          \
	}

#define MOUNT_USAGE                                                             \
	"  --device DEVICE   what the library is to mount\n"                    \
	"  --kernel DIR      the kernel instead of the library, on DIR\n"       \
	"  --cache MODE      none, auto or always\n"                            \
	"  --writeback       keep what is written\n"                            \
	"  --dax MODE        never, auto, always or inode\n"                    \
	"  --dax-range BYTES of a range of the window\n"                        \
	"  --dax-faults HOW  auto, handler or system-call\n"                    \
	"  --control SOCKET  of virtiofs-device: in the end it holds no node\n" \
	"  --daemon PID      of virtiofsd: in the end it has as many descriptors as at first\n"

/* false: it is none of them, or has no good value. */
bool mount_option(int option, const char *value, struct mount_settings *settings);
bool mount_settings_good(const struct mount_settings *settings);

/* How much a program does, and where it can be seen what became of it. */
struct run_settings {
	const char *direct; /* the served directory as the host sees it; NULL: cannot be seen */
	uint64_t seed;
	uint64_t count; /* of operations */
};

/* The same for these, which are of the programs that do random things. */
#define RUN_OPTIONS                                                                       \
	{"direct", required_argument, NULL, 'd'}, {"seed", required_argument, NULL, 's'}, \
	{                                                                                 \
		"count", required_argument, NULL, 'n'                                     \
	}

#define RUN_USAGE(count)                                                                          \
	"  --direct DIR      the served directory, if it can be seen: in the end it is the same " \
	"too\n"                                                                                   \
	"  --seed N          another sequence (1)\n"                                              \
	"  --count N         how many operations (" #count ")\n"

bool run_option(int option, const char *value, struct run_settings *settings);

/* Whatever fails is said on stderr. -errno. The settings have to last. */
int mount_start(const struct mount_settings *settings, struct mounted *mounted);

/* With nothing open: the server is to hold no more than in the beginning, and to show nothing in
 * the window, of which it prints figures. 0, or -errno */
int mount_balanced(const struct mounted *mounted);

int mount_end(struct mounted *mounted);

#endif
