/* SPDX-License-Identifier: MIT */
/*
 * Sessions, queues and requests from the inside. Nothing here knows of PCI; the device is a
 * virtio transport with rings.
 */
#ifndef VFS_FUSE_INTERNAL_H
#define VFS_FUSE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vfs/request.h>
#include <vfs/session.h>
#include <vfs/sync.h>

#include "core/core.h"
#include "discovery/device.h"
#include "dma/dma.h"
#include "fuse/data.h"
#include "fuse/hiprio.h"
#include "fuse/notify.h"
#include "fuse/observe.h"
#include "fuse/opcode.h"
#include "fuse/patience.h"
#include "fuse/quirks.h"
#include "fuse/registered.h"
#include "fuse/wakeup.h"
#include "observe/ticks.h"
#include "virtio/virtio.h"

/* ---- replies ---- */

/* What came back for one message. */
struct vfs_reply {
	uint64_t unique; /* of the request */
	struct vfs_reply_shape shape;
	uint32_t used_len;	       /* bytes the device says it wrote */
	unsigned int quirks;	       /* of the session */
	struct fuse_out_header header; /* a private copy */
};

/*
 * Check an answer. Returns the bytes after its header, or the server's error, -EINPROGRESS if the
 * answer comes later by a notification; -EBADMSG with a
 * message when the answer is against the protocol. *malformed tells the last two apart.
 */
int vfs_reply_check(const struct vfs_reply *reply, bool *malformed);

/* ---- requests ---- */

enum vfs_request_state {
	VFS_REQUEST_FREE,
	VFS_REQUEST_TAKEN,
	VFS_REQUEST_PREPARED,
	VFS_REQUEST_SUBMITTED, /* parked, owned by the device, or ended and not reaped */
	VFS_REQUEST_DONE,
};

/* An INTERRUPT that is due, or was sent; see deadline.c. */
struct vfs_interrupt {
	uint64_t at_ns; /* when to look at it again; 0: there is none */
	uint64_t pause_ns;
	bool sent;
	/* The unique that the server did not know yet, set by whoever collects its answer. */
	_Atomic uint64_t unknown;
};

/*
 * A slot is a header page and whole pages of payload after it. The last VFS_REQUEST_HEAD bytes of
 * the page and the payload are the message; the answer's header and a small body are at the
 * page's start. A large body follows the message, on a page of its own.
 */
struct vfs_request {
	struct vfs_queue *queue;
	struct vfs_request *next; /* in the list that it is in */
	enum vfs_request_state state;
	uint8_t *page;
	uint64_t page_addr; /* of its first page, for the device */
	size_t payload_size;
	struct vfs_chain chain; /* of a prepared one */
	uint32_t length;	/* of the message */
	uint32_t opcode;
	struct vfs_request_data data;
	struct vfs_reply reply;
	uint8_t *body; /* where the answer's body goes */
	int error;
	bool malformed; /* the answer was against the protocol */
	bool lent;	/* the device has it, whatever its state */
	union {
		struct {
			/* Without the device: it is in the queue's list of these, or was. */
			bool ended;
			bool timed; /* how long it took is wanted; see observe.h */
		};
		uint32_t special; /* any of them */
	};
	uint32_t body_length;
	uint64_t since;	      /* ticks when it was submitted */
	uint64_t timeout_ns;  /* from submission on; 0: none */
	uint64_t deadline_ns; /* of this submission; 0: none, or it has ended */
	struct vfs_interrupt interrupt;
	struct vfs_request *target; /* INTERRUPT: whom it is about, and his unique then */
	uint64_t target_unique;
	bool releases;		/* the device has it as the RELEASE of what came too late; late.c */
	uint64_t release_entry; /* a node that is given back after that; 0: none */
	void *user_data;
	/*
	 * Even, as bit 0 marks interrupts; far from what a kernel counts from 0; and made of what
	 * belongs to the request alone, so that neither queues nor requests share a counter.
	 */
	uint64_t unique_base;
	uint32_t uses; /* how often it was given a unique */

	/* Of a shared queue: who waits for it, or what to call. See sync.h. */
	struct vfs_waiter *waiter;
	vfs_sync_done_fn *done;
	void *done_ctx;
};

#define VFS_SLOT_HEADER_SIZE VFS_PAGE_SIZE

/* Bodies up to here stand behind the answer's header, in one descriptor with it. */
#define VFS_SMALL_BODY_MAX 1024u

int vfs_request_begin_anew_slowly(struct vfs_request *request);

/* Before it is prepared, also if it was prepared already. -EINVAL: it is not the caller's. */
static inline int vfs_request_begin_anew(struct vfs_request *request)
{
	return request->state == VFS_REQUEST_TAKEN ? 0 : vfs_request_begin_anew_slowly(request);
}

static inline void *vfs_slot_message(const struct vfs_request *request)
{
	return request->page + VFS_SLOT_HEADER_SIZE - VFS_REQUEST_HEAD;
}

static inline size_t vfs_slot_capacity(const struct vfs_request *request)
{
	return VFS_REQUEST_HEAD + request->payload_size;
}

/* Memory that the device sees in more than one piece. */
bool vfs_chain_add_scattered(struct vfs_chain *chain, const struct vfs_mapping *mapping,
	const uint8_t *start, size_t length, bool written);

/* Append memory, in as many pieces as the device sees. False: there is no room for all. */
static inline bool vfs_chain_add_memory(struct vfs_chain *chain, const struct vfs_mapping *mapping,
	const uint8_t *start, size_t length, bool written)
{
	size_t contiguous;
	uint64_t address = vfs_mapping_address(mapping, start, &contiguous);

	if (length > contiguous)
		return vfs_chain_add_scattered(chain, mapping, start, length, written);
	return vfs_chain_add(chain, address, (uint32_t)length, written);
}

/* Append the answer's header, and so many bytes of its body behind it. */
static inline bool vfs_chain_add_answer(struct vfs_request *request, size_t body)
{
	return vfs_chain_add(&request->chain, request->page_addr,
		(uint32_t)(sizeof(struct fuse_out_header) + body), true);
}

/* A chain that has no room for a message and its answer: -E2BIG. */
int vfs_chain_too_long(const struct vfs_chain *chain);

/* Onto the queue's free list. */
void vfs_request_put_back(struct vfs_request *request);

/* End a request whose outcome nobody knows. */
void vfs_request_abort(struct vfs_request *request, int error);

/*
 * The device has returned a request whose caller was told that there is no answer. A lookup or a
 * handle that came with it is given back, as nobody else knows of it. For a handle the device has
 * the request once more then: it @releases.
 */
void vfs_late_answer(struct vfs_request *request, uint32_t used_len);

/* The device has returned one that released. */
void vfs_late_release_ended(struct vfs_request *request);

/* Another one than any before. */
static inline uint64_t vfs_request_next_unique(struct vfs_request *request)
{
	return request->unique_base | (uint64_t)++request->uses << 1;
}

/* ---- queues ---- */

struct vfs_request_list {
	struct vfs_request *head;
	struct vfs_request *tail;
};

struct vfs_queue {
	struct vfs_session *session;
	uint16_t index; /* of the virtqueue */
	struct vfs_ring ring;
	struct vfs_request *requests;
	unsigned int depth;
	struct vfs_request *free;
	struct vfs_request *reserved; /* for the session's own messages */
	struct vfs_request_list parked;
	struct vfs_request_list ended; /* without the device; their error is set */
	unsigned int releasing;	       /* requests that nobody waits for, and that come back */
	uint64_t look_at_ns;	       /* when a deadline or an INTERRUPT is due; 0: never */
	struct vring_desc *tables;     /* of all its chains, if they are not indirect */
	struct vfs_wakeup wakeup;
	struct vfs_patience patience;
	struct vfs_queue_counters counters;
	bool interrupts;	  /* asked for */
	struct vfs_piece *pieces; /* of all its requests */

	/*
	 * Of a queue that threads share (sync.h). Whoever calls a function here has the lock;
	 * vfs_queue_wait() drops it while it looks and sleeps. NULL: it is one thread's own.
	 */
	pthread_mutex_t *lock;
	struct vfs_sync_queue *sharing;
	bool waiting; /* somebody is in vfs_queue_wait(), */
	bool prodded; /* and shall come back, */
	bool asleep;  /* and would sleep until then */
	uint64_t asleep_until_ns;

	struct vfs_observed observed;
};

/* How many are submitted and not reaped. */
static inline unsigned int vfs_queue_owes(const struct vfs_queue *queue)
{
	return (unsigned int)(queue->counters.submitted - queue->counters.completed);
}

/* It was reaped, with an answer of so many bytes. */
static inline void vfs_observe_answered(
	struct vfs_queue *queue, const struct vfs_request *request, uint32_t length)
{
	struct vfs_observe_counts *counts = &queue->observed.counts;

	counts->completed[request->opcode]++;
	counts->received[request->opcode] += length;
}

/*
 * It is prepared, with so many bytes more than fit into the slot's page. Where threads share a
 * queue they prepare without its lock.
 */
static inline void vfs_observe_sent(const struct vfs_request *request, size_t bytes)
{
	uint64_t *sent = &request->queue->observed.counts.sent[request->opcode];

	__atomic_fetch_add(sent, bytes, __ATOMIC_RELAXED);
}

/* It was reaped, with an error, which may be all that there is of an answer. */
static inline void vfs_observe_refused(struct vfs_queue *queue, const struct vfs_request *request)
{
	queue->observed.counts.failed[request->opcode]++;
}

/* It is being submitted. Of some, or of all if somebody wishes it, the time is taken. */
static inline void vfs_observe_submitted(struct vfs_request *request, uint64_t now, uint32_t seldom)
{
	request->since = now;
	request->timed = !(now & seldom);
}

/* Nothing of it is owned by the device, and nothing will be. For when it has been reset. */
void vfs_queue_end_all(struct vfs_queue *queue);

/* Give the device what has been waiting for room in the ring, as far as there is some. */
void vfs_queue_send_parked(struct vfs_queue *queue);

/* Show the device what was added to the ring. */
void vfs_queue_publish(struct vfs_queue *queue);

/* The device did, as the thread's message says: the session fails. */
void vfs_queue_broke_the_protocol(struct vfs_queue *queue);

/* End a request that the device need not return first. */
void vfs_queue_end(struct vfs_queue *queue, struct vfs_request *request, int error);

void vfs_request_list_push(struct vfs_request_list *list, struct vfs_request *request);
struct vfs_request *vfs_request_list_pop(struct vfs_request_list *list);

/* The request for the session's own messages; NULL while it is in use. */
struct vfs_request *vfs_queue_take_reserved(struct vfs_queue *queue);

/* Take one out of the middle. False: it is not in there. */
bool vfs_request_list_remove(struct vfs_request_list *list, struct vfs_request *request);

/* Picoseconds that it takes to look at a ring once, while there is nothing in it (wait.c). */
uint64_t vfs_queue_look_ps(const struct vfs_queue *queue);

/* Whoever was woken by the queue's descriptor has come. */
static inline void vfs_queue_clear_wakeup(struct vfs_queue *queue)
{
	queue->counters.wakeups += vfs_wakeup_clear(&queue->wakeup);
}

/* ---- for a queue that threads share (wait.c) ---- */

/* Whoever is in vfs_queue_wait() comes back. */
void vfs_queue_prod(struct vfs_queue *queue);

/* Something was submitted or cancelled: he hears of it if it concerns him. */
void vfs_queue_changed(struct vfs_queue *queue);

/* ---- deadlines and INTERRUPT (deadline.c) ---- */

/* A request was submitted, or the device has got it now. */
void vfs_deadline_start(struct vfs_queue *queue, struct vfs_request *request);

/* End what is overdue, send INTERRUPTs that are due; cheap when there are none. */
void vfs_queue_look_at_time(struct vfs_queue *queue);

/* What the server says to an INTERRUPT. Of any thread. */
void vfs_interrupt_answered(struct vfs_request *target, uint64_t unique, int error);

/* Submit one request and wait for it. The answer may be an error: see vfs_request_error(). */
int vfs_queue_call(struct vfs_queue *queue, struct vfs_request *request, unsigned int timeout_ms);

/* ---- FORGET (forget.c) ---- */

#define VFS_HIPRIO_DEPTH      64u
#define VFS_BATCH_FORGET_HEAD (sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in))

/* Prepare a message with as many as it holds. */
void vfs_forget_build(struct vfs_request *request, struct vfs_forget_backlog *backlog);

/* A lookup that nobody can use. The root is not counted, and no node is none. */
void vfs_give_lookup_back(struct vfs_session *session, uint64_t node);

/* ---- session ---- */

enum vfs_session_state {
	VFS_SESSION_STARTED,   /* rings are up, no FUSE connection */
	VFS_SESSION_CONNECTED, /* INIT was answered */
};

struct vfs_session {
	struct vfs_device *device;
	struct vfs_device_user user;
	struct vfs_virtio virtio;
	struct vfs_session_options options;
	struct vfs_address_space space;
	struct vfs_arena arena;
	struct vfs_mem_table mems;
	enum vfs_session_state state;
	atomic_bool failing;	  /* somebody is taking the memory back from the device */
	atomic_int failed;	  /* 0, or why nothing can be sent any more (negative errno) */
	struct vfs_queue *queues; /* all of the device's, hiprio first */
	unsigned int num_rings;
	unsigned int first_request_queue;
	struct vfs_hiprio hiprio;
	struct vfs_notify notify;
	struct vfs_page page;
	vfs_trace_fn trace;
	void *trace_ctx;
	size_t max_payload;

	/* Once it is connected: what was agreed, and the FUSE features of either side. */
	struct vfs_init init;
	uint64_t wanted;
	uint64_t offered;
};

/* The device cannot be trusted or is gone: take its memory back by a reset. */
void vfs_session_fail(struct vfs_session *session, int error);

/* What it failed with, and a message. */
int vfs_session_refuse(const struct vfs_session *session);

/* 0, or the same. */
static inline int vfs_session_check(const struct vfs_session *session)
{
	return session->failed ? vfs_session_refuse(session) : 0;
}

/* What memory for the device may be of. Huge pages are tried first. */
static inline bool vfs_session_huge_pages(const struct vfs_session *session)
{
	return session->options.hugepages != VFS_HUGEPAGES_NEVER;
}

/* Where a device sees physical memory, only hugepages are sure to keep their place. */
static inline bool vfs_session_small_pages(const struct vfs_session *session)
{
	return session->options.hugepages != VFS_HUGEPAGES_ALWAYS &&
	       session->device->transport->limits.translation != VFS_UNTRANSLATED;
}

/* Nothing happens for a while: from now on the time is taken of all, if that is wished. */
static inline void vfs_observe_pause(struct vfs_queue *queue)
{
	if (__atomic_load_n(&queue->session->page.wish->until_ns, __ATOMIC_RELAXED))
		queue->observed.seldom = 0;
}

/* ---- layout of a session's memory (memory.c) ---- */

/* Where one queue's things are in the arena. */
struct vfs_queue_plan {
	uint16_t ring_size;
	unsigned int depth; /* slots, the reserved one included; 0: a ring only */
	size_t payload_size;
	unsigned int max_segments;
	bool indirect;
	bool data; /* requests may have data elsewhere */
	size_t desc;
	size_t avail;
	size_t used;
	size_t indirect_tables;
	size_t slots;
};

/*
 * Largest payload, a multiple of the page, so that message and answer of a request are never
 * more than @max_descs descriptors when memory is in blocks of @contiguous bytes.
 */
size_t vfs_payload_limit(size_t wanted, unsigned int max_descs, size_t contiguous);

/* Most descriptors that a slot with this payload can need. */
unsigned int vfs_slot_segments_max(size_t payload_size, size_t contiguous);

/* Bytes of a slot with room for a payload of @max_payload on either side of it. */
size_t vfs_slot_payload_size(size_t max_payload);

/* Bytes from one slot to the next. */
size_t vfs_slot_stride(const struct vfs_queue_plan *queue);

void vfs_queue_plan_add(struct vfs_queue_plan *queue, struct vfs_arena_plan *arena);
int vfs_queue_create(struct vfs_queue *queue, const struct vfs_queue_plan *plan);
void vfs_queue_destroy(struct vfs_queue *queue);

/* ---- INIT (init.c) ---- */

#define VFS_INIT_MESSAGE_SIZE (sizeof(struct fuse_in_header) + sizeof(struct fuse_init_in))

void vfs_init_build(const struct vfs_init *want, struct fuse_init_in *in);

/*
 * Read the body of an answer to INIT. -EPROTONOSUPPORT: a version that we do not speak.
 * -EPROTO: malformed.
 */
int vfs_init_parse(const void *body, size_t length, const struct vfs_init *want, size_t max_payload,
	unsigned int quirks, struct vfs_init *got);

#endif
