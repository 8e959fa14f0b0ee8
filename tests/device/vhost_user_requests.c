/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include "say.h"
#include "vhost_user_backend.h"

void backend_set_requests(struct backend *b, int socket)
{
	pthread_mutex_lock(&b->lock);
	if (b->requests >= 0)
		close(b->requests);
	b->requests = socket;
	b->num_misses = 0;
	pthread_mutex_unlock(&b->lock);
}

/* With the lock held. The answer says whether there is a translation; it comes before that. */
static int send_miss(struct backend *b, uint64_t address, enum access access)
{
	struct message m = {
		.header = {.request = BACKEND_IOTLB_MSG,
			.flags = MESSAGE_VERSION | MESSAGE_NEED_REPLY,
			.size = sizeof(m.payload.iotlb)},
		.payload.iotlb = {.iova = address,
			.perm = (uint8_t)access,
			.type = VHOST_IOTLB_MISS},
	};

	if (b->requests < 0 || b->num_misses == MISSES_MAX)
		return -EFAULT;
	if (message_send(b->requests, &m) < 0)
		return -EFAULT;
	b->misses[(b->first_miss + b->num_misses++) % MISSES_MAX] = address;
	return 0;
}

int backend_ask_translation(void *opaque, uint64_t address, enum access access)
{
	struct backend *b = opaque;
	int r;

	pthread_mutex_lock(&b->lock);
	r = send_miss(b, address, access);
	pthread_mutex_unlock(&b->lock);
	return r;
}

void backend_take_answer(struct backend *b)
{
	struct message m;
	uint64_t address;
	int r = message_receive(b->requests, &m);

	if (r <= 0) {
		backend_set_requests(b, -1);
		return;
	}
	message_close_fds(&m);
	pthread_mutex_lock(&b->lock);
	if (m.header.request != BACKEND_IOTLB_MSG || !b->num_misses) {
		pthread_mutex_unlock(&b->lock);
		return;
	}
	address = b->misses[b->first_miss++ % MISSES_MAX];
	b->num_misses--;
	pthread_mutex_unlock(&b->lock);
	if (m.payload.u64)
		memory_refuse(b->device->memory, address);
}
