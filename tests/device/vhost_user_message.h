/* SPDX-License-Identifier: MIT */
/* Messages of the vhost-user protocol as they go over the socket, and nothing of what they do. */
#ifndef DEVICE_VHOST_USER_MESSAGE_H
#define DEVICE_VHOST_USER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vhost_types.h>

#include "fd_message.h"

/* From the front end. */
enum front_end_request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	SET_BACKEND_REQ_FD = 21,
	IOTLB_MSG = 22,
	GET_CONFIG = 24,
	SET_CONFIG = 25,
	RESET_DEVICE = 34,
	GET_MAX_MEM_SLOTS = 36,
	ADD_MEM_REG = 37,
	REM_MEM_REG = 38,
	SET_STATUS = 39,
	GET_STATUS = 40,
	GET_SHMEM_CONFIG = 44,
	FRONT_END_REQUESTS
};

/* From the back end, over a socket of their own. */
enum back_end_request {
	BACKEND_IOTLB_MSG = 1,
	BACKEND_VRING_HOST_NOTIFIER_MSG = 3,
	BACKEND_SHMEM_MAP = 9,
	BACKEND_SHMEM_UNMAP = 10,
};

enum protocol_feature {
	PROTOCOL_F_MQ = 0,
	PROTOCOL_F_REPLY_ACK = 3,
	PROTOCOL_F_BACKEND_REQ = 5,
	PROTOCOL_F_CONFIG = 9,
	PROTOCOL_F_HOST_NOTIFIER = 11,
	PROTOCOL_F_RESET_DEVICE = 13,
	PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15,
	PROTOCOL_F_STATUS = 16,
	PROTOCOL_F_SHMEM = 22,
};

#define F_PROTOCOL_FEATURES 30 /* among the device's features, but not one of them */

#define MESSAGE_VERSION	   1u
#define MESSAGE_REPLY	   (1u << 2)
#define MESSAGE_NEED_REPLY (1u << 3)

#define VRING_NO_FD (1u << 8) /* beside the index in KICK, CALL and ERR */

#define TABLE_REGIONS 8u
#define CONFIG_BYTES  256u
#define SHMEM_IDS     256u

struct message_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

struct vring_state {
	uint32_t index;
	uint32_t num;
};

struct vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
	uint64_t log;
};

struct region {
	uint64_t bus;
	uint64_t size;
	uint64_t user;
	uint64_t offset;
};

struct mem_table {
	uint32_t count;
	uint32_t padding;
	struct region regions[TABLE_REGIONS];
};

struct mem_reg {
	uint64_t padding;
	struct region region;
};

struct config_space {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t bytes[CONFIG_BYTES];
};

/* The sizes of shared memory regions, by their identifiers; 0 where there is none. */
struct shmem_config {
	uint32_t count;
	uint32_t padding;
	uint64_t sizes[SHMEM_IDS];
};

#define SHMEM_WRITABLE 1u

struct shmem_map {
	uint8_t id;
	uint8_t padding[7];
	uint64_t fd_offset;
	uint64_t offset;
	uint64_t size;
	uint64_t flags;
};

/* Where a queue's doorbell can be mapped. */
struct vring_area {
	uint64_t queue; /* and VRING_NO_FD: nowhere */
	uint64_t size;
	uint64_t offset;
};

struct message {
	struct message_header header;
	union {
		uint64_t u64;
		struct vring_state state;
		struct vring_addr addr;
		struct mem_table table;
		struct mem_reg reg;
		struct config_space config;
		struct vhost_iotlb_msg iotlb;
		struct shmem_config shmem;
		struct shmem_map map;
		struct vring_area area;
	} payload;
	struct fd_list fds;
};

/* 1: a message, its descriptors are the caller's. 0: the other side has left. -EPROTO, -errno */
int message_receive(int socket, struct message *m);

/* With the descriptor @fd, or, -1, without any. */
int message_send(int socket, const struct message *m, int fd);

#endif
