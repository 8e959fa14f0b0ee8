/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/memory_probe.h"

bool can_read(const void *addr)
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	n = write(fds[1], addr, 1);
	close(fds[0]);
	close(fds[1]);
	return n == 1;
}

bool can_write(void *addr)
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	n = write(fds[1], addr, 1) == 1 ? read(fds[0], addr, 1) : -1;
	close(fds[0]);
	close(fds[1]);
	return n == 1;
}
