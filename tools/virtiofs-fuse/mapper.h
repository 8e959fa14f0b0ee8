/* SPDX-License-Identifier: MIT */
/*
 * The thread that puts parts of files into the DAX window and takes them out, which takes requests
 * to the server; so it cannot be the relay's, which carries them (jobs.h).
 */
#ifndef VIRTIOFS_FUSE_MAPPER_H
#define VIRTIOFS_FUSE_MAPPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vfs/dax.h>

#include "dax/dax.h"
#include "dax/server.h"
#include "jobs.h"

#define MAPPER_WANTS 64u

struct vfs_session;

/* What there is, or may be, of a node in the window. */
struct shown {
	uint64_t node;
	struct vfs_dax_inode *inode;
	struct shown *next; /* of those that are to go */
	uint64_t lookups;   /* to be given back to the server when it has gone */

	/* Set by the thread. */
	_Atomic uint64_t end; /* so much of it can be shown; UINT64_MAX: that was not asked yet */
	atomic_bool refused;  /* it cannot */
	atomic_bool read_only;
};

struct want {
	struct shown *shown;
	uint64_t offset;
	uint64_t length;
	bool write;
};

struct mapper_options {
	const char *name; /* of the device */
	void *window;	  /* where it is in this process */
	uint64_t length;  /* of it */
	enum vfs_dax_mode mode;
	uint64_t range; /* bytes; 0: a default */
	uint64_t unit;	/* bytes, of which mappings are made up */
};

struct mapper {
	struct vfs_session *session;
	struct jobs *jobs;
	struct mapper_options options;
	struct vfs_dax *dax;	    /* until it has ended */
	struct vfs_dax_stats stats; /* from then on */
	int guard;		    /* see vfs_guard_acquire() */
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t work;
	struct want wants[MAPPER_WANTS]; /* in order */
	unsigned int num_wants;
	struct shown *going;
	bool busy; /* with what is in neither */
	bool stop;

	atomic_bool looked; /* at what kind of memory it is: it can be used then */
	atomic_bool off;
	atomic_bool ended; /* all has been taken out */
	struct vfs_dax_memory memory;
};

/* 0, or -errno with the library's message. */
int mapper_start(struct mapper *mapper, struct vfs_session *session, struct jobs *jobs,
	const struct mapper_options *options);

/* The following are called by the worker's thread. */

/* NULL: no memory */
struct shown *mapper_show(struct mapper *mapper, uint64_t node);

/* Map the part with @offset, if the file has all of @length there. For some other time if the
 * thread has too much to do. */
void mapper_want(struct mapper *mapper, const struct want *want);

/* Take all of it out, give back lookups, and free it. */
void mapper_drop(struct mapper *mapper, struct shown *shown, uint64_t lookups);

/* When that has been done for all: end. mapper->ended is set then, and the relay woken. */
void mapper_stop(struct mapper *mapper);

/* Wait for the end. The jobs have to be closed if the relay does not run any more. */
void mapper_join(struct mapper *mapper);

#endif
