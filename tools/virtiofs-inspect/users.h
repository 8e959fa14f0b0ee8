/* SPDX-License-Identifier: MIT */
/* Processes that have a function open through VFIO. */
#ifndef INSPECT_USERS_H
#define INSPECT_USERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Say who uses the function @bdf of IOMMU group @group: "virtiofs-fuse (process 17)", or that it
 * is somebody who cannot be seen from here. False: nobody. As root; others see only their own.
 */
bool users_of_function(const char *bdf, int group, char *who, size_t size);

#endif
