/* SPDX-License-Identifier: MIT */
/* Requests for tests: taken, written and prepared. */
#ifndef TEST_MESSAGES_H
#define TEST_MESSAGES_H

#include <stdint.h>

#include "fuse/fuse.h"

/* A prepared STATFS; @number is its nodeid and its user data. */
struct vfs_request *message_statfs(struct vfs_queue *queue, uintptr_t number);

/* READ of @size bytes; WRITE of @size bytes that are pattern_byte() of their offset. */
struct vfs_request *message_read(struct vfs_queue *queue, uint32_t size);
struct vfs_request *message_write(struct vfs_queue *queue, uint32_t size);
uint8_t pattern_byte(size_t offset);

/* Any opcode and arguments, not prepared. */
struct vfs_request *message_raw(
	struct vfs_queue *queue, uint32_t opcode, const void *args, size_t length);

/* The next completed request, which has to be there; there is none. */
struct vfs_request *reap_one(struct vfs_queue *queue);
void reap_none(struct vfs_queue *queue);

/* One that is prepared. */
void submit(struct vfs_request *request);

#endif
