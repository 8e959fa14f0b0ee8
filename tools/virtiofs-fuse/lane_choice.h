/* SPDX-License-Identifier: MIT */
/* lane=: how messages come from the kernel and go back to it. */
#ifndef VIRTIOFS_FUSE_LANE_CHOICE_H
#define VIRTIOFS_FUSE_LANE_CHOICE_H

enum lane_choice {
	LANE_AUTO,    /* the first of these that is possible */
	LANE_URING,   /* FUSE over io_uring */
	LANE_READERS, /* a reader for each request queue */
	LANE_SINGLE,  /* one reader */
};

#endif
