/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "scarce.h"
#include "scenario.h"

bool judged(const char *call, int64_t result)
{
	if (result >= 0)
		return true;
	if (result == -ENOMEM && scarce_happened())
		return false;
	fail_msg("%s: %" PRId64 " (%s)", call, result, vfs_last_error());
	return false;
}
