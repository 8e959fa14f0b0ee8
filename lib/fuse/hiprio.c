/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

#define BATCH 32u

/* The slots above are for INTERRUPT, which shall not stand behind any number of FORGETs. */
#define FORGETS_MAX (VFS_HIPRIO_DEPTH * 3 / 4)

int vfs_hiprio_init(struct vfs_hiprio *hiprio, struct vfs_queue *queue)
{
	*hiprio = (struct vfs_hiprio){.queue = queue};
	pthread_mutex_init(&hiprio->lock, NULL);
	return vfs_backlog_init(&hiprio->backlog);
}

void vfs_hiprio_fini(struct vfs_hiprio *hiprio)
{
	if (!hiprio->queue)
		return;
	vfs_backlog_fini(&hiprio->backlog);
	pthread_mutex_destroy(&hiprio->lock);
}

static void completed(struct vfs_hiprio *hiprio, struct vfs_request *request)
{
	if (request->opcode == FUSE_INTERRUPT)
		vfs_interrupt_answered(request->target, request->target_unique, request->error);
	else
		hiprio->forgets--;
	vfs_request_put(request);
}

static void collect(struct vfs_hiprio *hiprio)
{
	struct vfs_request *done[BATCH];
	unsigned int count;
	unsigned int i;

	do {
		count = vfs_queue_reap(hiprio->queue, done, BATCH);
		for (i = 0; i < count; i++)
			completed(hiprio, done[i]);
	} while (count == BATCH);
}

/* What there is room for. */
static int send_backlog(struct vfs_hiprio *hiprio)
{
	struct vfs_request *batch[BATCH];
	unsigned int built;
	int r;

	do {
		built = 0;
		while (built < BATCH && hiprio->backlog.count && hiprio->forgets < FORGETS_MAX) {
			struct vfs_request *request = vfs_request_get(hiprio->queue);

			if (!request)
				break;
			vfs_forget_build(request, &hiprio->backlog);
			hiprio->forgets++;
			batch[built++] = request;
		}
		r = built ? vfs_queue_submit(hiprio->queue, batch, built) : 0;
		/* Only a device that has failed takes none, and it forgets all by itself. */
		while (r < 0 && built > 0)
			completed(hiprio, batch[--built]);
	} while (built == BATCH);
	return r;
}

/* FORGETs that are no message yet, or one that found no room in the ring. */
static bool has_waiting(const struct vfs_hiprio *hiprio)
{
	return hiprio->backlog.count || hiprio->queue->parked.head;
}

/* With the lock. 1: some wait for room, and the descriptor will say when there is some. */
static int progress(struct vfs_hiprio *hiprio)
{
	int r;

	do {
		collect(hiprio);
		r = send_backlog(hiprio);
	} while (r == 0 && has_waiting(hiprio) && vfs_queue_arm(hiprio->queue));
	hiprio->waiting = has_waiting(hiprio);
	return r < 0 ? r : hiprio->waiting;
}

VFS_EXPORT int vfs_forget(
	struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count)
{
	struct vfs_hiprio *hiprio = &session->hiprio;
	int r = vfs_session_check(session);

	if (r < 0)
		return r;
	if (session->state != VFS_SESSION_CONNECTED)
		return vfs_error(-EINVAL, "nothing can be sent before INIT");
	pthread_mutex_lock(&hiprio->lock);
	r = vfs_backlog_add(&hiprio->backlog, forgets, count);
	if (r == 0)
		r = progress(hiprio);
	pthread_mutex_unlock(&hiprio->lock);
	return r < 0 ? r : 0;
}

VFS_EXPORT int vfs_session_progress(struct vfs_session *session)
{
	struct vfs_hiprio *hiprio = &session->hiprio;
	int r;

	pthread_mutex_lock(&hiprio->lock);
	r = progress(hiprio);
	pthread_mutex_unlock(&hiprio->lock);
	return r == 0 ? vfs_session_check(session) : r;
}

VFS_EXPORT int vfs_session_hiprio_fd(const struct vfs_session *session)
{
	return vfs_queue_fd(session->hiprio.queue);
}

void vfs_hiprio_collect(struct vfs_hiprio *hiprio)
{
	/* Whoever holds it does the same. */
	if (pthread_mutex_trylock(&hiprio->lock) != 0)
		return;
	(void)progress(hiprio);
	pthread_mutex_unlock(&hiprio->lock);
}

void vfs_hiprio_woken(struct vfs_hiprio *hiprio)
{
	if (pthread_mutex_trylock(&hiprio->lock) != 0)
		return;
	/* It may be an interrupt that nobody asked for any more. */
	vfs_queue_clear_wakeup(hiprio->queue);
	(void)progress(hiprio);
	pthread_mutex_unlock(&hiprio->lock);
}

static int send_interrupt(struct vfs_hiprio *hiprio, struct vfs_request *target)
{
	struct vfs_request *request = vfs_request_get(hiprio->queue);
	struct fuse_interrupt_in in = {.unique = target->reply.unique};
	struct fuse_in_header header = {
		.opcode = FUSE_INTERRUPT,
		/* As the kernel marks them. */
		.unique = target->reply.unique | 1,
	};
	uint8_t *message;
	int r;

	if (!request)
		return -EAGAIN;
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	request->target = target;
	request->target_unique = target->reply.unique;
	r = vfs_request_prepare(request, sizeof(header) + sizeof(in));
	if (r == 0)
		r = vfs_queue_submit(hiprio->queue, &request, 1);
	if (r < 0)
		vfs_request_put(request);
	return r;
}

int vfs_hiprio_interrupt(struct vfs_hiprio *hiprio, struct vfs_request *target)
{
	int r;

	pthread_mutex_lock(&hiprio->lock);
	collect(hiprio);
	r = send_interrupt(hiprio, target);
	pthread_mutex_unlock(&hiprio->lock);
	return r;
}
