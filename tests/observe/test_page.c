/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "observe/page.h"

static struct vfs_page page;

static int set_up(void **state)
{
	(void)state;
	return vfs_page_create(&page, "some device", 10000);
}

static int tear_down(void **state)
{
	(void)state;
	vfs_page_destroy(&page);
	return 0;
}

/* As somebody else opens it. */
static int open_again(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

static void it_is_found_by_its_name(void **state)
{
	char path[64];
	char target[128] = "";

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", page.fd);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/memfd:libvirtiofs-page some device (deleted)");
}

static void nobody_else_can_write_to_it_or_cut_it(void **state)
{
	int fd = open_again(page.fd, O_RDWR);
	char byte = 0;

	(void)state;
	assert_true(fd >= 0);
	if (!(fcntl(fd, F_GET_SEALS) & 0x10)) {
		close(fd);
		print_message("this kernel has no F_SEAL_FUTURE_WRITE\n");
		skip();
	}
	assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
	assert_ptr_equal(mmap(NULL, page.size, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
	/* The session goes on. */
	vfs_page_text(&page, "written");
}

static void the_wish_can_be_written_and_not_cut(void **state)
{
	int fd = open_again(page.wish_fd, O_RDWR);
	uint64_t until = 17;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &until, sizeof(until), 0), sizeof(until));
	assert_int_equal(page.wish->until_ns, 17);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
}

static void a_reader_sees_what_is_written(void **state)
{
	struct vfs_observe_page copy;
	int fd = open_again(page.fd, O_RDONLY);

	(void)state;
	page.head->max_write = 123;
	assert_int_equal(pread(fd, &copy, sizeof(copy), 0), sizeof(copy));
	close(fd);
	assert_memory_equal(copy.magic, VFS_OBSERVE_MAGIC, sizeof(copy.magic));
	assert_int_equal(copy.version, VFS_OBSERVE_VERSION);
	assert_int_equal(copy.size, page.size);
	assert_int_equal(copy.pid, getpid());
	assert_int_equal(copy.max_write, 123);
}

static void room_is_given_once_and_not_beyond_the_end(void **state)
{
	uint8_t *first = vfs_page_alloc(&page, 3, 100);
	uint8_t *second = vfs_page_alloc(&page, 1, 1);

	(void)state;
	assert_true(second >= first + 300);
	assert_int_equal(vfs_page_offset(&page, second) % 64, 0);
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(first[i], 0);
	assert_null(vfs_page_alloc(&page, 1, 20000));
	assert_non_null(vfs_page_alloc(&page, 1, 9000));
	assert_null(vfs_page_alloc(&page, 1, 9000));
}

static void the_last_texts_are_kept(void **state)
{
	const struct vfs_observe_array *texts = &page.head->texts;
	const struct vfs_observe_text *first = (const void *)((const uint8_t *)page.head +
							      texts->offset);
	char text[400];

	(void)state;
	for (unsigned int i = 1; i <= texts->count + 1; i++) {
		snprintf(text, sizeof(text), "number %u", i);
		vfs_page_text(&page, text);
	}
	assert_int_equal(page.head->num_texts, texts->count + 1);
	assert_int_equal(first[0].number, texts->count + 1);
	assert_int_equal(first[1].number, 2);
	assert_string_equal(first[1].text, "number 2");
	assert_in_range(first[0].at_ns, page.head->created_ns, vfs_now_ns());
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	vfs_page_text(&page, text);
	assert_int_equal(strlen(first[1].text), sizeof(first[1].text) - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_found_by_its_name),
		TEST(nobody_else_can_write_to_it_or_cut_it),
		TEST(the_wish_can_be_written_and_not_cut),
		TEST(a_reader_sees_what_is_written),
		TEST(room_is_given_once_and_not_beyond_the_end),
		TEST(the_last_texts_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
