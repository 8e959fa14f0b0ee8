/* SPDX-License-Identifier: MIT */
/* Data of a request that is in the application's memory. */
#ifndef VFS_DATA_H
#define VFS_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuse/registered.h"

struct vfs_request;
struct vfs_segment;

/* A stretch of it. */
struct vfs_piece {
	uint8_t *addr;
	size_t length;
	struct vfs_mem *mem; /* that it is in; NULL: it is bounced */
	uint8_t *bounce;     /* where in the slot, if it is */
};

struct vfs_request_data {
	struct vfs_piece
		*pieces;    /* room for VFS_REQUEST_DATA_MAX; NULL: the queue is not for data */
	unsigned int count; /* that were given */
	unsigned int used;  /* of these, that the message or the answer needs */
	uint32_t length;    /* bytes of those */
	bool received;	    /* it is the answer's body, not the end of the message */
	bool bounced;	    /* some of it is copied */
	bool held;	    /* its memory cannot be taken back */
	struct vfs_mem_hit last; /* memory that was found for it */
};

/* Find out where it is; copy what is sent and not registered. Of a message that was checked. */
int vfs_data_place(struct vfs_request *request);

unsigned int vfs_data_segments(const struct vfs_request *request, struct vfs_segment *segments,
	unsigned int count, unsigned int max);

/* An answer with so many bytes is there: copy what is not registered. */
void vfs_data_receive(struct vfs_request *request, uint32_t length);

/* Where it is, if all of it is copied through the slot; NULL: some of it is elsewhere. */
const uint8_t *vfs_data_in_slot(const struct vfs_request_data *data);

/* The device has none of it any more, or never had. */
void vfs_data_let_go(struct vfs_request *request);

#endif
