/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <linux/fs.h>

#include "features.h"

static const struct {
	const char *name;
	unsigned int feature;
} names[] = {
	{"posix-locks", FEATURE_POSIX_LOCKS},
	{"flock", FEATURE_FLOCK},
	{"tmpfile", FEATURE_TMPFILE},
	{"xattr", FEATURE_XATTR},
	{"holes", FEATURE_HOLES},
	{"shift", FEATURE_SHIFT},
	{"whiteout", FEATURE_WHITEOUT},
	{"huge", FEATURE_HUGE},
	{"set-id", FEATURE_SET_ID},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static bool parse_one(const char *name, size_t length, unsigned int *features)
{
	for (unsigned int i = 0; i < NAMES; i++) {
		if (strlen(names[i].name) == length && strncmp(names[i].name, name, length) == 0) {
			*features |= names[i].feature;
			return true;
		}
	}
	return false;
}

bool features_parse(const char *text, unsigned int *features)
{
	while (*text) {
		size_t length = strcspn(text, ",");

		if (!parse_one(text, length, features))
			return false;
		text += length + (text[length] == ',');
	}
	return true;
}

void features_print(unsigned int features, FILE *stream)
{
	for (unsigned int i = 0; i < NAMES; i++)
		if (features & names[i].feature)
			fprintf(stream, " %s", names[i].name);
}

static unsigned int lacks(unsigned int feature, int r)
{
	return r == -EOPNOTSUPP || r == -ENOSYS ? feature : 0;
}

static unsigned int file_lacks(const struct calls *calls, void *file)
{
	struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	unsigned int lacking = 0;
	off_t hole;

	lacking |= lacks(FEATURE_POSIX_LOCKS, calls->lock(file, F_OFD_SETLK, &range));
	lacking |= lacks(FEATURE_FLOCK, calls->flock(file, LOCK_SH | LOCK_NB));
	lacking |= lacks(FEATURE_XATTR, calls->fsetxattr(file, "user.a", "x", 1, 0));
	lacking |= lacks(FEATURE_HOLES, calls->fallocate(file, 0, 0, 16384));
	hole = calls->lseek(file, 0, SEEK_DATA);
	lacking |= hole < 0 ? lacks(FEATURE_HOLES, (int)hole) : 0;
	lacking |= lacks(FEATURE_SHIFT, calls->fallocate(file, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	return lacking;
}

unsigned int features_lacking(struct side *side)
{
	const struct calls *calls = side->calls;
	unsigned int lacking = 0;
	void *file;
	int r;

	calls->become(&op_callers[0]);
	r = calls->open(side->fs, NULL, "/", O_TMPFILE | O_RDWR, 0600, &file);
	if (r == 0)
		calls->close(file);
	lacking |= lacks(FEATURE_TMPFILE, r);
	r = calls->open(side->fs, NULL, "/a", O_CREAT | O_RDWR, 0600, &file);
	if (r < 0)
		return lacking;
	lacking |= file_lacks(calls, file);
	calls->close(file);
	r = calls->rename(side->fs, NULL, "/a", NULL, "/b", RENAME_WHITEOUT);
	/* File systems that cannot say so. */
	lacking |= r == -EINVAL ? FEATURE_WHITEOUT : lacks(FEATURE_WHITEOUT, r);
	return lacking;
}
