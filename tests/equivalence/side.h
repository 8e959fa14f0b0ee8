/* SPDX-License-Identifier: MIT */
/* One of the two that are compared: a file system by its functions, and what is open in it. */
#ifndef EQUIVALENCE_SIDE_H
#define EQUIVALENCE_SIDE_H

#include "../file/calls.h"
#include "op.h"
#include "outcome.h"

struct side {
	const struct calls *calls;
	void *fs;
	void *files[OP_FILES]; /* NULL: not open */
	void *dirs[OP_DIRS];
};

/* Done, and said. */
void side_apply(struct side *side, const struct op *op, struct outcome *outcome);

/* Closes all. 0, or the first error. */
int side_close(struct side *side);

/* As root, of what is there; 0, or the first error. tree.c */
int side_empty(struct side *side);

/* As root: all that is there, a line each, sorted; to be freed. NULL: out of memory. tree.c */
char *side_tree(struct side *side);

/* Something was opened; what was in its slot is closed. */
void side_put_file(struct side *side, unsigned int slot, void *file, struct outcome *out);
void side_put_dir(struct side *side, unsigned int slot, void *dir, struct outcome *out);

/* The functions of kinds, by files. Nothing but the table calls them. */
#define APPLY(name) void apply_##name(struct side *side, const struct op *op, struct outcome *out)

APPLY(open);
APPLY(openat2);
APPLY(close);
APPLY(read);
APPLY(pread);
APPLY(readv);
APPLY(preadv);
APPLY(write);
APPLY(pwrite);
APPLY(writev);
APPLY(pwritev);
APPLY(lseek);
APPLY(seek_hole);
APPLY(truncate);
APPLY(ftruncate);
APPLY(fallocate);
APPLY(copy);
APPLY(fsync);

APPLY(stat);
APPLY(fstat);
APPLY(statx);
APPLY(statvfs);
APPLY(chmod);
APPLY(fchmod);
APPLY(chown);
APPLY(fchown);
APPLY(utimens);
APPLY(futimens);
APPLY(access);
APPLY(open_to_all);

APPLY(mkdir);
APPLY(mknod);
APPLY(unlink);
APPLY(rename);
APPLY(link);
APPLY(symlink);
APPLY(readlink);
APPLY(realpath);

APPLY(opendir);
APPLY(fdopendir);
APPLY(list);
APPLY(seekdir);
APPLY(dirfile);
APPLY(closedir);

APPLY(setxattr);
APPLY(getxattr);
APPLY(listxattr);
APPLY(removexattr);
APPLY(fsetxattr);
APPLY(fgetxattr);
APPLY(flistxattr);
APPLY(fremovexattr);

APPLY(setlk);
APPLY(getlk);
APPLY(flock);

/* For these: the directory that a path begins at, NULL for the root. */
static inline void *side_dir(const struct side *side, int dir)
{
	return dir < 0 ? NULL : side->files[dir];
}

#endif
