/* SPDX-License-Identifier: MIT */
/* Answers that are taken, and answers that are not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fuse.h"

#define HEADER ((uint32_t)sizeof(struct fuse_out_header))
#define UNIQUE 0x4000000000000102ull

#define EXACTLY(bytes)                        \
	{                                     \
		.exact = true, .max = (bytes) \
	}
#define AT_MOST(bytes)         \
	{                      \
		.max = (bytes) \
	}
#define NO_ANSWER            \
	{                    \
		.none = true \
	}
#define MAY_OMIT                 \
	{                        \
		.may_omit = true \
	}
#define LOCK                                    \
	{                                       \
		.exact = true, .may_wait = true \
	}
#define ZERO	  VFS_QUIRK_USED_LEN_ZERO
#define WAIT	  VFS_QUIRK_LOCK_WAIT
#define SWAP32(x) __builtin_bswap32((uint32_t)(x))

struct reply_case {
	const char *name;
	struct vfs_reply_shape shape;
	uint32_t used_len;
	uint32_t len; /* in the header */
	int32_t error;
	uint64_t unique;  /* 0: that of the request */
	int result;	  /* -EBADMSG: malformed */
	const char *says; /* if it is malformed */
};

static const struct reply_case cases[] = {
	/* Good ones. */
	{"exact", EXACTLY(144), HEADER + 144, HEADER + 144, 0, 0, 144, NULL},
	{"exactly nothing", EXACTLY(0), HEADER, HEADER, 0, 0, 0, NULL},
	{"as much as allowed", AT_MOST(4096), HEADER + 4096, HEADER + 4096, 0, 0, 4096, NULL},
	{"less than allowed", AT_MOST(4096), HEADER + 1, HEADER + 1, 0, 0, 1, NULL},
	{"nothing at all", AT_MOST(4096), HEADER, HEADER, 0, 0, 0, NULL},
	{"error in place of a body", EXACTLY(144), HEADER, HEADER, -ENOENT, 0, -ENOENT, NULL},
	{"error -1", EXACTLY(0), HEADER, HEADER, -1, 0, -1, NULL},
	{"error -512", EXACTLY(0), HEADER, HEADER, -512, 0, -512, NULL},
	{"error -4095", AT_MOST(9), HEADER, HEADER, -4095, 0, -4095, NULL},
	/* A server may say it by itself. */
	{"error -EBADMSG", AT_MOST(9), HEADER, HEADER, -EBADMSG, 0, -EBADMSG, NULL},

	/* Lengths. */
	{"nothing written", EXACTLY(0), 0, HEADER, 0, 0, -EBADMSG, "has 0 bytes, too few"},
	{"half a header", EXACTLY(0), HEADER - 1, HEADER - 1, 0, 0, -EBADMSG, "has 15 bytes"},
	{"says less than written", AT_MOST(9), HEADER + 9, HEADER + 8, 0, 0, -EBADMSG,
		"says it has 24 bytes, the device wrote 25"},
	{"says more than written", AT_MOST(9), HEADER + 8, HEADER + 9, 0, 0, -EBADMSG,
		"says it has 25 bytes, the device wrote 24"},
	{"says nothing", AT_MOST(9), HEADER, 0, 0, 0, -EBADMSG, "says it has 0"},
	{"other byte order", EXACTLY(144), HEADER + 144, SWAP32(HEADER + 144), 0, 0, -EBADMSG,
		"in the other byte order"},
	{"other byte order, error", EXACTLY(144), HEADER, SWAP32(HEADER), (int32_t)SWAP32(-2), 0,
		-EBADMSG, "in the other byte order"},
	{"too short a body", EXACTLY(144), HEADER + 143, HEADER + 143, 0, 0, -EBADMSG,
		"has 143 bytes where 144 are allowed"},
	{"too long a body", EXACTLY(144), HEADER + 145, HEADER + 145, 0, 0, -EBADMSG,
		"has 145 bytes where 144 are allowed"},
	{"no body", EXACTLY(144), HEADER, HEADER, 0, 0, -EBADMSG,
		"has 0 bytes where 144 are allowed"},
	{"a body where none is", EXACTLY(0), HEADER + 1, HEADER + 1, 0, 0, -EBADMSG,
		"has 1 bytes where 0 are allowed"},
	{"more than allowed", AT_MOST(4096), HEADER + 4097, HEADER + 4097, 0, 0, -EBADMSG,
		"where at most 4096 are allowed"},
	{"more than an int", AT_MOST(4096), UINT32_MAX, UINT32_MAX, 0, 0, -EBADMSG,
		"where at most 4096 are allowed"},

	/* Somebody else's. */
	{"unique of another", EXACTLY(0), HEADER, HEADER, 0, UNIQUE + 2, -EBADMSG,
		"is for request 4611686018427388164"},
	{"unique of an interrupt", EXACTLY(0), HEADER, HEADER, 0, UNIQUE | 1, -EBADMSG,
		"is for request"},
	{"upper half of unique", EXACTLY(0), HEADER, HEADER, 0, 0x102, -EBADMSG,
		"is for request 258"},

	/* Errors. */
	{"error 1", EXACTLY(0), HEADER, HEADER, 1, 0, -EBADMSG, "has the error 1"},
	{"error -4096", EXACTLY(0), HEADER, HEADER, -4096, 0, -EBADMSG, "has the error -4096"},
	{"error INT_MAX", EXACTLY(0), HEADER, HEADER, INT32_MAX, 0, -EBADMSG, "has the error"},
	{"error INT_MIN", EXACTLY(0), HEADER, HEADER, INT32_MIN, 0, -EBADMSG, "has the error"},
	{"error and a body", EXACTLY(144), HEADER + 144, HEADER + 144, -EIO, 0, -EBADMSG,
		"has an error and 144 bytes"},
	{"error and a little", AT_MOST(144), HEADER + 1, HEADER + 1, -EIO, 0, -EBADMSG,
		"has an error and 1 bytes"},

	/* Those that nobody answers. */
	{"none", NO_ANSWER, 0, 0xdead, 77, 1, 0, NULL},
	{"none, answered", NO_ANSWER, HEADER, HEADER, 0, 0, -EBADMSG,
		"16 bytes came for a message that has no answer"},
	{"none, refused", NO_ANSWER, HEADER, HEADER, -ENOSYS, 0, -EBADMSG, "no answer"},
	{"omitted", MAY_OMIT, 0, 0xdead, 77, 1, 0, NULL},
	{"not omitted", MAY_OMIT, HEADER, HEADER, 0, 0, 0, NULL},
	{"not omitted, refused", MAY_OMIT, HEADER, HEADER, -ENOSYS, 0, -ENOSYS, NULL},
	{"not omitted, malformed", MAY_OMIT, HEADER, HEADER, 0, 2, -EBADMSG, "is for request 2"},
	{"not omitted, too long", MAY_OMIT, HEADER + 1, HEADER + 1, 0, 0, -EBADMSG, "has 1 bytes"},
	{"not omitted, too short", MAY_OMIT, 1, HEADER, 0, 0, -EBADMSG, "has 1 bytes, too few"},
};

static const struct {
	unsigned int quirks;
	struct reply_case c;
} quirk_cases[] = {
	/* Of devices that do not say how much they wrote. */
	{0, {"used.len 0", EXACTLY(144), 0, HEADER + 144, 0, 0, -EBADMSG,
		    "(the quirk used-len-zero takes that)"}},
	{ZERO, {"used.len 0, quirk", EXACTLY(144), 0, HEADER + 144, 0, 0, 144, NULL}},
	{ZERO, {"used.len 0, quirk, error", EXACTLY(144), 0, HEADER, -ENOENT, 0, -ENOENT, NULL}},
	{ZERO, {"used.len 0, quirk, too short", EXACTLY(144), 0, HEADER + 143, 0, 0, -EBADMSG,
		       "has 143 bytes where 144 are allowed"}},
	{ZERO, {"used.len 0, quirk, too long", AT_MOST(9), 0, HEADER + 10, 0, 0, -EBADMSG,
		       "where at most 9 are allowed"}},
	{ZERO, {"used.len 0, quirk, far too long", AT_MOST(9), 0, UINT32_MAX, 0, 0, -EBADMSG,
		       "where at most 9 are allowed"}},
	{ZERO, {"used.len 0, quirk, half a header", AT_MOST(9), 0, HEADER - 1, 0, 0, -EBADMSG,
		       "has 15 bytes, too few"}},
	{ZERO, {"used.len 0, quirk, nothing written", AT_MOST(9), 0, 0, 0, 0, -EBADMSG,
		       "has 0 bytes"}},
	{ZERO, {"used.len 0, quirk, of another", EXACTLY(0), 0, HEADER, 0, 2, -EBADMSG,
		       "is for request 2"}},
	{ZERO, {"used.len 1, quirk", EXACTLY(0), 1, HEADER, 0, 0, -EBADMSG, "has 1 bytes"}},
	{ZERO, {"used.len right, quirk", EXACTLY(0), HEADER, HEADER, 0, 0, 0, NULL}},
	{ZERO, {"none, quirk", NO_ANSWER, 0, HEADER, 77, 1, 0, NULL}},
	{ZERO, {"omitted, quirk", MAY_OMIT, 0, HEADER, 77, 1, 0, NULL}},
	/* Of devices whose locks are granted later. */
	{0, {"wait", LOCK, HEADER, HEADER, 1, 0, -EBADMSG, "(the quirk lock-wait takes that)"}},
	{WAIT, {"wait, quirk", LOCK, HEADER, HEADER, 1, 0, -EINPROGRESS, NULL}},
	{WAIT, {"wait, quirk, no lock", EXACTLY(0), HEADER, HEADER, 1, 0, -EBADMSG,
		       "has the error 1"}},
	{WAIT, {"error 2, quirk", LOCK, HEADER, HEADER, 2, 0, -EBADMSG, "has the error 2"}},
	{WAIT, {"wait, quirk, a body", LOCK, HEADER + 1, HEADER + 1, 1, 0, -EBADMSG,
		       "has an error and 1 bytes"}},
};

static void check(const struct reply_case *c, unsigned int quirks)
{
	struct vfs_reply reply = {
		.unique = UNIQUE,
		.shape = c->shape,
		.used_len = c->used_len,
		.quirks = quirks,
		.header = {.len = c->len,
			.error = c->error,
			.unique = c->unique ? c->unique : UNIQUE},
	};
	bool malformed = !c->says;

	print_message("%s\n", c->name);
	assert_int_equal(vfs_reply_check(&reply, &malformed), c->result);
	assert_int_equal(malformed, c->says != NULL);
	if (c->says)
		assert_error_says(c->says);
}

static void answers_are_checked_against_their_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(&cases[i], 0);
}

static void quirks_relax_one_rule_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quirk_cases); i++)
		check(&quirk_cases[i].c, quirk_cases[i].quirks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_checked_against_their_request),
		cmocka_unit_test(quirks_relax_one_rule_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
