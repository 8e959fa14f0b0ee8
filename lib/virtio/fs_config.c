/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_fs.h>

#include "core/core.h"
#include "virtio/virtio.h"

static bool all_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* A tag of full length has no NUL at its end; a shorter one is padded with them. */
static int parse_tag(const uint8_t bytes[VFS_TAG_MAX], char tag[VFS_TAG_MAX + 1])
{
	size_t length = strnlen((const char *)bytes, VFS_TAG_MAX);

	if (length == 0)
		return vfs_error(-EPROTO, "the device's tag is empty");
	if (!all_zero(bytes + length, VFS_TAG_MAX - length))
		return vfs_error(
			-EPROTO, "the device's tag goes on after a NUL at byte %zu", length);
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] < 0x20 || bytes[i] == 0x7f)
			return vfs_error(-EPROTO,
				"the device's tag has a control character (0x%02x) at byte %zu",
				bytes[i], i);
	}
	memcpy(tag, bytes, length);
	memset(tag + length, 0, VFS_TAG_MAX + 1 - length);
	return 0;
}

int vfs_fs_config_parse(const void *bytes, size_t length, struct vfs_fs_config *config)
{
	struct virtio_fs_config raw;
	struct vfs_fs_config parsed;
	int err;

	if (length < sizeof(raw))
		return vfs_error(-EPROTO, "the device's configuration has %zu bytes instead of %zu",
			length, sizeof(raw));
	memcpy(&raw, bytes, sizeof(raw));
	err = parse_tag(raw.tag, parsed.tag);
	if (err)
		return err;
	parsed.num_request_queues = le32toh(raw.num_request_queues);
	if (parsed.num_request_queues == 0)
		return vfs_error(-EPROTO, "the device has no request queue");
	*config = parsed;
	return 0;
}

int vfs_fs_config_read(struct vfs_transport *transport, struct vfs_fs_config *config)
{
	struct virtio_fs_config raw;
	int err;

	/* A field at a time: the access has to have the width of the field (§4.1.3.1). */
	err = transport->ops->read_config(
		transport, offsetof(struct virtio_fs_config, tag), raw.tag, sizeof(raw.tag));
	if (!err)
		err = transport->ops->read_config(transport,
			offsetof(struct virtio_fs_config, num_request_queues),
			&raw.num_request_queues, sizeof(raw.num_request_queues));
	if (err)
		return err;
	err = vfs_fs_config_parse(&raw, sizeof(raw), config);
	if (err)
		vfs_error_prefix("%s", transport->name);
	return err;
}

int vfs_fs_config_read_notify(struct vfs_transport *transport, uint32_t *size)
{
	uint32_t raw;
	int err = transport->ops->read_config(
		transport, sizeof(struct virtio_fs_config), &raw, sizeof(raw));

	if (!err)
		*size = le32toh(raw);
	return err;
}
