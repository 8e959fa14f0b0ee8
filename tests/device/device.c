/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/fuse.h>
#include <linux/virtio_ring.h>

#include "counts.h"
#include "device.h"
#include "faults.h"
#include "held.h"
#include "say.h"

#define BIT(n) (1ULL << (n))

static int create_queues(struct device *device, unsigned int count)
{
	device->queues = calloc(count, sizeof(*device->queues));
	if (!device->queues)
		return -ENOMEM;
	while (device->num_queues < count) {
		int r = queue_create(
			&device->queues[device->num_queues], device, device->num_queues);

		if (r < 0)
			return r;
		device->num_queues++;
	}
	return 0;
}

struct device *device_create(
	const struct device_options *options, struct engine *engine, struct dax *dax)
{
	struct device *device = calloc(1, sizeof(*device));
	size_t length = strnlen(options->tag, sizeof(device->config.fs.tag));
	unsigned int num_queues = 1 + options->num_request_queues + options->notify;

	if (!device)
		return NULL;
	pthread_mutex_init(&device->lock, NULL);
	device->engine = engine;
	device->dax = dax;
	device->polling = options->polling;
	device->no_slots = options->no_slots;
	device->offered = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) |
			  BIT(VIRTIO_RING_F_EVENT_IDX);
	if (options->access_platform)
		device->offered |= BIT(VIRTIO_F_ACCESS_PLATFORM);
	memcpy(device->config.fs.tag, options->tag, length);
	device->config.fs.num_request_queues = htole32(options->num_request_queues);
	device->num_request_queues = options->num_request_queues;
	if (options->notify) {
		device->offered |= BIT(DEVICE_F_NOTIFICATION);
		device->config.notify_buf_size = htole32(NOTIFY_BUFFER);
		device->notifier = notifier_create();
	}
	device->memory = memory_create();
	if (device->memory && (device->notifier || !options->notify) &&
		create_queues(device, num_queues) == 0)
		return device;
	device_destroy(device);
	return NULL;
}

void device_destroy(struct device *device)
{
	unsigned int i;

	for (i = 0; i < device->num_queues; i++)
		queue_destroy(&device->queues[i]);
	free(device->queues);
	notifier_destroy(device->notifier);
	memory_destroy(device->memory);
	pthread_mutex_destroy(&device->lock);
	free(device);
}

int device_negotiate(struct device *device, uint64_t features)
{
	if (features & ~device->offered) {
		say("features %#llx were never offered",
			(unsigned long long)(features & ~device->offered));
		return -EINVAL;
	}
	device->negotiated = features;
	/* Which happens after a reset only, however the driver was told to do one. */
	pthread_mutex_lock(&device->lock);
	device->status &= (uint8_t)~VIRTIO_CONFIG_S_NEEDS_RESET;
	pthread_mutex_unlock(&device->lock);
	return 0;
}

void device_set_status(struct device *device, uint8_t status)
{
	unsigned int i;

	if (!status)
		for (i = 0; i < device->num_queues; i++)
			queue_stop(&device->queues[i]);
	pthread_mutex_lock(&device->lock);
	/* That a reset is needed is not the driver's to take back, except by one. */
	if (status)
		status |= device->status & VIRTIO_CONFIG_S_NEEDS_RESET;
	device->status = status;
	pthread_mutex_unlock(&device->lock);
}

uint8_t device_status(struct device *device)
{
	uint8_t status;

	pthread_mutex_lock(&device->lock);
	status = device->status;
	pthread_mutex_unlock(&device->lock);
	return status;
}

void device_stall(struct device *device, bool stalled)
{
	device->stalled = stalled;
	for (unsigned int i = 0; !stalled && i < device->num_queues; i++)
		queue_kick(&device->queues[i]);
}

void device_needs_reset(struct device *device)
{
	unsigned int i;

	pthread_mutex_lock(&device->lock);
	device->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (device->changed)
		device->changed(device->changed_opaque);
	pthread_mutex_unlock(&device->lock);
	/* Where the status is not the device's to show, a broken queue says the same. */
	for (i = 0; i < device->num_queues; i++)
		queue_signal_error(&device->queues[i]);
}

void device_on_change(struct device *device, void (*changed)(void *opaque), void *opaque)
{
	pthread_mutex_lock(&device->lock);
	device->changed = changed;
	device->changed_opaque = opaque;
	pthread_mutex_unlock(&device->lock);
}

int device_start_queue(struct device *device, struct queue *queue)
{
	if (!queue->running) {
		queue->ring.event_idx = device->negotiated & BIT(VIRTIO_RING_F_EVENT_IDX);
		queue->ring.indirect = device->negotiated & BIT(VIRTIO_RING_F_INDIRECT_DESC);
	}
	return queue_start(queue);
}

void device_reset(struct device *device)
{
	unsigned int i;

	for (i = 0; i < device->num_queues; i++)
		queue_reset(&device->queues[i]);
	held_release();
	if (device->notifier)
		notifier_clear(device->notifier);
	device_set_status(device, 0);
	device->negotiated = 0;
	device->engine->end(device->engine);
}

void device_abandon(struct device *device)
{
	device_reset(device);
	memory_use_iotlb(device->memory, NULL, NULL);
	memory_clear_regions(device->memory);
}

/* Another tag and another number of queues. */
static void churn(struct virtio_fs_config *config, unsigned int num_request_queues)
{
	config->tag[0] ^= 1;
	config->num_request_queues = htole32(
		le32toh(config->num_request_queues) % num_request_queues + 1);
}

bool device_read_config(struct device *device, uint64_t offset, void *buffer, size_t size)
{
	struct device_config config = device->config;
	struct fault fault = faults_take(FAULT_AT_CONFIG, 0);
	size_t left = offset < sizeof(config) ? sizeof(config) - offset : 0;

	if (fault.kind == FAULT_REQUEST_QUEUES)
		config.fs.num_request_queues = htole32(fault.value);
	else if (fault.kind == FAULT_TAG_BYTES)
		memset(config.fs.tag, (int)fault.value, sizeof(config.fs.tag));
	else if (fault.kind == FAULT_CONFIG_CHURN)
		churn(&device->config.fs, device->num_request_queues);
	memset(buffer, 0, size);
	if (left)
		memcpy(buffer, (const char *)&config + offset, size < left ? size : left);
	return fault.kind == FAULT_CONFIG_CHURN;
}

static void refuse(struct request *request)
{
	struct fuse_in_header asked = {0};
	struct fuse_out_header answer = {.len = sizeof(answer)};
	const struct iovec iov = {.iov_base = &answer, .iov_len = sizeof(answer)};

	if (request->chain.readable >= sizeof(asked))
		memcpy(&asked, request->message, sizeof(asked));
	answer.unique = asked.unique;
	answer.error = -(int32_t)(request->fault.value ? request->fault.value : ENOSYS);
	request_reply(request, &iov, 1);
}

/* What strikes before the request is handled; false: it is not to be handled now. */
static bool survives(struct device *device, struct request *request)
{
	switch (request->fault.kind) {
	case FAULT_DIE:
		say("dies, as it was told to");
		_exit(1);
	case FAULT_NEEDS_RESET:
		device_needs_reset(device);
		request_free(request);
		return false;
	case FAULT_NEVER:
		request_free(request);
		return false;
	case FAULT_REFUSE:
		refuse(request);
		return false;
	case FAULT_LATE:
		hold_for(request, request->fault.value ? request->fault.value : 100);
		return false;
	case FAULT_OUT_OF_ORDER:
		hold_for_another(request);
		return false;
	default:
		return true;
	}
}

/* A device that wants to be reset does nothing else. */
static bool waits_for_reset(struct device *device, struct request *request)
{
	if (!(device_status(device) & VIRTIO_CONFIG_S_NEEDS_RESET))
		return false;
	request_free(request);
	return true;
}

bool device_notifies_on(const struct device *device, const struct queue *queue)
{
	return queue->index == NOTIFICATION_QUEUE &&
	       device->negotiated & BIT(DEVICE_F_NOTIFICATION);
}

int device_notify(struct device *device, const char *line)
{
	if (!(device->negotiated & BIT(DEVICE_F_NOTIFICATION)))
		return -ENXIO;
	return notifier_send_line(device->notifier, line);
}

/* The answer to a notification is a request, and is not answered itself. */
static void take_notify_reply(struct device *device, struct request *request)
{
	notifier_answered(device->notifier, request->message, request->chain.readable);
	request_done(request);
}

void device_handle(struct device *device, struct request *request)
{
	struct fuse_in_header header = {0};

	if (waits_for_reset(device, request))
		return;
	if (request->chain.readable >= sizeof(header))
		memcpy(&header, request->message, sizeof(header));
	counts_add(request->message, request->chain.readable);
	request->fault = faults_take(FAULT_AT_REQUEST, header.opcode);
	if (!survives(device, request))
		return;
	if (device->notifier && header.opcode == FUSE_NOTIFY_REPLY)
		take_notify_reply(device, request);
	else
		device->engine->handle(device->engine, request);
}
