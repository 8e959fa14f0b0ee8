/* SPDX-License-Identifier: MIT */
/* A virtqueue at work: a thread that waits for kicks and hands requests on. */
#ifndef DEVICE_QUEUE_H
#define DEVICE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include "request.h"
#include "ring.h"

struct device;

struct queue {
	struct device *device;
	unsigned int index;

	/* Set while it does not run. */
	struct ring ring;
	uint16_t base;
	int kick;
	bool enabled;

	pthread_t thread;
	bool running; /* there is a thread; for whoever starts and stops it */
	int stop;     /* an eventfd */

	pthread_mutex_t lock; /* of the ring while running, and of: */
	unsigned int run;     /* counts starts; the thread's own does not change under it */
	bool stopping;	      /* or stopped */
	int call;
	int error;
};

int queue_create(struct queue *queue, struct device *device, unsigned int index);
void queue_destroy(struct queue *queue);

/* Start it if all it needs is there. -EINVAL, -EFAULT: the ring's addresses are no good. */
int queue_start(struct queue *queue);

/* Stop it; base is then the next request that it would have taken. */
void queue_stop(struct queue *queue);

/* These take the descriptors; -1 for none. They may change while it runs, but for the kick. */
void queue_set_kick(struct queue *queue, int fd);
void queue_set_call(struct queue *queue, int fd);
void queue_set_error(struct queue *queue, int fd);

/* Back to what it was before the driver came. */
void queue_reset(struct queue *queue);

/* Something that is done to the ring or to buffers while the memory holds still. */
typedef int (*queue_step)(struct queue *queue, struct view *view, void *argument);

/*
 * Do it, again when it lacked a translation that came. -ECANCELED: the queue was stopped.
 * -EFAULT: there is no translation. Else what the step says.
 */
int queue_do(struct queue *queue, unsigned int run, queue_step step, void *argument);

/* As the driver does. */
void queue_kick(struct queue *queue);

/* Tell the driver that the queue is broken. */
void queue_signal_error(struct queue *queue);

/* Push one entry, whatever it says, and call the driver if it wants that. */
void queue_push(struct queue *queue, unsigned int run, uint32_t head, uint32_t length);

#endif
