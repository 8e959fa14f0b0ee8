/* SPDX-License-Identifier: MIT */
/* What a daemon may ask for over its own socket, well-behaved or not. The test is the daemon. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>
#include <vfs/log.h>

#include "transport/memory_probe.h"
#include "transport/vhost_user.h"
#include "transport/vhost_user_backend.h"

#define PAGES	 16
#define BOUND_MS 5000

#define VERSION	   VHOST_USER_FLAG_VERSION
#define NEED_REPLY (VHOST_USER_FLAG_VERSION | VHOST_USER_FLAG_NEED_REPLY)

static struct vfs_vhost_user_backend b;
static int peer;
static int file;
static uint64_t page;
static unsigned int open_before;

static char said[1024];

static void remember(enum vfs_log_level level, const char *message, void *ctx)
{
	(void)level;
	(void)ctx;
	snprintf(said, sizeof(said), "%s", message);
}

static unsigned int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int start(bool reply_ack)
{
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	said[0] = '\0';
	vfs_log_set(remember, VFS_LOG_WARNING, NULL);
	open_before = open_descriptors();
	memset(&b, 0, sizeof(b));
	assert_int_equal(
		vfs_vhost_user_backend_start(&b, PAGES * page, "sock", reply_ack, &peer), 0);
	file = memfd_create("file", MFD_CLOEXEC);
	assert_int_equal(ftruncate(file, (off_t)(PAGES * page)), 0);
	assert_int_equal(pwrite(file, "hello", 5, (off_t)page), 5);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return start(true);
}

static int setup_without_answers(void **state)
{
	(void)state;
	return start(false);
}

/* Whatever came before: nothing is left. */
static int teardown(void **state)
{
	uint8_t *addr = b.window.addr;

	(void)state;
	vfs_vhost_user_backend_stop(&b);
	assert_true(!addr || !can_read(addr));
	assert_null(b.window.addr);
	if (peer >= 0)
		close(peer);
	close(file);
	assert_int_equal(open_descriptors(), open_before);
	vfs_log_set(NULL, VFS_LOG_ERROR, NULL);
	return 0;
}

static void send_bytes(const void *bytes, size_t size, const int *fds, unsigned int num_fds)
{
	char control[CMSG_SPACE(32 * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg = (void *)control;

	if (num_fds) {
		*cmsg = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(num_fds * sizeof(int))};
		memcpy(CMSG_DATA(cmsg), fds, num_fds * sizeof(int));
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(peer, &msg, MSG_NOSIGNAL), size);
}

struct request {
	struct vfs_vhost_user_header header;
	uint8_t payload[8192];
};

static void send_request(uint32_t number, uint32_t flags, const void *payload, uint32_t size,
	const int *fds, unsigned int num_fds)
{
	struct request r = {.header = {.request = number, .flags = flags, .size = size}};

	if (payload)
		memcpy(r.payload, payload, size);
	send_bytes(&r, sizeof(r.header) + size, fds, num_fds);
}

static void wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, BOUND_MS), 1);
}

/* The value of the answer to a request. */
static uint64_t answer(uint32_t number)
{
	struct {
		struct vfs_vhost_user_header header;
		uint32_t value[2];
	} a = {0};

	wait_for(peer);
	assert_int_equal(recv(peer, &a, sizeof(a), MSG_WAITALL), sizeof(a));
	assert_int_equal(a.header.request, number);
	assert_int_equal(a.header.flags, VHOST_USER_FLAG_VERSION | VHOST_USER_FLAG_REPLY);
	assert_int_equal(a.header.size, 8);
	return a.value[0] | (uint64_t)a.value[1] << 32;
}

static struct vfs_vhost_user_mmap pages(uint64_t at, uint64_t count, uint64_t flags)
{
	return (struct vfs_vhost_user_mmap){
		.fd_offset = page, .shm_offset = at * page, .length = count * page, .flags = flags};
}

static uint64_t ask(uint32_t number, const struct vfs_vhost_user_mmap *m, unsigned int num_fds)
{
	int fds[32] = {0};
	unsigned int i;

	for (i = 0; i < num_fds; i++)
		fds[i] = file;
	send_request(number, NEED_REPLY, m, sizeof(*m), fds, num_fds);
	return answer(number);
}

static uint64_t map(const struct vfs_vhost_user_mmap *m)
{
	return ask(VHOST_USER_BACKEND_SHMEM_MAP, m, 1);
}

static uint64_t unmap(const struct vfs_vhost_user_mmap *m)
{
	return ask(VHOST_USER_BACKEND_SHMEM_UNMAP, m, 0);
}

/* The refusal is in the log when the device is looked at, and the channel goes on. */
static void refused(const char *why)
{
	const struct vfs_vhost_user_mmap last = pages(PAGES - 1, 1, 0);

	wait_for(b.event);
	assert_int_equal(vfs_vhost_user_backend_check(&b), 0);
	if (!strstr(said, why))
		fail_msg("'%s' does not say '%s'", said, why);
	assert_int_equal(map(&last), 0);
	assert_memory_equal(b.window.addr + last.shm_offset, "hello", 5);
	assert_int_equal(unmap(&last), 0);
}

static void failed(int error, const char *why)
{
	wait_for(b.event);
	assert_int_equal(vfs_vhost_user_backend_check(&b), error);
	if (!strstr(vfs_last_error(), why))
		fail_msg("'%s' does not say '%s'", vfs_last_error(), why);
	/* And for good. */
	assert_int_equal(vfs_vhost_user_backend_check(&b), error);
}

static void maps_and_unmaps(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(3, 2, 0);

	(void)state;
	assert_int_equal(map(&m), 0);
	assert_memory_equal(b.window.addr + 3 * page, "hello", 5);
	assert_true(can_read(b.window.addr + 4 * page));
	assert_false(can_read(b.window.addr + 5 * page));
	assert_false(can_write(b.window.addr + 3 * page));
	assert_int_equal(unmap(&m), 0);
	assert_false(can_read(b.window.addr + 3 * page));
	assert_int_equal(vfs_vhost_user_backend_check(&b), 0);
	assert_string_equal(said, "");
}

static void maps_for_writing(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(0, 1, VHOST_USER_MAP_WRITABLE);
	char bytes[5];

	(void)state;
	assert_int_equal(map(&m), 0);
	memcpy(b.window.addr, "HELLO", 5);
	assert_int_equal(pread(file, bytes, 5, (off_t)page), 5);
	assert_memory_equal(bytes, "HELLO", 5);
}

static void answers_only_where_it_is_asked_to(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(0, 1, 0), other = pages(1, 1, 0);

	(void)state;
	send_request(VHOST_USER_BACKEND_SHMEM_MAP, VERSION, &m, sizeof(m), &file, 1);
	/* The first answer is that of the second request. */
	assert_int_equal(map(&other), 0);
	assert_true(can_read(b.window.addr));
	/* The first is refused in silence. */
	send_request(VHOST_USER_BACKEND_SHMEM_MAP, VERSION, &m, sizeof(m), &file, 1);
	assert_int_equal(unmap(&other), 0);
	refused("mapped at 0x0");
}

static void does_not_answer_where_that_was_not_agreed_on(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(0, 1, 0);
	struct pollfd p = {.fd = peer, .events = POLLIN};
	unsigned int tries;

	(void)state;
	send_request(VHOST_USER_BACKEND_SHMEM_MAP, NEED_REPLY, &m, sizeof(m), &file, 1);
	for (tries = 0; tries < BOUND_MS && !can_read(b.window.addr); tries++)
		usleep(1000);
	assert_true(can_read(b.window.addr));
	/* What comes after it has been dealt with. */
	send_request(VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, NEED_REPLY, NULL, 0, NULL, 0);
	wait_for(b.event);
	assert_int_equal(poll(&p, 1, 0), 0);
}

static void overlaps_are_refused(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(4, 4, 0), over = pages(6, 4, 0);

	(void)state;
	assert_int_equal(map(&m), 0);
	assert_int_equal(map(&over), 1);
	refused("mapped at");
	assert_false(can_read(b.window.addr + 8 * page));
	assert_int_equal(unmap(&over), 1);
	refused("part of a mapping");
	assert_true(can_read(b.window.addr + 6 * page));
}

static void what_is_outside_is_refused(void **state)
{
	struct vfs_vhost_user_mmap m = pages(PAGES, 1, 0);

	(void)state;
	assert_int_equal(map(&m), 1);
	refused("inside the window");
	m = pages(0, PAGES + 1, 0);
	assert_int_equal(map(&m), 1);
	refused("inside the window");
	m = pages(1, 1, 0);
	m.length = UINT64_MAX - page + 1;
	assert_int_equal(map(&m), 1);
	refused("inside the window");
	assert_int_equal(unmap(&m), 1);
	refused("inside the window");
	m = pages(0, 1, 0);
	m.fd_offset = UINT64_MAX - page + 1;
	assert_int_equal(map(&m), 1);
	refused("offset");
	m = pages(0, 1, 0);
	m.id = 1;
	assert_int_equal(map(&m), 1);
	refused("no region 1");
	assert_int_equal(unmap(&m), 1);
	refused("no region 1");
}

static void what_is_misaligned_is_refused(void **state)
{
	struct vfs_vhost_user_mmap m = pages(0, 1, 0);

	(void)state;
	m.shm_offset = 512;
	assert_int_equal(map(&m), 1);
	refused("whole pages");
	m = pages(0, 1, 0);
	m.length = page + 1;
	assert_int_equal(map(&m), 1);
	refused("whole pages");
	m = pages(0, 1, 0);
	m.fd_offset = 7;
	assert_int_equal(map(&m), 1);
	refused("offset");
}

static void flags_that_are_not_known_are_refused(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(0, 1, 1ULL << 63 | VHOST_USER_MAP_WRITABLE);

	(void)state;
	assert_int_equal(map(&m), 1);
	refused("flags");
}

static void there_is_one_descriptor(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(0, 1, 0);

	(void)state;
	assert_int_equal(ask(VHOST_USER_BACKEND_SHMEM_MAP, &m, 0), 1);
	refused("0 descriptors");
	assert_int_equal(ask(VHOST_USER_BACKEND_SHMEM_MAP, &m, 2), 1);
	refused("2 descriptors");
	/* More than are taken at all. */
	assert_int_equal(ask(VHOST_USER_BACKEND_SHMEM_MAP, &m, 32), 1);
	refused("descriptors");
	assert_int_equal(ask(VHOST_USER_BACKEND_SHMEM_UNMAP, &m, 1), 1);
	refused("1 descriptors");
	assert_int_equal(open_descriptors(), open_before + 4);
}

static void lengths_are_checked(void **state)
{
	const uint8_t bytes[4096] = {0};
	const uint32_t lengths[] = {0, 8, 39, 41, 4096};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		send_request(VHOST_USER_BACKEND_SHMEM_MAP, NEED_REPLY, bytes, lengths[i], &file, 1);
		assert_int_equal(answer(VHOST_USER_BACKEND_SHMEM_MAP), 1);
		refused("bytes");
	}
}

static void other_requests_are_refused(void **state)
{
	const uint8_t bytes[64] = {0};
	const uint32_t numbers[] = {0, VHOST_USER_BACKEND_IOTLB_MSG,
		VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG, 6, 7, 8, 11, 12, UINT32_MAX};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		send_request(numbers[i], NEED_REPLY, bytes, sizeof(bytes), &file, 1);
		assert_int_equal(answer(numbers[i]), 1);
		refused("not known");
	}
	assert_int_equal(open_descriptors(), open_before + 4);
}

static void a_new_configuration_is_an_event(void **state)
{
	(void)state;
	send_request(VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, NEED_REPLY, NULL, 0, NULL, 0);
	assert_int_equal(answer(VHOST_USER_BACKEND_CONFIG_CHANGE_MSG), 0);
	wait_for(b.event);
	assert_int_equal(vfs_vhost_user_backend_check(&b), 0);
	assert_string_equal(said, "");
}

/* Pages that somebody may be reading stay. */
static void a_peer_that_leaves_is_a_failure(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(0, 1, 0);

	(void)state;
	assert_int_equal(map(&m), 0);
	close(peer);
	peer = -1;
	failed(-ENODEV, "gone");
	assert_memory_equal(b.window.addr, "hello", 5);
}

static void a_peer_that_leaves_in_the_middle(void **state)
{
	const uint8_t half[20] = {VHOST_USER_BACKEND_SHMEM_MAP, 0, 0, 0, NEED_REPLY, 0, 0, 0, 40};

	(void)state;
	send_bytes(half, sizeof(half), &file, 1);
	close(peer);
	peer = -1;
	failed(-ENODEV, "gone");
}

static void a_peer_that_does_not_wait_for_its_answer(void **state)
{
	const struct vfs_vhost_user_mmap m = pages(0, 1, 0);

	(void)state;
	send_request(VHOST_USER_BACKEND_SHMEM_MAP, NEED_REPLY, &m, sizeof(m), &file, 1);
	close(peer);
	peer = -1;
	failed(-ENODEV, "gone");
}

static void garbage_is_a_failure(void **state)
{
	const struct vfs_vhost_user_header headers[] = {
		{.request = 9, .flags = 0, .size = 0},
		{.request = 9, .flags = 2, .size = 0},
		{.request = 9, .flags = NEED_REPLY | VHOST_USER_FLAG_REPLY, .size = 8},
		{.request = 9, .flags = UINT32_MAX, .size = 0},
		{.request = 9, .flags = NEED_REPLY, .size = 4097},
		{.request = 9, .flags = NEED_REPLY, .size = UINT32_MAX},
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		char byte;

		send_bytes(&headers[i], sizeof(headers[i]), &file, 1);
		failed(-EPROTO, "no request");
		/* It is told that it need not wait. */
		assert_int_equal(recv(peer, &byte, 1, 0), 0);
		teardown(NULL);
		setup(NULL);
	}
}

static void it_can_be_stopped_in_the_middle_of_a_message(void **state)
{
	(void)state;
	send_bytes("\x09\0\0", 3, NULL, 0);
}

/* It never reads an answer; stopping does not wait for it. */
static void a_peer_that_does_not_read(void **state)
{
	struct request r = {.header = {.request = 77, .flags = NEED_REPLY, .size = 0}};
	struct pollfd p = {.fd = peer, .events = POLLOUT};

	(void)state;
	/* Until nothing has been taken for a while. */
	while (poll(&p, 1, 200) > 0)
		(void)send(peer, &r, sizeof(r.header), MSG_DONTWAIT | MSG_NOSIGNAL);
	wait_for(b.event);
	assert_int_equal(vfs_vhost_user_backend_check(&b), 0);
	assert_non_null(strstr(said, "request 77"));
}

static void one_that_was_not_started_is_stopped(void **state)
{
	struct vfs_vhost_user_backend none = {.reply_ack = false};

	(void)state;
	assert_int_equal(vfs_vhost_user_backend_check(&none), 0);
	vfs_vhost_user_backend_stop(&none);
}

static void a_window_that_cannot_be_is_refused(void **state)
{
	struct vfs_vhost_user_backend none = {.reply_ack = false};
	int fd = -1;

	(void)state;
	assert_int_equal(vfs_vhost_user_backend_start(&none, page + 1, "sock", true, &fd), -EINVAL);
	assert_int_equal(fd, -1);
	vfs_vhost_user_backend_stop(&none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(maps_and_unmaps),
		TEST(maps_for_writing),
		TEST(answers_only_where_it_is_asked_to),
		cmocka_unit_test_setup_teardown(does_not_answer_where_that_was_not_agreed_on,
			setup_without_answers, teardown),
		TEST(overlaps_are_refused),
		TEST(what_is_outside_is_refused),
		TEST(what_is_misaligned_is_refused),
		TEST(flags_that_are_not_known_are_refused),
		TEST(there_is_one_descriptor),
		TEST(lengths_are_checked),
		TEST(other_requests_are_refused),
		TEST(a_new_configuration_is_an_event),
		TEST(a_peer_that_leaves_is_a_failure),
		TEST(a_peer_that_leaves_in_the_middle),
		TEST(a_peer_that_does_not_wait_for_its_answer),
		TEST(garbage_is_a_failure),
		TEST(it_can_be_stopped_in_the_middle_of_a_message),
		TEST(a_peer_that_does_not_read),
		TEST(one_that_was_not_started_is_stopped),
		TEST(a_window_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
