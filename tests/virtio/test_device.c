/* SPDX-License-Identifier: MIT */
/* The status and the features of a device. Bits are spelled out, as the specification has them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "virtio/stub_transport.h"
#include "virtio/virtio.h"

#define ACKNOWLEDGE 0x01
#define DRIVER	    0x02
#define DRIVER_OK   0x04
#define FEATURES_OK 0x08
#define NEEDS_RESET 0x40
#define FAILED	    0x80

#define FOUND	(ACKNOWLEDGE | DRIVER)
#define RUNNING (FOUND | FEATURES_OK | DRIVER_OK)

#define BIT(n)	  (1ull << (n))
#define INDIRECT  BIT(28)
#define EVENT_IDX BIT(29)
#define VERSION_1 BIT(32)
#define PACKED	  BIT(34)

static struct stub_transport stub;
static struct vfs_virtio virtio;

static int set_up(void **state)
{
	(void)state;
	stub_transport_init(&stub);
	virtio = (struct vfs_virtio){.transport = &stub.transport, .timeout_ms = 1234};
	return 0;
}

static void assert_message_has(const char *words)
{
	if (!strstr(vfs_last_error(), words))
		fail_msg("\"%s\" does not say \"%s\"", vfs_last_error(), words);
}

static void assert_writes(const uint8_t *writes, size_t count)
{
	assert_int_equal(stub.num_writes, count);
	assert_memory_equal(stub.writes, writes, count);
}

static void a_device_goes_through_the_states_in_order(void **state)
{
	static const uint8_t writes[] = {ACKNOWLEDGE, FOUND, FOUND | FEATURES_OK, RUNNING};

	(void)state;
	stub.offered = VERSION_1 | INDIRECT | EVENT_IDX | PACKED;
	assert_int_equal(vfs_virtio_negotiate(&virtio, INDIRECT | EVENT_IDX | BIT(33), 0), 0);
	assert_int_equal(stub.num_resets, 1);
	assert_int_equal(stub.timeout_ms, 1234);
	assert_int_equal(virtio.offered, stub.offered);
	assert_int_equal(virtio.features, VERSION_1 | INDIRECT | EVENT_IDX);
	assert_int_equal(stub.accepted, virtio.features);
	assert_true(vfs_virtio_has(&virtio, 28));
	assert_false(vfs_virtio_has(&virtio, 34));

	assert_int_equal(vfs_virtio_start(&virtio), 0);
	assert_writes(writes, sizeof(writes));
	assert_int_equal(vfs_virtio_check(&virtio), 0);

	assert_int_equal(vfs_virtio_stop(&virtio), 0);
	assert_int_equal(stub.status, 0);
	assert_int_equal(stub.timeout_ms, 1234);
}

static void required_features_are_taken(void **state)
{
	(void)state;
	stub.offered = VERSION_1 | INDIRECT;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, INDIRECT), 0);
	assert_int_equal(stub.accepted, VERSION_1 | INDIRECT);
}

static void a_legacy_device_is_refused(void **state)
{
	static const uint8_t writes[] = {ACKNOWLEDGE, FOUND, FOUND | FAILED};

	(void)state;
	stub.offered = INDIRECT;
	assert_int_equal(vfs_virtio_negotiate(&virtio, INDIRECT, 0), -EPROTO);
	assert_message_has("stub 0000:00:05.0");
	assert_message_has("VIRTIO_F_VERSION_1");
	assert_writes(writes, sizeof(writes));
	assert_int_equal(stub.accepted, 0);
	assert_int_equal(virtio.features, 0);
}

static void a_missing_feature_is_named(void **state)
{
	(void)state;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, BIT(33)), -EPROTO);
	assert_message_has("VIRTIO_F_ACCESS_PLATFORM (feature bit 33)");
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, BIT(63)), -EPROTO);
	assert_message_has("feature bit 63");
}

static void features_that_the_device_does_not_accept(void **state)
{
	(void)state;
	stub.drops = FEATURES_OK;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), -EPROTO);
	assert_message_has("0x100000000");
	assert_int_equal(stub.status, FOUND | FAILED);
	assert_int_equal(virtio.features, 0);
}

static void a_reset_that_does_not_finish(void **state)
{
	(void)state;
	stub.reset_error = -ETIMEDOUT;
	virtio.features = VERSION_1;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), -ETIMEDOUT);
	assert_int_equal(stub.num_writes, 0);
	assert_int_equal(virtio.features, 0);
	assert_int_equal(vfs_virtio_stop(&virtio), -ETIMEDOUT);
}

static void each_step_of_the_negotiation_may_fail(void **state)
{
	(void)state;
	for (unsigned int step = 0; step < 3; step++) {
		set_up(NULL);
		stub.status_error = -ENODEV;
		stub.fails_after = step;
		assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), -ENODEV);
		assert_string_equal(vfs_last_error(), "stub: status");
		assert_int_equal(stub.num_writes, step);
		assert_int_equal(virtio.features, 0);
	}
	set_up(NULL);
	stub.features_error = -EIO;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), -EIO);
	assert_int_equal(stub.status, FOUND | FAILED);
	set_up(NULL);
	stub.set_features_error = -EIO;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), -EIO);
	assert_int_equal(stub.status, FOUND | FAILED);
}

static void giving_up_keeps_the_first_message(void **state)
{
	(void)state;
	stub.offered = 0;
	stub.status_error = -EIO;
	stub.fails_after = 2;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), -EPROTO);
	assert_message_has("VIRTIO_F_VERSION_1");
}

static void a_device_that_is_gone_reads_as_ones(void **state)
{
	(void)state;
	stub.gone = true;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), -ENODEV);
	assert_message_has("gone");
	assert_int_equal(stub.status & FAILED, 0);
	assert_int_equal(vfs_virtio_start(&virtio), -ENODEV);
	assert_int_equal(vfs_virtio_check(&virtio), -ENODEV);
}

static void a_device_that_needs_a_reset_at_driver_ok(void **state)
{
	(void)state;
	stub.raises = NEEDS_RESET;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), 0);
	assert_int_equal(vfs_virtio_start(&virtio), -EIO);
	assert_message_has("DEVICE_NEEDS_RESET");
	assert_int_equal(vfs_virtio_check(&virtio), -EIO);
}

static void a_device_that_does_not_keep_driver_ok(void **state)
{
	(void)state;
	stub.drops = DRIVER_OK;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), 0);
	assert_int_equal(vfs_virtio_start(&virtio), -EIO);
	assert_message_has("does not start (status 0x0b)");
}

static void a_device_that_fails_while_running(void **state)
{
	(void)state;
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), 0);
	assert_int_equal(vfs_virtio_start(&virtio), 0);
	stub.status |= NEEDS_RESET;
	assert_int_equal(vfs_virtio_check(&virtio), -EIO);
	assert_int_equal(vfs_virtio_negotiate(&virtio, 0, 0), 0);
	assert_int_equal(vfs_virtio_check(&virtio), 0);
}

static void features_have_names(void **state)
{
	(void)state;
	assert_string_equal(vfs_virtio_feature_name(0), "VIRTIO_FS_F_NOTIFICATION");
	assert_string_equal(vfs_virtio_feature_name(28), "VIRTIO_RING_F_INDIRECT_DESC");
	assert_string_equal(vfs_virtio_feature_name(32), "VIRTIO_F_VERSION_1");
	assert_string_equal(vfs_virtio_feature_name(41), "VIRTIO_F_ADMIN_VQ");
	assert_null(vfs_virtio_feature_name(1));
	assert_null(vfs_virtio_feature_name(63));
	assert_null(vfs_virtio_feature_name(64));
	assert_null(vfs_virtio_feature_name(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_device_goes_through_the_states_in_order, set_up),
		cmocka_unit_test_setup(required_features_are_taken, set_up),
		cmocka_unit_test_setup(a_legacy_device_is_refused, set_up),
		cmocka_unit_test_setup(a_missing_feature_is_named, set_up),
		cmocka_unit_test_setup(features_that_the_device_does_not_accept, set_up),
		cmocka_unit_test_setup(a_reset_that_does_not_finish, set_up),
		cmocka_unit_test_setup(each_step_of_the_negotiation_may_fail, set_up),
		cmocka_unit_test_setup(giving_up_keeps_the_first_message, set_up),
		cmocka_unit_test_setup(a_device_that_is_gone_reads_as_ones, set_up),
		cmocka_unit_test_setup(a_device_that_needs_a_reset_at_driver_ok, set_up),
		cmocka_unit_test_setup(a_device_that_does_not_keep_driver_ok, set_up),
		cmocka_unit_test_setup(a_device_that_fails_while_running, set_up),
		cmocka_unit_test(features_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
