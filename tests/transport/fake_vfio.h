/* SPDX-License-Identifier: MIT */
/*
 * A kernel's VFIO for one function, behind the files of a fake tree: what is asked of it is as
 * strict as the real one. Link with --wrap=ioctl.
 */
#ifndef TEST_FAKE_VFIO_H
#define TEST_FAKE_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/transport.h"

#define FAKE_FS	   "0000:00:05.0"
#define FAKE_GROUP 1
#define FAKE_IOAS  7

struct fake_vfio {
	/* What this kernel is. */
	bool noiommu;
	const char *token;	 /* that the physical function's driver has set; NULL: none */
	bool bind_takes_token;	 /* newer kernels */
	int bind_error;		 /* errno; 0: none */
	unsigned int num_ranges; /* of an iommufd */
	uint64_t alignment;

	/* What has happened. */
	bool in_container;
	unsigned long iommu; /* VFIO_TYPE1v2_IOMMU and so on; 0: none yet */
	bool bound;
	bool attached;
	bool has_ioas;
	char device_name[128]; /* by which it was asked for */
	uint8_t uuid[16];
	unsigned int num_maps; /* that the kernel was asked for */
	unsigned int num_unmaps;
	uint32_t map_flags;
	struct vfs_dma_map map;
};

extern struct fake_vfio fake_vfio;

/* A tree with the function in it, its group and its own device; setup and teardown of a test. */
int fake_vfio_make(void **state);
int fake_vfio_remove(void **state);

/* The group is one that VFIO made up. */
void fake_vfio_without_iommu(void);

/* Open one of the tree's files as a caller would. */
int fake_vfio_open(const char *name);

#endif
