/* SPDX-License-Identifier: MIT */
/* Starting a device, and what INIT agrees on. */
#include <linux/virtio_config.h>

#include "check.h"
#include "fuse.h"

/* Small, since nothing is moved here. */
static const struct vfs_session_options small = {.depth = 2, .max_payload = 65536};

static enum verdict bad_options_are_refused(struct client *client)
{
	const struct vfs_session_options bad[] = {
		{.depth = 1u << 20},
		{.max_payload = 1},
		{.max_payload = (size_t)1 << 30},
		{.ring_size = 24},
		{.ring_size = 65536},
		{.num_queues = vfs_device_info(client->device)->num_request_queues + 1},
	};
	struct vfs_session *session = NULL;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = vfs_session_create(client->device, &bad[i], &session);

		expect(r == -EINVAL && !session, "number %zu: %d", i, r);
	}
	expect_ok(client_start(client, &small));
	return PASSED;
}

static enum verdict there_is_only_one(struct client *client)
{
	struct vfs_session *second = NULL;
	struct fuse_attr attr;

	expect_ok(client_start(client, &small));
	expect_error(EBUSY, vfs_session_create(client->device, &small, &second));
	expect_ok(fuse_getattr(client, FUSE_ROOT_ID, &attr));
	return PASSED;
}

static enum verdict features_are_offered(struct client *client)
{
	uint64_t offered = vfs_device_info(client->device)->features;
	uint64_t translated = 1ULL << VIRTIO_F_ACCESS_PLATFORM, agreed;

	expect_ok(client_start(client, &small));
	agreed = vfs_session_features(client->session);
	expect((agreed & ~offered) == 0, "offered 0x%llx, agreed 0x%llx",
		(unsigned long long)offered, (unsigned long long)agreed);
	expect(agreed >> VIRTIO_F_VERSION_1 & 1, "not VERSION_1");
	expect((agreed & translated) == (offered & translated), "not ACCESS_PLATFORM");
	return PASSED;
}

static int create(struct client *client)
{
	int r = vfs_session_create(client->device, &small, &client->session);

	if (r == 0)
		client->queue = vfs_session_queue(client->session, 0);
	return r;
}

static enum verdict nothing_goes_before_init(struct client *client)
{
	struct op op = {.opcode = FUSE_STATFS, .node = FUSE_ROOT_ID};
	struct vfs_request *request;

	expect_ok(create(client));
	request = op_build(client->queue, &op);
	expect(request, "no request");
	expect_error(EINVAL, vfs_queue_submit(client->queue, &request, 1));
	vfs_request_put(request);
	expect(vfs_queue_in_flight(client->queue) == 0, "it is in flight");
	return PASSED;
}

static enum verdict init_agrees(struct client *client)
{
	const struct vfs_init *init = &client->init;

	expect_ok(client_start(client, NULL));
	expect(init->major == 7, "major %u", init->major);
	expect(init->minor >= VFS_FUSE_MINOR_MIN && init->minor <= VFS_FUSE_MINOR, "minor %u",
		init->minor);
	expect((init->flags & ~(uint64_t)WANTED_FLAGS) == 0, "flags 0x%llx were not offered",
		(unsigned long long)(init->flags & ~(uint64_t)WANTED_FLAGS));
	expect(init->max_write >= 4096, "max_write %u", init->max_write);
	expect(init->max_write <= vfs_session_max_payload(client->session), "max_write %u of %zu",
		init->max_write, vfs_session_max_payload(client->session));
	expect(init->max_pages >= 1, "no pages");
	expect(init->time_gran >= 1, "time_gran 0");
	expect(init->flags & FUSE_MAP_ALIGNMENT || !init->map_alignment, "map_alignment %u",
		init->map_alignment);
	return PASSED;
}

static enum verdict init_offers_nothing(struct client *client)
{
	struct vfs_init want = {0}, got;
	struct fuse_attr attr;

	expect_ok(create(client));
	expect_ok(vfs_session_init(client->session, &want, &got));
	expect(got.flags == 0, "flags 0x%llx", (unsigned long long)got.flags);
	expect(got.max_pages <= 32, "%u pages", got.max_pages);
	expect_ok(fuse_getattr(client, FUSE_ROOT_ID, &attr));
	return PASSED;
}

static enum verdict init_offers_an_older_minor(struct client *client)
{
	struct vfs_init want = {.minor = 31, .flags = FUSE_MAX_PAGES}, got;
	struct fuse_attr attr;

	expect_ok(create(client));
	expect_ok(vfs_session_init(client->session, &want, &got));
	expect(got.minor <= 31, "minor %u", got.minor);
	expect_ok(fuse_getattr(client, FUSE_ROOT_ID, &attr));
	return PASSED;
}

static enum verdict init_is_sent_once(struct client *client)
{
	struct vfs_init want = {0}, got;
	struct fuse_attr attr;

	expect_ok(client_start(client, &small));
	expect_error(EINVAL, vfs_session_init(client->session, &want, &got));
	expect_ok(fuse_getattr(client, FUSE_ROOT_ID, &attr));
	return PASSED;
}

static enum verdict one_follows_another(struct client *client)
{
	struct fuse_attr attr;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		expect_ok(client_start(client, &small));
		expect_ok(fuse_getattr(client, FUSE_ROOT_ID, &attr));
		client_stop(client);
	}
	return PASSED;
}

static enum verdict ends_without_init(struct client *client)
{
	struct fuse_attr attr;

	expect_ok(create(client));
	client_stop(client);
	expect_ok(client_start(client, &small));
	expect_ok(fuse_getattr(client, FUSE_ROOT_ID, &attr));
	return PASSED;
}

static const struct check checks[] = {
	{"session/bad-options-are-refused", bad_options_are_refused, NEEDS_DEVICE, {0}, false},
	{"session/there-is-only-one", there_is_only_one, NEEDS_DEVICE, {0}, false},
	{"session/features-are-offered", features_are_offered, NEEDS_DEVICE, {0}, false},
	{"session/nothing-goes-before-init", nothing_goes_before_init, NEEDS_DEVICE, {0}, false},
	{"session/init-agrees", init_agrees, NEEDS_DEVICE, {0}, false},
	{"session/init-offers-nothing", init_offers_nothing, NEEDS_DEVICE, {0}, false},
	{"session/init-offers-an-older-minor", init_offers_an_older_minor, NEEDS_DEVICE, {0},
		false},
	{"session/init-is-sent-once", init_is_sent_once, NEEDS_DEVICE, {0}, false},
	{"session/one-follows-another", one_follows_another, NEEDS_DEVICE, {0}, false},
	{"session/ends-without-init", ends_without_init, NEEDS_DEVICE, {0}, false},
};

const struct check_list session_checks = CHECK_LIST(checks);
