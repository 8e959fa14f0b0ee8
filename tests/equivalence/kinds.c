/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/xattr.h>

#include "side.h"

#define FLAG(value, in_1000)                          \
	{                                             \
		.name = #value, (int)(value), in_1000 \
	}
#define CHOICE(value)                           \
	{                                       \
		.name = #value, (int)(value), 0 \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

static const struct flag access_modes[] = {
	CHOICE(O_RDONLY), CHOICE(O_WRONLY), CHOICE(O_RDWR), CHOICE(O_RDWR), END};
static const struct flag open_bits[] = {FLAG(O_TRUNC, 80), FLAG(O_APPEND, 150),
	FLAG(O_DIRECTORY, 80), FLAG(O_NOFOLLOW, 100), FLAG(O_PATH, 30), FLAG(O_DIRECT, 40),
	FLAG(O_NOATIME, 10), FLAG(O_EXCL, 10), END};
static const struct flag create_bits[] = {FLAG(O_CREAT, 1000), FLAG(O_EXCL, 150),
	FLAG(O_TRUNC, 100), FLAG(O_APPEND, 150), FLAG(O_NOFOLLOW, 50), FLAG(O_DIRECT, 40), END};
static const struct flag directory_choice[] = {CHOICE(O_RDONLY), CHOICE(O_PATH), END};
static const struct flag directory_bits[] = {FLAG(O_DIRECTORY, 1000), FLAG(O_NOFOLLOW, 50), END};
static const struct flag tmpfile_choice[] = {
	CHOICE(O_TMPFILE | O_RDWR), CHOICE(O_TMPFILE | O_WRONLY), CHOICE(O_TMPFILE), END};
static const struct flag tmpfile_bits[] = {FLAG(O_EXCL, 100), END};
static const struct flag resolve_bits[] = {FLAG(RESOLVE_BENEATH, 300), FLAG(RESOLVE_IN_ROOT, 300),
	FLAG(RESOLVE_NO_SYMLINKS, 300), FLAG(RESOLVE_NO_XDEV, 100),
	FLAG(RESOLVE_NO_MAGICLINKS, 100), END};

static const struct flag whences[] = {
	CHOICE(SEEK_SET), CHOICE(SEEK_CUR), CHOICE(SEEK_END), {"whence 77", 77, 0}, END};
static const struct flag holes[] = {CHOICE(SEEK_DATA), CHOICE(SEEK_HOLE), END};
static const struct flag allocations[] = {{"allocate", 0, 0}, CHOICE(FALLOC_FL_KEEP_SIZE),
	CHOICE(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE), CHOICE(FALLOC_FL_ZERO_RANGE),
	CHOICE(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE), CHOICE(FALLOC_FL_PUNCH_HOLE), END};
static const struct flag shifts[] = {
	CHOICE(FALLOC_FL_COLLAPSE_RANGE), CHOICE(FALLOC_FL_INSERT_RANGE), END};
static const struct flag positions[] = {{"by offsets", 3, 0}, {"by positions", 0, 0},
	{"from offset", 1, 0}, {"to offset", 2, 0}, END};
static const struct flag syncs[] = {{"all", 0, 0}, {"data", 1, 0}, END};

static const struct flag at_stat[] = {
	FLAG(AT_SYMLINK_NOFOLLOW, 300), FLAG(AT_EMPTY_PATH, 100), END};
static const struct flag at_link[] = {FLAG(AT_SYMLINK_FOLLOW, 300), FLAG(AT_EMPTY_PATH, 20), END};
static const struct flag at_nofollow[] = {FLAG(AT_SYMLINK_NOFOLLOW, 200), END};
static const struct flag at_access[] = {
	FLAG(AT_SYMLINK_NOFOLLOW, 100), FLAG(AT_EMPTY_PATH, 50), FLAG(AT_EACCESS, 100), END};
static const struct flag access_bits[] = {
	FLAG(R_OK, 500), FLAG(W_OK, 400), FLAG(X_OK, 400), {"8", 8, 10}, END};

static const struct flag node_types[] = {CHOICE(S_IFREG), CHOICE(S_IFIFO), CHOICE(S_IFSOCK),
	CHOICE(S_IFCHR), {"type 0", 0, 0}, CHOICE(S_IFDIR), END};
static const struct flag renames[] = {
	{"", 0, 0}, {"", 0, 0}, {"", 0, 0}, CHOICE(RENAME_NOREPLACE), CHOICE(RENAME_EXCHANGE), END};
static const struct flag odd_renames[] = {CHOICE(RENAME_WHITEOUT),
	CHOICE(RENAME_WHITEOUT | RENAME_NOREPLACE), CHOICE(RENAME_WHITEOUT | RENAME_EXCHANGE),
	CHOICE(RENAME_NOREPLACE | RENAME_EXCHANGE), END};
static const struct flag removed_dir[] = {CHOICE(AT_REMOVEDIR), END};

static const struct flag xattr_flags[] = {
	{"", 0, 0}, {"", 0, 0}, CHOICE(XATTR_CREATE), CHOICE(XATTR_REPLACE), END};
static const struct flag xattr_rooms[] = {
	{"size only", 0, 0}, {"room 10", 10, 0}, {"room 65536", 65536, 0}, END};

static const struct flag posix_locks[] = {CHOICE(F_RDLCK), CHOICE(F_WRLCK), CHOICE(F_UNLCK), END};
static const struct flag file_locks[] = {{"F_RDLCK, of the open file", F_RDLCK | 0x100, 0},
	{"F_WRLCK, of the open file", F_WRLCK | 0x100, 0},
	{"F_UNLCK, of the open file", F_UNLCK | 0x100, 0}, END};
static const struct flag asked_locks[] = {{"F_RDLCK", F_RDLCK, 0}, {"F_WRLCK", F_WRLCK, 0},
	{"F_RDLCK, of the open file", F_RDLCK | 0x100, 0},
	{"F_WRLCK, of the open file", F_WRLCK | 0x100, 0}, END};
static const struct flag flocks[] = {
	CHOICE(LOCK_SH | LOCK_NB), CHOICE(LOCK_EX | LOCK_NB), CHOICE(LOCK_UN), END};

#define PATH  (OP_PATH | OP_DIR)
#define PATHS (OP_PATH | OP_PATH2 | OP_DIR)
#define OPENS (OP_SLOT | PATH)
#define RANGE (OP_SLOT | OP_OFFSET | OP_LENGTH)

const struct kind op_kinds[] = {
	{"open", 80, OPENS, access_modes, open_bits, NULL, 0, apply_open},
	{"create", 90, OPENS | OP_MODE | OP_CREATES, access_modes, create_bits, NULL, 0,
		apply_open},
	{"open-directory", 15, OPENS, directory_choice, directory_bits, NULL, 0, apply_open},
	{"tmpfile", 8, OPENS | OP_MODE | OP_CREATES, tmpfile_choice, tmpfile_bits, NULL,
		FEATURE_TMPFILE, apply_open},
	{"openat2", 15, OPENS, access_modes, resolve_bits, NULL, 0, apply_openat2},
	{"close", 12, OP_SLOT, NULL, NULL, NULL, 0, apply_close},

	{"read", 35, OP_SLOT | OP_LENGTH, NULL, NULL, NULL, 0, apply_read},
	{"pread", 35, RANGE, NULL, NULL, NULL, 0, apply_pread},
	{"readv", 10, OP_SLOT | OP_LENGTH, NULL, NULL, NULL, 0, apply_readv},
	{"preadv", 10, RANGE, NULL, NULL, NULL, 0, apply_preadv},
	{"write", 60, OP_SLOT | OP_LENGTH, NULL, NULL, NULL, 0, apply_write},
	{"pwrite", 60, RANGE, NULL, NULL, NULL, 0, apply_pwrite},
	{"writev", 15, OP_SLOT | OP_LENGTH, NULL, NULL, NULL, 0, apply_writev},
	{"pwritev", 15, RANGE, NULL, NULL, NULL, 0, apply_pwritev},
	{"lseek", 30, OP_SLOT | OP_OFFSET, whences, NULL, NULL, 0, apply_lseek},
	{"seek-hole", 10, OP_SLOT | OP_OFFSET, holes, NULL, NULL, FEATURE_HOLES, apply_seek_hole},
	{"truncate", 15, OP_PATH | OP_OFFSET, NULL, NULL, NULL, 0, apply_truncate},
	{"ftruncate", 20, OP_SLOT | OP_OFFSET, NULL, NULL, NULL, 0, apply_ftruncate},
	{"fallocate", 15, RANGE, allocations, NULL, NULL, FEATURE_HOLES, apply_fallocate},
	{"fallocate-shift", 4, RANGE, shifts, NULL, NULL, FEATURE_SHIFT, apply_fallocate},
	{"copy", 15, RANGE | OP_SLOT2 | OP_OFFSET2, positions, NULL, NULL, 0, apply_copy},
	{"fsync", 2, OP_SLOT, syncs, NULL, NULL, 0, apply_fsync},

	{"stat", 70, PATH, NULL, NULL, at_stat, 0, apply_stat},
	{"fstat", 20, OP_SLOT, NULL, NULL, NULL, 0, apply_fstat},
	{"statx", 15, PATH, NULL, NULL, at_stat, 0, apply_statx},
	{"statvfs", 2, OP_PATH, NULL, NULL, NULL, 0, apply_statvfs},
	{"chmod", 25, PATH | OP_MODE, NULL, NULL, at_nofollow, 0, apply_chmod},
	{"fchmod", 10, OP_SLOT | OP_MODE, NULL, NULL, NULL, 0, apply_fchmod},
	{"chown", 20, PATH | OP_OWNER, NULL, NULL, at_stat, 0, apply_chown},
	{"fchown", 8, OP_SLOT | OP_OWNER, NULL, NULL, NULL, 0, apply_fchown},
	{"utimens", 12, PATH | OP_TIMES, NULL, NULL, at_nofollow, 0, apply_utimens},
	{"utimens-now", 4, PATH, NULL, NULL, at_nofollow, 0, apply_utimens},
	{"futimens", 5, OP_SLOT | OP_TIMES, NULL, NULL, NULL, 0, apply_futimens},
	{"access", 30, PATH, NULL, access_bits, at_access, 0, apply_access},

	{"open-to-all", 12, 0, NULL, NULL, NULL, 0, apply_open_to_all},
	{"mkdir", 55, PATH | OP_MODE | OP_CREATES, NULL, NULL, NULL, 0, apply_mkdir},
	{"mknod", 12, PATH | OP_MODE | OP_CREATES, node_types, NULL, NULL, 0, apply_mknod},
	{"unlink", 25, PATH, NULL, NULL, NULL, 0, apply_unlink},
	{"rmdir", 20, PATH, removed_dir, NULL, NULL, 0, apply_unlink},
	{"rename", 45, PATHS, renames, NULL, NULL, 0, apply_rename},
	{"rename-odd", 3, PATHS | OP_CREATES, odd_renames, NULL, NULL, FEATURE_WHITEOUT,
		apply_rename},
	{"link", 25, PATHS, NULL, NULL, at_link, 0, apply_link},
	{"symlink", 30, PATHS | OP_CREATES, NULL, NULL, NULL, 0, apply_symlink},
	{"readlink", 15, PATH | OP_LENGTH, NULL, NULL, NULL, 0, apply_readlink},
	{"realpath", 12, OP_PATH, NULL, NULL, NULL, 0, apply_realpath},

	{"opendir", 20, OP_STREAM | OP_PATH, NULL, NULL, NULL, 0, apply_opendir},
	{"fdopendir", 5, OP_STREAM | OP_SLOT2, NULL, NULL, NULL, 0, apply_fdopendir},
	{"list", 25, OP_STREAM, NULL, NULL, NULL, 0, apply_list},
	{"seekdir", 10, OP_STREAM | OP_OFFSET, NULL, NULL, NULL, 0, apply_seekdir},
	{"dirfile", 6, OP_STREAM | OP_PATH, NULL, NULL, at_stat, 0, apply_dirfile},
	{"closedir", 2, OP_STREAM, NULL, NULL, NULL, 0, apply_closedir},

	{"setxattr", 12, OP_PATH | OP_XATTR | OP_LENGTH, xattr_flags, NULL, at_nofollow,
		FEATURE_XATTR, apply_setxattr},
	{"getxattr", 12, OP_PATH | OP_XATTR, xattr_rooms, NULL, at_nofollow, FEATURE_XATTR,
		apply_getxattr},
	{"listxattr", 8, OP_PATH, xattr_rooms, NULL, at_nofollow, FEATURE_XATTR, apply_listxattr},
	{"removexattr", 6, OP_PATH | OP_XATTR, NULL, NULL, at_nofollow, FEATURE_XATTR,
		apply_removexattr},
	{"fsetxattr", 5, OP_SLOT | OP_XATTR | OP_LENGTH, xattr_flags, NULL, NULL, FEATURE_XATTR,
		apply_fsetxattr},
	{"fgetxattr", 5, OP_SLOT | OP_XATTR, xattr_rooms, NULL, NULL, FEATURE_XATTR,
		apply_fgetxattr},
	{"flistxattr", 4, OP_SLOT, xattr_rooms, NULL, NULL, FEATURE_XATTR, apply_flistxattr},
	{"fremovexattr", 3, OP_SLOT | OP_XATTR, NULL, NULL, NULL, FEATURE_XATTR,
		apply_fremovexattr},

	{"lock", 10, OP_SLOT | OP_RANGE, posix_locks, NULL, NULL, FEATURE_POSIX_LOCKS, apply_setlk},
	{"lock-file", 12, OP_SLOT | OP_RANGE, file_locks, NULL, NULL, FEATURE_POSIX_LOCKS,
		apply_setlk},
	{"lock-ask", 10, OP_SLOT | OP_RANGE, asked_locks, NULL, NULL, FEATURE_POSIX_LOCKS,
		apply_getlk},
	{"flock", 10, OP_SLOT, flocks, NULL, NULL, FEATURE_FLOCK, apply_flock},
};

const unsigned int op_num_kinds = sizeof(op_kinds) / sizeof(op_kinds[0]);
