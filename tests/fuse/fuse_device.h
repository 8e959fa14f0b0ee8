/* SPDX-License-Identifier: MIT */
/*
 * A virtio-fs device in the same process. It gets at memory only through what was mapped for it,
 * decodes chains by itself, keeps a journal of what the driver did to it, and fails the test when
 * the driver breaks a rule.
 */
#ifndef TEST_FUSE_DEVICE_H
#define TEST_FUSE_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/fuse.h>

#include "discovery/device.h"
#include "dma/stub_iommu.h"
#include "fuse/fuse.h"
#include "virtio/device_ring.h"
#include "virtio/stub_transport.h"

#define FUSE_DEVICE_QUEUES 6
#define TAKEN_BYTES	   (80u << 10)

#define FEATURE_NOTIFICATION	(1ull << 0)
#define FEATURE_INDIRECT	(1ull << 28)
#define FEATURE_EVENT_IDX	(1ull << 29)
#define FEATURE_VERSION_1	(1ull << 32)
#define FEATURE_ACCESS_PLATFORM (1ull << 33)
#define FEATURE_PACKED		(1ull << 34)

/* A message that the device took. */
struct taken {
	uint16_t queue;
	struct device_chain chain;
	size_t length;
	union {
		struct fuse_in_header header;
		uint8_t bytes[TAKEN_BYTES];
	};
};

struct fuse_device {
	struct stub_transport stub; /* status, features, configuration */
	struct vfs_transport_ops ops;
	struct vfs_device device;
	struct stub_iommu iommu;

	/* What the device is like. */
	uint16_t queue_sizes[FUSE_DEVICE_QUEUES];
	bool shared_fd;	   /* one descriptor for all queues */
	bool silent;	   /* asks for no notifications */
	unsigned int deaf; /* to so many of them */
	/* Called when it is notified, for each message; NULL: they wait for fuse_device_take(). */
	void (*serve)(struct fuse_device *d, const struct taken *taken);
	bool unmaps_while_running; /* the test sees to it that it is not in use */
	atomic_int events;	   /* what check_events() returns */
	unsigned int fail_call;	   /* which call of the transport fails with -EIO, from 1 */
	unsigned int fail_reset;   /* from which reset on they time out, from 1 */

	/* What has become of it. */
	struct device_ring rings[FUSE_DEVICE_QUEUES]; /* without memory: not enabled */
	unsigned int notified[FUSE_DEVICE_QUEUES];
	unsigned int interrupted[FUSE_DEVICE_QUEUES];
	pthread_mutex_t lock; /* of rings: a test may answer in several threads */
	int queue_fds[FUSE_DEVICE_QUEUES];
	int event_fd;
	bool bus_master;
	unsigned int calls;
	unsigned int served[128]; /* how many messages of each opcode */
	char journal[2048];
	const char *fault;
};

/*
 * A device with a request queue, rings of 64 entries, INDIRECT, EVENT_IDX and ACCESS_PLATFORM.
 * Change it before a session is created.
 */
void fuse_device_init(struct fuse_device *d);
/* Nothing is mapped any more and no rule was broken. */
void fuse_device_fini(struct fuse_device *d);

void fuse_device_set_queues(struct fuse_device *d, unsigned int num_request_queues, uint16_t size);

int fuse_device_start(struct fuse_device *d, const struct vfs_session_options *options,
	struct vfs_session **session);
/* With INIT, which the device answers, whatever it does with messages otherwise. */
struct vfs_session *fuse_device_connect(
	struct fuse_device *d, const struct vfs_session_options *options);

/* One more, the notification queue, which comes before the request queues once it is agreed on. */
void fuse_device_offer_notify(struct fuse_device *d, uint32_t notify_buf_size);

/*
 * Write these bytes into the next buffer for notifications, and say that there were so many. False:
 * there is no buffer.
 */
bool fuse_device_notify(struct fuse_device *d, const void *bytes, size_t length, uint32_t used_len);

/* The next such buffer; false: there is none. */
bool fuse_device_take_buffer(struct fuse_device *d, struct device_chain *chain);

/* False: there is none. */
bool fuse_device_take(struct fuse_device *d, unsigned int queue, struct taken *taken);

/* Answer with an error, or with a body; FORGET and its like with nothing at all. */
void fuse_device_answer(struct fuse_device *d, const struct taken *taken, int error,
	const void *body, size_t length);
/* Write these bytes, as far as there is room, and say that there were so many. */
void fuse_device_write(struct fuse_device *d, const struct taken *taken, const void *bytes,
	size_t length, uint32_t used_len);

/* For serve: good answers to INIT, DESTROY, FORGET and STATFS; -ENOSYS to all others. */
void fuse_device_serve(struct fuse_device *d, const struct taken *taken);
extern const struct fuse_init_out fuse_device_init_out;

/* Something happened to the device itself. */
void fuse_device_event(struct fuse_device *d, int error);

/* The journal since it was looked at last is these words. */
void fuse_device_did(struct fuse_device *d, const char *expected);
void fuse_device_forget_journal(struct fuse_device *d);

#endif
