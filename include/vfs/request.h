/* SPDX-License-Identifier: MIT */
/**
 * DOC: Requests
 *
 * A request is a slot of memory that the device can reach. Its life:
 *
 *	vfs_request_get() -> write the message -> vfs_request_prepare() -> vfs_queue_submit()
 *	-> vfs_queue_reap() -> look at the answer -> vfs_request_put()
 *
 * A queue and its requests belong to one thread at a time; different queues share nothing.
 * Between submission and reaping the memory belongs to the device. A request that was reaped with
 * ``-ETIMEDOUT`` may still belong to it: putting it back is right, but another one is not handed
 *out for it until the device has returned it.
 */
#ifndef VFS_REQUEST_H
#define VFS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <vfs/fuse_abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct vfs_queue - a virtqueue with its request slots; opaque */
struct vfs_queue;

/** struct vfs_request - a request slot; opaque */
struct vfs_request;

/**
 * VFS_REQUEST_HEAD - bytes of a message that stand before the first page boundary
 *
 * A fuse_in_header and a fuse_write_in fill it exactly, so the data of a WRITE starts on a
 * page boundary.
 */
#define VFS_REQUEST_HEAD (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))

/**
 * vfs_request_get() - take a free request
 * @queue: the queue
 *
 * Return: the request, or NULL when all are in use: reap some
 */
struct vfs_request *vfs_request_get(struct vfs_queue *queue);

/**
 * vfs_request_put() - give a request back that is not in flight
 * @request: the request, or NULL
 */
void vfs_request_put(struct vfs_request *request);

/**
 * vfs_request_reuse() - have a reaped request as vfs_request_get() gives it
 * @request: a request that was reaped
 *
 * For those who keep a request for good, as its memory is known elsewhere, and so do not put it
 * back and take another.
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: it is in flight, or was not answered; or, after ``-ETIMEDOUT``, the device still
 *     has it
 */
int vfs_request_reuse(struct vfs_request *request);

/**
 * vfs_request_message() - where the message goes
 * @request: a request that is not in flight
 *
 * A FUSE message is a struct fuse_in_header, the arguments of its opcode, names and data,
 * without gaps, in the byte order of this machine. Byte VFS_REQUEST_HEAD of it is on a page
 * boundary.
 *
 * Return: the memory, vfs_request_capacity() bytes of it, mapped for the device
 */
void *vfs_request_message(struct vfs_request *request);

/**
 * vfs_request_capacity() - bytes that a message can have
 * @request: the request
 *
 * At least VFS_REQUEST_HEAD + vfs_session_max_payload() on a request queue.
 *
 * Return: bytes
 */
size_t vfs_request_capacity(const struct vfs_request *request);

/**
 * VFS_REQUEST_DATA_MAX - most pieces of data that a request can have
 */
#define VFS_REQUEST_DATA_MAX 64u

/**
 * vfs_request_set_data() - say where the data of a request is, if not in the request
 * @request: a request that is not in flight; to be called before vfs_request_prepare()
 * @iov: where it is; copied
 * @count: how many pieces, at most VFS_REQUEST_DATA_MAX; 0, as it is after vfs_request_get(): none
 *
 * For WRITE, SETXATTR and NOTIFY_REPLY it is the end of the message, which is not in the length
 * that vfs_request_prepare() is given. For READ, READDIR, READDIRPLUS, READLINK, GETXATTR and
 * LISTXATTR it is where the answer's body goes, with room for the largest; vfs_request_reply() then
 * returns the header alone, and its len says how many bytes came.
 *
 * What lies in one registered memory in whole (see memory.h) is read and written there by the
 * device and counts for no limit on the payload. Other pieces are copied, when the request is
 * prepared or reaped, and have to fit into it, beside the message. Both kinds can be mixed. From
 * preparing to reaping do not touch them; after ``-ETIMEDOUT`` the device may still write to
 * registered memory.
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: the request is in flight
 *   * ``-E2BIG``: too many pieces
 */
int vfs_request_set_data(struct vfs_request *request, const struct iovec *iov, unsigned int count);

/**
 * vfs_request_prepare() - check the message and lay out its answer
 * @request: a request that is not in flight
 * @length: bytes of the message; becomes the header's len
 *
 * A header whose unique is 0 gets one. Otherwise it stays and has to be of no other request
 * in flight, for which the caller answers.
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: shorter or longer than the opcode allows; or an opcode without data has some, or
 *     there is too little room for the answer's
 *   * ``-ENOSYS``: an opcode that this library does not know; it cannot tell how large the answer
 *     may be
 *   * ``-E2BIG``: message and answer together are larger than a request, or data is in more pieces
 *     than a descriptor chain has, or it has 2 GiB or more
 */
int vfs_request_prepare(struct vfs_request *request, size_t length);

/**
 * vfs_request_set_user_data() - attach a pointer of the caller's
 * @request: the request
 * @data: anything
 */
void vfs_request_set_user_data(struct vfs_request *request, void *data);

/**
 * vfs_request_user_data() - the pointer that was attached
 * @request: the request
 *
 * Return: what vfs_request_set_user_data() attached; NULL if nothing was
 */
void *vfs_request_user_data(const struct vfs_request *request);

/**
 * vfs_request_set_timeout() - give a request a deadline
 * @request: a request that is not in flight
 * @timeout_ms: milliseconds from its submission on; 0, as it is after vfs_request_get(), for none
 *
 * At the deadline it completes with ``-ETIMEDOUT``, is reaped as others are, and the server is told
 * by FUSE_INTERRUPT that nobody waits any more. Whether it has done what was asked is not known. A
 * later answer is counted and dropped; lookups in it (of LOOKUP, CREATE, READDIRPLUS, ...) are
 * given back by FUSE_FORGET, but for those of READDIRPLUS into registered memory, and a handle (of
 * OPEN, OPENDIR, CREATE, TMPFILE) by FUSE_RELEASE or FUSE_RELEASEDIR, in the same request, which is
 * free when that is answered. A lock that is granted later is kept, as Linux does: it ends by an
 * unlock of its owner's, or with his handle. The deadline is looked at by vfs_queue_reap() and
 * vfs_queue_wait(); see vfs_queue_timeout() for other ways to wait.
 */
void vfs_request_set_timeout(struct vfs_request *request, unsigned int timeout_ms);

/**
 * vfs_queue_find() - the request in flight with this unique
 * @queue: the queue; looks at each of its requests
 * @unique: of the message, as it was prepared
 *
 * Return: the request, NULL if none that is not yet reaped has it
 */
struct vfs_request *vfs_queue_find(struct vfs_queue *queue, uint64_t unique);

/**
 * vfs_request_cancel() - ask for an early end of a request
 * @request: a request in flight; its queue belongs to the calling thread
 *
 * What the device was not given yet completes with ``-ECANCELED``. For what it has, the server is
 * sent FUSE_INTERRUPT, again for as long as it says that it does not know the request, and the
 * request completes with the server's answer, ``-EINTR`` as a rule, or as if nothing had happened.
 * A server may ignore it: give the request a deadline too. It has to be reaped in any case.
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: it is not in flight
 */
int vfs_request_cancel(struct vfs_request *request);

/**
 * vfs_queue_submit() - hand prepared requests to the device
 * @queue: the queue they were taken from
 * @requests: prepared requests
 * @count: how many
 *
 * Never blocks. What does not fit into the ring waits and goes out, in order, while
 * completions are reaped. The device is notified at most once, and not at all if it said
 * that it need not be.
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: a request is not prepared or of another queue; none was taken
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone; none was taken
 */
int vfs_queue_submit(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count);

/**
 * vfs_queue_reap() - collect completed requests
 * @queue: the queue
 * @requests: where to put them
 * @max: how many fit
 *
 * Never blocks. When the device has failed, all its requests complete with ``-EIO`` and are
 * collected here like others.
 *
 * Return: how many there were, possibly 0
 */
unsigned int vfs_queue_reap(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max);

/**
 * vfs_queue_reap_wait() - collect at least so many completed requests
 * @queue: the queue
 * @requests: where to put them
 * @min: wait until there are so many, or nothing is in flight any more
 * @max: how many fit, not less than @min
 * @timeout_ms: at most so many milliseconds; -1: without a limit
 *
 * Return: how many there were, fewer than @min if the wait ended early; or, if there was none, the
 * errors of vfs_queue_wait()
 */
int vfs_queue_reap_wait(struct vfs_queue *queue, struct vfs_request **requests, unsigned int min,
	unsigned int max, int timeout_ms);

/**
 * struct vfs_queue_counters - what a queue has done since its session was created
 * @submitted: requests, but for those by which the library itself gives back what came too late
 * @completed: of these, reaped
 * @timed_out: of these, ended by their deadline
 * @late: returned by the device after their deadline
 * @parked: that found no room in the ring at once
 * @quarantined: that ended while the device had them
 * @notified: how often the device was notified
 * @wakeups: how often the queue's descriptor was readable when a thread looked
 * @sleeps: how often a thread went to sleep in vfs_queue_wait()
 * @looks: how often a waiting thread has looked at the ring; not counted where it was found at once
 */
struct vfs_queue_counters {
	uint64_t submitted;
	uint64_t completed;
	uint64_t timed_out;
	uint64_t late;
	uint64_t parked;
	uint64_t quarantined;
	uint64_t notified;
	uint64_t wakeups;
	uint64_t sleeps;
	uint64_t looks;
};

/**
 * vfs_queue_counters() - what a queue has done
 * @queue: the queue
 *
 * Return: counters that live as long as the queue and change with it
 */
const struct vfs_queue_counters *vfs_queue_counters(const struct vfs_queue *queue);

/**
 * vfs_queue_in_flight() - requests that were submitted and not reaped
 * @queue: the queue
 *
 * Return: how many there are
 */
unsigned int vfs_queue_in_flight(const struct vfs_queue *queue);

/**
 * vfs_queue_fd() - a descriptor that polls readable when requests may have completed
 * @queue: the queue
 *
 * It says so only after vfs_queue_arm(), and until vfs_queue_reap(). It may say so for nothing.
 *
 * Return: the descriptor, which belongs to the queue; negative if the device has no interrupts
 */
int vfs_queue_fd(const struct vfs_queue *queue);

/**
 * vfs_queue_arm() - ask for an interrupt at the next completion
 * @queue: the queue
 *
 * The order that loses no wake-up: arm, and only if that returns false wait for the descriptor.
 * A thread that waits for several queues reaps and then arms each of them before it waits.
 *
 * Return: true if there is something to reap already, in which case there may be no interrupt
 */
bool vfs_queue_arm(struct vfs_queue *queue);

/**
 * vfs_queue_timeout() - when a queue has to be looked at although nothing completed
 * @queue: the queue
 *
 * For programs that wait with a loop of their own: vfs_queue_reap() is to be called then, as
 * deadlines are looked at there.
 *
 * Return: milliseconds from now, as for poll(2); -1: never
 */
int vfs_queue_timeout(const struct vfs_queue *queue);

/**
 * vfs_queue_wait() - wait until there is something to reap
 * @queue: the queue
 * @timeout_ms: at most so many milliseconds; -1: without a limit
 *
 * How is said by enum vfs_poll of the session. What is looked for at first, some 50 us at most, is
 * not counted, so that a fast answer costs no reading of the clock. It may end early, with nothing
 * to reap, when the device has returned a request after its deadline.
 *
 * Return: 0, or
 *
 *   * ``-ETIMEDOUT``
 *   * ``-EINTR``: a signal handler ran
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone, and nothing is in flight
 */
int vfs_queue_wait(struct vfs_queue *queue, int timeout_ms);

/**
 * vfs_request_error() - how a completed request ended
 * @request: a request that was reaped
 *
 * Return: 0; the server's error (negative errno); or
 *
 *   * ``-EIO``: the device failed, or its answer was against the protocol (the log says how)
 *   * ``-ETIMEDOUT``, ``-ECANCELED``: see vfs_request_set_timeout(), vfs_request_cancel()
 */
int vfs_request_error(const struct vfs_request *request);

/**
 * vfs_request_reply() - the answer to a completed request
 * @request: a request that was reaped
 * @iov: the answer: its struct fuse_out_header, and what follows it
 *
 * The header is a copy that was checked and agrees with vfs_request_error(). What follows is
 * memory that the device can write. Both are valid until vfs_request_put().
 *
 * Return: how many elements of @iov have bytes, 1 or 2; 0 for an opcode that has no answer
 */
int vfs_request_reply(const struct vfs_request *request, struct iovec iov[2]);

#ifdef __cplusplus
}
#endif

#endif
