/* SPDX-License-Identifier: MIT */
/**
 * DOC: Synchronous calls
 *
 * Queues that any thread may use: take a request, write and prepare the message, call, look at
 * the answer, put the request back. The functions here take the place of vfs_request_get(),
 * vfs_request_put(), vfs_request_cancel(), vfs_queue_submit(), vfs_queue_reap() and
 * vfs_queue_wait(); everything else of request.h is as it was.
 *
 * No thread of the library's own is needed: of the threads that wait for answers of a queue, one
 * collects them for all, and hands that task over when it has its own. Who waits sleeps by himself
 * and is woken when his answer is there. Nothing is allocated for a call.
 *
 * A call is not ended by a signal, as its message is on its way: give it a time limit, or end it
 * by vfs_sync_cancel() from another thread. A thread must not be cancelled (pthread_cancel()) in
 * one of these functions.
 */
#ifndef VFS_SYNC_H
#define VFS_SYNC_H

#include <vfs/request.h>
#include <vfs/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct vfs_sync - request queues of a session that threads share; opaque */
struct vfs_sync;

/**
 * struct vfs_sync_options - which queues are shared
 * @first_queue: the first one, as in vfs_session_queue()
 * @num_queues: how many; 0: all from the first one on
 */
struct vfs_sync_options {
	unsigned int first_queue;
	unsigned int num_queues;
};

/**
 * vfs_sync_create() - take over request queues of a session
 * @session: a session; it has to outlive what is created here
 * @options: NULL for all queues
 * @result: where to put it; unchanged on error
 *
 * Nothing may be taken from these queues or be in flight on them. Until vfs_sync_destroy() they
 * are used by the functions of this header only. Not to be called together with other functions
 * for the same session.
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: there are no such queues
 *   * ``-EBUSY``: one of them is shared already
 *   * ``-ENOMEM``
 */
int vfs_sync_create(struct vfs_session *session, const struct vfs_sync_options *options,
	struct vfs_sync **result);

/**
 * vfs_sync_destroy() - give the queues back
 * @sync: what was created, or NULL
 *
 * Stops the library's own threads. No thread may be in another function with @sync. Callbacks of
 * requests that are still in flight are never called; see vfs_sync_drain().
 */
void vfs_sync_destroy(struct vfs_sync *sync);

/**
 * vfs_sync_get() - take a free request
 * @sync: the shared queues
 * @timeout_ms: how long to wait if there is none; 0: not at all, -1: without a limit
 * @request: where to put it; unchanged on error
 *
 * It is of the queue of the processor that runs the caller: CPU number modulo the number of queues.
 * If that has none free it is of another one. If no queue has, the caller waits for one of his
 * own processor's queue; who waits longest is served first.
 *
 * Return: 0, or
 *
 *   * ``-ETIMEDOUT``: none became free in time
 *   * ``-EDEADLK``: it would have to wait, in a callback
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone
 */
int vfs_sync_get(struct vfs_sync *sync, int timeout_ms, struct vfs_request **request);

/**
 * vfs_sync_get_on() - take a free request of one queue
 * @sync: the shared queues
 * @index: of the queue, from 0 on
 * @timeout_ms: as of vfs_sync_get()
 * @request: where to put it; unchanged on error
 *
 * A device is given the requests of one queue in the order of their submission; nothing is said
 * about the order of different queues.
 *
 * Return: as vfs_sync_get(), or
 *
 *   * ``-EINVAL``: there is no such queue
 */
int vfs_sync_get_on(
	struct vfs_sync *sync, unsigned int index, int timeout_ms, struct vfs_request **request);

/**
 * vfs_sync_put() - give a request back that is not in flight
 * @sync: the shared queues
 * @request: the request, or NULL
 */
void vfs_sync_put(struct vfs_sync *sync, struct vfs_request *request);

/**
 * vfs_sync_call() - send a request and wait for its answer
 * @sync: the shared queues
 * @request: a prepared request
 * @timeout_ms: as of vfs_request_set_timeout(); 0: as it was set before, without a limit if not
 *
 * Other threads' answers may be collected, and their callbacks be called, while it waits.
 *
 * Return: 0 when the server has answered, see vfs_request_error(); or
 *
 *   * ``-EINVAL``: the request is not prepared; it was not sent
 *   * ``-EDEADLK``: called in a callback; it was not sent
 *   * ``-ETIMEDOUT``: not answered in time; see vfs_request_set_timeout()
 *   * ``-ECANCELED``: it was cancelled before the device had it
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone, or the answer is against the protocol
 *
 * In any case the request is the caller's again.
 */
int vfs_sync_call(struct vfs_sync *sync, struct vfs_request *request, unsigned int timeout_ms);

/**
 * typedef vfs_sync_done_fn - a request has completed
 * @request: it is the callee's now, who puts it back, at once or later
 * @ctx: what was given to vfs_sync_submit()
 *
 * Called by a thread that collects answers, with nothing locked. Other answers of the queue wait
 * for its return. It may call everything here that does not wait: vfs_sync_get() with a timeout
 * of 0, vfs_sync_put(), vfs_sync_submit(), vfs_sync_cancel().
 */
typedef void vfs_sync_done_fn(struct vfs_request *request, void *ctx);

/**
 * vfs_sync_submit() - send a request, and have a function called when it has completed
 * @sync: the shared queues
 * @request: a prepared request
 * @done: called once, when vfs_request_error() and vfs_request_reply() have the answer
 * @ctx: for @done
 *
 * Never blocks. Answers are collected by threads in vfs_sync_call(), vfs_sync_get() and
 * vfs_sync_drain(), or by those of vfs_sync_start_threads().
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: the request is not prepared
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone
 *
 * On error @done is not called.
 */
int vfs_sync_submit(
	struct vfs_sync *sync, struct vfs_request *request, vfs_sync_done_fn *done, void *ctx);

/**
 * vfs_sync_cancel() - ask for an early end of a request, from any thread
 * @sync: the shared queues
 * @request: a request in flight; it must not be put back meanwhile
 *
 * As vfs_request_cancel(). Not to be called in a signal handler.
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: it is not in flight, or not any more
 */
int vfs_sync_cancel(struct vfs_sync *sync, struct vfs_request *request);

/**
 * vfs_sync_drain() - wait until nothing is in flight
 * @sync: the shared queues
 * @timeout_ms: how long; -1: without a limit
 *
 * Each queue has been seen idle once when it returns; other threads may go on sending.
 *
 * Return: 0, or
 *
 *   * ``-ETIMEDOUT``: there is something in flight still
 *   * ``-EDEADLK``: called in a callback
 */
int vfs_sync_drain(struct vfs_sync *sync, int timeout_ms);

/**
 * vfs_sync_start_threads() - collect answers also while no thread waits for one
 * @sync: the shared queues
 *
 * One thread for each queue, with all signals blocked, that sleeps while nothing is in flight. For
 * programs that use callbacks.
 *
 * Return: 0, or
 *
 *   * ``-EBUSY``: they run already
 *   * ``-EAGAIN``, ``-ENOMEM``: a thread cannot be created; none runs
 */
int vfs_sync_start_threads(struct vfs_sync *sync);

/**
 * vfs_sync_stop_threads() - end them, if they run
 * @sync: the shared queues
 *
 * Not to be called in a callback. Requests in flight stay in flight.
 */
void vfs_sync_stop_threads(struct vfs_sync *sync);

#ifdef __cplusplus
}
#endif

#endif
