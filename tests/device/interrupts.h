/* SPDX-License-Identifier: MIT */
/* A PCI function's interrupts: eventfds that whoever has the function wants to be signalled. */
#ifndef DEVICE_INTERRUPTS_H
#define DEVICE_INTERRUPTS_H

#include <pthread.h>
#include <stdint.h>

#include <linux/vfio.h>

struct interrupts {
	pthread_mutex_t lock; /* of the descriptors, which are -1 where nobody listens */
	int *msix;
	unsigned int num_msix;
	int error;
	int request;
};

/* -ENOMEM */
int interrupts_create(struct interrupts *irqs, unsigned int num_msix);
void interrupts_destroy(struct interrupts *irqs);

/* How many there are of VFIO's kind @index. */
unsigned int interrupts_count(const struct interrupts *irqs, uint32_t index);

/*
 * VFIO_DEVICE_SET_IRQS. Descriptors that are taken are -1 in @fds afterwards; @bools are what the
 * message has for VFIO_IRQ_SET_DATA_BOOL. -EINVAL
 */
int interrupts_set(struct interrupts *irqs, const struct vfio_irq_set *set, int *fds,
	unsigned int num_fds, const uint8_t *bools, size_t num_bools);

/* Nobody listens any more. */
void interrupts_clear(struct interrupts *irqs);

void interrupts_signal(struct interrupts *irqs, unsigned int vector);

/* A descriptor of its own for somebody who signals the vector himself; -1: nobody listens. */
int interrupts_dup(struct interrupts *irqs, unsigned int vector);

#endif
