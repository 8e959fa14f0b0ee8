/* SPDX-License-Identifier: MIT */
/**
 * DOC: Observing a session
 *
 * What a session knows of itself lies in memory that other processes of the same user can look at
 * without asking it: virtiofs-inspect does. There are three pieces of it, memfds that are found in
 * /proc/PID/fd by their names:
 *
 *   * the *page*, "libvirtiofs-page DEVICE", which this header describes. It is sealed, so that
 *     nobody but the session writes to it, and it is not the device's.
 *   * the *arena*, "libvirtiofs DEVICE": rings, messages and answers, which the device can write
 *   * the *wish*, "libvirtiofs-wish DEVICE", which whoever looks may write: see struct
 *     vfs_observe_wish
 *
 * Most of the page is the session's own state, where it is used: so it costs nothing to have it
 * there. The places of what is public are in tables of struct vfs_observe_field, which say where in
 * an element of a struct vfs_observe_array a number is. The rest of an element is private.
 *
 * A reader copies the page before he judges it, since it changes meanwhile and may be anybody's:
 * each offset and size is to be checked. Numbers are in the byte order of the machine.
 */
#ifndef VFS_OBSERVE_H
#define VFS_OBSERVE_H

#include <stddef.h>
#include <stdint.h>

#include <vfs/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * VFS_OBSERVE_MAGIC - the first eight bytes of a page, "vfs-page"
 */
#define VFS_OBSERVE_MAGIC "vfs-page"

/**
 * VFS_OBSERVE_VERSION - of the layout; fields of the tables are added without a new one
 */
#define VFS_OBSERVE_VERSION 1u

/**
 * VFS_OBSERVE_PAGE - what the name of a page's memfd begins with
 */
#define VFS_OBSERVE_PAGE "libvirtiofs-page"

/**
 * VFS_OBSERVE_WISH - what the name of a wish's memfd begins with
 */
#define VFS_OBSERVE_WISH "libvirtiofs-wish"

/**
 * enum vfs_observe_state - what a session is doing
 * @VFS_OBSERVE_STARTING: its device is being set up; the page is not complete
 * @VFS_OBSERVE_STARTED: the rings are up, and there is no FUSE connection yet
 * @VFS_OBSERVE_CONNECTED: INIT was answered
 * @VFS_OBSERVE_FAILED: the device broke the protocol, failed or went away
 */
enum vfs_observe_state {
	VFS_OBSERVE_STARTING,
	VFS_OBSERVE_STARTED,
	VFS_OBSERVE_CONNECTED,
	VFS_OBSERVE_FAILED,
};

/**
 * enum vfs_observe_kind - what a queue is for
 * @VFS_OBSERVE_UNUSED: nothing
 * @VFS_OBSERVE_HIPRIO: FORGET and INTERRUPT
 * @VFS_OBSERVE_NOTIFY: notifications
 * @VFS_OBSERVE_REQUESTS: requests
 */
enum vfs_observe_kind {
	VFS_OBSERVE_UNUSED,
	VFS_OBSERVE_HIPRIO,
	VFS_OBSERVE_NOTIFY,
	VFS_OBSERVE_REQUESTS,
};

/**
 * struct vfs_observe_array - elements of one size
 * @offset: of the first, in the page or the arena
 * @stride: bytes from one to the next
 * @count: how many there are
 */
struct vfs_observe_array {
	uint64_t offset;
	uint32_t stride;
	uint32_t count;
};

/**
 * struct vfs_observe_field - a number in each element of an array
 * @offset: in the element
 * @size: bytes, 1, 2, 4 or 8; 0: it is not there
 */
struct vfs_observe_field {
	uint16_t offset;
	uint16_t size;
};

/**
 * enum vfs_observe_queue_field - of a queue
 * @VFS_OBSERVE_EVENT_IDX: it has the event index (VIRTIO_RING_F_EVENT_IDX)
 * @VFS_OBSERVE_BROKEN: the device broke the protocol of the ring
 * @VFS_OBSERVE_INTERRUPTS: an interrupt was asked for
 * @VFS_OBSERVE_FREE: descriptors of the ring that nothing is in
 * @VFS_OBSERVE_AVAIL: next index of the available ring to be filled
 * @VFS_OBSERVE_PUBLISHED: what the device was told last of it
 * @VFS_OBSERVE_USED: next index of the used ring to be looked at
 * @VFS_OBSERVE_PUBLICATIONS: how often the device was told
 * @VFS_OBSERVE_NOTIFIED: how often it was notified of that
 * @VFS_OBSERVE_SUBMITTED: requests so far
 * @VFS_OBSERVE_COMPLETED: of these, reaped
 * @VFS_OBSERVE_TIMED_OUT: of these, ended by their deadline
 * @VFS_OBSERVE_LATE: returned by the device after that
 * @VFS_OBSERVE_PARKED: that found no room in the ring at once
 * @VFS_OBSERVE_QUARANTINED: that ended while the device had them
 * @VFS_OBSERVE_WAKEUPS: how often a thread was woken by the queue's descriptor
 * @VFS_OBSERVE_SLEEPS: how often a thread went to sleep in vfs_queue_wait()
 * @VFS_OBSERVE_LOOKS: how often a waiting thread has looked at the ring, if not at once with
 * success
 * @VFS_OBSERVE_WAITING: a thread is in vfs_queue_wait()
 * @VFS_OBSERVE_ASLEEP: and sleeps there
 * @VFS_OBSERVE_QUEUE_FIELDS: how many fields there are
 */
enum vfs_observe_queue_field {
	VFS_OBSERVE_EVENT_IDX,
	VFS_OBSERVE_BROKEN,
	VFS_OBSERVE_INTERRUPTS,
	VFS_OBSERVE_FREE,
	VFS_OBSERVE_AVAIL,
	VFS_OBSERVE_PUBLISHED,
	VFS_OBSERVE_USED,
	VFS_OBSERVE_PUBLICATIONS,
	VFS_OBSERVE_NOTIFIED,
	VFS_OBSERVE_SUBMITTED,
	VFS_OBSERVE_COMPLETED,
	VFS_OBSERVE_TIMED_OUT,
	VFS_OBSERVE_LATE,
	VFS_OBSERVE_PARKED,
	VFS_OBSERVE_QUARANTINED,
	VFS_OBSERVE_WAKEUPS,
	VFS_OBSERVE_SLEEPS,
	VFS_OBSERVE_LOOKS,
	VFS_OBSERVE_WAITING,
	VFS_OBSERVE_ASLEEP,
	VFS_OBSERVE_QUEUE_FIELDS,
};

/**
 * enum vfs_observe_request_state - values of VFS_OBSERVE_STATE
 * @VFS_OBSERVE_IS_FREE: nobody's; if it is lent, it is in quarantine
 * @VFS_OBSERVE_IS_TAKEN: its message is being written
 * @VFS_OBSERVE_IS_PREPARED: it can be submitted
 * @VFS_OBSERVE_IS_SUBMITTED: parked, the device's, or ended and not reaped
 * @VFS_OBSERVE_IS_DONE: reaped
 */
enum vfs_observe_request_state {
	VFS_OBSERVE_IS_FREE,
	VFS_OBSERVE_IS_TAKEN,
	VFS_OBSERVE_IS_PREPARED,
	VFS_OBSERVE_IS_SUBMITTED,
	VFS_OBSERVE_IS_DONE,
};

/**
 * enum vfs_observe_request_field - of a request
 * @VFS_OBSERVE_STATE: enum vfs_observe_request_state
 * @VFS_OBSERVE_OPCODE: of its message
 * @VFS_OBSERVE_UNIQUE: of its message
 * @VFS_OBSERVE_LENT: the device has it, whatever its state
 * @VFS_OBSERVE_ENDED: it has ended without the device
 * @VFS_OBSERVE_RELEASES: the library gives back with it what came too late
 * @VFS_OBSERVE_SINCE: ticks when it was submitted
 * @VFS_OBSERVE_DEADLINE: CLOCK_MONOTONIC, in nanoseconds; 0: it has none
 * @VFS_OBSERVE_SENT: bytes that the device reads
 * @VFS_OBSERVE_ROOM: bytes that it may write
 * @VFS_OBSERVE_TABLE: address of its indirect table, as the device sees it; 0: it has none
 * @VFS_OBSERVE_REQUEST_FIELDS: how many fields there are
 */
enum vfs_observe_request_field {
	VFS_OBSERVE_STATE,
	VFS_OBSERVE_OPCODE,
	VFS_OBSERVE_UNIQUE,
	VFS_OBSERVE_LENT,
	VFS_OBSERVE_ENDED,
	VFS_OBSERVE_RELEASES,
	VFS_OBSERVE_SINCE,
	VFS_OBSERVE_DEADLINE,
	VFS_OBSERVE_SENT,
	VFS_OBSERVE_ROOM,
	VFS_OBSERVE_TABLE,
	VFS_OBSERVE_REQUEST_FIELDS,
};

/**
 * enum vfs_observe_head_field - of a descriptor of the ring, as the session knows it
 * @VFS_OBSERVE_TOKEN: whose chain begins here: struct vfs_observe_queue.token and the request's
 *                     place; 0: none does
 * @VFS_OBSERVE_NEXT: the next one of the chain, or of what is free
 * @VFS_OBSERVE_LAST: the last one of the chain
 * @VFS_OBSERVE_COUNT: how many are in the chain
 * @VFS_OBSERVE_LIMIT: bytes that the device may write there
 * @VFS_OBSERVE_HEAD_FIELDS: how many fields there are
 */
enum vfs_observe_head_field {
	VFS_OBSERVE_TOKEN,
	VFS_OBSERVE_NEXT,
	VFS_OBSERVE_LAST,
	VFS_OBSERVE_COUNT,
	VFS_OBSERVE_LIMIT,
	VFS_OBSERVE_HEAD_FIELDS,
};

/**
 * VFS_OBSERVE_OPCODES - opcodes below this number are counted
 */
#define VFS_OBSERVE_OPCODES 64u

/**
 * VFS_OBSERVE_BUCKETS - of a histogram, see vfs_observe_bucket_end()
 */
#define VFS_OBSERVE_BUCKETS 320u

/**
 * struct vfs_observe_times - how long answers took, in ticks from submission to reaping
 * @count: answers that were timed
 * @max: the longest
 * @buckets: how many took less than vfs_observe_bucket_end() of each
 */
struct vfs_observe_times {
	uint64_t count;
	uint64_t max;
	uint64_t buckets[VFS_OBSERVE_BUCKETS];
};

/**
 * struct vfs_observe_counts - what became of requests, for each opcode
 * @completed: that were reaped
 * @failed: of these, with an error
 * @sent: bytes that were in their messages behind the first VFS_REQUEST_HEAD, or elsewhere: of a
 *        WRITE it is the data. Counted when they are prepared.
 * @received: bytes of their answers
 */
struct vfs_observe_counts {
	uint64_t completed[VFS_OBSERVE_OPCODES];
	uint64_t failed[VFS_OBSERVE_OPCODES];
	uint64_t sent[VFS_OBSERVE_OPCODES];
	uint64_t received[VFS_OBSERVE_OPCODES];
};

/**
 * struct vfs_observe_event - a request that was reaped while somebody wished to know
 * @number: of the event, counted from 1; it is at @number - 1, modulo the size of its array
 * @since: ticks when it was submitted
 * @until: ticks when it was reaped
 * @unique: of its message
 * @node: its message is about
 * @opcode: of its message
 * @error: 0, or a negative errno
 * @sent: bytes of its message
 * @received: bytes of its answer
 * @again: @number once more. It is taken away before the rest is written, and comes back after it,
 * so that somebody who reads from the beginning to the end knows whether he has read all of one.
 */
struct vfs_observe_event {
	uint64_t number;
	uint64_t since;
	uint64_t until;
	uint64_t unique;
	uint64_t node;
	uint32_t opcode;
	int32_t error;
	uint32_t sent;
	uint32_t received;
	uint64_t again;
};

/**
 * struct vfs_observe_text - something that went wrong
 * @number: counted from 1; it is at @number - 1, modulo the size of its array. Written last.
 * @at_ns: CLOCK_MONOTONIC
 * @text: what it was, NUL-terminated
 */
struct vfs_observe_text {
	uint64_t number;
	uint64_t at_ns;
	char text[240];
};

/**
 * struct vfs_observe_queue - a queue, as it was set up
 * @kind: enum vfs_observe_kind
 * @size: entries of its ring; 0: it has none
 * @desc: where its descriptors are in the arena
 * @avail: where its available ring is in the arena
 * @used: where its used ring is in the arena
 * @token: see VFS_OBSERVE_TOKEN; 0: its tokens are not of requests
 * @requests: in the page; the first is the session's own
 * @messages: in the arena, one for each request
 * @message_head: where in each of them the message begins; its answer's header is at 0
 * @reserved: 0
 * @heads: in the page, one for each entry of the ring
 * @counts: where its struct vfs_observe_counts is in the page; 0: there is none
 * @times: struct vfs_observe_times of each opcode, in the page
 * @events: struct vfs_observe_event, in the page
 */
struct vfs_observe_queue {
	uint32_t kind;
	uint32_t size;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
	uint64_t token;
	struct vfs_observe_array requests;
	struct vfs_observe_array messages;
	uint32_t message_head;
	uint32_t reserved;
	struct vfs_observe_array heads;
	uint64_t counts;
	struct vfs_observe_array times;
	struct vfs_observe_array events;
};

/**
 * struct vfs_observe_place - a number in the page
 * @offset: in the page
 * @size: bytes, 1, 2, 4 or 8; 0: it is not there
 */
struct vfs_observe_place {
	uint64_t offset;
	uint64_t size;
};

/**
 * enum vfs_observe_figure - numbers of the files and the DAX window of a mount
 * @VFS_OBSERVE_NODES: that are known
 * @VFS_OBSERVE_NAME_HITS: names that were known
 * @VFS_OBSERVE_NAME_MISSES: names that were asked for
 * @VFS_OBSERVE_DATA_BLOCKS: of 16 KiB, that are kept
 * @VFS_OBSERVE_DIRTY_BLOCKS: of these, that the server was not told yet
 * @VFS_OBSERVE_DATA_HITS: blocks that were known
 * @VFS_OBSERVE_DATA_MISSES: blocks that were asked for
 * @VFS_OBSERVE_DAX_FREE: ranges of the window with nothing in them
 * @VFS_OBSERVE_DAX_MAPPING: that are being mapped
 * @VFS_OBSERVE_DAX_READABLE: that are mapped for reading
 * @VFS_OBSERVE_DAX_WRITABLE: that are mapped for writing
 * @VFS_OBSERVE_DAX_RECLAIMING: that are being unmapped
 * @VFS_OBSERVE_DAX_RETIRED: of which it is not known what they show
 * @VFS_OBSERVE_FIGURES: how many there are
 */
enum vfs_observe_figure {
	VFS_OBSERVE_NODES,
	VFS_OBSERVE_NAME_HITS,
	VFS_OBSERVE_NAME_MISSES,
	VFS_OBSERVE_DATA_BLOCKS,
	VFS_OBSERVE_DIRTY_BLOCKS,
	VFS_OBSERVE_DATA_HITS,
	VFS_OBSERVE_DATA_MISSES,
	VFS_OBSERVE_DAX_FREE,
	VFS_OBSERVE_DAX_MAPPING,
	VFS_OBSERVE_DAX_READABLE,
	VFS_OBSERVE_DAX_WRITABLE,
	VFS_OBSERVE_DAX_RECLAIMING,
	VFS_OBSERVE_DAX_RETIRED,
	VFS_OBSERVE_FIGURES,
};

/**
 * struct vfs_observe_page - the beginning of a page
 * @magic: VFS_OBSERVE_MAGIC, without a NUL
 * @version: VFS_OBSERVE_VERSION
 * @head: bytes of this structure
 * @size: bytes of the page
 * @state: enum vfs_observe_state
 * @pid: of the process, in its own PID namespace
 * @created_ns: CLOCK_MONOTONIC when the session was created
 * @created_ticks: ticks at that time, see vfs_observe_ticks()
 * @failed: what it failed with, a negative errno; 0: it has not
 * @minor: of the FUSE protocol
 * @device: as in struct vfs_device_info
 * @tag: as in struct vfs_device_info
 * @virtio_offered: feature bits of the device
 * @virtio_features: of these, agreed on
 * @fuse_wanted: FUSE_* bits that the session wanted
 * @fuse_offered: FUSE_* bits that the server offered
 * @fuse_flags: FUSE_* bits that were agreed on
 * @max_write: bytes
 * @max_payload: bytes
 * @arena_inode: inode number of the arena's memfd
 * @arena_size: its bytes
 * @arena_address: at which the device sees it, if @arena_pages has none
 * @arena_pages: addresses (uint64_t) of its pages as the device sees them, in the page
 * @arena_page_size: bytes of each of these
 * @wish_inode: inode number of the wish's memfd
 * @queues: the session's queues, with the fields of @queue_fields
 * @queue_info: struct vfs_observe_queue of each
 * @texts: struct vfs_observe_text
 * @num_texts: how many there were
 * @queue_fields: by enum vfs_observe_queue_field
 * @request_fields: by enum vfs_observe_request_field
 * @head_fields: by enum vfs_observe_head_field
 * @figures: by enum vfs_observe_figure; of a session with a mount, or a window
 */
struct vfs_observe_page {
	char magic[8];
	uint32_t version;
	uint32_t head;
	uint64_t size;
	uint32_t state;
	uint32_t pid;
	uint64_t created_ns;
	uint64_t created_ticks;
	int32_t failed;
	uint32_t minor;
	char device[64];
	char tag[64];
	uint64_t virtio_offered;
	uint64_t virtio_features;
	uint64_t fuse_wanted;
	uint64_t fuse_offered;
	uint64_t fuse_flags;
	uint64_t max_write;
	uint64_t max_payload;
	uint64_t arena_inode;
	uint64_t arena_size;
	uint64_t arena_address;
	struct vfs_observe_array arena_pages;
	uint64_t arena_page_size;
	uint64_t wish_inode;
	struct vfs_observe_array queues;
	struct vfs_observe_array queue_info;
	struct vfs_observe_array texts;
	uint64_t num_texts;
	struct vfs_observe_field queue_fields[VFS_OBSERVE_QUEUE_FIELDS];
	struct vfs_observe_field request_fields[VFS_OBSERVE_REQUEST_FIELDS];
	struct vfs_observe_field head_fields[VFS_OBSERVE_HEAD_FIELDS];
	struct vfs_observe_place figures[VFS_OBSERVE_FIGURES];
};

/**
 * struct vfs_observe_wish - what a reader may write
 * @until_ns: CLOCK_MONOTONIC, no more than a minute from now. Each request that is submitted until
 *            then is timed and becomes an event; so a reader who is killed leaves nothing behind.
 *            Without a wish one of some hundreds of requests is timed, and there are no events.
 *
 * A session looks at it once in some hundreds of requests, and whenever it waits for something:
 * what it does next is timed then. It believes nothing that is written there.
 */
struct vfs_observe_wish {
	uint64_t until_ns;
};

/**
 * vfs_observe_ticks() - what times in a page are counted in
 *
 * The processor's own clock, which is read in a few nanoseconds: the TSC, or ARM's virtual counter.
 * How fast it is follows from struct vfs_observe_page.created_ticks, created_ns and the present.
 * On other machines it is CLOCK_MONOTONIC.
 *
 * Return: ticks
 */
uint64_t vfs_observe_ticks(void);

/**
 * vfs_observe_bucket_end() - the times in a bucket are less than this
 * @bucket: below VFS_OBSERVE_BUCKETS
 *
 * There are eight buckets to each doubling, so that a time is known to an eighth.
 *
 * Return: ticks; UINT64_MAX for the last bucket
 */
uint64_t vfs_observe_bucket_end(unsigned int bucket);

/**
 * struct vfs_opcode_stats - requests of one opcode
 * @completed: that were reaped
 * @failed: of these, with an error
 * @sent: bytes that were in their messages behind the first VFS_REQUEST_HEAD, or elsewhere: of a
 *        WRITE it is the data
 * @received: bytes of their answers
 * @timed: of these requests, those of which the time was taken
 * @p50_ns: half of them took no longer, from submission to reaping
 * @p90_ns: nine of ten
 * @p99_ns: 99 of 100
 * @max_ns: all
 */
struct vfs_opcode_stats {
	uint64_t completed;
	uint64_t failed;
	uint64_t sent;
	uint64_t received;
	uint64_t timed;
	uint64_t p50_ns;
	uint64_t p90_ns;
	uint64_t p99_ns;
	uint64_t max_ns;
};

/**
 * struct vfs_session_stats - what a session has done
 * @submitted: requests, on all queues
 * @completed: of these, reaped
 * @timed_out: of these, ended by their deadline
 * @late: returned by the device after that
 * @parked: that found no room in a ring at once
 * @quarantined: that ended while the device had them
 * @published: how often the device was told of requests
 * @notified: how often it was notified of that; the other times it did not want to be
 * @wakeups: how often a thread was woken by a queue's descriptor
 * @sleeps: how often a thread went to sleep in vfs_queue_wait()
 * @looks: how often a waiting thread has looked at a ring, if not at once with success
 * @opcodes: of each opcode
 */
struct vfs_session_stats {
	uint64_t submitted;
	uint64_t completed;
	uint64_t timed_out;
	uint64_t late;
	uint64_t parked;
	uint64_t quarantined;
	uint64_t published;
	uint64_t notified;
	uint64_t wakeups;
	uint64_t sleeps;
	uint64_t looks;
	struct vfs_opcode_stats opcodes[VFS_OBSERVE_OPCODES];
};

/**
 * vfs_session_stats() - what a session has done so far
 * @session: the session
 * @stats: where to put it
 *
 * Any thread may call it at any time. It stops nobody, so the numbers are not all of one moment.
 * One of some hundreds of requests is timed; all are while there is a trace, or while somebody
 * wishes to see them from outside.
 */
void vfs_session_stats(const struct vfs_session *session, struct vfs_session_stats *stats);

/**
 * struct vfs_trace - a request that was reaped
 * @queue: index of its virtqueue
 * @opcode: of its message
 * @unique: of its message
 * @node: its message is about
 * @error: 0, or a negative errno
 * @sent: bytes of its message
 * @received: bytes of its answer
 * @ns: from submission to reaping
 */
struct vfs_trace {
	unsigned int queue;
	uint32_t opcode;
	uint64_t unique;
	uint64_t node;
	int error;
	uint32_t sent;
	uint32_t received;
	uint64_t ns;
};

/**
 * typedef vfs_trace_fn - is told of a request that was reaped
 * @trace: the request; valid during the call only
 * @ctx: what was given to vfs_session_trace()
 *
 * Called in the thread that reaps, before the request is handed out. It must not call the library.
 */
typedef void (*vfs_trace_fn)(const struct vfs_trace *trace, void *ctx);

/**
 * vfs_session_trace() - be told of each request
 * @session: the session
 * @fn: what is called, or NULL for nothing any more
 * @ctx: handed to @fn
 *
 * Call it while no other thread uses the session. Requests that end without an answer are not told
 * of.
 */
void vfs_session_trace(struct vfs_session *session, vfs_trace_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif

#endif
