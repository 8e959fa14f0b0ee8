/* SPDX-License-Identifier: MIT */
/**
 * DOC: Errors
 *
 * Every function that can fail returns a negative errno value (``-EBUSY``, ...). The
 * number is for programs; vfs_last_error() has the sentence for people: what was tried,
 * on what, why it failed and what to do about it.
 */
#ifndef VFS_ERROR_H
#define VFS_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * vfs_last_error() - the sentence that belongs to this thread's last failure
 *
 * Return: the message, or an empty string when nothing failed yet, never NULL. It is one line
 * without a newline, and valid until the next call of the library that fails in the same thread;
 * calls that succeed leave it alone.
 */
const char *vfs_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
