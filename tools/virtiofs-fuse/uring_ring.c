/* SPDX-License-Identifier: MIT */
#include "uring_ring.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/core.h"

/* liburing 2.3 has functions for these, which it does not export. */
static int register_with(struct io_uring *ring, unsigned int what, void *data, unsigned int count)
{
	return syscall(SYS_io_uring_register, ring->ring_fd, what, data, count) < 0 ? -errno : 0;
}

/* What goes through a ring is not seen by a filter of system calls. */
static int restrict_ring(struct io_uring *ring)
{
	struct io_uring_restriction restrictions[] = {
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_URING_CMD},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD},
	};
	int error = register_with(
		ring, IORING_REGISTER_RESTRICTIONS, restrictions, ARRAY_SIZE(restrictions));

	return error ? error : register_with(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

int uring_ring_create(struct io_uring *ring, unsigned int entries)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
			 IORING_SETUP_R_DISABLED,
	};
	int error = io_uring_queue_init_params(entries, ring, &params);

	if (error)
		return error;
	error = restrict_ring(ring);
	if (error)
		io_uring_queue_exit(ring);
	return error;
}
