/* SPDX-License-Identifier: MIT */
/* --list: the functions of this machine, as virtiofs-inspect lists them. */
#ifndef VIRTIOFS_FUSE_LISTING_H
#define VIRTIOFS_FUSE_LISTING_H

/* 0, or -1 after the one line that says why there is no list. */
int listing_print(void);

#endif
