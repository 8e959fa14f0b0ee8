/* SPDX-License-Identifier: MIT */
/* What FUSE calls its messages. */
#ifndef INSPECT_OPCODES_H
#define INSPECT_OPCODES_H

#include <stdint.h>

/* "READ"; "opcode 99" of one without a name, until the next call. */
const char *opcode_name(uint32_t opcode);

#endif
