/* SPDX-License-Identifier: MIT */
/* Whether the kernel offers FUSE over io_uring is the administrator's to say. */
#ifndef TESTS_TOOLS_RINGS_H
#define TESTS_TOOLS_RINGS_H

#include <stdbool.h>

/* Have it offered until rings_end(), which leaves it as it was unless others need it. */
bool rings_begin(void);
void rings_end(void);

/* Meanwhile: alone, not to disturb others that run at the same time. */
void rings_allow(bool allow);

#endif
