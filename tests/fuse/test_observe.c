/* SPDX-License-Identifier: MIT */
/* What a session shows of itself, as a reader sees it who knows vfs/observe.h alone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/observe.h>

#include "core/core.h"
#include "fuse/fixture.h"

#define QUEUE 1u /* the first request queue */
#define NS    1000000000ull

static uint8_t *copy;

static const struct vfs_observe_page *look(void)
{
	size_t size = session->page.size;

	/* Always at the same place, so that what was found in it may be looked at again. */
	if (!copy)
		copy = malloc(size);
	assert_non_null(copy);
	assert_int_equal(pread(session->page.fd, copy, size, 0), size);
	return (const void *)copy;
}

static uint64_t number(const struct vfs_observe_array *array, uint32_t index,
	const struct vfs_observe_field *field)
{
	const uint8_t *where = copy + array->offset + (size_t)index * array->stride + field->offset;
	uint64_t value = 0;

	assert_true(index < array->count);
	assert_true(field->size && field->size <= sizeof(value));
	memcpy(&value, where, field->size);
	return value;
}

static uint64_t queue_field(enum vfs_observe_queue_field field)
{
	const struct vfs_observe_page *page = look();

	return number(&page->queues, QUEUE, &page->queue_fields[field]);
}

static const struct vfs_observe_queue *queue_info(void)
{
	const struct vfs_observe_page *page = look();

	return (const void *)(copy + page->queue_info.offset + QUEUE * page->queue_info.stride);
}

static uint64_t request_field(uint32_t index, enum vfs_observe_request_field field)
{
	const struct vfs_observe_queue *info = queue_info();

	return number(&info->requests, index,
		&((const struct vfs_observe_page *)(void *)copy)->request_fields[field]);
}

static const struct vfs_observe_counts *counts(void)
{
	const struct vfs_observe_queue *info = queue_info();

	return (const void *)(copy + info->counts);
}

static const struct vfs_observe_event *event(unsigned int index)
{
	const struct vfs_observe_queue *info = queue_info();
	const struct vfs_observe_event *first = (const void *)(copy + info->events.offset);

	return first + index;
}

static void answer_all(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		submit(message_statfs(queue, 1 + i));
		take(&taken);
		answer_statfs(&taken);
		expect(1 + i);
	}
}

static void a_session_says_what_it_is(void **state)
{
	const struct vfs_observe_page *page;

	(void)state;
	connect_with(4, 0);
	page = look();
	assert_int_equal(page->state, VFS_OBSERVE_CONNECTED);
	assert_string_equal(page->device, d.device.info.name);
	assert_string_equal(page->tag, d.device.info.tag);
	assert_int_equal(page->virtio_features, vfs_session_features(session));
	assert_int_equal(page->minor, session->init.minor);
	assert_int_equal(page->arena_size, session->arena.memory.size);
	assert_int_equal(page->queue_info.count, session->num_rings);
	assert_int_equal(queue_info()->kind, VFS_OBSERVE_REQUESTS);
	assert_int_equal(queue_info()->size, 64);
	assert_int_equal(queue_info()->requests.count, 5);
}

static void a_request_is_seen_where_it_is(void **state)
{
	const struct vfs_observe_queue *info;
	uint64_t before = vfs_observe_ticks();
	struct fuse_in_header header;
	uint32_t slot;

	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 42));
	take(&taken);
	for (slot = 0; request_field(slot, VFS_OBSERVE_STATE) != VFS_OBSERVE_IS_SUBMITTED; slot++)
		;
	assert_int_equal(request_field(slot, VFS_OBSERVE_OPCODE), FUSE_STATFS);
	assert_int_equal(request_field(slot, VFS_OBSERVE_UNIQUE), taken.header.unique);
	assert_int_equal(request_field(slot, VFS_OBSERVE_LENT), 1);
	assert_int_equal(request_field(slot, VFS_OBSERVE_SENT), sizeof(header));
	assert_in_range(request_field(slot, VFS_OBSERVE_SINCE), before, vfs_observe_ticks());
	info = queue_info();
	memcpy(&header,
		session->arena.memory.base + info->messages.offset +
			(size_t)slot * info->messages.stride + info->message_head,
		sizeof(header));
	assert_int_equal(header.nodeid, 42);
	answer_statfs(&taken);
	expect(42);
	assert_int_equal(request_field(slot, VFS_OBSERVE_STATE), VFS_OBSERVE_IS_FREE);
	assert_int_equal(request_field(slot, VFS_OBSERVE_LENT), 0);
}

static void a_ring_is_seen_where_it_is(void **state)
{
	const struct vring_avail *avail;
	const struct vfs_observe_page *page;
	const struct vfs_observe_queue *info;
	uint64_t token;

	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	info = queue_info();
	avail = (const void *)(session->arena.memory.base + info->avail);
	assert_int_equal(queue_field(VFS_OBSERVE_PUBLISHED), le16toh(avail->idx));
	assert_int_equal(queue_field(VFS_OBSERVE_USED), 1);
	assert_int_equal(queue_field(VFS_OBSERVE_FREE), 63);
	assert_int_equal(queue_field(VFS_OBSERVE_SUBMITTED), 2);
	assert_int_equal(queue_field(VFS_OBSERVE_COMPLETED), 1);
	info = queue_info();
	page = look();
	token = number(
		&info->heads, le16toh(avail->ring[1]), &page->head_fields[VFS_OBSERVE_TOKEN]);
	assert_int_equal((token - info->token) % info->requests.stride, 0);
	assert_true((token - info->token) / info->requests.stride < info->requests.count);
	take(&taken);
	answer_statfs(&taken);
	expect(1);
	assert_int_equal(queue_field(VFS_OBSERVE_USED), 2);
	assert_int_equal(queue_field(VFS_OBSERVE_FREE), 64);
}

static void requests_are_counted_by_opcode(void **state)
{
	struct vfs_session_stats stats;
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	answer_all(3);
	submit(message_read(queue, 5000));
	take(&taken);
	fuse_device_answer(&d, &taken, -EIO, NULL, 0);
	request = reap_one(queue);
	vfs_request_put(request);
	assert_int_equal(counts()->completed[FUSE_STATFS], 3);
	assert_int_equal(counts()->failed[FUSE_STATFS], 0);
	assert_int_equal(counts()->received[FUSE_STATFS],
		3 * (sizeof(struct fuse_out_header) + sizeof(statfs_out)));
	assert_int_equal(counts()->completed[FUSE_READ], 1);
	assert_int_equal(counts()->failed[FUSE_READ], 1);
	vfs_session_stats(session, &stats);
	assert_int_equal(stats.opcodes[FUSE_STATFS].completed, 3);
	assert_int_equal(stats.opcodes[FUSE_READ].failed, 1);
	/* And INIT. */
	assert_int_equal(stats.submitted, 5);
	assert_int_equal(stats.completed, 5);
	assert_true(stats.notified >= 1 && stats.notified <= stats.published);
}

static void write_and_answer(struct vfs_request *request)
{
	struct fuse_write_out out = {.size = 5000};

	submit(request);
	take(&taken);
	fuse_device_answer(&d, &taken, 0, &out, sizeof(out));
	vfs_request_put(reap_one(queue));
}

static void data_is_counted_wherever_it_is(void **state)
{
	char data[5000] = "";
	struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
	struct fuse_write_in in = {.size = sizeof(data)};
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	write_and_answer(message_write(queue, 5000));
	assert_int_equal(counts()->sent[FUSE_WRITE], 5000);
	request = message_raw(queue, FUSE_WRITE, &in, sizeof(in));
	assert_int_equal(vfs_request_set_data(request, &iov, 1), 0);
	assert_int_equal(vfs_request_prepare(request, VFS_REQUEST_HEAD), 0);
	write_and_answer(request);
	assert_int_equal(counts()->sent[FUSE_WRITE], 2 * 5000);
}

static void what_finds_no_room_is_parked(void **state)
{
	(void)state;
	d.stub.offered &= ~FEATURE_INDIRECT;
	connect_with(64, 0);
	for (unsigned int i = 0; i < 64; i++)
		submit(message_statfs(queue, 1 + i));
	assert_int_equal(queue_field(VFS_OBSERVE_PARKED), 32);
	assert_int_equal(queue_field(VFS_OBSERVE_SUBMITTED), 65);
	for (unsigned int i = 0; i < 64; i++) {
		take(&taken);
		answer_statfs(&taken);
		expect(1 + i);
	}
}

static void what_the_device_keeps_is_in_quarantine(void **state)
{
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	request = message_statfs(queue, 1);
	vfs_request_set_timeout(request, 1);
	submit(request);
	take(&taken);
	assert_int_equal(vfs_queue_wait(queue, 10000), 0);
	request = reap_one(queue);
	vfs_request_put(request);
	assert_int_equal(queue_field(VFS_OBSERVE_QUARANTINED), 1);
	assert_int_equal(queue_field(VFS_OBSERVE_TIMED_OUT), 1);
	assert_true(queue_field(VFS_OBSERVE_LOOKS) + queue_field(VFS_OBSERVE_SLEEPS) > 0);
	assert_int_equal(counts()->failed[FUSE_STATFS], 1);
	answer_statfs(&taken);
	reap_none(queue);
	assert_int_equal(queue_field(VFS_OBSERVE_LATE), 1);
}

static void wish(uint64_t until_ns)
{
	assert_int_equal(
		pwrite(session->page.wish_fd, &until_ns, sizeof(until_ns), 0), sizeof(until_ns));
	/* As who waits with a loop of his own. */
	(void)vfs_queue_arm(queue);
}

static void each_request_is_an_event_if_somebody_wishes(void **state)
{
	struct vfs_session_stats stats;

	(void)state;
	connect_with(4, 0);
	wish(vfs_now_ns() + 30 * NS);
	answer_all(3);
	assert_int_equal(event(0)->number, 1);
	assert_int_equal(event(2)->number, 3);
	assert_int_equal(event(2)->again, 3);
	assert_int_equal(event(2)->node, 3);
	assert_int_equal(event(2)->opcode, FUSE_STATFS);
	assert_int_equal(event(2)->unique, taken.header.unique);
	assert_int_equal(event(2)->error, 0);
	assert_int_equal(event(2)->received, sizeof(struct fuse_out_header) + sizeof(statfs_out));
	assert_true(event(2)->until >= event(2)->since);
	vfs_session_stats(session, &stats);
	assert_int_equal(stats.opcodes[FUSE_STATFS].timed, 3);
	assert_true(stats.opcodes[FUSE_STATFS].p50_ns > 0);
	assert_true(stats.opcodes[FUSE_STATFS].p50_ns <= stats.opcodes[FUSE_STATFS].max_ns);
}

static void a_wish_ends_by_itself(void **state)
{
	(void)state;
	connect_with(4, 0);
	wish(vfs_now_ns() + 30 * NS);
	answer_all(1);
	wish(vfs_now_ns() - 1);
	answer_all(2);
	assert_int_equal(event(0)->number, 1);
	assert_int_equal(event(1)->number, 0);
	assert_int_equal(session->page.wish->until_ns, 0);
}

static void a_wish_for_ever_is_none(void **state)
{
	(void)state;
	connect_with(4, 0);
	wish(UINT64_MAX);
	answer_all(2);
	assert_int_equal(event(0)->number, 0);
	assert_int_equal(session->page.wish->until_ns, 0);
}

static void some_are_timed_though_nobody_wishes(void **state)
{
	struct vfs_session_stats stats;

	(void)state;
	connect_with(4, 0);
	do {
		answer_all(1000);
		vfs_session_stats(session, &stats);
	} while (!stats.opcodes[FUSE_STATFS].timed);
	assert_true(stats.opcodes[FUSE_STATFS].timed < stats.opcodes[FUSE_STATFS].completed);
}

static struct vfs_trace traced[2];
static unsigned int num_traced;

static void remember(const struct vfs_trace *trace, void *ctx)
{
	assert_ptr_equal(ctx, &num_traced);
	traced[num_traced++ % 2] = *trace;
}

static void a_trace_is_told_of_each_request(void **state)
{
	(void)state;
	num_traced = 0;
	connect_with(4, 0);
	vfs_session_trace(session, remember, &num_traced);
	answer_all(2);
	assert_int_equal(num_traced, 2);
	assert_int_equal(traced[1].opcode, FUSE_STATFS);
	assert_int_equal(traced[1].queue, QUEUE);
	assert_int_equal(traced[1].node, 2);
	assert_int_equal(traced[1].sent, sizeof(struct fuse_in_header));
	assert_true(traced[1].ns > 0);
	vfs_session_trace(session, NULL, NULL);
	answer_all(1);
	assert_int_equal(num_traced, 2);
	/* That is nobody's event. */
	assert_int_equal(event(0)->number, 0);
}

static void what_broke_a_ring_is_remembered(void **state)
{
	const struct vfs_observe_text *text;
	const struct vfs_observe_page *page;

	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	take(&taken);
	/* Room for less. */
	fuse_device_write(&d, &taken, NULL, 0, 1000000);
	vfs_request_put(reap_one(queue));
	assert_int_equal(queue_field(VFS_OBSERVE_BROKEN), 1);
	page = look();
	assert_int_equal(page->state, VFS_OBSERVE_FAILED);
	assert_int_equal(page->failed, -EIO);
	text = (const void *)(copy + page->texts.offset);
	assert_int_equal(text->number, 1);
	assert_non_null(strstr(text->text, "wrote 1000000 bytes"));
}

static void a_malformed_answer_is_remembered(void **state)
{
	const struct vfs_observe_page *page;
	const struct vfs_observe_text *text;

	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	take(&taken);
	fuse_device_write(&d, &taken, NULL, 0, 5);
	vfs_request_put(reap_one(queue));
	page = look();
	assert_int_equal(page->state, VFS_OBSERVE_CONNECTED);
	assert_int_equal(page->num_texts, 1);
	text = (const void *)(copy + page->texts.offset);
	assert_non_null(strstr(text->text, "opcode 17"));
	assert_int_equal(counts()->failed[FUSE_STATFS], 1);
}

static void physical_addresses_are_told(void **state)
{
	const struct vfs_observe_page *page;
	uint64_t first;

	(void)state;
	without_platform();
	connect_with(4, 0);
	page = look();
	assert_int_equal(page->arena_page_size, VFS_PAGE_SIZE);
	assert_int_equal(page->arena_pages.count, page->arena_size / VFS_PAGE_SIZE);
	memcpy(&first, copy + page->arena_pages.offset, sizeof(first));
	assert_int_equal(first, session->arena.mapping.pages[0]);
}

static int free_copy(void **state)
{
	free(copy);
	copy = NULL;
	return tear_down(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, free_copy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_says_what_it_is),
		TEST(a_request_is_seen_where_it_is),
		TEST(a_ring_is_seen_where_it_is),
		TEST(requests_are_counted_by_opcode),
		TEST(data_is_counted_wherever_it_is),
		TEST(what_finds_no_room_is_parked),
		TEST(what_the_device_keeps_is_in_quarantine),
		TEST(each_request_is_an_event_if_somebody_wishes),
		TEST(a_wish_ends_by_itself),
		TEST(a_wish_for_ever_is_none),
		TEST(some_are_timed_though_nobody_wishes),
		TEST(a_trace_is_told_of_each_request),
		TEST(what_broke_a_ring_is_remembered),
		TEST(a_malformed_answer_is_remembered),
		TEST(physical_addresses_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
