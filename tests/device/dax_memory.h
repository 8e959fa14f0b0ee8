/* SPDX-License-Identifier: MIT */
/*
 * A DAX window whose memory the driver's side has mapped once and for all: no file can be put
 * there, so that what is shown is a copy. What the driver writes is found by comparing with what
 * was last shown, and exactly those bytes go into the file. What others change in the file is not
 * seen before dax_refresh().
 */
#ifndef DEVICE_DAX_MEMORY_H
#define DEVICE_DAX_MEMORY_H

#include "dax.h"

struct dax_memory {
	int fd; /* -1: there is none */
	char *host;
	char *last; /* what was last shown or collected, at the same offsets */
	uint64_t size;
};

/* @size 0: none. -errno; either way to be destroyed. */
int dax_memory_create(struct dax_memory *memory, uint64_t size);
void dax_memory_destroy(struct dax_memory *memory);

/* Show in it what @dax has. */
void dax_memory_attach(struct dax_memory *memory, struct dax *dax);

#endif
