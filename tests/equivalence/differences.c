/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <linux/openat2.h>

#include "differences.h"
#include "op.h"

bool differs_opened(const struct op *op, int result, const struct stat *stat)
{
	if (!stat)
		return result == -ENXIO || (result == -EXDEV && op->bits & RESOLVE_NO_XDEV);
	return !S_ISREG(stat->st_mode) && !S_ISDIR(stat->st_mode) && !S_ISLNK(stat->st_mode);
}

bool differs_chmod(const struct op *op, int result)
{
	return op->at && result == -ENOSYS;
}

bool differs_written(const struct op *op, long long result)
{
	return result == -EFBIG && (op_features(op) & FEATURE_HUGE);
}

bool differs_resized(const struct op *op, int result)
{
	return op_callers[op->caller].uid != 0 && differs_written(op, result);
}

bool differs_locked(const struct stat *stat)
{
	return S_ISDIR(stat->st_mode);
}

bool differs_always(const struct op *op)
{
	if (strcmp(op->kind->name, "lseek") == 0 && (op_features(op) & FEATURE_HUGE))
		return true;
	if (op_callers[op->caller].uid == 0)
		return false;
	return strcmp(op->kind->name, "link") == 0 || strcmp(op->kind->name, "rename-odd") == 0;
}
