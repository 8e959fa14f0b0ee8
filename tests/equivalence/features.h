/* SPDX-License-Identifier: MIT */
#ifndef EQUIVALENCE_FEATURES_H
#define EQUIVALENCE_FEATURES_H

#include <stdbool.h>

#include "side.h"

/* FEATURE_* of names with commas between them; false: one is not known. */
bool features_parse(const char *names, unsigned int *features);

/* Names, with spaces between them. */
void features_print(unsigned int features, FILE *stream);

/* FEATURE_* that an empty file system says it does not have. */
unsigned int features_lacking(struct side *side);

#endif
