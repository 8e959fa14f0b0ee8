/* SPDX-License-Identifier: MIT */
#ifndef VFS_OPS_FEATURE_H
#define VFS_OPS_FEATURE_H

#include <stddef.h>
#include <stdint.h>

/* "a, b and so on", as far as it fits. */
void vfs_feature_names(uint64_t features, char *text, size_t size);

#endif
