/* SPDX-License-Identifier: MIT */
/* The verbs of virtiofs-inspect. */
#ifndef INSPECT_H
#define INSPECT_H

/*
 * Each gets its operands and returns 0 or a negative errno with a message in vfs_last_error(),
 * which main() prints.
 */
int verb_list(int count, char **names);
int verb_show(int count, char **names);
int verb_dax(int count, char **names);
int verb_bind(int count, char **names);
int verb_unbind(int count, char **names);

#endif
