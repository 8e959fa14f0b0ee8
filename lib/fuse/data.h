/* SPDX-License-Identifier: MIT */
/* Data of a request that is in the application's memory. */
#ifndef VFS_DATA_H
#define VFS_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "fuse/registered.h"

struct vfs_request;

/* A stretch of it. */
struct vfs_piece {
	struct iovec iov;
	atomic_uint *held; /* how many hold the memory that it is in; NULL: it is bounced */
	uint8_t *bounce;   /* where in the slot, if it is */
};

struct vfs_request_data {
	struct vfs_piece
		*pieces;    /* room for VFS_REQUEST_DATA_MAX; NULL: the queue is not for data */
	unsigned int count; /* that were given */
	unsigned int used;  /* of these, that are the device's: their memory cannot be taken back */
	bool received;	    /* it is the answer's body, not the end of the message */
	size_t bounced;	    /* bytes that are copied */
	struct vfs_mem_hit last; /* memory that was found for it */
};

/* An answer with so many bytes is there: copy what is not registered. */
void vfs_data_receive(struct vfs_request *request, uint32_t length);

/* Where it is, if all of it is copied through the slot; NULL: some of it is elsewhere. */
const uint8_t *vfs_data_in_slot(const struct vfs_request_data *data);

/* The device has none of it any more, or never had. */
static inline void vfs_data_let_go(struct vfs_request_data *data)
{
	unsigned int used = data->used;

	if (!used)
		return;
	data->used = 0;
	for (unsigned int i = 0; i < used; i++)
		if (data->pieces[i].held)
			vfs_mem_let_go(data->pieces[i].held);
}

#endif
