/* SPDX-License-Identifier: MIT */
/* The device's side of the notification queue, under a driver that is nothing but a ring. */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/fuse.h>
#include <linux/virtio_ring.h>

#include "device/device.h"

#define ENTRIES	   8u
#define BUS	   0x100000u
#define AVAIL	   0x1000u
#define USED	   0x2000u
#define BUFFERS	   0x4000u
#define GUARD	   0x5a
#define MEMORY	   (BUFFERS + 2 * ENTRIES * 2 * NOTIFY_BUFFER)
#define PATIENCE   10000
#define WITH_QUEUE ((1ULL << VIRTIO_F_VERSION_1) | (1ULL << DEVICE_F_NOTIFICATION))

struct fixture {
	struct engine engine;
	struct device *device;
	struct queue *queue;
	char *memory;
	int kick;
	int call;
	uint16_t used;	       /* entries that were looked at */
	unsigned int requests; /* that came to the engine */
	bool failed;	       /* the device wants to be reset */
};

static void no_end(struct engine *engine)
{
	(void)engine;
}

static void count_request(struct engine *engine, struct request *request)
{
	((struct fixture *)engine)->requests++;
	request_done(request);
}

static void remember_failure(void *opaque)
{
	((struct fixture *)opaque)->failed = true;
}

static void start(struct fixture *x, uint64_t features)
{
	assert_int_equal(device_negotiate(x->device, features), 0);
	x->queue->ring.size = ENTRIES;
	x->queue->ring.space = SPACE_BUS;
	x->queue->ring.desc = BUS;
	x->queue->ring.avail = BUS + AVAIL;
	x->queue->ring.used = BUS + USED;
	x->queue->enabled = true;
	queue_set_kick(x->queue, dup(x->kick));
	queue_set_call(x->queue, dup(x->call));
	assert_int_equal(device_start_queue(x->device, x->queue), 0);
}

static int set_up(void **state)
{
	static const struct device_options options = {
		.tag = "tag", .num_request_queues = 1, .notify = true};
	static const struct memory_region region = {
		.bus = BUS, .size = MEMORY, .access = ACCESS_READ | ACCESS_WRITE};
	static struct fixture x;
	int fd = memfd_create("test", MFD_CLOEXEC);

	memset(&x, 0, sizeof(x));
	x.engine = (struct engine){.end = no_end, .handle = count_request};
	x.device = device_create(&options, &x.engine, NULL);
	x.kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	x.call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!x.device || fd < 0 || ftruncate(fd, MEMORY) < 0 ||
		memory_add(x.device->memory, &region, fd) < 0)
		return -1;
	x.memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (x.memory == MAP_FAILED)
		return -1;
	memset(x.memory + BUFFERS, GUARD, MEMORY - BUFFERS);
	x.queue = &x.device->queues[NOTIFICATION_QUEUE];
	device_on_change(x.device, remember_failure, &x);
	*state = &x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	device_on_change(x->device, NULL, NULL);
	device_abandon(x->device);
	device_destroy(x->device);
	munmap(x->memory, MEMORY);
	close(x->kick);
	close(x->call);
	return 0;
}

/* Each buffer has room of its own, and as much behind it that is nobody's. */
static char *buffer(struct fixture *x, unsigned int i)
{
	return x->memory + BUFFERS + (size_t)i * 2 * NOTIFY_BUFFER;
}

static void describe(struct fixture *x, unsigned int i, uint64_t offset, uint32_t size,
	unsigned int flags, unsigned int next)
{
	struct vring_desc *desc = (struct vring_desc *)x->memory + i;

	*desc = (struct vring_desc){.addr = htole64(BUS + BUFFERS + offset),
		.len = htole32(size),
		.flags = htole16((uint16_t)flags),
		.next = htole16((uint16_t)next)};
}

static void publish(struct fixture *x, unsigned int head)
{
	struct vring_avail *avail = (struct vring_avail *)(x->memory + AVAIL);
	uint16_t index = le16toh(avail->idx);
	uint64_t one = 1;

	avail->ring[index % ENTRIES] = htole16((uint16_t)head);
	__atomic_store_n(&avail->idx, htole16((uint16_t)(index + 1)), __ATOMIC_RELEASE);
	assert_int_equal(write(x->kick, &one, sizeof(one)), sizeof(one));
}

static void give_buffer(struct fixture *x, unsigned int i, uint32_t size)
{
	describe(x, i, (uint64_t)i * 2 * NOTIFY_BUFFER, size, VRING_DESC_F_WRITE, 0);
	publish(x, i);
}

/* The next one that was used, and what of it; calls are only waited for. */
static const char *next_used(struct fixture *x, uint32_t *length)
{
	struct vring_used *used = (struct vring_used *)(x->memory + USED);
	struct pollfd call = {.fd = x->call, .events = POLLIN};
	struct vring_used_elem element;
	uint64_t count;

	while (le16toh(__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE)) == x->used) {
		assert_int_equal(poll(&call, 1, PATIENCE), 1);
		assert_int_equal(read(x->call, &count, sizeof(count)), sizeof(count));
	}
	element = used->ring[x->used++ % ENTRIES];
	*length = le32toh(element.len);
	return buffer(x, le32toh(element.id));
}

/* Nothing comes that has not come yet. */
static void assert_quiet(struct fixture *x)
{
	struct vring_used *used = (struct vring_used *)(x->memory + USED);

	usleep(20000);
	assert_int_equal(le16toh(__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE)), x->used);
}

static void assert_notification(
	const char *bytes, uint32_t length, uint32_t code, const void *body, size_t size)
{
	struct fuse_out_header header;
	size_t i;

	memcpy(&header, bytes, sizeof(header));
	assert_int_equal(length, sizeof(header) + size);
	assert_int_equal(header.len, length);
	assert_int_equal(header.error, code);
	assert_int_equal(header.unique, 0);
	assert_memory_equal(bytes + sizeof(header), body, size);
	for (i = length; i < 2 * NOTIFY_BUFFER; i++)
		assert_int_equal((unsigned char)bytes[i], GUARD);
}

/* It is sent and comes in the buffer that was given. */
static void expect(
	struct fixture *x, const char *line, uint32_t code, const void *body, size_t size)
{
	static unsigned int i;
	const char *bytes;
	uint32_t length;

	i = (i + 1) % ENTRIES;
	memset(buffer(x, i), GUARD, 2 * NOTIFY_BUFFER);
	give_buffer(x, i, NOTIFY_BUFFER);
	assert_int_equal(device_notify(x->device, line), 0);
	bytes = next_used(x, &length);
	assert_ptr_equal(bytes, buffer(x, i));
	assert_notification(bytes, length, code, body, size);
}

static void each_kind_comes_as_linux_has_it(void **state)
{
	struct fixture *x = *state;
	const struct fuse_notify_inval_inode_out inode = {.ino = 5, .off = 4096, .len = -1};
	const struct fuse_notify_store_out store = {.nodeid = 5, .offset = 3, .size = 4};
	const struct fuse_notify_retrieve_out retrieve = {
		.notify_unique = 9, .nodeid = 5, .offset = 3, .size = 100};
	const struct fuse_notify_poll_wakeup_out wakeup = {.kh = 77};
	struct __attribute__((packed)) {
		struct fuse_notify_inval_entry_out out;
		char name[4];
	} entry = {{.parent = 1, .namelen = 3, .flags = 1}, "abc"};
	struct __attribute__((packed)) {
		struct fuse_notify_delete_out out;
		char name[4];
	} gone = {{.parent = 1, .child = 5, .namelen = 3}, "abc"};
	struct __attribute__((packed)) {
		struct fuse_notify_store_out out;
		char data[4];
	} stored = {store, {'d', 'a', 't', 'a'}};

	start(x, WITH_QUEUE);
	expect(x, "inval-inode node=5 offset=4096 length=-1", FUSE_NOTIFY_INVAL_INODE, &inode,
		sizeof(inode));
	expect(x, "inval-entry node=1 name=abc flags=1", FUSE_NOTIFY_INVAL_ENTRY, &entry,
		sizeof(entry));
	expect(x, "delete node=1 child=5 name=abc", FUSE_NOTIFY_DELETE, &gone, sizeof(gone));
	expect(x, "store node=5 offset=3 data=data", FUSE_NOTIFY_STORE, &stored, sizeof(stored));
	expect(x, "retrieve node=5 offset=3 length=100 unique=9", FUSE_NOTIFY_RETRIEVE, &retrieve,
		sizeof(retrieve));
	expect(x, "poll handle=77", FUSE_NOTIFY_POLL, &wakeup, sizeof(wakeup));
	expect(x, "resend", NOTIFY_RESEND, NULL, 0);
	expect(x, "inc-epoch", NOTIFY_INC_EPOCH, NULL, 0);
	expect(x, "raw code=123 data=xyz", 123, "xyz", 3);
}

static void a_line_that_makes_no_sense_is_refused(void **state)
{
	static const char *const lines[] = {"", "nonsense", "poll 5",
		"poll handle=", "poll handle=x", "poll handle=5x", "poll whatever=5"};
	struct fixture *x = *state;
	size_t i;

	start(x, WITH_QUEUE);
	give_buffer(x, 0, NOTIFY_BUFFER);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(device_notify(x->device, lines[i]), -EINVAL);
	assert_quiet(x);
}

static void poll_of(char *line, size_t size, unsigned int handle)
{
	snprintf(line, size, "poll handle=%u", handle);
}

static uint64_t handle_in(const char *bytes)
{
	struct fuse_notify_poll_wakeup_out out;

	memcpy(&out, bytes + sizeof(struct fuse_out_header), sizeof(out));
	return out.kh;
}

static void without_buffers_they_wait_in_order_and_not_without_end(void **state)
{
	struct fixture *x = *state;
	unsigned int i;
	uint32_t length;
	char line[40];

	start(x, WITH_QUEUE);
	for (i = 0; i < NOTIFY_PENDING; i++) {
		poll_of(line, sizeof(line), i);
		assert_int_equal(device_notify(x->device, line), 0);
	}
	assert_int_equal(device_notify(x->device, "poll handle=1"), -ENOSPC);
	assert_quiet(x);
	for (i = 0; i < NOTIFY_PENDING; i++) {
		/* More than one at times, and never one that is still the device's. */
		if (i % 4 == 0) {
			give_buffer(x, 0, NOTIFY_BUFFER);
			give_buffer(x, 1, NOTIFY_BUFFER);
			give_buffer(x, 2, NOTIFY_BUFFER);
			give_buffer(x, 3, NOTIFY_BUFFER);
		}
		assert_int_equal(handle_in(next_used(x, &length)), i);
	}
	assert_quiet(x);
	assert_int_equal(device_notify(x->device, "poll handle=1"), 0);
	give_buffer(x, 0, NOTIFY_BUFFER);
	assert_int_equal(handle_in(next_used(x, &length)), 1);
}

static void a_buffer_in_pieces_is_filled_from_its_start(void **state)
{
	struct fixture *x = *state;
	const char *second = buffer(x, 3);
	uint32_t length;
	const char *first;

	start(x, WITH_QUEUE);
	describe(x, 2, 2ULL * 2 * NOTIFY_BUFFER, 10, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 3);
	describe(x, 3, 3ULL * 2 * NOTIFY_BUFFER, NOTIFY_BUFFER, VRING_DESC_F_WRITE, 0);
	publish(x, 2);
	assert_int_equal(device_notify(x->device, "raw code=9 data=text"), 0);
	first = next_used(x, &length);
	assert_int_equal(length, sizeof(struct fuse_out_header) + 4);
	assert_ptr_equal(first, buffer(x, 2));
	assert_int_equal((unsigned char)first[10], GUARD);
	assert_memory_equal(second + sizeof(struct fuse_out_header) - 10, "text", 4);
	assert_int_equal((unsigned char)second[sizeof(struct fuse_out_header) - 10 + 4], GUARD);
}

static void wait_for_failure(struct fixture *x)
{
	int i;

	for (i = 0; i < PATIENCE && !(device_status(x->device) & VIRTIO_CONFIG_S_NEEDS_RESET); i++)
		usleep(1000);
	assert_true(device_status(x->device) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_true(x->failed);
}

static void a_buffer_that_is_too_small_is_not_written(void **state)
{
	struct fixture *x = *state;
	unsigned int i;

	start(x, WITH_QUEUE);
	give_buffer(x, 0, NOTIFY_BUFFER - 1);
	assert_int_equal(device_notify(x->device, "poll handle=1"), 0);
	wait_for_failure(x);
	for (i = 0; i < 2 * NOTIFY_BUFFER; i++)
		assert_int_equal((unsigned char)buffer(x, 0)[i], GUARD);
	assert_quiet(x);
}

static void a_buffer_to_be_read_is_not_written(void **state)
{
	struct fixture *x = *state;

	start(x, WITH_QUEUE);
	describe(x, 0, 0, NOTIFY_BUFFER, 0, 0);
	publish(x, 0);
	assert_int_equal(device_notify(x->device, "poll handle=1"), 0);
	wait_for_failure(x);
	assert_int_equal((unsigned char)buffer(x, 0)[0], GUARD);
}

static void what_no_buffer_holds_is_refused(void **state)
{
	struct fixture *x = *state;
	char body[NOTIFY_BUFFER] = {0};
	size_t most = NOTIFY_BUFFER - sizeof(struct fuse_out_header);
	uint32_t length;

	start(x, WITH_QUEUE);
	give_buffer(x, 0, NOTIFY_BUFFER);
	assert_int_equal(notifier_send(x->device->notifier, 1, body, most + 1), -EMSGSIZE);
	assert_int_equal(notifier_send(x->device->notifier, 1, body, most), 0);
	assert_notification(next_used(x, &length), NOTIFY_BUFFER, 1, body, most);
}

static void a_driver_that_does_not_know_has_a_request_queue_there(void **state)
{
	struct fixture *x = *state;
	struct fuse_in_header header = {.len = sizeof(header), .opcode = FUSE_STATFS};
	uint32_t length;

	start(x, 1ULL << VIRTIO_F_VERSION_1);
	assert_int_equal(device_notify(x->device, "poll handle=1"), -ENXIO);
	memcpy(buffer(x, 0), &header, sizeof(header));
	describe(x, 0, 0, sizeof(header), 0, 0);
	publish(x, 0);
	next_used(x, &length);
	assert_int_equal(x->requests, 1);
}

static void a_reset_drops_what_was_kept(void **state)
{
	struct fixture *x = *state;

	start(x, WITH_QUEUE);
	assert_int_equal(device_notify(x->device, "poll handle=1"), 0);
	device_reset(x->device);
	assert_int_equal(device_notify(x->device, "poll handle=1"), -ENXIO);
	memset(x->memory, 0, BUFFERS);
	start(x, WITH_QUEUE);
	give_buffer(x, 0, NOTIFY_BUFFER);
	assert_quiet(x);
}

static void the_answer_to_retrieve_is_kept(void **state)
{
	struct fixture *x = *state;
	struct __attribute__((packed)) {
		struct fuse_in_header header;
		struct fuse_notify_retrieve_in in;
		char data[4];
	} message = {
		{.len = sizeof(message), .opcode = FUSE_NOTIFY_REPLY, .unique = 9, .nodeid = 5},
		{.offset = 3, .size = 4}, {'d', 'a', 't', 'a'}};
	char text[128];

	notifier_answered(x->device->notifier, &message, sizeof(message) - 1);
	notifier_last_answer(x->device->notifier, text, sizeof(text));
	assert_string_equal(text, "");
	notifier_answered(x->device->notifier, &message, sizeof(message));
	notifier_last_answer(x->device->notifier, text, sizeof(text));
	assert_string_equal(text, "unique=9 node=5 offset=3 length=4 data=data");
}

static void the_configuration_says_how_large_buffers_are(void **state)
{
	struct fixture *x = *state;
	uint32_t size;

	device_read_config(x->device, 40, &size, sizeof(size));
	assert_int_equal(le32toh(size), NOTIFY_BUFFER);
	assert_int_equal(x->device->num_queues, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_kind_comes_as_linux_has_it),
		TEST(a_line_that_makes_no_sense_is_refused),
		TEST(without_buffers_they_wait_in_order_and_not_without_end),
		TEST(a_buffer_in_pieces_is_filled_from_its_start),
		TEST(a_buffer_that_is_too_small_is_not_written),
		TEST(a_buffer_to_be_read_is_not_written),
		TEST(what_no_buffer_holds_is_refused),
		TEST(a_driver_that_does_not_know_has_a_request_queue_there),
		TEST(a_reset_drops_what_was_kept),
		TEST(the_answer_to_retrieve_is_kept),
		TEST(the_configuration_says_how_large_buffers_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
