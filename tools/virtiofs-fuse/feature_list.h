/* SPDX-License-Identifier: MIT */
/* features_off= and require=: FUSE features by their names. */
#ifndef VIRTIOFS_FUSE_FEATURE_LIST_H
#define VIRTIOFS_FUSE_FEATURE_LIST_H

#include <stdint.h>

/*
 * Names with colons between, of the option @name. 0, or -1 after the one line that says what is
 * wrong.
 */
int feature_list_parse(const char *name, const char *text, uint64_t *features);

/* The one line about @features of which @what holds. */
void feature_list_complain(const char *what, uint64_t features);

#endif
