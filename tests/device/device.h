/* SPDX-License-Identifier: MIT */
/* The virtio-fs device (virtio 1.3, 5.11), whatever the driver reaches it through. */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>

#include "dax.h"
#include "memory.h"
#include "notifier.h"
#include "queue.h"
#include "request.h"

struct device_options {
	const char *tag;
	unsigned int num_request_queues;
	bool access_platform;
	bool polling;  /* never sleep, ask for no kicks */
	bool notify;   /* offer a notification queue */
	bool no_slots; /* as a vhost-user back end: memory comes as a whole table only */
};

/* Not in all headers: feature bit 0, and what the configuration has more for it. */
#define DEVICE_F_NOTIFICATION 0

struct device_config {
	struct virtio_fs_config fs;
	uint32_t notify_buf_size; /* little-endian */
};

#define NOTIFICATION_QUEUE 1u

struct device {
	struct memory *memory;
	struct engine *engine;
	struct dax *dax;	   /* or NULL */
	struct notifier *notifier; /* or NULL */
	struct device_config config;
	uint64_t offered;
	_Atomic uint64_t negotiated;
	bool polling;
	bool no_slots;
	atomic_bool stalled;  /* requests are left where they are */
	struct queue *queues; /* hiprio first */
	unsigned int num_queues;
	unsigned int num_request_queues;

	pthread_mutex_t lock; /* of: */
	uint8_t status;
	void (*changed)(void *opaque);
	void *changed_opaque;
};

struct device *device_create(
	const struct device_options *options, struct engine *engine, struct dax *dax);
void device_destroy(struct device *device);

/* -EINVAL: something that was not offered */
int device_negotiate(struct device *device, uint64_t features);

/* 0 is a reset: queues stop and forget. */
void device_set_status(struct device *device, uint8_t status);
uint8_t device_status(struct device *device);

/* Take no requests any more, or go on. */
void device_stall(struct device *device, bool stalled);

/*
 * Back to what it was before the driver came. The memory stays: that is not the device's, and
 * nothing of the driver's is remembered, neither rings nor files.
 */
void device_reset(struct device *device);

/* @changed is called, from any thread, when the driver should look at status or configuration. */
void device_on_change(struct device *device, void (*changed)(void *opaque), void *opaque);

/* The driver has to reset it; it will see that where there is a status to be read. */
void device_needs_reset(struct device *device);

/* What was negotiated applies to queues from their next start on. */
int device_start_queue(struct device *device, struct queue *queue);

/* The driver is gone: nothing of it remains. */
void device_abandon(struct device *device);

/*
 * Read @size bytes of its configuration, beyond which there are zeroes. True: it is another one
 * since, as if somebody had changed it.
 */
bool device_read_config(struct device *device, uint64_t offset, void *buffer, size_t size);

/* Notifications go there, and no requests come: only if the driver knows what it is. */
bool device_notifies_on(const struct device *device, const struct queue *queue);

/* Send a notification, as notifier.h has them. -ENXIO: no driver takes any. */
int device_notify(struct device *device, const char *line);

/* A request came in. */
void device_handle(struct device *device, struct request *request);

#endif
