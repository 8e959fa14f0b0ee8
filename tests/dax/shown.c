/* SPDX-License-Identifier: MIT */
#include "dax/shown.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

unsigned char pattern(size_t offset)
{
	return (unsigned char)(1 + (offset * 7 + offset / PAGE) % 255);
}

void set_length(const struct shown *shown, size_t length)
{
	static unsigned char all[SHOWN];

	for (size_t i = 0; i < length; i++)
		all[i] = pattern(i);
	assert_int_equal(ftruncate(shown->fd, (off_t)length), 0);
	assert_int_equal(pwrite(shown->fd, all, length, 0), length);
}

void show(struct shown *shown)
{
	shown->fd = memfd_create("shown", MFD_CLOEXEC);
	assert_true(shown->fd >= 0);
	set_length(shown, SHOWN);
	shown->memory = mmap(NULL, SHOWN, PROT_READ | PROT_WRITE, MAP_SHARED, shown->fd, 0);
	assert_ptr_not_equal(shown->memory, MAP_FAILED);
}

void hide(struct shown *shown)
{
	munmap(shown->memory, SHOWN);
	close(shown->fd);
}

void no_handlers(void)
{
	assert_true(signal(SIGBUS, SIG_DFL) != SIG_ERR);
	assert_true(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
}

int status_of_child(void (*fn)(void))
{
	const struct rlimit no_core = {0};
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		alarm(30);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

void must_be(int condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	fprintf(stderr, "%s:%d: in a child: not %s\n", file, line, text);
	_exit(1);
}
