/* SPDX-License-Identifier: MIT */
/* Every operation of fuse.h on a real server, by the functions that wait. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/fs.h>

#include <vfs/fuse.h>

#include "check.h"

#define SIZE 10000u

struct connection {
	struct client *client;
	struct vfs_fuse *fuse;
	uint64_t directory;
	struct vfs_op op; /* the last one */
};

static long call(struct connection *c)
{
	return (long)vfs_fuse_call(c->fuse, &c->op);
}

static void forget(struct connection *c, uint64_t node)
{
	struct fuse_forget_one one = {.nodeid = node, .nlookup = 1};

	(void)vfs_forget(c->client->session, &one, 1);
}

static long begin(struct connection *c)
{
	static const struct vfs_session_options options = {.depth = 16, .max_payload = 128 << 10};
	struct client *client = c->client;
	int r = vfs_session_create(client->device, &options, &client->session);

	if (r < 0)
		return r;
	client->queue = vfs_session_queue(client->session, 0);
	r = vfs_fuse_connect(client->session, NULL, &c->fuse);
	if (r < 0)
		return r;
	vfs_op_mkdir(&c->op, FUSE_ROOT_ID, client->name, 0755);
	if (call(c) < 0)
		return (long)c->op.result;
	c->directory = client->directory = c->op.answer.entry.nodeid;
	return 0;
}

static enum verdict connected(struct client *client, enum verdict (*body)(struct connection *c))
{
	struct connection c = {.client = client};
	enum verdict verdict;
	long r = begin(&c);

	verdict = r < 0 ? failed("begin: %s", vfs_last_error()) : body(&c);
	/* The directory is removed by a queue that threads do not share. */
	vfs_fuse_disconnect(c.fuse);
	return verdict;
}

static long create(struct connection *c, const char *name, struct vfs_created *created)
{
	vfs_op_create(&c->op, c->directory, name, O_RDWR, 0644);
	(void)call(c);
	*created = c->op.answer.created;
	return (long)c->op.result;
}

static long release(struct connection *c, const struct vfs_created *file)
{
	vfs_op_release(&c->op, file->entry.nodeid, file->open.fh, O_RDWR);
	return call(c);
}

#define CHECK(check)                                     \
	static enum verdict check(struct client *client) \
	{                                                \
		return connected(client, check##_body);  \
	}

/* ---- files ---- */

static void fill(char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 7 + i / 251);
}

static long write_file(struct connection *c, const struct vfs_created *file)
{
	static char bytes[SIZE];
	struct iovec pieces[2] = {{bytes, 100}, {bytes + 100, SIZE - 100}};

	fill(bytes, SIZE);
	vfs_op_write(&c->op, file->entry.nodeid, file->open.fh, 0, pieces, 2);
	return call(c);
}

static enum verdict write_and_read(struct connection *c, const struct vfs_created *file)
{
	static char wanted[SIZE], read[SIZE + 100];
	struct iovec out = {read, sizeof(read)};
	uint64_t node = file->entry.nodeid;
	uint64_t fh = file->open.fh;

	fill(wanted, SIZE);
	expect(write_file(c, file) == SIZE, "%ld bytes were written", (long)c->op.result);
	vfs_op_read(&c->op, node, fh, 0, &out, 1);
	expect(call(c) == SIZE, "%ld bytes were read", (long)c->op.result);
	expect(memcmp(wanted, read, SIZE) == 0, "other bytes than were written");
	vfs_op_flush(&c->op, node, fh, 1);
	expect_ok(call(c));
	vfs_op_fsync(&c->op, node, fh, true);
	expect_ok(call(c));
	vfs_op_getattr(&c->op, node);
	expect_ok(call(c));
	expect(c->op.answer.attr.attr.size == SIZE, "a size of %llu",
		(unsigned long long)c->op.answer.attr.attr.size);
	return PASSED;
}

static enum verdict files_body(struct connection *c)
{
	struct vfs_created file;
	enum verdict verdict;

	expect_ok(create(c, "file", &file));
	verdict = write_and_read(c, &file);
	expect_ok(release(c, &file));
	vfs_op_open(&c->op, file.entry.nodeid, O_RDONLY | O_CREAT | O_EXCL);
	expect_ok(call(c));
	file.open = c->op.answer.open;
	expect_ok(release(c, &file));
	vfs_op_statfs(&c->op, file.entry.nodeid);
	expect_ok(call(c));
	expect(c->op.answer.statfs.bsize > 0, "no block size");
	return verdict;
}

CHECK(files)

static enum verdict truncating_body(struct connection *c)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE | FATTR_FH, .size = 5};
	struct vfs_created file;

	expect_ok(create(c, "file", &file));
	expect(write_file(c, &file) == SIZE, "%ld bytes were written", (long)c->op.result);
	in.fh = file.open.fh;
	vfs_op_setattr(&c->op, file.entry.nodeid, &in);
	expect_ok(call(c));
	expect(c->op.answer.attr.attr.size == 5, "a size of %llu",
		(unsigned long long)c->op.answer.attr.attr.size);
	expect_ok(release(c, &file));
	vfs_op_open(&c->op, file.entry.nodeid, O_RDWR | O_TRUNC);
	expect_ok(call(c));
	file.open = c->op.answer.open;
	vfs_op_getattr(&c->op, file.entry.nodeid);
	expect_ok(call(c));
	expect(c->op.answer.attr.attr.size == 0, "O_TRUNC leaves %llu bytes",
		(unsigned long long)c->op.answer.attr.attr.size);
	expect_ok(release(c, &file));
	return PASSED;
}

CHECK(truncating)

static enum verdict room_and_holes_body(struct connection *c)
{
	struct vfs_created file;

	expect_ok(create(c, "file", &file));
	vfs_op_fallocate(&c->op, file.entry.nodeid, file.open.fh, 0, 0, SIZE);
	expect_supported("FALLOCATE", call(c));
	vfs_op_lseek(&c->op, file.entry.nodeid, file.open.fh, 1, SEEK_HOLE);
	expect_supported("LSEEK", call(c));
	expect(c->op.answer.offset <= SIZE, "a hole at %llu",
		(unsigned long long)c->op.answer.offset);
	vfs_op_lseek(&c->op, file.entry.nodeid, file.open.fh, SIZE, SEEK_DATA);
	expect_error(ENXIO, call(c));
	expect_ok(release(c, &file));
	return PASSED;
}

CHECK(room_and_holes)

static enum verdict copying_body(struct connection *c)
{
	static char wanted[SIZE], read[SIZE];
	struct iovec out = {read, sizeof(read)};
	struct vfs_created from, to;

	fill(wanted, SIZE);
	expect_ok(create(c, "from", &from));
	expect_ok(create(c, "to", &to));
	expect(write_file(c, &from) == SIZE, "%ld bytes were written", (long)c->op.result);
	vfs_op_copy_file_range(&c->op, from.entry.nodeid, from.open.fh, 0, to.entry.nodeid,
		to.open.fh, 0, SIZE, 0);
	expect_supported("COPY_FILE_RANGE", call(c));
	expect(c->op.result == SIZE, "%ld bytes were copied", (long)c->op.result);
	vfs_op_read(&c->op, to.entry.nodeid, to.open.fh, 0, &out, 1);
	expect(call(c) == SIZE, "%ld bytes were read", (long)c->op.result);
	expect(memcmp(wanted, read, SIZE) == 0, "other bytes than were copied");
	expect_ok(release(c, &from));
	expect_ok(release(c, &to));
	return PASSED;
}

CHECK(copying)

/* ---- names ---- */

static enum verdict links_body(struct connection *c)
{
	char target[PATH_MAX];
	struct iovec out = {target, sizeof(target)};
	uint64_t node;

	vfs_op_symlink(&c->op, c->directory, "link", "to/where");
	expect_ok(call(c));
	node = c->op.answer.entry.nodeid;
	vfs_op_readlink(&c->op, node, &out);
	expect(call(c) == 8, "a target of %ld bytes", (long)c->op.result);
	expect(memcmp(target, "to/where", 8) == 0, "another target");
	vfs_op_mknod(&c->op, c->directory, "file", S_IFREG | 0644, 0);
	expect_ok(call(c));
	node = c->op.answer.entry.nodeid;
	vfs_op_link(&c->op, node, c->directory, "other");
	expect_ok(call(c));
	expect(c->op.answer.entry.attr.nlink == 2, "%u links", c->op.answer.entry.attr.nlink);
	return PASSED;
}

CHECK(links)

static long exists(struct connection *c, const char *name)
{
	vfs_op_lookup(&c->op, c->directory, name);
	if (call(c) < 0)
		return (long)c->op.result;
	return c->op.answer.entry.nodeid ? 0 : -ENOENT;
}

static enum verdict renaming_body(struct connection *c)
{
	vfs_op_mkdir(&c->op, c->directory, "a", 0755);
	expect_ok(call(c));
	vfs_op_rename(&c->op, c->directory, "a", c->directory, "b", 0);
	expect_ok(call(c));
	expect_error(ENOENT, exists(c, "a"));
	expect_ok(exists(c, "b"));
	vfs_op_mkdir(&c->op, c->directory, "a", 0755);
	expect_ok(call(c));
	vfs_op_rename(&c->op, c->directory, "a", c->directory, "b", RENAME_NOREPLACE);
	/* Not every file system has the flags. */
	if (call(c) == -EINVAL || c->op.result == -ENOSYS)
		return skipped("the server has no RENAME2");
	expect(c->op.result == -EEXIST, "RENAME_NOREPLACE: %ld", (long)c->op.result);
	vfs_op_rmdir(&c->op, c->directory, "a");
	expect_ok(call(c));
	expect_error(ENOENT, exists(c, "a"));
	return PASSED;
}

CHECK(renaming)

static enum verdict nameless_body(struct connection *c)
{
	struct vfs_created file;

	vfs_op_tmpfile(&c->op, c->directory, O_RDWR, 0600);
	expect_supported("TMPFILE", call(c));
	file = c->op.answer.created;
	expect(write_file(c, &file) == SIZE, "%ld bytes were written", (long)c->op.result);
	expect_ok(release(c, &file));
	return PASSED;
}

CHECK(nameless)

static enum verdict wrong_names_body(struct connection *c)
{
	vfs_op_lookup(&c->op, c->directory, "no-such-name");
	expect(call(c) == -ENOENT || (c->op.result == 0 && !c->op.answer.entry.nodeid),
		"a name that is not there: %ld", (long)c->op.result);
	vfs_op_lookup(&c->op, c->directory, "a/b");
	expect_error(EINVAL, call(c));
	vfs_op_unlink(&c->op, c->directory, "");
	expect_error(EINVAL, call(c));
	return PASSED;
}

CHECK(wrong_names)

/* ---- attributes ---- */

static enum verdict attributes_body(struct connection *c)
{
	struct fuse_setattr_in in = {.valid = FATTR_MODE | FATTR_MTIME,
		.mode = 0751,
		.mtime = 1000000000,
		.mtimensec = 5000};
	uint64_t node;

	vfs_op_mkdir(&c->op, c->directory, "dir", 0700);
	expect_ok(call(c));
	node = c->op.answer.entry.nodeid;
	vfs_op_setattr(&c->op, node, &in);
	expect_ok(call(c));
	vfs_op_getattr(&c->op, node);
	expect_ok(call(c));
	expect(c->op.answer.attr.attr.mode == (S_IFDIR | 0751), "a mode of 0%o",
		c->op.answer.attr.attr.mode);
	expect(c->op.answer.attr.attr.mtime == 1000000000, "another time");
	return PASSED;
}

CHECK(attributes)

/* The mode is as the caller's umask leaves it, whichever side has taken the bits away. */
static enum verdict umasks_body(struct connection *c)
{
	struct vfs_caller caller;

	vfs_caller_get(&caller);
	caller.umask = 027;
	vfs_op_mkdir(&c->op, c->directory, "dir", 0777);
	c->op.caller = &caller;
	expect_ok(call(c));
	expect((c->op.answer.entry.attr.mode & 0777) == 0750, "a mode of 0%o",
		c->op.answer.entry.attr.mode);
	return PASSED;
}

CHECK(umasks)

static enum verdict xattrs_body(struct connection *c)
{
	char value[100];
	struct iovec five = {"value", 5};
	struct iovec room = {value, sizeof(value)};
	uint64_t node = c->directory;

	vfs_op_setxattr(&c->op, node, "user.one", &five, 0);
	expect_supported("SETXATTR", call(c));
	vfs_op_getxattr(&c->op, node, "user.one", NULL);
	expect(call(c) == 5, "a size of %ld", (long)c->op.result);
	vfs_op_getxattr(&c->op, node, "user.one", &room);
	expect(call(c) == 5 && memcmp(value, "value", 5) == 0, "another value");
	vfs_op_setxattr(&c->op, node, "user.one", &five, XATTR_CREATE);
	expect_error(EEXIST, call(c));
	vfs_op_listxattr(&c->op, node, &room);
	expect(call(c) >= 9 && memmem(value, (size_t)c->op.result, "user.one", 9),
		"it is not in the list");
	vfs_op_removexattr(&c->op, node, "user.one");
	expect_ok(call(c));
	vfs_op_getxattr(&c->op, node, "user.one", &room);
	expect_error(ENODATA, call(c));
	return PASSED;
}

CHECK(xattrs)

/* ---- directories ---- */

/* How many entries there are but for the dots. */
static long count_entries(struct connection *c, uint64_t fh, bool plus)
{
	static char bytes[4096];
	struct iovec room = {bytes, sizeof(bytes)};
	struct vfs_dirent dirent = {0};
	long count = 0;
	int r;

	for (;;) {
		struct iovec entries = {bytes, 0};

		if (plus)
			vfs_op_readdirplus(&c->op, c->directory, fh, dirent.offset, &room);
		else
			vfs_op_readdir(&c->op, c->directory, fh, dirent.offset, &room);
		if (call(c) <= 0)
			return c->op.result < 0 ? (long)c->op.result : count;
		entries.iov_len = (size_t)c->op.result;
		while ((r = vfs_dirent_next(&entries, plus, &dirent)) > 0) {
			count += dirent.name[0] != '.';
			if (dirent.entry.nodeid)
				forget(c, dirent.entry.nodeid);
		}
		if (r < 0)
			return r;
	}
}

static enum verdict directories_body(struct connection *c)
{
	enum { ENTRIES = 100 };
	char name[32];
	uint64_t fh;
	long plain, plus;

	for (unsigned int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "an-entry-with-number-%u", i);
		vfs_op_mknod(&c->op, c->directory, name, S_IFREG | 0600, 0);
		expect_ok(call(c));
	}
	vfs_op_opendir(&c->op, c->directory, O_RDONLY);
	expect_ok(call(c));
	fh = c->op.answer.open.fh;
	plain = count_entries(c, fh, false);
	plus = count_entries(c, fh, true);
	vfs_op_fsyncdir(&c->op, c->directory, fh, false);
	expect(call(c) == 0 || c->op.result == -ENOSYS, "FSYNCDIR: %ld", (long)c->op.result);
	vfs_op_releasedir(&c->op, c->directory, fh, O_RDONLY);
	expect_ok(call(c));
	expect(plain == ENTRIES, "READDIR: %ld entries", plain);
	if (plus == -ENOSYS)
		return skipped("the server has no READDIRPLUS");
	expect(plus == ENTRIES, "READDIRPLUS: %ld entries", plus);
	return PASSED;
}

CHECK(directories)

/* ---- the others ---- */

static enum verdict locks_body(struct connection *c)
{
	struct fuse_file_lock lock = {.start = 10, .end = 19, .type = F_WRLCK, .pid = 1};
	struct vfs_created file;

	expect_ok(create(c, "file", &file));
	vfs_op_setlk(&c->op, file.entry.nodeid, file.open.fh, 1, &lock, false);
	expect_supported("locks", call(c));
	vfs_op_getlk(&c->op, file.entry.nodeid, file.open.fh, 2, &lock);
	expect_ok(call(c));
	expect(c->op.answer.lock.type == F_WRLCK, "a lock of type %u is in the way",
		c->op.answer.lock.type);
	lock.type = F_UNLCK;
	vfs_op_setlk(&c->op, file.entry.nodeid, file.open.fh, 1, &lock, false);
	expect_ok(call(c));
	lock.type = F_WRLCK;
	vfs_op_getlk(&c->op, file.entry.nodeid, file.open.fh, 2, &lock);
	expect_ok(call(c));
	expect(c->op.answer.lock.type == F_UNLCK, "a lock of type %u is left",
		c->op.answer.lock.type);
	expect_ok(release(c, &file));
	return PASSED;
}

CHECK(locks)

/* Servers may have none of these; what they say has to be an answer all the same. */
static enum verdict rare_body(struct connection *c)
{
	struct iovec out = {&(int){0}, sizeof(int)};
	struct vfs_created file;

	expect_ok(create(c, "file", &file));
	vfs_op_ioctl(&c->op, file.entry.nodeid, file.open.fh, FS_IOC_GETFLAGS, 0, NULL, &out);
	expect(call(c) != -EIO, "IOCTL: %s", vfs_last_error());
	vfs_op_access(&c->op, file.entry.nodeid, R_OK);
	expect(call(c) == 0 || c->op.result == -ENOSYS, "ACCESS: %s", vfs_last_error());
	vfs_op_statx(&c->op, file.entry.nodeid, 0, STATX_BASIC_STATS);
	expect(call(c) == -ENOSYS || c->op.answer.statx.stat.mode == file.entry.attr.mode,
		"STATX: a mode of 0%o", c->op.answer.statx.stat.mode);
	vfs_op_poll(&c->op, file.entry.nodeid, file.open.fh, 1, POLLIN, false);
	expect(call(c) != -EIO, "POLL: %s", vfs_last_error());
	vfs_op_bmap(&c->op, file.entry.nodeid, 0, 4096);
	expect(call(c) != -EIO, "BMAP: %s", vfs_last_error());
	vfs_op_syncfs(&c->op, FUSE_ROOT_ID);
	expect(call(c) != -EIO, "SYNCFS: %s", vfs_last_error());
	expect_ok(release(c, &file));
	return PASSED;
}

CHECK(rare)

static enum verdict window_body(struct connection *c)
{
	const char *window = vfs_device_window(c->client->device);
	struct fuse_setupmapping_in in = {.len = 1 << 21,
		.flags = FUSE_SETUPMAPPING_FLAG_READ | FUSE_SETUPMAPPING_FLAG_WRITE};
	struct fuse_removemapping_one range = {.len = 1 << 21};
	static char wanted[SIZE];
	struct vfs_created file;

	if (!window)
		return skipped("the device has no DAX window");
	fill(wanted, SIZE);
	expect_ok(create(c, "file", &file));
	expect(write_file(c, &file) == SIZE, "%ld bytes were written", (long)c->op.result);
	in.fh = file.open.fh;
	vfs_op_setupmapping(&c->op, file.entry.nodeid, &in);
	expect_ok(call(c));
	expect(memcmp(window, wanted, SIZE) == 0, "other bytes in the window");
	vfs_op_removemapping(&c->op, file.entry.nodeid, &range, 1);
	expect_ok(call(c));
	expect_ok(release(c, &file));
	return PASSED;
}

CHECK(window)

/* ---- lookups ---- */

/* FORGET has no answer: the server has it a little later than it was sent. */
static bool is_forgotten(struct connection *c, uint64_t node)
{
	for (unsigned int waited = 0; waited < PATIENCE_MS; waited++) {
		vfs_op_getattr(&c->op, node);
		if (call(c) < 0)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

static enum verdict lookups_balance_body(struct connection *c)
{
	struct vfs_created file;
	uint64_t node;

	/* CREATE, LOOKUP and LINK are one each, and nothing else is. */
	expect_ok(create(c, "file", &file));
	node = file.entry.nodeid;
	expect_ok(release(c, &file));
	expect_ok(exists(c, "file"));
	vfs_op_link(&c->op, node, c->directory, "other");
	expect_ok(call(c));
	forget(c, node);
	forget(c, node);
	vfs_op_getattr(&c->op, node);
	expect_ok(call(c));
	forget(c, node);
	expect(is_forgotten(c, node), "it is not forgotten");
	return PASSED;
}

CHECK(lookups_balance)

static enum verdict features_body(struct connection *c)
{
	struct vfs_session_info info;

	vfs_session_info(c->client->session, &info);
	expect(info.agreed == (info.offered & info.wanted), "agreed 0x%llx",
		(unsigned long long)info.agreed);
	expect(info.agreed != 0, "nothing was agreed on");
	expect(info.minor >= 27, "minor %u", info.minor);
	return PASSED;
}

CHECK(features)

#define ROW(name, check)                              \
	{                                             \
		name, check, NEEDS_DEVICE, {0}, false \
	}

static const struct check checks[] = {
	ROW("ops/features", features),
	ROW("ops/files", files),
	ROW("ops/truncating", truncating),
	ROW("ops/room-and-holes", room_and_holes),
	ROW("ops/copying", copying),
	ROW("ops/links", links),
	ROW("ops/renaming", renaming),
	ROW("ops/nameless", nameless),
	ROW("ops/wrong-names", wrong_names),
	ROW("ops/attributes", attributes),
	ROW("ops/umask", umasks),
	ROW("ops/xattrs", xattrs),
	ROW("ops/directories", directories),
	ROW("ops/locks", locks),
	ROW("ops/rare", rare),
	ROW("ops/window", window),
	ROW("ops/lookups-balance", lookups_balance),
};

const struct check_list ops_checks = CHECK_LIST(checks);
