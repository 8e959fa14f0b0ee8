/* SPDX-License-Identifier: MIT */
/* The engine that answers at once and has no files, to measure what is in front of it. */
#ifndef DEVICE_NULL_H
#define DEVICE_NULL_H

#include "request.h"

struct engine *null_create(void);

#endif
