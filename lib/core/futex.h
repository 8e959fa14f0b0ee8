/* SPDX-License-Identifier: MIT */
/* Sleeping until a word of memory changes (futex(2)). */
#ifndef VFS_FUTEX_H
#define VFS_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Sleep while the word has this value; it may wake for no reason. False: that point in time, as
 * vfs_now_ns() has it, has passed; UINT64_MAX: never.
 */
bool vfs_futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t until_ns);

/* Wake one who sleeps on it. The word may be gone already. */
void vfs_futex_wake(_Atomic uint32_t *word);

#endif
