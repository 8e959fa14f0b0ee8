/* SPDX-License-Identifier: MIT */
/*
 * A check shows one thing and says how that went. It is given a client and leaves nothing behind
 * that the client's end would not take away.
 */
#ifndef LIBRARY_CHECK_H
#define LIBRARY_CHECK_H

#include <errno.h>
#include <string.h>

#include "client.h"

enum verdict { PASSED, FAILED, SKIPPED };

/* What is there when a check begins. */
enum needs {
	NEEDS_NOTHING, /* the device is not open */
	NEEDS_DEVICE,
	NEEDS_SESSION, /* and a directory of the check's own */
};

struct check {
	const char *name;
	enum verdict (*run)(struct client *client);
	enum needs needs;
	struct vfs_session_options session;
	bool complains; /* the library has errors to log */
};

struct check_list {
	const struct check *checks;
	size_t count;
};

#define CHECK_LIST(checks)                                 \
	{                                                  \
		checks, sizeof(checks) / sizeof(checks[0]) \
	}

extern const struct check_list device_checks, session_checks, files_checks, names_checks,
	attributes_checks, directories_checks, locks_checks, outside_checks, payload_checks,
	queues_checks, deadlines_checks, waiting_checks, forget_checks, errors_checks,
	malformed_checks, failure_checks, window_checks, memory_checks, memory_busy_checks,
	ops_checks;

/* Keep the reason for the line that is printed. */
enum verdict failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
enum verdict skipped(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define expect(condition, ...)                      \
	do {                                        \
		if (!(condition))                   \
			return failed(__VA_ARGS__); \
	} while (0)

#define expect_ok(call)                                                          \
	do {                                                                     \
		long result_ = (call);                                           \
		if (result_ < 0)                                                 \
			return failed("%s: %s", #call, strerror((int)-result_)); \
	} while (0)

#define expect_error(error, call)                                                    \
	do {                                                                         \
		long result_ = (call);                                               \
		if (result_ != -(error))                                             \
			return failed("%s: wants %s, is %s", #call, strerror(error), \
				result_ < 0 ? strerror((int)-result_) : "no error"); \
	} while (0)

/* What a server may do without. */
#define expect_supported(what, call)                                             \
	do {                                                                     \
		long result_ = (call);                                           \
		if (result_ == -ENOSYS || result_ == -EOPNOTSUPP)                \
			return skipped("the server has no %s", what);            \
		if (result_ < 0)                                                 \
			return failed("%s: %s", #call, strerror((int)-result_)); \
	} while (0)

#endif
