/* SPDX-License-Identifier: MIT */
#include "jobs.h"
#include "event.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vfs/fuse.h>

/* On the stack of who waits for it, so nobody else keeps a pointer to it once it is done. */
struct job {
	struct vfs_op *op;
	const struct vfs_request *request;
	struct job *next;
	bool done;
};

/* What marks a request as ours. */
static char ours;

int jobs_init(struct jobs *jobs, struct vfs_queue *queue)
{
	*jobs = (struct jobs){
		.queue = queue,
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.done = PTHREAD_COND_INITIALIZER,
	};
	return jobs->fd < 0 ? -errno : 0;
}

void jobs_free(struct jobs *jobs)
{
	close(jobs->fd);
	pthread_cond_destroy(&jobs->done);
	pthread_mutex_destroy(&jobs->lock);
}

/* ---- lists, with the lock ---- */

static void append(struct job **list, struct job *job)
{
	while (*list)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

static struct job *take_first(struct job **list)
{
	struct job *job = *list;

	if (job)
		*list = job->next;
	return job;
}

static struct job *take_sent(struct jobs *jobs, const struct vfs_request *request)
{
	struct job **list = &jobs->sent;

	while (*list && (*list)->request != request)
		list = &(*list)->next;
	return take_first(list);
}

/* Who waits for it has it again. */
static void finish(struct jobs *jobs, struct job *job, int64_t result)
{
	job->op->result = result;
	job->done = true;
	pthread_cond_broadcast(&jobs->done);
}

/* ---- who asks ---- */

void jobs_wake(struct jobs *jobs)
{
	event_set(jobs->fd);
}

static void post(struct jobs *jobs, struct job *job)
{
	append(&jobs->posted, job);
	atomic_store(&jobs->waiting, true);
	jobs_wake(jobs);
}

int64_t jobs_call(struct jobs *jobs, struct vfs_op *op)
{
	struct job job = {.op = op};

	op->answered = false;
	pthread_mutex_lock(&jobs->lock);
	if (jobs->closed)
		finish(jobs, &job, -ECANCELED);
	else
		post(jobs, &job);
	while (!job.done)
		pthread_cond_wait(&jobs->done, &jobs->lock);
	pthread_mutex_unlock(&jobs->lock);
	return op->result;
}

/* ---- the relay ---- */

void jobs_woken(struct jobs *jobs)
{
	event_clear(jobs->fd);
}

bool jobs_wait(const struct jobs *jobs)
{
	return atomic_load_explicit(&jobs->waiting, memory_order_relaxed);
}

/* With the lock. What cannot be written is not sent. */
static int encode(struct jobs *jobs, struct job *job, struct vfs_request *request)
{
	int error = vfs_op_encode(job->op, request);

	if (error) {
		finish(jobs, job, error);
		return error;
	}
	vfs_request_set_user_data(request, &ours);
	job->request = request;
	append(&jobs->sent, job);
	return 0;
}

int jobs_send(struct jobs *jobs, struct vfs_request *request)
{
	struct job *job;
	int error = -ENOENT;

	pthread_mutex_lock(&jobs->lock);
	job = take_first(&jobs->posted);
	atomic_store(&jobs->waiting, jobs->posted);
	if (job)
		error = encode(jobs, job, request);
	pthread_mutex_unlock(&jobs->lock);
	if (error) {
		vfs_request_put(request);
		return 0;
	}
	if (!vfs_queue_submit(jobs->queue, &request, 1))
		return 0;
	pthread_mutex_lock(&jobs->lock);
	finish(jobs, take_sent(jobs, request), -EIO);
	pthread_mutex_unlock(&jobs->lock);
	vfs_request_put(request);
	return -EIO;
}

bool jobs_finish(struct jobs *jobs, const struct vfs_request *request)
{
	struct job *job;

	if (vfs_request_user_data(request) != &ours)
		return false;
	pthread_mutex_lock(&jobs->lock);
	/* There is none if nobody waits any more. */
	job = take_sent(jobs, request);
	if (job)
		finish(jobs, job, vfs_op_finish(job->op, request));
	pthread_mutex_unlock(&jobs->lock);
	return true;
}

void jobs_close(struct jobs *jobs)
{
	struct job *job;

	pthread_mutex_lock(&jobs->lock);
	jobs->closed = true;
	while ((job = take_first(&jobs->posted)) || (job = take_first(&jobs->sent)))
		finish(jobs, job, -ECANCELED);
	atomic_store(&jobs->waiting, false);
	pthread_mutex_unlock(&jobs->lock);
}
