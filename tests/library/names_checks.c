/* SPDX-License-Identifier: MIT */
/* Names, and what they stand for. */
#include <limits.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include "check.h"
#include "fuse.h"

static enum verdict directories_come_and_go(struct client *client)
{
	struct fuse_entry_out entry, found;

	expect_ok(fuse_mkdir(client, client->directory, "sub", &entry));
	expect(S_ISDIR(entry.attr.mode) && (entry.attr.mode & 07777) == 0755, "mode %o",
		entry.attr.mode);
	expect_ok(fuse_lookup(client, client->directory, "sub", &found));
	expect(found.nodeid == entry.nodeid && found.attr.ino == entry.attr.ino, "another node");
	expect_ok(fuse_rmdir(client, client->directory, "sub"));
	expect_error(ENOENT, fuse_lookup(client, client->directory, "sub", &found));
	return PASSED;
}

static enum verdict rename_moves(struct client *client)
{
	struct fuse_entry_out sub, entry, found;
	struct file file;

	expect_ok(fuse_mkdir(client, client->directory, "sub", &sub));
	expect_ok(fuse_create(client, client->directory, "old", &file));
	expect_ok(fuse_rename(client, client->directory, "old", sub.nodeid, "new", 0));
	expect_error(ENOENT, fuse_lookup(client, client->directory, "old", &entry));
	expect_ok(fuse_lookup(client, sub.nodeid, "new", &found));
	expect(found.nodeid == file.node, "another node");
	return PASSED;
}

static enum verdict rename_replaces(struct client *client)
{
	struct file one, two;
	struct fuse_entry_out found;
	struct fuse_attr attr;

	expect_ok(fuse_create(client, client->directory, "one", &one));
	expect_ok(fuse_create(client, client->directory, "two", &two));
	expect_ok(fuse_rename(client, client->directory, "one", client->directory, "two", 0));
	expect_ok(fuse_lookup(client, client->directory, "two", &found));
	expect(found.nodeid == one.node, "another node");
	expect_ok(fuse_getattr(client, two.node, &attr));
	expect(attr.nlink == 0, "the other one still has %u links", attr.nlink);
	return PASSED;
}

static enum verdict rename_has_flags(struct client *client)
{
	uint64_t here = client->directory;
	struct fuse_entry_out found;
	struct file one, two;

	expect_ok(fuse_create(client, here, "one", &one));
	expect_ok(fuse_create(client, here, "two", &two));
	expect_supported(
		"RENAME2", fuse_rename(client, here, "one", here, "three", RENAME_NOREPLACE));
	expect_error(EEXIST, fuse_rename(client, here, "three", here, "two", RENAME_NOREPLACE));
	expect_ok(fuse_rename(client, here, "three", here, "two", RENAME_EXCHANGE));
	expect_ok(fuse_lookup(client, here, "two", &found));
	expect(found.nodeid == one.node, "two is not what three was");
	expect_ok(fuse_lookup(client, here, "three", &found));
	expect(found.nodeid == two.node, "three is not what two was");
	return PASSED;
}

static enum verdict links_are_one_file(struct client *client)
{
	struct fuse_entry_out entry;
	struct fuse_attr attr;
	struct file file;

	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect_ok(fuse_link(client, file.node, client->directory, "link", &entry));
	expect(entry.nodeid == file.node, "another node");
	expect(entry.attr.nlink == 2, "%u links", entry.attr.nlink);
	expect_ok(fuse_unlink(client, client->directory, "file"));
	expect_ok(fuse_lookup(client, client->directory, "link", &entry));
	expect_ok(fuse_getattr(client, entry.nodeid, &attr));
	expect(attr.nlink == 1, "%u links", attr.nlink);
	return PASSED;
}

static enum verdict symbolic_links_are_read(struct client *client)
{
	static const char target[] = "../some/where that/does not exist";
	struct fuse_entry_out entry;
	char read[4096];
	ssize_t n;

	expect_ok(fuse_symlink(client, client->directory, "link", target, &entry));
	expect(S_ISLNK(entry.attr.mode), "mode %o", entry.attr.mode);
	n = fuse_readlink(client, entry.nodeid, read, sizeof(read));
	expect(n == sizeof(target) - 1 && memcmp(read, target, sizeof(target) - 1) == 0,
		"%zd bytes, '%.*s'", n, n > 0 ? (int)n : 0, read);
	return PASSED;
}

static enum verdict nodes_of_other_kinds(struct client *client)
{
	struct fuse_entry_out entry;

	expect_ok(fuse_mknod(client, client->directory, "fifo", S_IFIFO | 0600, &entry));
	expect(S_ISFIFO(entry.attr.mode), "mode %o", entry.attr.mode);
	expect_ok(fuse_mknod(client, client->directory, "file", S_IFREG | 0640, &entry));
	expect(entry.attr.mode == (S_IFREG | 0640), "mode %o", entry.attr.mode);
	expect_ok(fuse_unlink(client, client->directory, "fifo"));
	expect_error(ENOENT, fuse_lookup(client, client->directory, "fifo", &entry));
	return PASSED;
}

static enum verdict names_are_long_and_odd(struct client *client)
{
	static const char *const odd[] = {
		" ", "a\nb", "\xff\xfe", "-", "...", "\xc3\xa4\xe2\x82\xac"};
	char name[NAME_MAX + 2];
	struct fuse_entry_out entry;
	size_t i;

	memset(name, 'n', sizeof(name));
	name[NAME_MAX] = '\0';
	expect_ok(fuse_mkdir(client, client->directory, name, &entry));
	expect_ok(fuse_lookup(client, client->directory, name, &entry));
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = '\0';
	expect_error(ENAMETOOLONG, fuse_mkdir(client, client->directory, name, &entry));
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		expect_ok(fuse_mkdir(client, client->directory, odd[i], &entry));
		expect_ok(fuse_lookup(client, client->directory, odd[i], &entry));
	}
	return PASSED;
}

/* Depth after depth, each found from the one above it. */
static enum verdict directories_are_deep(struct client *client)
{
	uint64_t nodes[33] = {client->directory}, node = client->directory;
	struct fuse_entry_out entry;
	unsigned int i;

	for (i = 1; i < 33; i++) {
		expect_ok(fuse_mkdir(client, nodes[i - 1], "deeper", &entry));
		nodes[i] = entry.nodeid;
	}
	for (i = 1; i < 33; i++) {
		expect_ok(fuse_lookup(client, node, "deeper", &entry));
		expect(entry.nodeid == nodes[i], "another node at depth %u", i);
		node = entry.nodeid;
	}
	return PASSED;
}

#define NAMES_CHECK(name, run)                                \
	{                                                     \
		"names/" name, run, NEEDS_SESSION, {0}, false \
	}

static const struct check checks[] = {
	NAMES_CHECK("directories-come-and-go", directories_come_and_go),
	NAMES_CHECK("rename-moves", rename_moves),
	NAMES_CHECK("rename-replaces", rename_replaces),
	NAMES_CHECK("rename-has-flags", rename_has_flags),
	NAMES_CHECK("links-are-one-file", links_are_one_file),
	NAMES_CHECK("symbolic-links-are-read", symbolic_links_are_read),
	NAMES_CHECK("nodes-of-other-kinds", nodes_of_other_kinds),
	NAMES_CHECK("long-and-odd", names_are_long_and_odd),
	NAMES_CHECK("directories-are-deep", directories_are_deep),
};

const struct check_list names_checks = CHECK_LIST(checks);
