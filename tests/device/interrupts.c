/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "interrupts.h"

int interrupts_create(struct interrupts *irqs, unsigned int num_msix)
{
	unsigned int i;

	*irqs = (struct interrupts){.num_msix = num_msix, .error = -1, .request = -1};
	irqs->msix = malloc(num_msix * sizeof(*irqs->msix));
	if (!irqs->msix)
		return -ENOMEM;
	for (i = 0; i < num_msix; i++)
		irqs->msix[i] = -1;
	pthread_mutex_init(&irqs->lock, NULL);
	return 0;
}

void interrupts_destroy(struct interrupts *irqs)
{
	if (!irqs->msix)
		return;
	interrupts_clear(irqs);
	pthread_mutex_destroy(&irqs->lock);
	free(irqs->msix);
}

static void replace(int *fd, int by)
{
	if (*fd >= 0)
		close(*fd);
	*fd = by;
}

static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	if (fd < 0)
		return;
	n = write(fd, &one, sizeof(one));
	(void)n;
}

/* The descriptors of a kind; NULL: there is no such kind. */
static int *of_kind(struct interrupts *irqs, uint32_t index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return irqs->msix;
	case VFIO_PCI_ERR_IRQ_INDEX:
		return &irqs->error;
	case VFIO_PCI_REQ_IRQ_INDEX:
		return &irqs->request;
	default:
		return NULL;
	}
}

unsigned int interrupts_count(const struct interrupts *irqs, uint32_t index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return irqs->num_msix;
	case VFIO_PCI_ERR_IRQ_INDEX:
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

/* No descriptors: nobody wants to hear of these any more. */
static int assign(int *of, unsigned int count, int *fds, unsigned int num_fds)
{
	unsigned int i;

	if (!count || (num_fds && num_fds != count))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		replace(&of[i], num_fds ? fds[i] : -1);
		if (num_fds)
			fds[i] = -1;
	}
	return 0;
}

/* The driver's side raises interrupts itself, or turns them all off. */
static void trigger(int *of, unsigned int count, const uint8_t *bools)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!bools || bools[i])
			signal_fd(of[i]);
}

static void turn_off(int *of, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		replace(&of[i], -1);
}

static int set_locked(struct interrupts *irqs, const struct vfio_irq_set *set, int *fds,
	unsigned int num_fds, const uint8_t *bools, size_t num_bools)
{
	int *of = of_kind(irqs, set->index);
	unsigned int all = interrupts_count(irqs, set->index);

	/* None of ours can be masked but by its table. */
	if (!of || set->start > all || set->count > all - set->start ||
		(set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -EINVAL;
	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return assign(of + set->start, set->count, fds, num_fds);
	case VFIO_IRQ_SET_DATA_NONE:
		if (num_fds || (!set->count && set->start))
			return -EINVAL;
		if (set->count)
			trigger(of + set->start, set->count, NULL);
		else
			turn_off(of, all);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (num_fds || !set->count || num_bools != set->count)
			return -EINVAL;
		trigger(of + set->start, set->count, bools);
		return 0;
	default:
		return -EINVAL;
	}
}

int interrupts_set(struct interrupts *irqs, const struct vfio_irq_set *set, int *fds,
	unsigned int num_fds, const uint8_t *bools, size_t num_bools)
{
	int r;

	pthread_mutex_lock(&irqs->lock);
	r = set_locked(irqs, set, fds, num_fds, bools, num_bools);
	pthread_mutex_unlock(&irqs->lock);
	return r;
}

void interrupts_clear(struct interrupts *irqs)
{
	pthread_mutex_lock(&irqs->lock);
	turn_off(irqs->msix, irqs->num_msix);
	turn_off(&irqs->error, 1);
	turn_off(&irqs->request, 1);
	pthread_mutex_unlock(&irqs->lock);
}

void interrupts_signal(struct interrupts *irqs, unsigned int vector)
{
	if (vector >= irqs->num_msix)
		return;
	pthread_mutex_lock(&irqs->lock);
	signal_fd(irqs->msix[vector]);
	pthread_mutex_unlock(&irqs->lock);
}

int interrupts_dup(struct interrupts *irqs, unsigned int vector)
{
	int fd = -1;

	if (vector >= irqs->num_msix)
		return -1;
	pthread_mutex_lock(&irqs->lock);
	if (irqs->msix[vector] >= 0)
		fd = fcntl(irqs->msix[vector], F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&irqs->lock);
	return fd;
}
