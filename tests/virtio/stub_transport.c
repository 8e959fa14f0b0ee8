/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "virtio/stub_transport.h"

#define DRIVER_OK 4
#define VERSION_1 (1ull << 32)

static struct stub_transport *stub_of(struct vfs_transport *t)
{
	return container_of(t, struct stub_transport, transport);
}

static int stub_reset(struct vfs_transport *t, unsigned int timeout_ms)
{
	struct stub_transport *stub = stub_of(t);

	stub->num_resets++;
	stub->timeout_ms = timeout_ms;
	if (stub->reset_error)
		return vfs_error(stub->reset_error, "stub: reset");
	stub->status = 0;
	stub->accepted = 0;
	return 0;
}

static int stub_get_status(struct vfs_transport *t)
{
	struct stub_transport *stub = stub_of(t);

	return stub->gone ? 0xff : stub->status;
}

static int stub_set_status(struct vfs_transport *t, uint8_t status)
{
	struct stub_transport *stub = stub_of(t);

	if (stub->status_error && stub->num_writes >= stub->fails_after)
		return vfs_error(stub->status_error, "stub: status");
	if (stub->num_writes < STUB_WRITES_MAX)
		stub->writes[stub->num_writes++] = status;
	stub->status = (uint8_t)(status & ~stub->drops);
	if (status & DRIVER_OK)
		stub->status |= stub->raises;
	return 0;
}

static int stub_get_features(struct vfs_transport *t, uint64_t *features)
{
	struct stub_transport *stub = stub_of(t);

	if (stub->features_error)
		return vfs_error(stub->features_error, "stub: features");
	*features = stub->offered;
	return 0;
}

static int stub_set_features(struct vfs_transport *t, uint64_t features)
{
	struct stub_transport *stub = stub_of(t);

	if (stub->set_features_error)
		return vfs_error(stub->set_features_error, "stub: set features");
	stub->accepted = features;
	return 0;
}

static int stub_read_config(struct vfs_transport *t, uint32_t offset, void *buffer, uint32_t length)
{
	struct stub_transport *stub = stub_of(t);

	if (stub->config_error)
		return vfs_error(stub->config_error, "stub: config");
	if (offset > sizeof(stub->config) || length > sizeof(stub->config) - offset)
		return vfs_error(-EINVAL, "stub: config out of range");
	memcpy(buffer, stub->config + offset, length);
	return 0;
}

static const struct vfs_transport_ops stub_ops = {
	.reset = stub_reset,
	.get_status = stub_get_status,
	.set_status = stub_set_status,
	.get_features = stub_get_features,
	.set_features = stub_set_features,
	.read_config = stub_read_config,
};

void stub_transport_init(struct stub_transport *stub)
{
	memset(stub, 0, sizeof(*stub));
	stub->transport.ops = &stub_ops;
	snprintf(stub->transport.name, sizeof(stub->transport.name), "stub 0000:00:05.0");
	stub->offered = VERSION_1;
	stub->status = 0x47; /* as another driver may have left it */
}
