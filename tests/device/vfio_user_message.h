/* SPDX-License-Identifier: MIT */
/* Messages of the vfio-user protocol as they go over the socket, and nothing of what they do. */
#ifndef DEVICE_VFIO_USER_MESSAGE_H
#define DEVICE_VFIO_USER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "fd_message.h"

enum command {
	COMMAND_VERSION = 1,
	COMMAND_DMA_MAP = 2,
	COMMAND_DMA_UNMAP = 3,
	COMMAND_GET_INFO = 4,
	COMMAND_GET_REGION_INFO = 5,
	COMMAND_GET_IRQ_INFO = 7,
	COMMAND_SET_IRQS = 8,
	COMMAND_REGION_READ = 9,
	COMMAND_REGION_WRITE = 10,
	COMMAND_RESET = 13,
	COMMANDS
};

/* In a message's flags. */
#define MESSAGE_TYPE	 0xfu
#define MESSAGE_REPLY	 1u
#define MESSAGE_NO_REPLY (1u << 4)
#define MESSAGE_ERROR	 (1u << 5)

/* What we take in one message, as said when the version is agreed on. */
#define MESSAGE_FDS  FD_MESSAGE_FDS
#define MESSAGE_DATA (1u << 20)

struct vfio_user_header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* with the header */
	uint32_t flags;
	uint32_t error;
};

struct dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};

#define DMA_READABLE 1u
#define DMA_WRITABLE 2u

struct dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};

#define DMA_UNMAP_ALL (1u << 1)

/* As Linux had it first; what was added since is not in the protocol. */
struct device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
};

struct region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[];
};

/* The largest is a region's data. */
#define MESSAGE_PAYLOAD (sizeof(struct region_access) + MESSAGE_DATA)

struct vfio_user_message {
	struct vfio_user_header header;
	void *payload; /* MESSAGE_PAYLOAD bytes of room, the request's, then the reply's */
	size_t size;   /* of the payload */
	struct fd_list fds;
	int reply_fd; /* -1: none; it stays its owner's */
};

/*
 * Receive into @m, whose payload has its room already. 1: a message, its descriptors are the
 * caller's. 0: the other side has left. -EPROTO, -errno
 */
int vfio_user_receive(int socket, struct vfio_user_message *m);

/* Answer @m with its payload, or with @error, a positive errno. -EPIPE */
int vfio_user_reply(int socket, const struct vfio_user_message *m, int error);

#endif
