/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "say.h"
#include "vhost_user_backend.h"

/*
 * How long a front end may take to answer. One that stops the device meanwhile waits for us, as
 * we do for it: then this is how long both do.
 */
#define ANSWER_SECONDS 2

/* With the lock held: nobody waits any more. */
static void drop_asked(struct backend *b)
{
	while (b->num_asked) {
		struct waiter *waiter = b->asked[b->first_asked++ % ASKED_MAX].waiter;

		b->num_asked--;
		if (waiter)
			*waiter = (struct waiter){.answered = true, .answer = 1};
	}
	pthread_cond_broadcast(&b->answered);
}

void backend_set_requests(struct backend *b, int socket)
{
	pthread_mutex_lock(&b->lock);
	if (b->requests >= 0)
		close(b->requests);
	b->requests = socket;
	drop_asked(b);
	pthread_mutex_unlock(&b->lock);
}

/* With the lock held. */
static int ask(struct backend *b, const struct message *m, int fd, const struct asked *asked)
{
	if (b->requests < 0 || b->num_asked == ASKED_MAX || message_send(b->requests, m, fd) < 0)
		return -EIO;
	b->asked[(b->first_asked + b->num_asked++) % ASKED_MAX] = *asked;
	return 0;
}

/* A refusal is the answer; a translation comes before it, in a message of its own. */
int backend_ask_translation(void *opaque, uint64_t address, enum access access)
{
	struct backend *b = opaque;
	const struct asked asked = {.address = address};
	const struct message m = {
		.header = {.request = BACKEND_IOTLB_MSG,
			.flags = MESSAGE_VERSION | MESSAGE_NEED_REPLY,
			.size = sizeof(m.payload.iotlb)},
		.payload.iotlb = {.iova = address,
			.perm = (uint8_t)access,
			.type = VHOST_IOTLB_MISS},
	};
	int r;

	pthread_mutex_lock(&b->lock);
	r = ask(b, &m, -1, &asked);
	pthread_mutex_unlock(&b->lock);
	return r < 0 ? -EFAULT : 0;
}

/* With the lock held: nobody is to answer @waiter, who goes away. */
static void give_up(struct backend *b, const struct waiter *waiter)
{
	unsigned int i;

	for (i = 0; i < b->num_asked; i++) {
		struct asked *asked = &b->asked[(b->first_asked + i) % ASKED_MAX];

		if (asked->waiter == waiter)
			asked->waiter = NULL;
	}
}

static int ask_and_wait(struct backend *b, const struct message *m, int fd)
{
	struct waiter waiter = {.answered = false};
	const struct asked asked = {.waiter = &waiter};
	struct timespec until;
	int r, error = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ANSWER_SECONDS;
	pthread_mutex_lock(&b->lock);
	r = ask(b, m, fd, &asked);
	while (r == 0 && !waiter.answered && !error)
		error = pthread_cond_timedwait(&b->answered, &b->lock, &until);
	if (r == 0 && !waiter.answered) {
		give_up(b, &waiter);
		r = -ETIMEDOUT;
	}
	pthread_mutex_unlock(&b->lock);
	return r < 0 || !waiter.answer ? r : -EIO;
}

/*
 * QEMU 11 answers first and then shows the guest what it has mapped. It takes one message after the
 * other, so when it has answered another one, which changes nothing, it has done so.
 */
static int wait_until_shown(struct backend *b)
{
	const struct message m = {
		.header = {.request = BACKEND_VRING_HOST_NOTIFIER_MSG,
			.flags = MESSAGE_VERSION | MESSAGE_NEED_REPLY,
			.size = sizeof(m.payload.area)},
		.payload.area.queue = VRING_NO_FD,
	};
	int r = backend_has(b, PROTOCOL_F_HOST_NOTIFIER) ? ask_and_wait(b, &m, -1) : 0;

	/* Whatever it thinks of that. */
	return r == -ETIMEDOUT ? r : 0;
}

static int map_window(void *opaque, int fd, const struct dax_mapping *mapping)
{
	const struct message m = {
		.header = {.request = BACKEND_SHMEM_MAP,
			.flags = MESSAGE_VERSION | MESSAGE_NEED_REPLY,
			.size = sizeof(m.payload.map)},
		.payload.map = {.fd_offset = mapping->file_offset,
			.offset = mapping->window_offset,
			.size = mapping->size,
			.flags = mapping->writable ? SHMEM_WRITABLE : 0},
	};

	int r = ask_and_wait(opaque, &m, fd);

	return r < 0 ? r : wait_until_shown(opaque);
}

static int unmap_window(void *opaque, uint64_t offset, uint64_t size)
{
	const struct message m = {
		.header = {.request = BACKEND_SHMEM_UNMAP,
			.flags = MESSAGE_VERSION | MESSAGE_NEED_REPLY,
			.size = sizeof(m.payload.map)},
		.payload.map = {.offset = offset, .size = size},
	};

	return ask_and_wait(opaque, &m, -1);
}

void backend_show_window(struct backend *b)
{
	const struct dax_view view = {.map = map_window, .unmap = unmap_window, .opaque = b};

	dax_attach(b->device->dax, &view);
}

static void take(struct backend *b, uint64_t answer)
{
	struct asked asked;

	pthread_mutex_lock(&b->lock);
	if (!b->num_asked) {
		pthread_mutex_unlock(&b->lock);
		say("the front end answers what it was not asked");
		return;
	}
	asked = b->asked[b->first_asked++ % ASKED_MAX];
	b->num_asked--;
	if (asked.waiter)
		*asked.waiter = (struct waiter){.answered = true, .answer = answer};
	pthread_cond_broadcast(&b->answered);
	pthread_mutex_unlock(&b->lock);
	/* No address was asked for then; that nothing is at 0 would be no harm. */
	if (!asked.waiter && answer)
		memory_refuse(b->device->memory, asked.address);
}

void backend_take_answer(struct backend *b)
{
	struct message m;

	if (message_receive(b->requests, &m) <= 0) {
		backend_set_requests(b, -1);
		return;
	}
	fd_list_close(&m.fds);
	take(b, m.payload.u64);
}
