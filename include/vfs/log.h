/* SPDX-License-Identifier: MIT */
/**
 * DOC: Log
 *
 * The library prints nothing. What is worth knowing but is not an error (the address
 * policy that was chosen, features that were negotiated, a device that misbehaves) goes to
 * one callback of the application.
 */
#ifndef VFS_LOG_H
#define VFS_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum vfs_log_level - how much a message matters
 * @VFS_LOG_ERROR: something was lost or refused
 * @VFS_LOG_WARNING: it works, but somebody should know
 * @VFS_LOG_INFO: one line for each step of a device's life
 * @VFS_LOG_DEBUG: details for those who look for a fault
 */
enum vfs_log_level {
	VFS_LOG_ERROR,
	VFS_LOG_WARNING,
	VFS_LOG_INFO,
	VFS_LOG_DEBUG,
};

/**
 * typedef vfs_log_fn - receives one message
 * @level: how much it matters
 * @message: one line, no newline; valid during the call only
 * @ctx: what was given to vfs_log_set()
 *
 * Called in the thread that the message is about, possibly in several at once. It must not
 * call the library.
 */
typedef void (*vfs_log_fn)(enum vfs_log_level level, const char *message, void *ctx);

/**
 * vfs_log_set() - say where messages go
 * @fn: the callback, or NULL for none (the default)
 * @max_level: messages of a higher level are not made at all
 * @ctx: handed to @fn
 *
 * Call it before other threads use the library.
 */
void vfs_log_set(vfs_log_fn fn, enum vfs_log_level max_level, void *ctx);

#ifdef __cplusplus
}
#endif

#endif
