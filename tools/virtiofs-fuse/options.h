/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef VIRTIOFS_FUSE_OPTIONS_H
#define VIRTIOFS_FUSE_OPTIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include <fuse_opt.h>

#include <vfs/dax.h>
#include <vfs/device.h>
#include <vfs/session.h>

#include "cache_mode.h"
#include "device_loss.h"
#include "lane_choice.h"
#include "sandbox.h"

struct options {
	char *device; /* tag or PCI address */
	char *dir;
	int foreground;
	int debug;
	int help;
	int version;
	int list;
	int check; /* look at the device, or at what there is, and mount nothing */
	int posix_acl;
	int writeback;
	int auto_unmount;
	int hugepages; /* enum vfs_hugepages */
	enum vfs_dma_mode dma;
	enum vfs_vfio_interface vfio;
	char *vf_token; /* NULL: none */
	unsigned int quirks;
	uint64_t features_off; /* of FUSE: neither side is offered them */
	uint64_t require;      /* no mount without them */
	enum vfs_dax_mode dax;
	unsigned int dax_range; /* bytes; 0: the default */
	unsigned int max_write;
	unsigned int readahead; /* bytes; 0: what one request carries */
	unsigned int depth;
	unsigned int timeout; /* seconds */
	bool from_mount;      /* called by mount(8) */
	bool fake;	      /* mount -f: all but the mount */
	bool sloppy;	      /* mount -s: unknown options are passed over */
	enum vfs_poll poll;
	enum lane_choice lane;
	unsigned int queues; /* 0: as many as there are processors, and as the device has */
	bool has_cpus;
	cpu_set_t cpus;		      /* those that threads are for, with has_cpus */
	unsigned int request_timeout; /* seconds; 0: none */
	enum device_loss device_loss;
	enum cache_mode cache;
	enum sandbox_mode sandbox;
	bool allow_other;
	bool allow_root;
	bool has_fsname;
	bool has_subtype;
	bool nosuid;
	bool nodev;
	struct fuse_args mount; /* for libfuse, without our defaults */
};

/* 0, or -1 after the one line that says what is wrong. */
int options_parse(struct options *options, int argc, char **argv);

/* What libfuse shall mount with: the user's options and, where he has none, our defaults. */
int options_mount_args(const struct options *options, const char *tag, struct fuse_args *args);

void options_usage(void);
void options_version(void);
void options_free(struct options *options);

#endif
