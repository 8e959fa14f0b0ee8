/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <linux/virtio_config.h>

#include "core/core.h"
#include "virtio/virtio.h"

#define STATUS_FOUND	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define STATUS_FEATURES (STATUS_FOUND | VIRTIO_CONFIG_S_FEATURES_OK)
#define STATUS_RUNNING	(STATUS_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK)

#define STATUS_GONE 0xff /* what a register of an absent function reads */

/* The status if the device is there and well. */
static int read_status(struct vfs_virtio *virtio)
{
	struct vfs_transport *t = virtio->transport;
	int status = t->ops->get_status(t);

	if (status < 0)
		return status;
	if (status == STATUS_GONE)
		return vfs_error(-ENODEV, "%s: the device is gone, its status reads 0xff", t->name);
	if (status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return vfs_error(-EIO,
			"%s: the device failed and needs a reset (DEVICE_NEEDS_RESET, status "
			"0x%02x)",
			t->name, (unsigned int)status);
	return status;
}

/* Tell the device that we gave up on it, and keep the message that says why. */
static int give_up(struct vfs_virtio *virtio, int error)
{
	struct vfs_transport *t = virtio->transport;
	char why[512];
	int status;

	snprintf(why, sizeof(why), "%s", vfs_last_error());
	status = t->ops->get_status(t);
	/* Bits that are set stay: only a reset clears them (virtio 1.3 §2.1.1). */
	if (status >= 0 && status != STATUS_GONE)
		t->ops->set_status(t, (uint8_t)(status | VIRTIO_CONFIG_S_FAILED));
	return vfs_error(error, "%s", why);
}

static int check_offer(const struct vfs_virtio *virtio, uint64_t required)
{
	uint64_t missing = required & ~virtio->offered;
	const char *name;
	unsigned int bit;

	if (!missing)
		return 0;
	bit = (unsigned int)__builtin_ctzll(missing);
	name = vfs_virtio_feature_name(bit);
	return vfs_error(-EPROTO,
		"%s: the device does not offer %s (feature bit %u), without which it cannot be "
		"used",
		virtio->transport->name, name ? name : "a feature", bit);
}

static int agree(struct vfs_virtio *virtio, uint64_t features)
{
	struct vfs_transport *t = virtio->transport;
	int status;
	int err;

	err = t->ops->set_features(t, features);
	if (err)
		return err;
	err = t->ops->set_status(t, STATUS_FEATURES);
	if (err)
		return err;
	status = read_status(virtio);
	if (status < 0)
		return status;
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK))
		return vfs_error(-EPROTO,
			"%s: the device refused the features 0x%" PRIx64 " of 0x%" PRIx64
			" that it offers (it did not keep FEATURES_OK)",
			t->name, features, virtio->offered);
	virtio->features = features;
	return 0;
}

/* Say hello and choose features, from the reset state on. */
static int introduce(struct vfs_virtio *virtio, uint64_t wanted, uint64_t required)
{
	struct vfs_transport *t = virtio->transport;
	int err;

	err = t->ops->set_status(t, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	if (err)
		return err;
	err = t->ops->set_status(t, STATUS_FOUND);
	if (err)
		return err;
	err = t->ops->get_features(t, &virtio->offered);
	if (err)
		return err;
	err = check_offer(virtio, required);
	if (err)
		return err;
	return agree(virtio, virtio->offered & (wanted | required));
}

int vfs_virtio_negotiate(struct vfs_virtio *virtio, uint64_t wanted, uint64_t required)
{
	struct vfs_transport *t = virtio->transport;
	int err;

	virtio->offered = 0;
	virtio->features = 0;
	err = t->ops->reset(t, virtio->timeout_ms);
	if (err)
		return err;
	err = introduce(virtio, wanted, required | 1ULL << VIRTIO_F_VERSION_1);
	return err ? give_up(virtio, err) : 0;
}

int vfs_virtio_start(struct vfs_virtio *virtio)
{
	struct vfs_transport *t = virtio->transport;
	int status;
	int err;

	err = t->ops->set_status(t, STATUS_RUNNING);
	if (err)
		return err;
	status = read_status(virtio);
	if (status < 0)
		return status;
	if (!(status & VIRTIO_CONFIG_S_DRIVER_OK))
		return vfs_error(-EIO, "%s: the device does not start (status 0x%02x)", t->name,
			(unsigned int)status);
	return 0;
}

int vfs_virtio_stop(struct vfs_virtio *virtio)
{
	struct vfs_transport *t = virtio->transport;

	return t->ops->reset(t, virtio->timeout_ms);
}

int vfs_virtio_check(struct vfs_virtio *virtio)
{
	int status = read_status(virtio);

	return status < 0 ? status : 0;
}
