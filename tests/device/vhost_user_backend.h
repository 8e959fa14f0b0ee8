/* SPDX-License-Identifier: MIT */
/* One front end's connection, and what its messages do to the device. */
#ifndef DEVICE_VHOST_USER_BACKEND_H
#define DEVICE_VHOST_USER_BACKEND_H

#include <pthread.h>

#include "device.h"
#include "vhost_user_message.h"

#define ASKED_MAX 64u

/* Who waits for an answer of the front end. */
struct waiter {
	bool answered;
	uint64_t answer;
};

/* A request of ours that the front end has not answered; answers come in order. */
struct asked {
	uint64_t address;      /* a translation was asked for, */
	struct waiter *waiter; /* or it is this one's; NULL: who has given up */
};

struct backend {
	struct device *device;
	int socket;
	uint64_t features; /* as negotiated, F_PROTOCOL_FEATURES included */
	uint64_t protocol;

	pthread_mutex_t lock; /* of: */
	pthread_cond_t answered;
	int requests; /* the socket for our own requests, or -1 */
	struct asked asked[ASKED_MAX];
	unsigned int first_asked;
	unsigned int num_asked;
};

/* The answers to GET_FEATURES and SET_FEATURES etc.; 1: a reply is in @m, 0, or -errno. */
int backend_handle(struct backend *b, struct message *m);

static inline bool backend_has(const struct backend *b, enum protocol_feature feature)
{
	return (b->protocol >> feature & 1) != 0;
}

/* vhost_user_requests.c: what the back end asks of the front end. */

/* A memory_miss; @opaque is the backend. The answer comes in front end's own time. */
int backend_ask_translation(void *opaque, uint64_t address, enum access access);

/* Lets the front end show what the DAX window has. */
void backend_show_window(struct backend *b);

/* Something has come on the socket for requests. */
void backend_take_answer(struct backend *b);

/* -1: none; the descriptor becomes the backend's. */
void backend_set_requests(struct backend *b, int socket);

#endif
