/* SPDX-License-Identifier: MIT */
/**
 * DOC: Sessions
 *
 * A session is a started device: features negotiated, memory mapped for it, every queue set
 * up, and, after vfs_session_init(), a FUSE connection. There is one session for a device.
 * Its requests are described in request.h.
 */
#ifndef VFS_SESSION_H
#define VFS_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include <vfs/device.h>
#include <vfs/fuse_abi.h>
#include <vfs/quirks.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfs_queue;

/** struct vfs_session - a started device; opaque */
struct vfs_session;

/**
 * enum vfs_poll - how a thread waits for an answer
 * @VFS_POLL_AUTO: look for it for a while, as long as that has been worth it, then sleep until an
 *                 interrupt
 * @VFS_POLL_ALWAYS: look for it, never sleep: the shortest time, a whole processor
 * @VFS_POLL_NEVER: sleep at once
 */
enum vfs_poll {
	VFS_POLL_AUTO,
	VFS_POLL_ALWAYS,
	VFS_POLL_NEVER,
};

/**
 * enum vfs_hugepages - whether memory for the device is from pages of 2 MiB
 * @VFS_HUGEPAGES_AUTO: if there are enough of them, and always where no IOMMU pins memory
 * @VFS_HUGEPAGES_NEVER: not, and where no IOMMU pins memory there is no session
 * @VFS_HUGEPAGES_ALWAYS: it is, and without enough of them there is no session
 */
enum vfs_hugepages {
	VFS_HUGEPAGES_AUTO,
	VFS_HUGEPAGES_NEVER,
	VFS_HUGEPAGES_ALWAYS,
};

/**
 * struct vfs_session_options - how to start a device; a field that is 0 means its default
 * @num_queues: request queues to use, at most what the device has (default 1)
 * @depth: requests that can be prepared or in flight at once, for each queue (default 32):
 *         so many vfs_request_get() hands out.
 *         It may be larger than the ring: what does not fit waits in order.
 * @max_payload: largest data of one request in bytes, rounded up to whole pages (default
 *               1 MiB). Lowered to what a descriptor chain can carry, see
 *               vfs_session_max_payload().
 * @ring_size: entries of each ring, a power of two (default: what the device offers, at
 *             most 1024)
 * @poll: how vfs_queue_wait() waits. A device without interrupts can only be polled.
 * @timeout_ms: how long INIT, DESTROY and a reset of the device may take (default 10000)
 * @notify_buffers: how many notifications the device can send before they are taken, see notify.h.
 *                  0, the default: it is not asked for any.
 * @quirks: rules that the device is known to break and may, bits of enum vfs_quirk (default: none)
 * @hugepages: of what pages the session's memory is, and that of vfs_mem_alloc()
 */
struct vfs_session_options {
	unsigned int num_queues;
	unsigned int depth;
	size_t max_payload;
	unsigned int ring_size;
	enum vfs_poll poll;
	unsigned int timeout_ms;
	unsigned int notify_buffers;
	unsigned int quirks;
	enum vfs_hugepages hugepages;
};

/**
 * vfs_session_create() - start a device
 * @device: an open device without a session; it has to outlive the session
 * @options: NULL for the defaults
 * @result: where to put it; unchanged on error
 *
 * Resets the device, negotiates features, maps the session's memory for it, sets up all of
 * its queues and sets DRIVER_OK (virtio 1.3 §3.1.1). No FUSE message is sent.
 *
 * Return: 0, or
 *
 *   * ``-EPERM``: the device does not offer VIRTIO_F_ACCESS_PLATFORM and physical addresses cannot
 *     be had; vfs_last_error() says what would make it right
 *   * ``-EPROTO``: the device refused the features or is against the specification
 *   * ``-EINVAL``: an option is out of its range, or hugepages are needed and were ruled out
 *   * ``-ENOMEM``: no memory, too few hugepages where they are needed, or the limit on locked
 *     memory (RLIMIT_MEMLOCK) is too low
 *   * ``-EBUSY``: the device has a session
 *   * ``-ETIMEDOUT``, ``-EIO``, ``-ENODEV``: the device does not answer, fails, is gone
 */
int vfs_session_create(struct vfs_device *device, const struct vfs_session_options *options,
	struct vfs_session **result);

/**
 * struct vfs_init - what the two sides of a FUSE connection tell each other (FUSE_INIT)
 * @major: protocol major, always 7
 * @minor: protocol minor. To the server: the newest that the caller understands, 0 for the
 *         newest that this library does. From it: the older one of both.
 * @flags: FUSE_* feature bits, FUSE_INIT_EXT's upper half included
 * @max_readahead: bytes. To the server: 0 for no limit. From it: what it lets the client do.
 * @max_write: bytes; from the server, at least 4096 and at most vfs_session_max_payload()
 * @max_pages: pages of 4 KiB in one request; from the server, 32 without FUSE_MAX_PAGES
 * @max_background: requests the server would like to have in flight, 0 if it did not say
 * @congestion_threshold: see fuse(4), 0 if it did not say
 * @time_gran: nanoseconds, granularity of time stamps; 1 if it did not say
 * @map_alignment: log2 of the alignment of DAX mappings, 0 without FUSE_MAP_ALIGNMENT
 */
struct vfs_init {
	uint32_t major;
	uint32_t minor;
	uint64_t flags;
	uint32_t max_readahead;
	uint32_t max_write;
	uint16_t max_pages;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t time_gran;
	uint16_t map_alignment;
};

/**
 * vfs_session_init() - make the FUSE connection
 * @session: a session that has none yet
 * @want: minor, flags and max_readahead that are offered to the server; the other fields are
 *        ignored
 * @got: what was agreed; flags that were not offered are cleared
 *
 * Nothing else may be sent before this has succeeded. It blocks until the server answers,
 * at most the session's timeout. After a failure the session can only be destroyed.
 *
 * Return: 0, or
 *
 *   * ``-EPROTONOSUPPORT``: the server's FUSE version is not one that this library speaks (7.27 and
 *     newer minors)
 *   * ``-EPROTO``: the answer is malformed or in the other byte order
 *   * ``-ETIMEDOUT``: no answer; the server behind the device is dead or stuck
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone
 *   * the server's own error
 */
int vfs_session_init(
	struct vfs_session *session, const struct vfs_init *want, struct vfs_init *got);

/**
 * vfs_session_max_payload() - the largest data that one request can carry, in bytes
 * @session: the session
 *
 * It is what was asked for, or what a descriptor chain can hold if that is less: a chain has
 * at most as many entries as the ring, and with physical addresses each page may need one.
 *
 * Return: bytes
 */
size_t vfs_session_max_payload(const struct vfs_session *session);

/**
 * vfs_session_features() - virtio feature bits that both sides agreed on
 * @session: the session
 *
 * Return: VIRTIO_F_* and VIRTIO_FS_F_*, one bit each
 */
uint64_t vfs_session_features(const struct vfs_session *session);

/**
 * vfs_session_num_queues() - request queues that the session uses
 * @session: the session
 *
 * Return: how many there are
 */
unsigned int vfs_session_num_queues(const struct vfs_session *session);

/**
 * vfs_session_queue() - a request queue
 * @session: the session
 * @index: 0 to vfs_session_num_queues() - 1
 *
 * Return: the queue, NULL if there is no such. It lives as long as the session.
 */
struct vfs_queue *vfs_session_queue(struct vfs_session *session, unsigned int index);

/**
 * vfs_forget() - give lookups of nodes back to the server (FUSE_FORGET, FUSE_BATCH_FORGET)
 * @session: the session
 * @forgets: nodes and how many lookups of each; copied
 * @count: how many there are
 *
 * Any thread may call it. Never blocks and loses nothing: they are sent on the hiprio queue (virtio
 * 1.3 §5.11.6.2), and what finds no room there waits in memory, in order, and goes out with later
 * calls, while any thread waits in vfs_queue_wait(), or by vfs_session_progress(). No reply comes.
 *
 * Return: 0, or
 *
 *   * ``-ENOMEM``: none was taken
 *   * ``-EINVAL``: there is no FUSE connection yet
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone, and its server forgets all
 */
int vfs_forget(struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count);

/**
 * vfs_session_progress() - send FORGETs that found no room
 * @session: the session
 *
 * For programs that wait with a loop of their own. Any thread may call it. Never blocks.
 *
 * Return: 0 if none wait; 1 if some still do: call it again when vfs_session_hiprio_fd() is
 * readable; or
 *
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone
 */
int vfs_session_progress(struct vfs_session *session);

/**
 * vfs_session_hiprio_fd() - a descriptor that polls readable when there may be room for FORGETs
 * @session: the session
 *
 * It says so only after vfs_session_progress() has returned 1, and until its next call.
 *
 * Return: the descriptor, which belongs to the session; negative if the device has no interrupts
 */
int vfs_session_hiprio_fd(const struct vfs_session *session);

/**
 * vfs_session_abort() - give up on what is in flight
 * @session: the session
 *
 * Resets the device. Requests in flight complete with ``-EIO`` and can be reaped, nothing can be
 * submitted any more, and vfs_session_destroy() will not wait.
 */
void vfs_session_abort(struct vfs_session *session);

/**
 * vfs_session_destroy() - end the connection and stop the device
 * @session: the session, or NULL
 *
 * Waits for requests in flight and sends FUSE_DESTROY, each for at most the session's timeout,
 * then resets the device and unmaps the memory. Requests of the session become invalid, those
 * in flight too.
 */
void vfs_session_destroy(struct vfs_session *session);

#ifdef __cplusplus
}
#endif

#endif
