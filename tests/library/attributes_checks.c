/* SPDX-License-Identifier: MIT */
/* Modes, times, and attributes with names. */
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"
#include "fuse.h"

#define VALUE_SIZE 2000u

static enum verdict modes_and_owners(struct client *client)
{
	struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = S_IFREG | 0604};
	struct fuse_attr attr;
	struct file file;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(fuse_getattr(client, file.node, &attr));
	expect(attr.mode == (S_IFREG | 0644), "mode %o", attr.mode);
	expect(attr.uid == geteuid() && attr.gid == getegid(), "owner %u:%u", attr.uid, attr.gid);
	expect_ok(fuse_setattr(client, file.node, &in, &attr));
	expect(attr.mode == (S_IFREG | 0604), "mode %o", attr.mode);
	in = (struct fuse_setattr_in){
		.valid = FATTR_UID | FATTR_GID, .uid = geteuid(), .gid = getegid()};
	expect_ok(fuse_setattr(client, file.node, &in, &attr));
	expect(attr.uid == geteuid() && attr.gid == getegid(), "owner %u:%u", attr.uid, attr.gid);
	return PASSED;
}

static enum verdict times_are_set(struct client *client)
{
	struct fuse_setattr_in in = {.valid = FATTR_ATIME | FATTR_MTIME,
		.atime = 1000000000,
		.atimensec = 111,
		.mtime = 1500000000,
		.mtimensec = 222};
	struct fuse_attr attr;
	struct file file;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(fuse_setattr(client, file.node, &in, &attr));
	expect_ok(fuse_getattr(client, file.node, &attr));
	expect(attr.atime == in.atime && attr.mtime == in.mtime, "times %llu and %llu",
		(unsigned long long)attr.atime, (unsigned long long)attr.mtime);
	in = (struct fuse_setattr_in){.valid = FATTR_MTIME | FATTR_MTIME_NOW};
	expect_ok(fuse_setattr(client, file.node, &in, &attr));
	expect(attr.mtime > 1500000000 && attr.atime == 1000000000, "times %llu and %llu",
		(unsigned long long)attr.atime, (unsigned long long)attr.mtime);
	return PASSED;
}

static enum verdict access_is_asked(struct client *client)
{
	struct fuse_access_in in = {.mask = R_OK};
	struct op op = {.opcode = FUSE_ACCESS, .node = client->directory, .in = {PART(in)}};

	expect_supported("ACCESS", op_run(client, &op));
	return PASSED;
}

static int set_named(struct client *client, uint64_t node, const char *name, const void *value,
	uint32_t size, uint32_t flags)
{
	struct fuse_setxattr_in in = {.size = size, .flags = flags};
	/* The longer form is for those who agreed on SETXATTR_EXT. */
	struct op op = {.opcode = FUSE_SETXATTR,
		.node = node,
		.in = {{&in, FUSE_COMPAT_SETXATTR_IN_SIZE}, NAME(name), {value, size}}};

	return (int)op_run(client, &op);
}

/* Its size is asked for with a size of 0. */
static long get_named(
	struct client *client, uint64_t node, const char *name, void *value, uint32_t size)
{
	struct fuse_getxattr_in in = {.size = size};
	struct fuse_getxattr_out out;
	struct op op = {.opcode = name ? FUSE_GETXATTR : FUSE_LISTXATTR,
		.node = node,
		.in = {PART(in)},
		.out = size ? value : &out,
		.room = size ? size : sizeof(out)};
	ssize_t r;

	if (name)
		op.in[1] = (struct part)NAME(name);
	r = op_run(client, &op);
	return r < 0 || size ? r : (long)out.size;
}

static int remove_named(struct client *client, uint64_t node, const char *name)
{
	struct op op = {.opcode = FUSE_REMOVEXATTR, .node = node, .in = {NAME(name)}};

	return (int)op_run(client, &op);
}

static enum verdict named_ones_are_kept(struct client *client)
{
	char *value = client_scratch(client, 2 * VALUE_SIZE), list[256];
	struct file file;
	long n;

	fill_pattern(value, VALUE_SIZE, 0, 6);
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_supported(
		"extended attributes", set_named(client, file.node, "user.small", "blue", 4, 0));
	expect_ok(set_named(client, file.node, "user.large", value, VALUE_SIZE, 0));
	expect(get_named(client, file.node, "user.large", NULL, 0) == VALUE_SIZE, "another size");
	n = get_named(client, file.node, "user.large", value + VALUE_SIZE, VALUE_SIZE);
	expect(n == VALUE_SIZE && is_pattern(value + VALUE_SIZE, VALUE_SIZE, 0, 6),
		"another value");
	expect(get_named(client, file.node, "user.small", list, sizeof(list)) == 4 &&
			memcmp(list, "blue", 4) == 0,
		"another small value");
	expect_error(ERANGE, get_named(client, file.node, "user.large", list, 10));
	n = get_named(client, file.node, NULL, list, sizeof(list));
	expect(n == get_named(client, file.node, NULL, NULL, 0), "%ld bytes of names", n);
	expect(n > 0 && memmem(list, (size_t)n, "user.small", 11) &&
			memmem(list, (size_t)n, "user.large", 11),
		"names are missing");
	return PASSED;
}

static enum verdict named_ones_have_errors(struct client *client)
{
	struct file file;
	char value[16];

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_supported("extended attributes",
		set_named(client, file.node, "user.one", "1", 1, XATTR_CREATE));
	expect_error(EEXIST, set_named(client, file.node, "user.one", "2", 1, XATTR_CREATE));
	expect_error(ENODATA, get_named(client, file.node, "user.two", value, sizeof(value)));
	expect_ok(remove_named(client, file.node, "user.one"));
	expect_error(ENODATA, remove_named(client, file.node, "user.one"));
	expect_error(ENODATA, get_named(client, file.node, "user.one", value, sizeof(value)));
	return PASSED;
}

static const struct check checks[] = {
	{"attributes/modes-and-owners", modes_and_owners, NEEDS_SESSION, {0}, false},
	{"attributes/times-are-set", times_are_set, NEEDS_SESSION, {0}, false},
	{"attributes/access-is-asked", access_is_asked, NEEDS_SESSION, {0}, false},
	{"attributes/named-ones-are-kept", named_ones_are_kept, NEEDS_SESSION, {0}, false},
	{"attributes/named-ones-have-errors", named_ones_have_errors, NEEDS_SESSION, {0}, false},
};

const struct check_list attributes_checks = CHECK_LIST(checks);
