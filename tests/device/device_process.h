/* SPDX-License-Identifier: MIT */
/* virtiofs-device as a process of its own, with a directory of its own, for one test. */
#ifndef TESTS_DEVICE_PROCESS_H
#define TESTS_DEVICE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct device_process {
	bool null;
	bool vfio_user;	    /* is its face; to be set before it is started, as the next one */
	const char *dax;    /* MiB of a window; NULL: none */
	const char *queues; /* how many; NULL: 1 */
	bool notify;	    /* has a notification queue */
	bool marks;	    /* says which files belong into the window (marks.h) */
	bool writeback;	    /* lets drivers keep back what was written */
	pid_t pid;
	char dir[64];	  /* has the sockets, and the served directory "share" */
	char socket[80];  /* to connect to */
	char name[96];	  /* what the library knows the device by */
	char control[80]; /* to arm faults */
};

/* @null: as one that serves nothing, fast. -1: it did not start. */
int device_process_start(struct device_process *p, bool null);

/* Once more at the same socket, after it died. */
int device_process_restart(struct device_process *p);

/* -1: it had died by itself. */
int device_process_stop(struct device_process *p);

/* Descriptors that it has open. */
unsigned int device_process_descriptors(const struct device_process *p);

/* A line to its control socket. -1: not answered by "ok". */
int device_process_command(const struct device_process *p, const char *line);

/* The same for a line that has an answer: what comes after "ok". */
int device_process_ask(const struct device_process *p, const char *line, char *answer, size_t size);

/* What it was sent, by opcode, and lookups that were given back. -1: it does not say. */
struct device_counts {
	uint64_t messages[64];
	uint64_t forgotten;
};

int device_process_counts(const struct device_process *p, struct device_counts *counts);

#endif
