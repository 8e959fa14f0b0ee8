/* SPDX-License-Identifier: MIT */
/* Something of everything that files.h offers, while memory runs out. */
#ifndef TESTS_FILE_SCENARIO_H
#define TESTS_FILE_SCENARIO_H

#include <vfs/file.h>

/* On a mount of an empty directory; leaves no open files. */
void scenario_names(struct vfs_fs *fs);
void scenario_data(struct vfs_fs *fs);

/*
 * What a call came to, by its text: fine, or out of memory after an allocation has failed. Anything
 * else fails the test. Returns whether it was fine.
 */
bool judged(const char *call, int64_t result);

/* Once more, if there is memory again; @done: it was done the first time, and that is all right. */
#define TRY(call, done)                                            \
	__extension__({                                            \
		int64_t result_ = (call);                          \
                                                                   \
		if (result_ == -ENOMEM && scarce_happened()) {     \
			result_ = (call);                          \
			result_ = result_ == (done) ? 0 : result_; \
		}                                                  \
		judged(#call, result_);                            \
	})

/* The same for what may be done twice. */
#define OK(call) TRY(call, 0)

#endif
