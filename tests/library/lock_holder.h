/* SPDX-License-Identifier: MIT */
/* What is said in the first byte of a file that lock-holder locks. */
#ifndef LIBRARY_LOCK_HOLDER_H
#define LIBRARY_LOCK_HOLDER_H

#define HOLDER_LOCK   'L' /* lock all of it, as fcntl() does */
#define HOLDER_LOCKED 'H' /* done, until the byte changes or the file is removed */
#define HOLDER_LET_GO 'U'

#endif
