/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/core.h"
#include "fuse/fuse.h"
#include "observe/times.h"

/* Of each queue; a reader that looks every second may miss some. */
#define EVENTS 1024u

/*
 * Without a wish the time is taken of a request that is submitted while these bits of the ticks are
 * 0: of one of 256. The lowest bits do not count on every machine.
 */
#define SELDOM (255u << 7)

/* For the layers above, which have a few numbers each. */
#define ROOM_ABOVE 4096u

/* No wish is for longer. */
#define WISH_MAX_NS 60000000000ULL

/* ---- where things are ---- */

#define FIELD(type, member)                                                    \
	{                                                                      \
		(uint16_t) offsetof(type, member), sizeof(((type *)0)->member) \
	}
#define QUEUE(member)	FIELD(struct vfs_queue, member)
#define REQUEST(member) FIELD(struct vfs_request, member)
#define HEAD(member)	FIELD(struct vfs_ring_shadow, member)

static const struct vfs_observe_field queue_fields[VFS_OBSERVE_QUEUE_FIELDS] = {
	[VFS_OBSERVE_EVENT_IDX] = QUEUE(ring.event_idx),
	[VFS_OBSERVE_BROKEN] = QUEUE(ring.broken),
	[VFS_OBSERVE_INTERRUPTS] = QUEUE(ring.interrupts),
	[VFS_OBSERVE_FREE] = QUEUE(ring.num_free),
	[VFS_OBSERVE_AVAIL] = QUEUE(ring.avail_idx),
	[VFS_OBSERVE_PUBLISHED] = QUEUE(ring.published_idx),
	[VFS_OBSERVE_USED] = QUEUE(ring.used_idx),
	[VFS_OBSERVE_PUBLICATIONS] = QUEUE(ring.batch),
	[VFS_OBSERVE_NOTIFIED] = QUEUE(counters.notified),
	[VFS_OBSERVE_SUBMITTED] = QUEUE(counters.submitted),
	[VFS_OBSERVE_COMPLETED] = QUEUE(counters.completed),
	[VFS_OBSERVE_TIMED_OUT] = QUEUE(counters.timed_out),
	[VFS_OBSERVE_LATE] = QUEUE(counters.late),
	[VFS_OBSERVE_PARKED] = QUEUE(counters.parked),
	[VFS_OBSERVE_QUARANTINED] = QUEUE(counters.quarantined),
	[VFS_OBSERVE_WAKEUPS] = QUEUE(counters.wakeups),
	[VFS_OBSERVE_SLEEPS] = QUEUE(counters.sleeps),
	[VFS_OBSERVE_LOOKS] = QUEUE(counters.looks),
	[VFS_OBSERVE_WAITING] = QUEUE(waiting),
	[VFS_OBSERVE_ASLEEP] = QUEUE(asleep),
};

static const struct vfs_observe_field request_fields[VFS_OBSERVE_REQUEST_FIELDS] = {
	[VFS_OBSERVE_STATE] = REQUEST(state),
	[VFS_OBSERVE_OPCODE] = REQUEST(opcode),
	[VFS_OBSERVE_UNIQUE] = REQUEST(reply.unique),
	[VFS_OBSERVE_LENT] = REQUEST(lent),
	[VFS_OBSERVE_ENDED] = REQUEST(ended),
	[VFS_OBSERVE_RELEASES] = REQUEST(releases),
	[VFS_OBSERVE_SINCE] = REQUEST(since),
	[VFS_OBSERVE_DEADLINE] = REQUEST(deadline_ns),
	[VFS_OBSERVE_SENT] = REQUEST(chain.readable),
	[VFS_OBSERVE_ROOM] = REQUEST(chain.writable),
	[VFS_OBSERVE_TABLE] = REQUEST(chain.table_addr),
};

static const struct vfs_observe_field head_fields[VFS_OBSERVE_HEAD_FIELDS] = {
	[VFS_OBSERVE_TOKEN] = HEAD(token),
	[VFS_OBSERVE_NEXT] = HEAD(next),
	[VFS_OBSERVE_LAST] = HEAD(last),
	[VFS_OBSERVE_COUNT] = HEAD(count),
	[VFS_OBSERVE_LIMIT] = HEAD(limit),
};

/* The public numbers of what is in these fields. */
_Static_assert((int)VFS_OBSERVE_IS_FREE == (int)VFS_REQUEST_FREE &&
		       (int)VFS_OBSERVE_IS_TAKEN == (int)VFS_REQUEST_TAKEN &&
		       (int)VFS_OBSERVE_IS_PREPARED == (int)VFS_REQUEST_PREPARED &&
		       (int)VFS_OBSERVE_IS_SUBMITTED == (int)VFS_REQUEST_SUBMITTED &&
		       (int)VFS_OBSERVE_IS_DONE == (int)VFS_REQUEST_DONE,
	"states of requests are public");

/* ---- making the page ---- */

/* What a queue with so many requests takes. */
static size_t requests_room(size_t depth)
{
	return vfs_page_room(depth, sizeof(struct vfs_request)) +
	       vfs_page_room(VFS_NUM_OPCODES, sizeof(struct vfs_observe_times)) +
	       vfs_page_room(EVENTS, sizeof(struct vfs_observe_event));
}

/* Addresses of the arena's pages, where each has one of its own: at least as many as there are. */
static size_t pages_room(const struct vfs_session *session)
{
	const struct vfs_session_options *o = &session->options;
	size_t slot = o->max_payload / VFS_PAGE_SIZE + 4;
	size_t ring = o->ring_size * (VFS_RING_DESC_SIZE + 16) / VFS_PAGE_SIZE + 4;
	size_t notices = o->notify_buffers * (session->notify.size / VFS_PAGE_SIZE + 1);
	size_t pages = (size_t)o->num_queues * (o->depth + 1) * slot + VFS_HIPRIO_DEPTH * 4 +
		       session->num_rings * ring + notices;

	if (session->space.addressing == VFS_ADDRESSING_IOVA)
		return 0;
	return vfs_page_room(pages, sizeof(uint64_t));
}

int vfs_observe_create(struct vfs_session *session)
{
	const struct vfs_device_info *info = &session->device->info;
	const struct vfs_session_options *o = &session->options;
	struct vfs_observe_queue *queue_info;
	struct vfs_observe_page *head;
	size_t rings = session->num_rings;
	size_t size = vfs_page_room(rings, sizeof(struct vfs_queue)) +
		      vfs_page_room(rings, sizeof(struct vfs_observe_queue)) +
		      rings * vfs_page_room(o->ring_size, sizeof(struct vfs_ring_shadow)) +
		      requests_room(VFS_HIPRIO_DEPTH + 1) + ROOM_ABOVE +
		      o->num_queues * requests_room(o->depth + 1) + pages_room(session);
	int r = vfs_page_create(&session->page, info->name, size);

	if (r < 0)
		return r;
	session->queues = vfs_page_alloc(&session->page, rings, sizeof(*session->queues));
	queue_info = vfs_page_alloc(&session->page, rings, sizeof(*queue_info));
	if (!session->queues || !queue_info)
		return -ENOMEM;
	for (size_t i = 0; i < rings; i++)
		session->queues[i].observed.seldom = SELDOM;
	head = session->page.head;
	head->queues = vfs_page_array(
		&session->page, session->queues, sizeof(*session->queues), rings);
	head->queue_info = vfs_page_array(&session->page, queue_info, sizeof(*queue_info), rings);
	memcpy(head->queue_fields, queue_fields, sizeof(queue_fields));
	memcpy(head->request_fields, request_fields, sizeof(request_fields));
	memcpy(head->head_fields, head_fields, sizeof(head_fields));
	snprintf(head->device, sizeof(head->device), "%s", info->name);
	snprintf(head->tag, sizeof(head->tag), "%s", info->tag);
	head->virtio_offered = session->virtio.offered;
	head->virtio_features = session->virtio.features;
	return 0;
}

static uint64_t in_arena(const struct vfs_session *session, const void *what)
{
	return (uint64_t)((const uint8_t *)what - session->arena.memory.base);
}

static struct vfs_observe_queue *info_of(const struct vfs_queue *queue)
{
	const struct vfs_page *page = &queue->session->page;
	uint8_t *first = (uint8_t *)page->head + page->head->queue_info.offset;

	return (struct vfs_observe_queue *)(void *)first + queue->index;
}

static enum vfs_observe_kind kind_of(const struct vfs_queue *queue)
{
	const struct vfs_session *session = queue->session;

	if (queue->index == 0)
		return VFS_OBSERVE_HIPRIO;
	if (queue->index < session->first_request_queue)
		return VFS_OBSERVE_NOTIFY;
	return queue->depth ? VFS_OBSERVE_REQUESTS : VFS_OBSERVE_UNUSED;
}

static int observe_requests(struct vfs_queue *queue, const struct vfs_queue_plan *plan)
{
	struct vfs_page *page = &queue->session->page;
	struct vfs_observe_queue *info = info_of(queue);
	struct vfs_observed *observed = &queue->observed;

	observed->times = vfs_page_alloc(page, VFS_NUM_OPCODES, sizeof(*observed->times));
	observed->events = vfs_page_alloc(page, EVENTS, sizeof(*observed->events));
	if (!observed->times || !observed->events)
		return -ENOMEM;
	info->token = (uintptr_t)queue->requests;
	info->requests = vfs_page_array(
		page, queue->requests, sizeof(*queue->requests), queue->depth);
	info->messages = (struct vfs_observe_array){
		.offset = in_arena(queue->session, queue->requests[0].page),
		.stride = (uint32_t)vfs_slot_stride(plan),
		.count = queue->depth,
	};
	info->message_head = (uint32_t)(VFS_SLOT_HEADER_SIZE - VFS_REQUEST_HEAD);
	info->counts = vfs_page_offset(page, &observed->counts);
	info->times = vfs_page_array(
		page, observed->times, sizeof(*observed->times), VFS_NUM_OPCODES);
	info->events = vfs_page_array(page, observed->events, sizeof(*observed->events), EVENTS);
	return 0;
}

int vfs_observe_queue(struct vfs_queue *queue, const struct vfs_queue_plan *plan)
{
	const struct vfs_ring *ring = &queue->ring;
	struct vfs_observe_queue *info = info_of(queue);

	info->kind = kind_of(queue);
	info->size = ring->size;
	info->desc = in_arena(queue->session, ring->memory.desc);
	info->avail = in_arena(queue->session, ring->memory.avail);
	info->used = in_arena(queue->session, ring->memory.used);
	info->heads = vfs_page_array(
		&queue->session->page, ring->shadow, sizeof(*ring->shadow), ring->size);
	return queue->depth ? observe_requests(queue, plan) : 0;
}

/* More than there is room for cannot be; they would only not be shown. */
static void observe_addresses(struct vfs_session *session)
{
	const struct vfs_mapping *mapping = &session->arena.mapping;
	struct vfs_observe_page *head = session->page.head;
	size_t count;
	uint64_t *pages;

	head->arena_address = mapping->iova;
	if (!mapping->pages)
		return;
	count = mapping->size / mapping->page_size;
	pages = vfs_page_alloc(&session->page, count, sizeof(*pages));
	if (!pages)
		return;
	memcpy(pages, mapping->pages, count * sizeof(*pages));
	head->arena_pages = vfs_page_array(&session->page, pages, sizeof(*pages), count);
	head->arena_page_size = mapping->page_size;
}

static void set_state(struct vfs_session *session, enum vfs_observe_state state)
{
	__atomic_store_n(&session->page.head->state, state, __ATOMIC_RELEASE);
}

int vfs_observe_started(struct vfs_session *session)
{
	struct vfs_observe_page *head = session->page.head;
	struct stat stat;

	if (fstat(session->arena.memory.fd, &stat) < 0)
		return vfs_error(-errno, "fstat: %s", strerror(errno));
	head->arena_inode = stat.st_ino;
	head->arena_size = session->arena.memory.size;
	head->max_payload = session->max_payload;
	observe_addresses(session);
	set_state(session, VFS_OBSERVE_STARTED);
	return 0;
}

void vfs_observe_connected(struct vfs_session *session)
{
	struct vfs_observe_page *head = session->page.head;

	head->minor = session->init.minor;
	head->fuse_wanted = session->wanted;
	head->fuse_offered = session->offered;
	head->fuse_flags = session->init.flags;
	head->max_write = session->init.max_write;
	set_state(session, VFS_OBSERVE_CONNECTED);
}

/* ---- numbers of others ---- */

void *vfs_observe_alloc(struct vfs_session *session, size_t size)
{
	return vfs_page_alloc(&session->page, 1, size);
}

void vfs_observe_figure(
	struct vfs_session *session, enum vfs_observe_figure figure, const void *where, size_t size)
{
	session->page.head->figures[figure] = (struct vfs_observe_place){
		.offset = vfs_page_offset(&session->page, where), .size = size};
}

/* ---- what goes wrong ---- */

void vfs_observe_error(struct vfs_session *session, const char *format, ...)
{
	char text[sizeof(((struct vfs_observe_text *)0)->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	vfs_page_text(&session->page, text);
}

void vfs_observe_failed(struct vfs_session *session, int error)
{
	/* It may not have come so far. */
	if (!session->page.head)
		return;
	vfs_observe_error(session, "%s", vfs_last_error());
	session->page.head->failed = error;
	set_state(session, VFS_OBSERVE_FAILED);
}

/* ---- what is done for some requests, or for all if somebody wishes it ---- */

/* Anybody may have written there. */
static bool is_wished(const struct vfs_session *session)
{
	uint64_t *until_ns = &session->page.wish->until_ns;
	uint64_t until = __atomic_load_n(until_ns, __ATOMIC_RELAXED);
	uint64_t now;

	if (!until)
		return false;
	now = vfs_now_ns();
	if (until > now && until - now <= WISH_MAX_NS)
		return true;
	__atomic_store_n(until_ns, 0, __ATOMIC_RELAXED);
	return false;
}

static uint64_t node_of(const struct vfs_request *request)
{
	struct fuse_in_header header;

	memcpy(&header, vfs_slot_message(request), sizeof(header));
	return header.nodeid;
}

static void add_event(
	struct vfs_queue *queue, const struct vfs_request *request, uint64_t since, uint64_t now)
{
	struct vfs_observed *observed = &queue->observed;
	struct vfs_observe_event *event = &observed->events[observed->num_events % EVENTS];

	__atomic_store_n(&event->again, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	event->number = ++observed->num_events;
	event->since = since;
	event->until = now;
	event->unique = request->reply.unique;
	event->node = node_of(request);
	event->opcode = request->opcode;
	event->error = request->error;
	event->sent = (uint32_t)request->chain.readable;
	event->received = request->reply.used_len;
	__atomic_store_n(&event->again, event->number, __ATOMIC_RELEASE);
}

static void tell(struct vfs_queue *queue, const struct vfs_request *request, uint64_t ticks)
{
	const struct vfs_session *session = queue->session;
	struct vfs_tick_pair created = {
		session->page.head->created_ticks, session->page.head->created_ns};
	struct vfs_tick_pair now = vfs_tick_pair();
	struct vfs_trace trace = {
		.queue = queue->index,
		.opcode = request->opcode,
		.unique = request->reply.unique,
		.node = node_of(request),
		.error = request->error,
		.sent = (uint32_t)request->chain.readable,
		.received = request->reply.used_len,
		.ns = vfs_ticks_to_ns(ticks, &created, &now),
	};

	session->trace(&trace, session->trace_ctx);
}

void vfs_observe_time(struct vfs_queue *queue, const struct vfs_request *request)
{
	bool wished = is_wished(queue->session);
	uint64_t since = request->since;
	uint64_t now = vfs_ticks();
	/* Clocks of two processors may differ a little. */
	uint64_t ticks = now > since ? now - since : 0;

	vfs_times_add(&queue->observed.times[request->opcode], ticks);
	if (wished)
		add_event(queue, request, since, now);
	if (queue->session->trace)
		tell(queue, request, ticks);
	queue->observed.seldom = wished || queue->session->trace ? 0 : SELDOM;
}

VFS_EXPORT void vfs_session_trace(struct vfs_session *session, vfs_trace_fn fn, void *ctx)
{
	session->trace = fn;
	session->trace_ctx = ctx;
	for (unsigned int i = 0; i < session->num_rings; i++)
		session->queues[i].observed.seldom = fn ? 0 : SELDOM;
}
