/* SPDX-License-Identifier: MIT */
/* What the answer to each message looks like. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fuse.h"

enum kind { EXACT, UP_TO, NONE, MAY_OMIT };

struct opcode_case {
	uint32_t opcode;
	enum kind kind;
	size_t args;  /* the least that it has after its header */
	size_t reply; /* of a good answer, when everything in the arguments is 0 */
};

#define ENTRY sizeof(struct fuse_entry_out)
#define OPEN  sizeof(struct fuse_open_out)
#define ATTR  sizeof(struct fuse_attr_out)
#define NUL   1u

/* A name may be as short as its NUL alone: whether it may be empty is for the server to say. */
static const struct opcode_case cases[] = {
	{FUSE_LOOKUP, EXACT, NUL, ENTRY},
	{FUSE_FORGET, NONE, sizeof(struct fuse_forget_in), 0},
	{FUSE_GETATTR, EXACT, sizeof(struct fuse_getattr_in), ATTR},
	{FUSE_SETATTR, EXACT, sizeof(struct fuse_setattr_in), ATTR},
	{FUSE_READLINK, UP_TO, 0, 4096},
	{FUSE_SYMLINK, EXACT, NUL + NUL, ENTRY},
	{FUSE_MKNOD, EXACT, sizeof(struct fuse_mknod_in) + NUL, ENTRY},
	{FUSE_MKDIR, EXACT, sizeof(struct fuse_mkdir_in) + NUL, ENTRY},
	{FUSE_UNLINK, EXACT, NUL, 0},
	{FUSE_RMDIR, EXACT, NUL, 0},
	{FUSE_RENAME, EXACT, sizeof(struct fuse_rename_in) + NUL + NUL, 0},
	{FUSE_LINK, EXACT, sizeof(struct fuse_link_in) + NUL, ENTRY},
	{FUSE_OPEN, EXACT, sizeof(struct fuse_open_in), OPEN},
	{FUSE_READ, UP_TO, sizeof(struct fuse_read_in), 0},
	{FUSE_WRITE, EXACT, sizeof(struct fuse_write_in), sizeof(struct fuse_write_out)},
	{FUSE_STATFS, EXACT, 0, sizeof(struct fuse_statfs_out)},
	{FUSE_RELEASE, EXACT, sizeof(struct fuse_release_in), 0},
	{FUSE_FSYNC, EXACT, sizeof(struct fuse_fsync_in), 0},
	/* Without FUSE_SETXATTR_EXT, the shorter form. */
	{FUSE_SETXATTR, EXACT, 8 + NUL, 0},
	{FUSE_GETXATTR, EXACT, sizeof(struct fuse_getxattr_in) + NUL,
		sizeof(struct fuse_getxattr_out)},
	{FUSE_LISTXATTR, EXACT, sizeof(struct fuse_getxattr_in), sizeof(struct fuse_getxattr_out)},
	{FUSE_REMOVEXATTR, EXACT, NUL, 0},
	{FUSE_FLUSH, EXACT, sizeof(struct fuse_flush_in), 0},
	/* As it was before protocol minor 36. */
	{FUSE_INIT, UP_TO, 16, sizeof(struct fuse_init_out)},
	{FUSE_OPENDIR, EXACT, sizeof(struct fuse_open_in), OPEN},
	{FUSE_READDIR, UP_TO, sizeof(struct fuse_read_in), 0},
	{FUSE_RELEASEDIR, EXACT, sizeof(struct fuse_release_in), 0},
	{FUSE_FSYNCDIR, EXACT, sizeof(struct fuse_fsync_in), 0},
	{FUSE_GETLK, EXACT, sizeof(struct fuse_lk_in), sizeof(struct fuse_lk_out)},
	{FUSE_SETLK, EXACT, sizeof(struct fuse_lk_in), 0},
	{FUSE_SETLKW, EXACT, sizeof(struct fuse_lk_in), 0},
	{FUSE_ACCESS, EXACT, sizeof(struct fuse_access_in), 0},
	{FUSE_CREATE, EXACT, sizeof(struct fuse_create_in) + NUL, ENTRY + OPEN},
	{FUSE_INTERRUPT, MAY_OMIT, sizeof(struct fuse_interrupt_in), 0},
	{FUSE_BMAP, EXACT, sizeof(struct fuse_bmap_in), sizeof(struct fuse_bmap_out)},
	{FUSE_DESTROY, MAY_OMIT, 0, 0},
	{FUSE_IOCTL, UP_TO, sizeof(struct fuse_ioctl_in), sizeof(struct fuse_ioctl_out)},
	{FUSE_POLL, EXACT, sizeof(struct fuse_poll_in), sizeof(struct fuse_poll_out)},
	{FUSE_NOTIFY_REPLY, NONE, sizeof(struct fuse_notify_retrieve_in), 0},
	{FUSE_BATCH_FORGET, NONE, sizeof(struct fuse_batch_forget_in), 0},
	{FUSE_FALLOCATE, EXACT, sizeof(struct fuse_fallocate_in), 0},
	{FUSE_READDIRPLUS, UP_TO, sizeof(struct fuse_read_in), 0},
	{FUSE_RENAME2, EXACT, sizeof(struct fuse_rename2_in) + NUL + NUL, 0},
	{FUSE_LSEEK, EXACT, sizeof(struct fuse_lseek_in), sizeof(struct fuse_lseek_out)},
	{FUSE_COPY_FILE_RANGE, EXACT, sizeof(struct fuse_copy_file_range_in),
		sizeof(struct fuse_write_out)},
	{FUSE_SETUPMAPPING, EXACT, sizeof(struct fuse_setupmapping_in), 0},
	{FUSE_REMOVEMAPPING, EXACT, sizeof(struct fuse_removemapping_in), 0},
	{FUSE_SYNCFS, EXACT, sizeof(struct fuse_syncfs_in), 0},
	{FUSE_TMPFILE, EXACT, sizeof(struct fuse_create_in) + NUL, ENTRY + OPEN},
	{52 /* FUSE_STATX */, EXACT, 24, 288},
	{53 /* FUSE_COPY_FILE_RANGE_64 */, EXACT, 56, 8},
};

/* The shape for a message of exactly these bytes, so that a sanitizer sees what is read beyond. */
static int shape_of(uint32_t opcode, const void *args, size_t length, struct vfs_reply_shape *shape)
{
	struct fuse_in_header header = {.opcode = opcode};
	uint8_t *message = malloc(sizeof(header) + length);
	uint32_t found;
	int r;

	assert_non_null(message);
	memcpy(message, &header, sizeof(header));
	if (args)
		memcpy(message + sizeof(header), args, length);
	else
		memset(message + sizeof(header), 0, length);
	memset(shape, 0xa5, sizeof(*shape));
	r = vfs_opcode_shape(message, sizeof(header) + length, shape, &found);
	if (r >= 0)
		assert_int_equal(found, opcode);
	free(message);
	return r;
}

static bool is_of_session(uint32_t opcode)
{
	return opcode == FUSE_INIT || opcode == FUSE_DESTROY;
}

static void assert_shape(const struct vfs_reply_shape *shape, enum kind kind, size_t max)
{
	assert_int_equal(shape->none, kind == NONE);
	assert_int_equal(shape->may_omit, kind == MAY_OMIT);
	assert_int_equal(shape->exact, kind == EXACT);
	assert_int_equal(shape->max, max);
}

static void each_opcode_has_the_answer_of_the_protocol(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct opcode_case *c = &cases[i];
		bool own = is_of_session(c->opcode);
		struct vfs_reply_shape shape;

		assert_int_equal(shape_of(c->opcode, NULL, c->args, &shape), own);
		assert_shape(&shape, c->kind, c->reply);
		assert_int_equal(shape_of(c->opcode, NULL, c->args + 300, &shape), own);
		assert_shape(&shape, c->kind, c->reply);
	}
}

static void messages_that_are_too_short_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfs_reply_shape shape;

		if (!cases[i].args)
			continue;
		assert_int_equal(
			shape_of(cases[i].opcode, NULL, cases[i].args - 1, &shape), -EINVAL);
		assert_error_says("too short for opcode");
		assert_int_equal(shape_of(cases[i].opcode, NULL, 0, &shape), -EINVAL);
	}
}

static void a_message_without_a_whole_header_is_refused(void **state)
{
	struct fuse_in_header header = {.opcode = FUSE_STATFS};
	struct vfs_reply_shape shape;
	uint32_t opcode;

	(void)state;
	for (size_t length = 0; length < sizeof(header); length++) {
		void *message = malloc(length);

		memcpy(message, &header, length);
		assert_int_equal(vfs_opcode_shape(message, length, &shape, &opcode), -EINVAL);
		assert_error_says("has no header");
		free(message);
	}
}

static bool is_known(uint32_t opcode)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (cases[i].opcode == opcode)
			return true;
	return false;
}

static void opcodes_that_are_not_known_are_refused(void **state)
{
	static const uint32_t others[] = {4096 /* CUSE_INIT */, UINT32_MAX, 1u << 31, 0x12345678};
	struct vfs_reply_shape shape;

	(void)state;
	for (uint32_t opcode = 0; opcode < 300; opcode++)
		assert_int_equal(shape_of(opcode, NULL, 200, &shape),
			is_known(opcode) ? is_of_session(opcode) : -ENOSYS);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(shape_of(others[i], NULL, 200, &shape), -ENOSYS);
	assert_error_says("opcode 305419896 is not known");
}

static void opcodes_of_the_other_byte_order_are_named(void **state)
{
	struct vfs_reply_shape shape;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			shape_of(__builtin_bswap32(cases[i].opcode), NULL, 200, &shape), -EINVAL);
	assert_int_equal(FUSE_INIT_BSWAP_RESERVED, __builtin_bswap32(FUSE_INIT));
	assert_int_equal(shape_of(FUSE_INIT_BSWAP_RESERVED, NULL, 64, &shape), -EINVAL);
	assert_error_says("opcode 26 is in the other byte order");
}

static void reads_say_how_much_they_want(void **state)
{
	static const uint32_t opcodes[] = {FUSE_READ, FUSE_READDIR, FUSE_READDIRPLUS};
	static const uint32_t sizes[] = {0, 1, 4096, 1u << 20, UINT32_MAX};
	struct vfs_reply_shape shape;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct fuse_read_in in = {.fh = ~0ull, .offset = ~0ull, .size = sizes[j]};

			assert_int_equal(shape_of(opcodes[i], &in, sizeof(in), &shape), 0);
			assert_shape(&shape, UP_TO, sizes[j]);
		}
	}
}

static void attributes_are_asked_for_by_size_or_for_their_size(void **state)
{
	static const uint32_t opcodes[] = {FUSE_GETXATTR, FUSE_LISTXATTR};
	static const uint32_t sizes[] = {1, 8, 65536, UINT32_MAX};
	struct {
		struct fuse_getxattr_in in;
		char name[8];
	} message = {.in = {.size = 0}, .name = "user.a"};
	struct vfs_reply_shape shape;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		message.in.size = 0;
		assert_int_equal(shape_of(opcodes[i], &message, sizeof(message), &shape), 0);
		assert_shape(&shape, EXACT, sizeof(struct fuse_getxattr_out));
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			message.in.size = sizes[j];
			assert_int_equal(
				shape_of(opcodes[i], &message, sizeof(message), &shape), 0);
			assert_shape(&shape, UP_TO, sizes[j]);
		}
	}
}

static void an_ioctl_says_how_much_it_wants(void **state)
{
	uint32_t header = sizeof(struct fuse_ioctl_out);
	struct fuse_ioctl_in in = {.flags = ~0u, .fh = ~0ull, .in_size = ~0u};
	struct vfs_reply_shape shape;

	(void)state;
	in.out_size = 100;
	assert_int_equal(shape_of(FUSE_IOCTL, &in, sizeof(in), &shape), 0);
	assert_shape(&shape, UP_TO, header + 100);
	in.out_size = UINT32_MAX - header;
	assert_int_equal(shape_of(FUSE_IOCTL, &in, sizeof(in), &shape), 0);
	assert_shape(&shape, UP_TO, UINT32_MAX);
	in.out_size = UINT32_MAX - header + 1;
	assert_int_equal(shape_of(FUSE_IOCTL, &in, sizeof(in), &shape), -E2BIG);
	in.out_size = UINT32_MAX;
	assert_int_equal(shape_of(FUSE_IOCTL, &in, sizeof(in), &shape), -E2BIG);
	assert_error_says("4294967295");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_opcode_has_the_answer_of_the_protocol),
		cmocka_unit_test(messages_that_are_too_short_are_refused),
		cmocka_unit_test(a_message_without_a_whole_header_is_refused),
		cmocka_unit_test(opcodes_that_are_not_known_are_refused),
		cmocka_unit_test(opcodes_of_the_other_byte_order_are_named),
		cmocka_unit_test(reads_say_how_much_they_want),
		cmocka_unit_test(attributes_are_asked_for_by_size_or_for_their_size),
		cmocka_unit_test(an_ioctl_says_how_much_it_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
