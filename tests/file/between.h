/* SPDX-License-Identifier: MIT */
/* What happens between an answer of the server and its being looked at (--wrap=vfs_fuse_call). */
#ifndef TESTS_FILE_BETWEEN_H
#define TESTS_FILE_BETWEEN_H

#include <stdint.h>

/* Once, after the next answer to such a message that is waited for. */
void between(uint32_t opcode, void (*happens)(void));

#endif
