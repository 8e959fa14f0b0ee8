/* SPDX-License-Identifier: MIT */
/* Faults of a PCI function's capabilities. */
#ifndef DEVICE_SPOIL_H
#define DEVICE_SPOIL_H

#include "virtio_function.h"

/* Its configuration space is made: now what is to be wrong with it. */
void spoil_capabilities(struct function *f);

#endif
