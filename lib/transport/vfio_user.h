/* SPDX-License-Identifier: MIT */
/* The vfio-user protocol, client's side (docs/interop/vfio-user.rst of QEMU). */
#ifndef VFS_VFIO_USER_H
#define VFS_VFIO_USER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/unix_socket.h"

enum vfs_vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_DEVICE_GET_INFO = 4,
	VFIO_USER_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_DEVICE_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DEVICE_RESET = 13,
};

struct vfs_vfio_user_header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* this header included */
	uint32_t flags;
	uint32_t error;
};

struct vfs_vfio_user_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};

struct vfs_vfio_user_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};

struct vfs_vfio_user_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

struct vfs_vfio_user_channel {
	pthread_mutex_t lock; /* a call at a time: doorbells are rung from several threads */
	struct vfs_socket socket;
	uint16_t next_id;
	unsigned int max_fds; /* that the server takes in one message */
};

/* One command. The answer may be shorter than @reply_max, never longer than VFIO_USER_REPLY_MAX. */
struct vfs_vfio_user_call {
	uint16_t command;
	const struct iovec *request; /* at most VFIO_USER_IOV_MAX pieces */
	unsigned int num_request;
	const int *fds;
	unsigned int num_fds;
	void *reply;
	size_t reply_min;
	size_t reply_max;
	struct vfs_socket_fds *reply_fds; /* NULL: none are expected */
	bool posted;			  /* do not wait, there is no answer */
};

#define VFIO_USER_IOV_MAX   3u
#define VFIO_USER_REPLY_MAX 65536u

/*
 * Send a command and wait for its answer. The server's own error, as a negative errno; -ENODEV: it
 * is gone; -EPROTO; -ETIMEDOUT. All with a message.
 */
int vfs_vfio_user_call(
	struct vfs_vfio_user_channel *channel, const struct vfs_vfio_user_call *call);

/* Is the server there, and silent as it should be between calls? */
bool vfs_vfio_user_alive(struct vfs_vfio_user_channel *channel);

/* Agree on the version of the protocol. */
int vfs_vfio_user_negotiate(struct vfs_vfio_user_channel *channel);

#endif
