/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_fs.h>

#include "core/core.h"
#include "discovery/device.h"
#include "transport/sysfs.h"

static int learn(struct vfs_device *device)
{
	struct vfs_transport *t = device->transport;
	struct vfs_device_info *info = &device->info;
	struct vfs_fs_config config = {0};
	struct vfs_shm_region shm;
	int r;

	memcpy(info->name, t->name, sizeof(info->name));
	memcpy(info->bdf, t->bdf, sizeof(info->bdf));
	info->num_vectors = t->num_vectors;
	r = t->ops->reset(t, VFS_DEVICE_RESET_MS);
	device->reset_is_stuck = r == -ETIMEDOUT;
	if (r == 0)
		r = t->ops->get_features(t, &info->features);
	if (r == 0)
		r = vfs_fs_config_read(t, &config);
	if (r < 0)
		return r;
	memcpy(info->tag, config.tag, sizeof(info->tag));
	info->num_request_queues = config.num_request_queues;
	if (t->ops->shm_region(t, VIRTIO_FS_SHMCAP_ID_CACHE, &shm) == 0) {
		info->dax_window = shm.length;
		device->window = shm.addr;
	}
	return 0;
}

/* To what a transport is opened by: a socket's path, or a PCI address. */
static int resolve(const char *name, const struct vfs_device_options *options, const char **where,
	char bdf[VFS_BDF_SIZE])
{
	*where = name;
	if (vfs_transport_is_socket(name))
		return 0;
	*where = bdf;
	if (vfs_bdf_parse(name, bdf))
		return 0;
	if (options->vfio_fds)
		return vfs_error(-EINVAL,
			"descriptors are of one function: say its PCI address, not the tag '%s'",
			name);
	return vfs_find_tag(name, bdf);
}

VFS_EXPORT int vfs_device_open(
	const char *name, const struct vfs_device_options *options, struct vfs_device **result)
{
	static const struct vfs_device_options defaults;
	struct vfs_device *device;
	char bdf[VFS_BDF_SIZE];
	const char *where;
	int r;

	if (!options)
		options = &defaults;
	r = resolve(name, options, &where, bdf);
	if (r < 0)
		return r;
	device = calloc(1, sizeof(*device));
	if (!device)
		return vfs_error(-ENOMEM, "out of memory");
	pthread_mutex_init(&device->check_lock, NULL);
	device->options = *options;
	/* These are the caller's, for as long as this call takes. */
	device->options.vf_token = NULL;
	device->options.vfio_fds = NULL;
	r = vfs_transport_open(where, options, &device->transport);
	if (r < 0) {
		free(device);
		return r;
	}
	r = learn(device);
	if (r < 0) {
		vfs_device_close(device);
		return r;
	}
	vfs_log(VFS_LOG_INFO, "%s: tag '%s', %u request queue(s), features 0x%llx",
		device->info.name, device->info.tag, device->info.num_request_queues,
		(unsigned long long)device->info.features);
	*result = device;
	return 0;
}

VFS_EXPORT const struct vfs_device_info *vfs_device_info(const struct vfs_device *device)
{
	return &device->info;
}

VFS_EXPORT void *vfs_device_window(const struct vfs_device *device)
{
	return device->window;
}

VFS_EXPORT int vfs_device_event_fd(const struct vfs_device *device)
{
	return device->transport->ops->event_fd(device->transport);
}

VFS_EXPORT int vfs_device_check(struct vfs_device *device)
{
	struct vfs_virtio virtio = {.transport = device->transport};
	int r;

	pthread_mutex_lock(&device->check_lock);
	r = device->transport->ops->check_events(device->transport);
	if (r == 0)
		r = vfs_virtio_check(&virtio);
	pthread_mutex_unlock(&device->check_lock);
	if (r < 0 && device->user)
		device->user->failed(device->user, r);
	return r;
}

VFS_EXPORT void vfs_device_close(struct vfs_device *device)
{
	if (!device)
		return;
	if (!device->reset_is_stuck)
		(void)device->transport->ops->reset(device->transport, VFS_DEVICE_RESET_MS);
	(void)device->transport->ops->set_bus_master(device->transport, false);
	device->transport->ops->close(device->transport);
	pthread_mutex_destroy(&device->check_lock);
	free(device);
}
