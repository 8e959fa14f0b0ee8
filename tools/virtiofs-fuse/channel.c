/* SPDX-License-Identifier: MIT */
#include "channel.h"

#include <vfs/request.h>

void channel_init(struct channel *channel, struct vfs_queue *queue)
{
	*channel = (struct channel){.queue = queue, .lock = PTHREAD_MUTEX_INITIALIZER};
}

void channel_destroy(struct channel *channel)
{
	pthread_mutex_destroy(&channel->lock);
}

struct vfs_request *channel_get(struct channel *channel)
{
	struct vfs_request *request;

	pthread_mutex_lock(&channel->lock);
	request = vfs_request_get(channel->queue);
	pthread_mutex_unlock(&channel->lock);
	return request;
}

void channel_put(struct channel *channel, struct vfs_request *request)
{
	if (!request)
		return;
	pthread_mutex_lock(&channel->lock);
	vfs_request_put(request);
	pthread_mutex_unlock(&channel->lock);
}

int channel_submit(struct channel *channel, struct vfs_request *const *requests, unsigned int count)
{
	int error;

	pthread_mutex_lock(&channel->lock);
	error = vfs_queue_submit(channel->queue, requests, count);
	pthread_mutex_unlock(&channel->lock);
	return error;
}

/* With the lock. What comes next is not for the caller alone, who may be busy for a while. */
static void wake_sleepers_by_the_next(struct channel *channel)
{
	/* What is there already the caller finds when he comes back. */
	if (channel->sleepers && vfs_queue_in_flight(channel->queue))
		(void)vfs_queue_arm(channel->queue);
}

unsigned int channel_reap(struct channel *channel, struct vfs_request **requests, unsigned int max)
{
	unsigned int count;

	pthread_mutex_lock(&channel->lock);
	count = vfs_queue_reap(channel->queue, requests, max);
	wake_sleepers_by_the_next(channel);
	pthread_mutex_unlock(&channel->lock);
	return count;
}

unsigned int channel_in_flight(struct channel *channel)
{
	unsigned int count;

	pthread_mutex_lock(&channel->lock);
	count = vfs_queue_in_flight(channel->queue);
	pthread_mutex_unlock(&channel->lock);
	return count;
}

/* With the lock */
static enum channel_cancel cancel(struct vfs_request *request, bool locks_only)
{
	const struct fuse_in_header *header = vfs_request_message(request);

	if (locks_only && header->opcode != FUSE_SETLKW)
		return CHANNEL_NOT_YET;
	(void)vfs_request_cancel(request);
	return CHANNEL_CANCELLED;
}

enum channel_cancel channel_cancel(struct channel *channel, uint64_t unique, bool locks_only)
{
	enum channel_cancel result = CHANNEL_UNKNOWN;
	struct vfs_request *request;

	pthread_mutex_lock(&channel->lock);
	request = vfs_queue_find(channel->queue, unique);
	if (request)
		result = cancel(request, locks_only);
	pthread_mutex_unlock(&channel->lock);
	return result;
}

/*
 * With the lock. A queue with nothing under way has nothing to say, but for what comes after its
 * deadline.
 */
static enum channel_rest rest(struct channel *channel, bool wait)
{
	bool expects = vfs_queue_in_flight(channel->queue) ||
		       vfs_queue_timeout(channel->queue) >= 0;

	if (!expects)
		return CHANNEL_LEAVE;
	if (vfs_queue_arm(channel->queue))
		return CHANNEL_BUSY;
	return wait || !channel->sleepers ? CHANNEL_WAIT : CHANNEL_LEAVE;
}

enum channel_rest channel_rest(struct channel *channel, bool wait, int *timeout_ms)
{
	enum channel_rest how;

	pthread_mutex_lock(&channel->lock);
	how = rest(channel, wait);
	if (how == CHANNEL_WAIT) {
		channel->sleepers++;
		*timeout_ms = vfs_queue_timeout(channel->queue);
	}
	pthread_mutex_unlock(&channel->lock);
	return how;
}

void channel_end_rest(struct channel *channel)
{
	pthread_mutex_lock(&channel->lock);
	channel->sleepers--;
	pthread_mutex_unlock(&channel->lock);
}
