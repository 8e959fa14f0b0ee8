/* SPDX-License-Identifier: MIT */
/*
 * The vhost-user protocol, front end's side: messages on a Unix socket to a daemon that is the
 * device. https://qemu-project.gitlab.io/qemu/interop/vhost-user.html
 */
#ifndef VFS_VHOST_USER_H
#define VFS_VHOST_USER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/transport.h"
#include "transport/unix_socket.h"

enum vfs_vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
	VHOST_USER_GET_SHMEM_CONFIG = 44,
};

#define VHOST_USER_F_PROTOCOL_FEATURES 30 /* a feature bit that is not the device's own */

enum vfs_vhost_user_protocol_feature {
	VHOST_USER_PROTOCOL_F_MQ = 0,
	VHOST_USER_PROTOCOL_F_REPLY_ACK = 3,
	VHOST_USER_PROTOCOL_F_BACKEND_REQ = 5,
	VHOST_USER_PROTOCOL_F_CONFIG = 9,
	VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD = 10,
	VHOST_USER_PROTOCOL_F_RESET_DEVICE = 13,
	VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15,
	VHOST_USER_PROTOCOL_F_STATUS = 16,
	VHOST_USER_PROTOCOL_F_SHMEM = 22,
};

/* Pieces of memory that fit a table. Daemons that do not tell take as many. */
#define VHOST_USER_REGIONS_MAX 8u

#define VHOST_USER_FLAG_VERSION	   1u
#define VHOST_USER_FLAG_REPLY	   (1u << 2)
#define VHOST_USER_FLAG_NEED_REPLY (1u << 3)

struct vfs_vhost_user_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

struct vfs_vhost_user_vring_state {
	uint32_t index;
	uint32_t num;
};

struct vfs_vhost_user_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
	uint64_t log;
};

struct vfs_vhost_user_region {
	uint64_t guest_addr;
	uint64_t size;
	uint64_t user_addr;
	uint64_t mmap_offset;
};

struct vfs_vhost_user_mem_table {
	uint32_t count;
	uint32_t padding;
	struct vfs_vhost_user_region regions[VHOST_USER_REGIONS_MAX];
};

struct vfs_vhost_user_mem_reg {
	uint64_t padding;
	struct vfs_vhost_user_region region;
};

struct vfs_vhost_user_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t bytes[256];
};

/* The sizes of shared-memory regions by their identifiers; 0 where there is none. */
struct vfs_vhost_user_shmem_config {
	uint32_t count;
	uint32_t padding;
	uint64_t sizes[256];
};

/* Threads that look after the device talk to the daemon one after the other. */
struct vfs_vhost_user_channel {
	pthread_mutex_t lock; /* of an exchange */
	struct vfs_socket socket;
	bool reply_ack; /* VHOST_USER_PROTOCOL_F_REPLY_ACK was agreed on */
};

struct vfs_vhost_user_message {
	uint32_t request;
	const void *payload;
	size_t size;
	const int *fds;
	unsigned int num_fds;
};

/*
 * Send a message; with REPLY_ACK wait for what came of it. -ENODEV: the daemon is gone. -EPROTO:
 * it refused, or answers what was not asked. -ETIMEDOUT.
 */
int vfs_vhost_user_send(
	struct vfs_vhost_user_channel *c, const struct vfs_vhost_user_message *message);

/* Send a message that has a reply of its own; at least @min of at most @max bytes of it. */
int vfs_vhost_user_ask(struct vfs_vhost_user_channel *c,
	const struct vfs_vhost_user_message *message, void *reply, size_t min, size_t max);

/* The daemon is there, and silent as it should be. */
bool vfs_vhost_user_alive(struct vfs_vhost_user_channel *c);

/* For each answer from now on. */
void vfs_vhost_user_set_timeout(struct vfs_vhost_user_channel *c, unsigned int timeout_ms);

/* Make the transport. */
int vfs_vhost_user_open(const char *path, struct vfs_transport **transport);

#endif
