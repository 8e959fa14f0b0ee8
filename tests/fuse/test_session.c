/* SPDX-License-Identifier: MIT */
/* Sessions from the first register to the last. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fixture.h"

#define BRING_UP(queues) "reset status=01 status=03 features status=0b map master=1 " queues
#define TEAR_DOWN	 "reset master=0 no-interrupts unmap"

/* ---- bringing it up ---- */

static void a_device_is_brought_up_in_order(void **state)
{
	struct vfs_session_options options = {.num_queues = 1};

	(void)state;
	fuse_device_set_queues(&d, 3, 64);
	assert_int_equal(fuse_device_start(&d, &options, &session), 0);
	/* Every queue, also those that are not used. */
	fuse_device_did(&d, BRING_UP("interrupts=4 queue0 queue1 queue2 queue3 status=0f"));
	assert_int_equal(vfs_session_num_queues(session), 1);
	assert_non_null(vfs_session_queue(session, 0));
	assert_null(vfs_session_queue(session, 1));
	assert_int_equal(d.notified[0] + d.notified[1], 0);
	vfs_session_destroy(session);
	session = NULL;
	fuse_device_did(&d, TEAR_DOWN);
}

static void only_features_that_are_known_are_taken(void **state)
{
	(void)state;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	assert_int_equal(d.stub.accepted, d.stub.offered & ~FEATURE_PACKED);
	assert_int_equal(vfs_session_features(session), d.stub.accepted);
}

static void the_devices_largest_ring_is_used_up_to_what_was_asked_for(void **state)
{
	static const struct {
		uint16_t device;
		unsigned int wanted;
		uint16_t used;
	} cases[] = {
		{64, 0, 64},
		{64, 128, 64},
		{64, 16, 16},
		{4096, 0, 1024},
		{32768, 32768, 32768},
		/* Powers of two are what a split ring can have. */
		{100, 0, 64},
		{1000, 512, 512},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfs_session_options options = {
			.ring_size = cases[i].wanted, .max_payload = 4096};

		fuse_device_set_queues(&d, 1, cases[i].device);
		if (fuse_device_start(&d, &options, &session))
			fail_msg("%s", vfs_last_error());
		assert_int_equal(d.rings[0].size, cases[i].used);
		assert_int_equal(d.rings[1].size, cases[i].used);
		vfs_session_destroy(session);
		session = NULL;
	}
}

static void rings_fit_into_a_page_with_physical_addresses(void **state)
{
	(void)state;
	without_platform();
	fuse_device_set_queues(&d, 1, 1024);
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	assert_int_equal(d.rings[1].size, 256);
	/* Two of the 256 descriptors are for headers, one is for a page that both sides share. */
	assert_int_equal(vfs_session_max_payload(session), 253 * 4096);
}

static void the_largest_payload_depends_on_the_ring(void **state)
{
	struct vfs_session_options options = {.ring_size = 16};

	(void)state;
	without_platform();
	assert_int_equal(fuse_device_start(&d, &options, &session), 0);
	assert_int_equal(vfs_session_max_payload(session), 13 * 4096);
}

static void options_out_of_range_are_refused(void **state)
{
	static const struct vfs_session_options bad[] = {
		{.num_queues = 2},
		{.depth = 4097},
		{.max_payload = 4095},
		{.max_payload = (16u << 20) + 1},
		{.ring_size = 3},
		{.ring_size = 65536},
		{.hugepages = 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(fuse_device_start(&d, &bad[i], &session), -EINVAL);
		assert_null(session);
		fuse_device_did(&d, "");
	}
}

static void a_device_has_one_session_at_a_time(void **state)
{
	struct vfs_session *second = NULL;

	(void)state;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	fuse_device_forget_journal(&d);
	assert_int_equal(fuse_device_start(&d, NULL, &second), -EBUSY);
	fuse_device_did(&d, "");
	vfs_session_destroy(session);
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
}

static void hidden_physical_addresses_are_a_refusal(void **state)
{
	(void)state;
	without_platform();
	fake_pagemap.frame = NULL;
	assert_int_equal(fuse_device_start(&d, NULL, &session), -EPERM);
	assert_error_says("dma=iova");
	d.device.options.dma = VFS_DMA_IOVA;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
}

/* ---- devices that are not as they should be ---- */

static void queues_that_are_missing(void **state)
{
	(void)state;
	fuse_device_set_queues(&d, 2, 64);
	d.stub.transport.num_queues = 2;
	assert_int_equal(fuse_device_start(&d, NULL, &session), -EPROTO);
	assert_error_says("has 2 queues, too few for 2 request queues");
	d.stub.transport.num_queues = 0;
	assert_int_equal(fuse_device_start(&d, NULL, &session), -EPROTO);
	/* More than could be counted. */
	d.device.info.num_request_queues = UINT32_MAX;
	assert_int_equal(fuse_device_start(&d, NULL, &session), -EPROTO);
	fuse_device_set_queues(&d, 2, 64);
	d.queue_sizes[2] = 0;
	assert_int_equal(fuse_device_start(&d, NULL, &session), -EPROTO);
	assert_error_says("has no queue 2");
}

/* Behind the request queues there may be others; those that do not exist are passed over. */
static void queues_behind_the_request_queues(void **state)
{
	(void)state;
	d.stub.transport.num_queues = 4;
	d.queue_sizes[3] = 8;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	fuse_device_did(&d, BRING_UP("interrupts=4 queue0 queue1 queue3 status=0f"));
}

static void a_ring_that_holds_not_even_one_request(void **state)
{
	(void)state;
	fuse_device_set_queues(&d, 1, 2);
	assert_int_equal(fuse_device_start(&d, NULL, &session), -ENOTSUP);
	assert_error_says("a queue of 2 entries is too small");
}

/* Each call that can fail does so once: an error comes back and nothing is left behind. */
static void every_step_may_fail_and_leaves_nothing(void **state)
{
	unsigned int failures = 0;
	int r = -1;

	(void)state;
	for (unsigned int call = 1; r < 0; call++) {
		fuse_device_fini(&d);
		fuse_device_init(&d);
		d.fail_call = call;
		r = fuse_device_start(&d, NULL, &session);
		if (r == 0)
			break;
		assert_int_equal(r, -EIO);
		assert_error_says("stub: a call that fails");
		assert_int_equal(d.iommu.count, 0);
		assert_false(d.bus_master);
		assert_null(d.device.user);
		assert_null(session);
		failures++;
	}
	/* Reset, 6 to negotiate, 2 sizes (for huge pages, and again), 2 maps, 4 queues, 2 to start.
	 */
	assert_int_equal(failures, 1 + 6 + 2 * 2 + 2 + 4 + 2);
}

static void an_error_is_told_even_if_the_reset_after_it_fails(void **state)
{
	(void)state;
	d.queue_sizes[1] = 0;
	d.fail_reset = 2;
	assert_int_equal(fuse_device_start(&d, NULL, &session), -EPROTO);
	assert_error_says("has no queue 1");
}

static void memory_is_huge_where_it_can_be(void **state)
{
	(void)state;
	without_platform();
	fake_memfd.huge = true;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	assert_int_equal(fake_memfd.num_huge, 1);
	assert_int_equal(fake_memfd.num_small, 0);
	assert_int_equal(vfs_session_max_payload(session), 1 << 20);
}

/* As with a limit on locked memory that is enough for small pages only. */
static void small_pages_are_tried_when_huge_ones_cannot_be_mapped(void **state)
{
	(void)state;
	fake_memfd.huge = true;
	d.iommu.fail_map = 2;
	d.iommu.map_error = -ENOMEM;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	assert_int_equal(fake_memfd.num_huge, 1);
	assert_int_equal(fake_memfd.num_small, 1);
}

/* Small ones can be moved, and nothing would tell the device. */
static void without_an_iommu_memory_has_to_be_huge(void **state)
{
	(void)state;
	without_platform();
	d.stub.transport.limits.translation = VFS_UNTRANSLATED;
	assert_int_equal(fuse_device_start(&d, NULL, &session), -ENOMEM);
	assert_error_says("hugepages");
	assert_error_says("vm.nr_hugepages");
	assert_int_equal(fake_memfd.num_small, 0);
	fake_memfd.huge = true;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	assert_int_equal(fake_memfd.num_small, 0);
}

static void hugepages_can_be_ruled_out(void **state)
{
	struct vfs_session_options options = {.hugepages = VFS_HUGEPAGES_NEVER};
	struct vfs_mem *mem;
	void *addr;

	(void)state;
	fake_memfd.huge = true;
	assert_int_equal(fuse_device_start(&d, &options, &session), 0);
	d.unmaps_while_running = true;
	assert_int_equal(vfs_mem_alloc(session, 4096, &addr, &mem), 0);
	assert_int_equal(fake_memfd.num_huge, 0);
	assert_int_equal(fake_memfd.num_small, 2);
}

static void hugepages_can_be_required(void **state)
{
	struct vfs_session_options options = {.hugepages = VFS_HUGEPAGES_ALWAYS};
	struct vfs_mem *mem;
	void *addr;

	(void)state;
	assert_int_equal(fuse_device_start(&d, &options, &session), -ENOMEM);
	assert_error_says("vm.nr_hugepages");
	assert_int_equal(fake_memfd.num_small, 0);
	fake_memfd.huge = true;
	assert_int_equal(fuse_device_start(&d, &options, &session), 0);
	fake_memfd.huge = false;
	assert_int_equal(vfs_mem_alloc(session, 4096, &addr, &mem), -ENOMEM);
	assert_int_equal(fake_memfd.num_small, 0);
}

static void without_an_iommu_hugepages_cannot_be_ruled_out(void **state)
{
	struct vfs_session_options options = {.hugepages = VFS_HUGEPAGES_NEVER};

	(void)state;
	without_platform();
	fake_memfd.huge = true;
	d.stub.transport.limits.translation = VFS_UNTRANSLATED;
	assert_int_equal(fuse_device_start(&d, &options, &session), -EINVAL);
	assert_error_says("has no IOMMU");
}

/* ---- INIT ---- */

static struct fuse_init_out init_out;
static size_t init_length;
static int init_error;
static struct taken init_taken;

static void answer_init(struct fuse_device *device, const struct taken *t)
{
	init_taken = *t;
	fuse_device_answer(device, t, init_error, &init_out, init_error ? 0 : init_length);
}

static int init_with(
	void (*serve)(struct fuse_device *, const struct taken *), struct vfs_init *got)
{
	struct vfs_session_options options = {.timeout_ms = 50};
	int r;

	assert_int_equal(fuse_device_start(&d, &options, &session), 0);
	d.serve = serve;
	r = vfs_session_init(session, &(struct vfs_init){.max_readahead = 4711}, got);
	d.serve = NULL;
	return r;
}

static void init_connects(void **state)
{
	struct fuse_init_in in;
	struct vfs_init got = {0};

	(void)state;
	said_start();
	init_out = fuse_device_init_out;
	init_length = sizeof(init_out);
	init_error = 0;
	assert_int_equal(init_with(answer_init, &got), 0);
	assert_int_equal(got.minor, 38);
	assert_int_equal(got.max_write, 1 << 20);
	assert_said(VFS_LOG_INFO, "FUSE 7.38");

	assert_int_equal(init_taken.queue, 1);
	assert_int_equal(init_taken.length, 40 + 64);
	assert_int_equal(init_taken.header.opcode, 26);
	assert_int_equal(init_taken.header.nodeid, 0);
	assert_int_not_equal(init_taken.header.unique, 0);
	assert_int_equal(init_taken.chain.writable_bytes, 16 + 64);
	memcpy(&in, init_taken.bytes + 40, sizeof(in));
	assert_int_equal(in.major, 7);
	assert_int_equal(in.max_readahead, 4711);

	assert_int_equal(vfs_session_init(session, &(struct vfs_init){0}, &got), -EINVAL);
	assert_error_says("INIT was sent already");
}

static void nothing_is_sent_before_init(void **state)
{
	struct fuse_forget_one forget = {.nodeid = 2, .nlookup = 1};
	struct vfs_request *request;

	(void)state;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	queue = vfs_session_queue(session, 0);
	request = message_statfs(queue, 1);
	assert_int_equal(vfs_queue_submit(queue, &request, 1), -EINVAL);
	assert_error_says("before INIT");
	/* Nor are slots used up by what was refused. */
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(vfs_forget(session, &forget, 1), -EINVAL);
	assert_int_equal(vfs_session_progress(session), 0);
	assert_int_equal(d.notified[0] + d.notified[1], 0);
	take_none();
}

static void answers_to_init_that_are_no_connection(void **state)
{
	static const struct {
		uint32_t major;
		size_t length;
		int error;
		int result;
		const char *says;
	} cases[] = {
		{7, 64, -EPERM, -EPERM, "the server refused INIT"},
		{7, 63, 0, -EPROTO, "answers INIT with 63 bytes"},
		{7, 0, 0, -EPROTO, "answers INIT with 0 bytes"},
		{8, 64, 0, -EPROTONOSUPPORT, "FUSE 8.38"},
		{6, 8, 0, -EPROTONOSUPPORT, "FUSE 6.38"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfs_request *request;
		struct vfs_init got;

		init_out = fuse_device_init_out;
		init_out.major = cases[i].major;
		init_length = cases[i].length;
		init_error = cases[i].error;
		assert_int_equal(init_with(answer_init, &got), cases[i].result);
		assert_error_says(cases[i].says);
		/* There is no connection now, and none can be made. */
		assert_int_equal(vfs_session_init(session, &(struct vfs_init){0}, &got), -EINVAL);
		queue = vfs_session_queue(session, 0);
		request = message_statfs(queue, 1);
		assert_int_equal(vfs_queue_submit(queue, &request, 1), -EINVAL);
		d.serve = fuse_device_serve;
		vfs_session_destroy(session);
		session = NULL;
		assert_int_equal(d.served[FUSE_DESTROY], 0);
	}
}

/* An answer to INIT that is against the protocol before its body is looked at. */
static void swap_header(struct fuse_device *device, const struct taken *t)
{
	struct fuse_out_header header = {
		.len = __builtin_bswap32(sizeof(header)),
		.unique = __builtin_bswap64(t->header.unique),
	};

	fuse_device_write(device, t, &header, sizeof(header), sizeof(header));
}

static void say_nothing(struct fuse_device *device, const struct taken *t)
{
	fuse_device_write(device, t, NULL, 0, 0);
}

static void malformed_answers_to_init_are_named(void **state)
{
	static const struct {
		void (*serve)(struct fuse_device *, const struct taken *);
		const char *says;
	} cases[] = {
		{swap_header, "the answer is in the other byte order"},
		{say_nothing, "has 0 bytes, too few for its header"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfs_init got;

		assert_int_equal(init_with(cases[i].serve, &got), -EPROTO);
		assert_error_says("stub 0000:00:05.0");
		assert_error_says(cases[i].says);
		vfs_session_destroy(session);
		session = NULL;
	}
}

/* As a daemon that was told to use the queue only a moment ago. */
static void init_is_notified_again(void **state)
{
	struct vfs_session_options options = {.timeout_ms = 60000};
	struct vfs_init got;

	(void)state;
	d.serve = fuse_device_serve;
	d.deaf = 2;
	assert_int_equal(fuse_device_start(&d, &options, &session), 0);
	assert_int_equal(vfs_session_init(session, &(struct vfs_init){0}, &got), 0);
	assert_int_equal(d.deaf, 0);
	assert_int_equal(d.notified[1], 3);
}

static void a_server_that_is_stuck_in_init(void **state)
{
	uint64_t start = vfs_now_ns();
	struct vfs_init got;

	(void)state;
	assert_int_equal(init_with(NULL, &got), -ETIMEDOUT);
	assert_error_says("did not answer INIT within 50 ms");
	assert_error_says("the IOMMU keeps it from memory");
	assert_true(vfs_now_ns() - start < 5000000000);
	/* Its slot is still the device's. */
	assert_int_equal(vfs_session_init(session, &(struct vfs_init){0}, &got), -EINVAL);
	fuse_device_forget_journal(&d);
	vfs_session_destroy(session);
	session = NULL;
	fuse_device_did(&d, TEAR_DOWN);
}

static void fail_during_init(struct fuse_device *device, const struct taken *t)
{
	(void)t;
	fuse_device_event(device, -ENODEV);
}

static void a_device_that_goes_away_during_init(void **state)
{
	struct vfs_init got;

	(void)state;
	assert_int_equal(init_with(fail_during_init, &got), -EIO);
	assert_error_says("it failed while INIT was in flight");
}

/* ---- the end ---- */

static void destroy_says_goodbye(void **state)
{
	(void)state;
	connect_with(4, 0);
	fuse_device_forget_journal(&d);
	d.serve = fuse_device_serve;
	vfs_session_destroy(session);
	session = NULL;
	assert_int_equal(d.served[FUSE_DESTROY], 1);
	fuse_device_did(&d, TEAR_DOWN);
	vfs_session_destroy(NULL);
}

static struct taken slow[8];
static unsigned int num_slow;

static void *answer_slowly(void *ctx)
{
	(void)ctx;
	for (unsigned int i = 0; i < num_slow; i++) {
		usleep(5000);
		fuse_device_serve(&d, &slow[i]);
	}
	return NULL;
}

/* More than the ring holds, so that what waits has to go out before the end too. */
static void destroy_waits_for_what_is_in_flight(void **state)
{
	struct fuse_forget_one forget = {.nodeid = 2, .nlookup = 1};
	struct vfs_request *requests[6];
	pthread_t thread;

	(void)state;
	connect_with(8, 4);
	for (unsigned int i = 0; i < 6; i++)
		requests[i] = message_statfs(queue, i);
	assert_int_equal(vfs_queue_submit(queue, requests, 6), 0);
	assert_int_equal(vfs_forget(session, &forget, 1), 0);
	for (num_slow = 0; fuse_device_take(&d, 1, &slow[num_slow]); num_slow++)
		;
	assert_int_equal(num_slow, 4);
	assert_true(fuse_device_take(&d, 0, &slow[num_slow++]));
	/* What goes out from now on is answered at once. */
	d.serve = fuse_device_serve;
	said_start();
	assert_int_equal(pthread_create(&thread, NULL, answer_slowly, NULL), 0);
	vfs_session_destroy(session);
	session = NULL;
	pthread_join(thread, NULL);
	assert_int_equal(d.served[FUSE_STATFS], 6);
	assert_int_equal(d.served[FUSE_DESTROY], 1);
	assert_false(said(VFS_LOG_WARNING, "does not answer"));
}

static void a_stuck_device_is_reset_in_bounded_time(void **state)
{
	uint64_t start;

	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	said_start();
	start = vfs_now_ns();
	fuse_device_forget_journal(&d);
	vfs_session_destroy(session);
	session = NULL;
	assert_true(vfs_now_ns() - start >= (uint64_t)TIMEOUT_MS * 1000000);
	assert_true(vfs_now_ns() - start < 5000000000);
	assert_said(VFS_LOG_WARNING, "does not answer; it is reset");
	/* Not one more message for a server that does not listen. */
	assert_int_equal(d.notified[1], 1);
	assert_int_equal(d.served[FUSE_DESTROY], 0);
	fuse_device_did(&d, TEAR_DOWN);
}

static void destroy_may_go_unanswered(void **state)
{
	uint64_t start;

	(void)state;
	connect_with(4, 0);
	start = vfs_now_ns();
	vfs_session_destroy(session);
	session = NULL;
	assert_int_equal(d.notified[1], 1);
	assert_true(vfs_now_ns() - start < 5000000000);
}

static void memory_stays_out_of_reach_when_the_last_reset_fails(void **state)
{
	(void)state;
	connect_with(4, 0);
	d.serve = fuse_device_serve;
	d.stub.reset_error = -ETIMEDOUT;
	fuse_device_forget_journal(&d);
	vfs_session_destroy(session);
	session = NULL;
	fuse_device_did(&d, TEAR_DOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_is_brought_up_in_order),
		TEST(only_features_that_are_known_are_taken),
		TEST(the_devices_largest_ring_is_used_up_to_what_was_asked_for),
		TEST(rings_fit_into_a_page_with_physical_addresses),
		TEST(the_largest_payload_depends_on_the_ring),
		TEST(options_out_of_range_are_refused),
		TEST(a_device_has_one_session_at_a_time),
		TEST(hidden_physical_addresses_are_a_refusal),
		TEST(queues_that_are_missing),
		TEST(queues_behind_the_request_queues),
		TEST(a_ring_that_holds_not_even_one_request),
		TEST(every_step_may_fail_and_leaves_nothing),
		TEST(an_error_is_told_even_if_the_reset_after_it_fails),
		TEST(memory_is_huge_where_it_can_be),
		TEST(small_pages_are_tried_when_huge_ones_cannot_be_mapped),
		TEST(without_an_iommu_memory_has_to_be_huge),
		TEST(hugepages_can_be_ruled_out),
		TEST(hugepages_can_be_required),
		TEST(without_an_iommu_hugepages_cannot_be_ruled_out),
		TEST(init_connects),
		TEST(nothing_is_sent_before_init),
		TEST(answers_to_init_that_are_no_connection),
		TEST(malformed_answers_to_init_are_named),
		TEST(init_is_notified_again),
		TEST(a_server_that_is_stuck_in_init),
		TEST(a_device_that_goes_away_during_init),
		TEST(destroy_says_goodbye),
		TEST(destroy_waits_for_what_is_in_flight),
		TEST(a_stuck_device_is_reset_in_bounded_time),
		TEST(destroy_may_go_unanswered),
		TEST(memory_stays_out_of_reach_when_the_last_reset_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
