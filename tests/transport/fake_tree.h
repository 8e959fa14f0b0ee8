/* SPDX-License-Identifier: MIT */
/* Trees in a temporary directory that stand for /sys, /dev and /proc. */
#ifndef TEST_FAKE_TREE_H
#define TEST_FAKE_TREE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_VIRTIO	0x1af4
#define TREE_VIRTIO_FS	0x105a
#define TREE_VIRTIO_NET 0x1041

/*
 * A file stands still while the window into a device moves over it, so that all of the
 * configuration of a good function is "abcd" again and again.
 */
#define TREE_TAG "abcdabcdabcdabcdabcdabcdabcdabcdabcd"

/* Make it, and let the library look there; setup and teardown of a test. */
int tree_make(void **state);
int tree_remove(void **state);

/* The whole path of @name ("sys/bus", "dev/vfio/3"); valid until the next call. */
const char *tree_path(const char *name);

/* Directories above are made as needed; a file that exists is replaced. */
void tree_dir(const char *name);
void tree_file(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tree_bytes(const char *name, const void *bytes, size_t length);
void tree_link(const char *name, const char *target);

/* A PCI function with its driver (NULL: none) and IOMMU group (-1: none). */
void tree_function(
	const char *bdf, unsigned int vendor, unsigned int device, const char *driver, int group);

/* A virtio-fs function of vfio-pci with /dev/vfio/@group and a configuration space. */
void tree_good_function(const char *bdf, int group);

#endif
