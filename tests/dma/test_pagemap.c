/* SPDX-License-Identifier: MIT */
/* The machine's own /proc/self/pagemap. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "core/core.h"
#include "dma/dma.h"

#define PAGES  4
#define LENGTH ((size_t)PAGES * VFS_PAGE_SIZE)
#define NOBODY 65534

static uint8_t *map(int fd, int flags)
{
	void *memory = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

/* The same pages twice have the same addresses, in whatever order they are mapped. */
static void addresses_belong_to_the_page_and_not_to_its_mapping(void **state)
{
	int fd = memfd_create("pagemap test", MFD_CLOEXEC);
	uint64_t first[PAGES];
	uint64_t second[PAGES];
	uint8_t *a;
	uint8_t *b;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)LENGTH), 0);
	a = map(fd, MAP_SHARED | MAP_POPULATE | MAP_LOCKED);
	b = map(fd, MAP_SHARED | MAP_POPULATE | MAP_LOCKED);
	assert_int_equal(vfs_pagemap_read(a, VFS_PAGE_SIZE, PAGES, first), 0);
	assert_int_equal(vfs_pagemap_read(b, VFS_PAGE_SIZE, PAGES, second), 0);
	assert_memory_equal(first, second, sizeof(first));
	for (unsigned int i = 0; i < PAGES; i++) {
		assert_int_not_equal(first[i], 0);
		assert_int_equal(first[i] % VFS_PAGE_SIZE, 0);
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(first[i], first[j]);
	}
	/* Every second page, as if pages were larger. */
	assert_int_equal(vfs_pagemap_read(a, (size_t)2 * VFS_PAGE_SIZE, 2, second), 0);
	assert_int_equal(second[0], first[0]);
	assert_int_equal(second[1], first[2]);
	munmap(a, LENGTH);
	munmap(b, LENGTH);
	close(fd);
}

static void a_page_that_is_not_there_has_no_address(void **state)
{
	uint64_t addresses[PAGES];
	uint8_t *memory = map(-1, MAP_PRIVATE | MAP_ANONYMOUS);

	(void)state;
	memory[0] = 1;
	assert_int_equal(vfs_pagemap_read(memory, VFS_PAGE_SIZE, 1, addresses), 0);
	assert_int_equal(vfs_pagemap_read(memory, VFS_PAGE_SIZE, 2, addresses), -EIO);
	assert_non_null(strstr(vfs_last_error(), "not present"));
	munmap(memory, LENGTH);
}

/* 0: refused in words, as it should be. */
static int ask_as_nobody(const uint8_t *memory)
{
	uint64_t address;

	if (setgid(NOBODY) || setuid(NOBODY))
		return 1;
	/* Or the file belongs to root and cannot be opened at all. */
	prctl(PR_SET_DUMPABLE, 1);
	if (vfs_pagemap_usable())
		return 2;
	if (vfs_pagemap_read(memory, VFS_PAGE_SIZE, 1, &address) != -EPERM)
		return 3;
	return strstr(vfs_last_error(), "CAP_SYS_ADMIN") ? 0 : 4;
}

static void without_the_capability_addresses_are_hidden(void **state)
{
	uint8_t *memory = map(-1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
	int status = -1;
	pid_t child;

	(void)state;
	assert_true(vfs_pagemap_usable());
	if (geteuid() != 0) {
		print_message("not root, so the capability cannot be given up\n");
		skip();
	}
	child = fork();
	if (child == 0)
		_exit(ask_as_nobody(memory));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	munmap(memory, LENGTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_belong_to_the_page_and_not_to_its_mapping),
		cmocka_unit_test(a_page_that_is_not_there_has_no_address),
		cmocka_unit_test(without_the_capability_addresses_are_hidden),
	};

	if (!vfs_pagemap_usable()) {
		printf("skipped: %s\n", vfs_last_error());
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
