/* SPDX-License-Identifier: MIT */
/* FUSE_INIT, from the kernel to the server and back. */
#ifndef VIRTIOFS_FUSE_HANDSHAKE_H
#define VIRTIOFS_FUSE_HANDSHAKE_H

#include "negotiate.h"

struct handshake {
	int fuse_fd;
	struct vfs_session *session;
	struct negotiate_limits limits;
	uint64_t require; /* features without which there is no connection */
	int timeout_ms;	  /* for the kernel's part */
};

/*
 * 0, or -1 after the one line that says why. @answer is what the kernel was told, @agreed what was
 * agreed with the server.
 */
int handshake_run(
	const struct handshake *handshake, struct fuse_init_out *answer, struct vfs_init *agreed);

#endif
