/* SPDX-License-Identifier: MIT */
/* A window of this process: what may be mapped where, and what is there afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/memory_probe.h"
#include "transport/shm_window.h"

#define PAGES 16

static uint64_t page;
static struct vfs_shm_window w;
static int fd;

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	assert_int_equal(vfs_shm_window_create(&w, PAGES * page), 0);
	fd = memfd_create("file", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)(PAGES * page)), 0);
	for (i = 0; i < PAGES; i++) {
		char byte = (char)('a' + i);

		assert_int_equal(pwrite(fd, &byte, 1, (off_t)(i * page)), 1);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vfs_shm_window_destroy(&w);
	close(fd);
	return 0;
}

/* Pages of the file, from @first on, at a page of the window. */
static int map(uint64_t at, uint64_t count, uint64_t first, bool writable)
{
	const struct vfs_shm_file file = {.offset = at * page,
		.length = count * page,
		.fd = fd,
		.fd_offset = first * page,
		.writable = writable};

	return vfs_shm_window_map(&w, &file);
}

static int unmap(uint64_t at, uint64_t count)
{
	return vfs_shm_window_unmap(&w, at * page, count * page);
}

/* What each page has, '.' for one that cannot be accessed. */
static void shows(const char *expected)
{
	char seen[PAGES + 1] = "";
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		seen[i] = (char)(can_read(w.addr + i * page) ? w.addr[i * page] : '.');
	assert_string_equal(seen, expected);
}

static void nothing_is_there_at_first(void **state)
{
	(void)state;
	shows("................");
}

static void a_file_is_where_it_was_asked_for(void **state)
{
	(void)state;
	assert_int_equal(map(2, 3, 7, false), 0);
	assert_int_equal(map(5, 1, 0, false), 0);
	assert_int_equal(map(15, 1, 15, false), 0);
	shows("..hija.........p");
	assert_int_equal(unmap(2, 3), 0);
	shows(".....a.........p");
	assert_int_equal(map(1, 2, 1, false), 0);
	shows(".bc..a.........p");
}

static void a_write_needs_a_mapping_for_it(void **state)
{
	char byte;

	(void)state;
	assert_int_equal(map(0, 1, 0, false), 0);
	assert_int_equal(map(1, 1, 0, true), 0);
	assert_false(can_write(w.addr));
	assert_true(can_write(w.addr + page));
	w.addr[page] = 'X';
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'X');
	assert_int_equal(w.addr[0], 'X');
	assert_int_equal(pwrite(fd, "Y", 1, 0), 1);
	assert_int_equal(w.addr[page], 'Y');
}

static void what_is_mapped_already_is_refused(void **state)
{
	(void)state;
	assert_int_equal(map(4, 4, 0, false), 0);
	assert_int_equal(map(4, 4, 8, false), -EEXIST);
	assert_int_equal(map(7, 1, 8, false), -EEXIST);
	assert_int_equal(map(3, 2, 8, false), -EEXIST);
	assert_int_equal(map(0, 16, 0, false), -EEXIST);
	shows("....abcd........");
	assert_int_equal(map(3, 1, 8, false), 0);
	assert_int_equal(map(8, 1, 8, false), 0);
	shows("...iabcdi.......");
}

static void what_is_not_inside_is_refused(void **state)
{
	(void)state;
	assert_int_equal(map(16, 1, 0, false), -EINVAL);
	assert_int_equal(map(15, 2, 0, false), -EINVAL);
	assert_int_equal(map(0, 17, 0, false), -EINVAL);
	assert_int_equal(map(0, 0, 0, false), -EINVAL);
	assert_int_equal(map(1, UINT64_MAX / page, 0, false), -EINVAL);
	assert_int_equal(map(UINT64_MAX / page, 1, 0, false), -EINVAL);
	assert_int_equal(map(UINT64_MAX / page, 2, 0, false), -EINVAL);
	assert_int_equal(map(0, 1, UINT64_MAX / page, false), -EINVAL);
	assert_int_equal(map(0, 2, (1ULL << 63) / page - 1, false), -EINVAL);
	assert_int_equal(unmap(16, 1), -EINVAL);
	assert_int_equal(unmap(15, 2), -EINVAL);
	assert_int_equal(unmap(0, 0), -EINVAL);
	assert_int_equal(unmap(UINT64_MAX / page, 2), -EINVAL);
	shows("................");
}

static void what_is_not_of_pages_is_refused(void **state)
{
	struct vfs_shm_file file = {.length = page, .fd = fd};

	(void)state;
	file.offset = 1;
	assert_int_equal(vfs_shm_window_map(&w, &file), -EINVAL);
	file = (struct vfs_shm_file){.length = page + 1, .fd = fd};
	assert_int_equal(vfs_shm_window_map(&w, &file), -EINVAL);
	file = (struct vfs_shm_file){.length = page, .fd = fd, .fd_offset = page / 2};
	assert_int_equal(vfs_shm_window_map(&w, &file), -EINVAL);
	assert_int_equal(vfs_shm_window_unmap(&w, 1, page), -EINVAL);
	assert_int_equal(vfs_shm_window_unmap(&w, 0, page - 1), -EINVAL);
	shows("................");
}

static void a_part_of_a_mapping_stays(void **state)
{
	(void)state;
	assert_int_equal(map(4, 4, 0, false), 0);
	assert_int_equal(unmap(4, 2), -EINVAL);
	assert_int_equal(unmap(6, 2), -EINVAL);
	assert_int_equal(unmap(5, 1), -EINVAL);
	assert_int_equal(unmap(0, 7), -EINVAL);
	shows("....abcd........");
}

/* A daemon may not know that a reset undid them. */
static void mappings_are_undone_together_and_none_too(void **state)
{
	(void)state;
	assert_int_equal(unmap(0, 16), 0);
	assert_int_equal(map(1, 2, 0, false), 0);
	assert_int_equal(map(5, 2, 0, false), 0);
	assert_int_equal(map(9, 2, 0, false), 0);
	assert_int_equal(unmap(0, 8), 0);
	shows(".........ab.....");
	assert_int_equal(unmap(0, 8), 0);
	vfs_shm_window_clear(&w);
	shows("................");
	assert_int_equal(map(0, 16, 0, false), 0);
	shows("abcdefghijklmnop");
}

static void not_any_descriptor_is_a_file(void **state)
{
	struct vfs_shm_file file = {.length = page, .fd = -1};
	int fds[2];

	(void)state;
	assert_int_equal(vfs_shm_window_map(&w, &file), -EINVAL);
	assert_int_equal(pipe(fds), 0);
	file.fd = fds[0];
	assert_int_equal(vfs_shm_window_map(&w, &file), -EINVAL);
	close(fds[0]);
	close(fds[1]);
	file.fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	assert_int_equal(vfs_shm_window_map(&w, &file), -EINVAL);
	close(file.fd);
	/* One that has no pages. */
	file.fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	assert_true(vfs_shm_window_map(&w, &file) < 0);
	close(file.fd);
	shows("................");
}

static void a_descriptor_for_reading_is_not_for_writing(void **state)
{
	struct vfs_shm_file file = {.length = page, .writable = true};

	(void)state;
	file.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(vfs_shm_window_map(&w, &file), -EACCES);
	shows("................");
	file.writable = false;
	assert_int_equal(vfs_shm_window_map(&w, &file), 0);
	assert_memory_equal(w.addr,
		"\x7f"
		"ELF",
		4);
	close(file.fd);
}

/* The kernel would map a whole huge page, and so replace what is behind the window. */
static void huge_pages_do_not_reach_beyond(void **state)
{
	struct vfs_shm_file file = {.length = page};
	unsigned char present;

	(void)state;
	file.fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	if (file.fd < 0)
		skip();
	assert_int_equal(vfs_shm_window_map(&w, &file), -EINVAL);
	close(file.fd);
	shows("................");
	assert_int_equal(mincore(w.addr, page, &present), 0);
}

static void a_child_does_not_get_it(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(map(0, 1, 0, true), 0);
	pid = fork();
	if (pid == 0)
		_exit(can_read(w.addr) || can_read(w.addr + page));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(can_read(w.addr));
}

static void nothing_is_left_when_it_is_gone(void **state)
{
	unsigned char *addr = w.addr;
	unsigned char present[PAGES];

	(void)state;
	assert_int_equal(map(0, 2, 0, false), 0);
	vfs_shm_window_destroy(&w);
	assert_null(w.addr);
	assert_int_equal(mincore(addr, PAGES * page, present), -1);
	assert_int_equal(errno, ENOMEM);
}

static void windows_that_cannot_be(void **state)
{
	struct vfs_shm_window none;

	(void)state;
	assert_int_equal(vfs_shm_window_create(&none, 0), -EINVAL);
	assert_int_equal(vfs_shm_window_create(&none, page + 1), -EINVAL);
	assert_int_equal(vfs_shm_window_create(&none, UINT64_MAX - page + 1), -ENOMEM);
	assert_null(none.addr);
	vfs_shm_window_destroy(&none);
	vfs_shm_window_clear(&none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_there_at_first),
		TEST(a_file_is_where_it_was_asked_for),
		TEST(a_write_needs_a_mapping_for_it),
		TEST(what_is_mapped_already_is_refused),
		TEST(what_is_not_inside_is_refused),
		TEST(what_is_not_of_pages_is_refused),
		TEST(a_part_of_a_mapping_stays),
		TEST(mappings_are_undone_together_and_none_too),
		TEST(not_any_descriptor_is_a_file),
		TEST(a_descriptor_for_reading_is_not_for_writing),
		TEST(huge_pages_do_not_reach_beyond),
		TEST(a_child_does_not_get_it),
		TEST(nothing_is_left_when_it_is_gone),
		TEST(windows_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
