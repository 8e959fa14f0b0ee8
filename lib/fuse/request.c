/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

static void reset(struct vfs_request *request)
{
	request->next = NULL;
	request->state = VFS_REQUEST_TAKEN;
	request->user_data = NULL;
	request->timeout_ns = 0;
	request->special = 0;
	request->data.count = 0;
}

VFS_EXPORT struct vfs_request *vfs_request_get(struct vfs_queue *queue)
{
	struct vfs_request *request = queue->free;

	if (!request)
		return NULL;
	queue->free = request->next;
	reset(request);
	return request;
}

struct vfs_request *vfs_queue_take_reserved(struct vfs_queue *queue)
{
	struct vfs_request *request = queue->reserved;

	if (request->lent || request->state != VFS_REQUEST_FREE)
		return NULL;
	reset(request);
	return request;
}

VFS_EXPORT int vfs_request_reuse(struct vfs_request *request)
{
	if (request->state != VFS_REQUEST_DONE || request->lent)
		return vfs_error(-EINVAL, "the request is in flight or was not answered");
	vfs_data_let_go(&request->data);
	reset(request);
	return 0;
}

void vfs_request_put_back(struct vfs_request *request)
{
	request->next = request->queue->free;
	request->queue->free = request;
}

VFS_EXPORT void vfs_request_put(struct vfs_request *request)
{
	if (!request || request->state == VFS_REQUEST_SUBMITTED ||
		request->state == VFS_REQUEST_FREE)
		return;
	if (!request->lent)
		vfs_data_let_go(&request->data);
	request->state = VFS_REQUEST_FREE;
	/* One that the device has still is put back when it returns it. */
	if (request != request->queue->reserved && !request->lent)
		vfs_request_put_back(request);
}

int vfs_request_begin_anew_slowly(struct vfs_request *request)
{
	if (request->state != VFS_REQUEST_PREPARED)
		return vfs_error(-EINVAL, "the request is in flight or was not taken");
	vfs_data_let_go(&request->data);
	request->special = 0;
	request->state = VFS_REQUEST_TAKEN;
	return 0;
}

VFS_EXPORT void *vfs_request_message(struct vfs_request *request)
{
	return vfs_slot_message(request);
}

VFS_EXPORT size_t vfs_request_capacity(const struct vfs_request *request)
{
	return vfs_slot_capacity(request);
}

VFS_EXPORT void vfs_request_set_user_data(struct vfs_request *request, void *data)
{
	request->user_data = data;
}

VFS_EXPORT void *vfs_request_user_data(const struct vfs_request *request)
{
	return request->user_data;
}
