/* SPDX-License-Identifier: MIT */
/* Requests that are not answered at once: late, or after another one. */
#ifndef DEVICE_HELD_H
#define DEVICE_HELD_H

#include "request.h"

/* Hand it to the device's engine after @ms milliseconds. */
void hold_for(struct request *request, unsigned int ms);

/* Hand it to the engine when another request of its queue was given back, or none came soon. */
void hold_for_another(struct request *request);

/* A request of @queue was given back. */
void held_look(struct queue *queue);

/* Hand all that are held to the engine now, and return when it has them. */
void held_release(void);

#endif
