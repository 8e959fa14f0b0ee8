/* SPDX-License-Identifier: MIT */
/* struct virtio_fs_config: 36 bytes of tag, a little-endian number of request queues. */
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

#define BYTES 40

struct bytes {
	uint8_t b[BYTES];
};

static struct bytes config_bytes(const char *tag, uint8_t num_queues)
{
	struct bytes bytes = {{0}};

	memcpy(bytes.b, tag, strlen(tag));
	bytes.b[36] = num_queues;
	return bytes;
}

static void assert_refused(const struct bytes *bytes, size_t length, const char *words)
{
	struct vfs_fs_config config;
	struct vfs_fs_config before;

	memset(&config, 0x5a, sizeof(config));
	before = config;
	assert_int_equal(vfs_fs_config_parse(bytes, length, &config), -EPROTO);
	if (!strstr(vfs_last_error(), words))
		fail_msg("\"%s\" does not say \"%s\"", vfs_last_error(), words);
	assert_memory_equal(&config, &before, sizeof(config));
}

static void assert_tag(const char *tag)
{
	struct bytes bytes = config_bytes(tag, 1);
	struct vfs_fs_config config;

	memset(&config, 0x5a, sizeof(config));
	assert_int_equal(vfs_fs_config_parse(&bytes, BYTES, &config), 0);
	assert_string_equal(config.tag, tag);
}

static void tags_of_every_length(void **state)
{
	char tag[VFS_TAG_MAX + 1] = "";

	(void)state;
	for (size_t i = 0; i < VFS_TAG_MAX; i++) {
		tag[i] = (char)('a' + i % 26);
		assert_tag(tag);
	}
}

static void tags_in_utf_8_and_with_spaces(void **state)
{
	(void)state;
	assert_tag("donn\xc3\xa9"
		   "es partag\xc3\xa9"
		   "es");
	assert_tag(" a/b,c=d ");
	assert_tag("\xe5\x85\xb1\xe6\x9c\x89");
}

static void an_empty_tag_is_refused(void **state)
{
	struct bytes bytes = config_bytes("", 1);

	(void)state;
	assert_refused(&bytes, BYTES, "empty");
}

static void bytes_after_the_end_of_a_tag_are_refused(void **state)
{
	(void)state;
	for (size_t i = 4; i < VFS_TAG_MAX; i++) {
		struct bytes bytes = config_bytes("tag", 1);

		bytes.b[i] = 'x';
		assert_refused(&bytes, BYTES, "goes on after a NUL at byte 3");
	}
}

static void control_characters_are_refused(void **state)
{
	(void)state;
	for (unsigned int c = 1; c <= 0x7f; c = c == 0x1f ? 0x7f : c + 1) {
		struct bytes bytes = config_bytes("my tag", 1);

		bytes.b[2] = (uint8_t)c;
		assert_refused(&bytes, BYTES, "at byte 2");
	}
}

static void no_request_queue_is_refused(void **state)
{
	struct bytes bytes = config_bytes("tag", 0);

	(void)state;
	assert_refused(&bytes, BYTES, "no request queue");
}

static void too_few_bytes_are_refused(void **state)
{
	struct bytes bytes = config_bytes("tag", 1);

	(void)state;
	assert_refused(&bytes, BYTES - 1, "39 bytes instead of 40");
	assert_refused(&bytes, 0, "0 bytes");
}

static void the_number_of_queues_is_little_endian(void **state)
{
	struct bytes bytes = config_bytes("tag", 0x78);
	struct vfs_fs_config config;

	(void)state;
	bytes.b[37] = 0x56;
	bytes.b[38] = 0x34;
	bytes.b[39] = 0x12;
	assert_int_equal(vfs_fs_config_parse(&bytes, BYTES, &config), 0);
	assert_int_equal(config.num_request_queues, 0x12345678);
}

static void the_configuration_is_read_from_the_device(void **state)
{
	struct bytes bytes = config_bytes("tag", 3);
	struct stub_transport stub;
	struct vfs_fs_config config;

	(void)state;
	stub_transport_init(&stub);
	memcpy(stub.config, &bytes, BYTES);
	assert_int_equal(vfs_fs_config_read(&stub.transport, &config), 0);
	assert_string_equal(config.tag, "tag");
	assert_int_equal(config.num_request_queues, 3);

	stub.config[36] = 0;
	assert_int_equal(vfs_fs_config_read(&stub.transport, &config), -EPROTO);
	assert_string_equal(vfs_last_error(), "stub 0000:00:05.0: the device has no request queue");

	stub.config_error = -ENODEV;
	assert_int_equal(vfs_fs_config_read(&stub.transport, &config), -ENODEV);
	assert_string_equal(vfs_last_error(), "stub: config");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_of_every_length),
		cmocka_unit_test(tags_in_utf_8_and_with_spaces),
		cmocka_unit_test(an_empty_tag_is_refused),
		cmocka_unit_test(bytes_after_the_end_of_a_tag_are_refused),
		cmocka_unit_test(control_characters_are_refused),
		cmocka_unit_test(no_request_queue_is_refused),
		cmocka_unit_test(too_few_bytes_are_refused),
		cmocka_unit_test(the_number_of_queues_is_little_endian),
		cmocka_unit_test(the_configuration_is_read_from_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
