/* SPDX-License-Identifier: MIT */
/**
 * DOC: Quirks
 *
 * What a device returns is checked, and one that breaks a rule is refused. Some rules are broken by
 * devices that are in use and work well otherwise. A quirk is such a rule, by name, that is not
 * enforced in a session that was created with it (struct vfs_session_options). The error that a
 * rule leads to names the quirk.
 */
#ifndef VFS_QUIRKS_H
#define VFS_QUIRKS_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum vfs_quirk - bits of vfs_session_options.quirks
 * @VFS_QUIRK_USED_LEN_ZERO: "used-len-zero": the device says that it wrote nothing although it
 *                           wrote an answer. The length in the answer's header counts, which is
 *                           checked against the room that there was.
 * @VFS_QUIRK_MAX_WRITE_ZERO: "max-write-zero": the answer to INIT has a max_write of 0. It is taken
 *                            for 4096.
 * @VFS_QUIRK_LOCK_WAIT: "lock-wait": SETLKW is answered at once by error 1, and the lock is
 *                       granted later by a notification with code 7 (FUSE_NOTIFY_LOCK, which is
 *                       RESEND elsewhere). The request completes with ``-EINPROGRESS``; see
 *                       VFS_NOTIFY_LOCK.
 */
enum vfs_quirk {
	VFS_QUIRK_USED_LEN_ZERO = 1 << 0,
	VFS_QUIRK_MAX_WRITE_ZERO = 1 << 1,
	VFS_QUIRK_LOCK_WAIT = 1 << 2,
};

/**
 * vfs_quirk_name() - the name of a quirk
 * @index: from 0
 *
 * Return: the name, NULL if there are no more
 */
const char *vfs_quirk_name(unsigned int index);

/**
 * vfs_quirk_describe() - what a device with this quirk does
 * @index: from 0
 *
 * Return: half a sentence, NULL if there are no more
 */
const char *vfs_quirk_describe(unsigned int index);

/**
 * vfs_quirk_parse() - bits for names
 * @names: names with commas or colons between them; "" for none
 * @quirks: where to put the bits; unchanged on error
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: one of the names is not known; vfs_last_error() lists those that are
 */
int vfs_quirk_parse(const char *names, unsigned int *quirks);

#ifdef __cplusplus
}
#endif

#endif
