/* SPDX-License-Identifier: MIT */
/*
 * Memory files as if the machine had as many huge pages as a test says, whatever it has. Link
 * with --wrap=memfd_create.
 */
#ifndef TEST_FAKE_MEMFD_H
#define TEST_FAKE_MEMFD_H

#include <stdbool.h>

struct fake_memfd {
	bool huge;		/* there are huge pages: what is asked of them succeeds */
	unsigned int num_huge;	/* how often they were asked for */
	unsigned int num_small; /* and others, for the device */
};

extern struct fake_memfd fake_memfd;

#endif
