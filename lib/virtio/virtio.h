/* SPDX-License-Identifier: MIT */
/*
 * What the virtio layer offers: a device brought from reset to DRIVER_OK, and split rings.
 * Nothing here knows of FUSE requests or of PCI.
 */
#ifndef VFS_VIRTIO_H
#define VFS_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/barrier.h"
#include "transport/transport.h"
#include "virtio/ring.h"

/* ---- device (virtio 1.3 §3.1.1) ---- */

struct vfs_virtio {
	struct vfs_transport *transport;
	unsigned int timeout_ms; /* for each reset */
	uint64_t offered;	 /* feature bits of the device */
	uint64_t features;	 /* agreed on */
};

/*
 * Reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK. Of the offered features those in @wanted
 * and @required are taken; VIRTIO_F_VERSION_1 always is required.
 * -EPROTO: a required feature is not offered, or the device did not keep FEATURES_OK. -EIO: it
 * asks to be reset. -ENODEV: it is gone. -ETIMEDOUT: it does not finish its reset.
 * On error FAILED is set where that could still be written; the device was given no memory.
 */
int vfs_virtio_negotiate(struct vfs_virtio *virtio, uint64_t wanted, uint64_t required);

/*
 * Set DRIVER_OK once all queues are enabled. -EIO when the device asks to be reset instead, or
 * does not keep the bit. On error it may own the queues' memory already: stop it.
 */
int vfs_virtio_start(struct vfs_virtio *virtio);

/* Reset the device: it owns no memory afterwards. */
int vfs_virtio_stop(struct vfs_virtio *virtio);

/* 0; -EIO when DEVICE_NEEDS_RESET is set; -ENODEV when the device is gone. */
int vfs_virtio_check(struct vfs_virtio *virtio);

static inline bool vfs_virtio_has(const struct vfs_virtio *virtio, unsigned int bit)
{
	return (virtio->features >> bit & 1) != 0;
}

/* The name of a feature bit ("VIRTIO_F_VERSION_1"), NULL if it has none we know. */
const char *vfs_virtio_feature_name(unsigned int bit);

/* ---- struct virtio_fs_config (virtio 1.3 §5.11.4) ---- */

struct vfs_fs_config {
	char tag[VFS_TAG_MAX + 1];
	uint32_t num_request_queues;
};

/*
 * -EPROTO: the tag is empty, does not end at its first NUL, or holds a control character (it
 * goes into log lines and onto command lines); there is no request queue; too few bytes.
 * @config is unchanged then.
 */
int vfs_fs_config_read(struct vfs_transport *transport, struct vfs_fs_config *config);

/* The same from bytes (struct virtio_fs_config); for what read them in another way. */
int vfs_fs_config_parse(const void *bytes, size_t length, struct vfs_fs_config *config);

/* Feature bit: there is a notification queue, and the configuration says for what buffers. */
#define VFS_FS_F_NOTIFICATION 0u

/* notify_buf_size, which is there with VFS_FS_F_NOTIFICATION only. */
int vfs_fs_config_read_notify(struct vfs_transport *transport, uint32_t *size);

#endif
