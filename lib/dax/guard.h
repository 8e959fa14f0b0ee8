/* SPDX-License-Identifier: MIT */
/*
 * Faults in the window. While there is at least one user, vfs_copy_from_map() and
 * vfs_copy_to_map() survive them in the way that was asked for; without any they do by system
 * calls.
 *
 * It is one for the process, as signal handlers are. Any thread may call any function.
 */
#ifndef VFS_GUARD_H
#define VFS_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>

#include <vfs/dax.h>

/*
 * Become a user.
 *
 * Return: what was chosen, one of enum vfs_faults but AUTO, to be given back. For
 * VFS_FAULTS_HANDLER it can be VFS_FAULTS_SYSTEM_CALL, if handlers cannot be put in place again.
 *
 *   -EINVAL: VFS_FAULTS_APPLICATION, and the program has no handlers; or no such value
 *   -EPERM, -ENOSYS: the system calls are not allowed, or not there
 */
int vfs_guard_acquire(enum vfs_faults faults);

/* @chosen: what vfs_guard_acquire() has returned. */
void vfs_guard_release(int chosen);

/*
 * Look whether the library's handlers are still the process's, and make copies system calls if they
 * are not. To be called before something new is mapped: it is two system calls. Copies between the
 * moment in which somebody takes the signals and the next such call are without protection of ours.
 *
 * False: they were replaced. If the system calls are forbidden no copy succeeds any more.
 */
bool vfs_guard_intact(void);

/* For guard_copy.c alone: a handler is there that calls vfs_fault_handle(). */
extern atomic_bool vfs_guard_catches;

/* Copy a word each way by system call: 0 or -errno, without a message. */
int vfs_guard_try_calls(void);

#endif
