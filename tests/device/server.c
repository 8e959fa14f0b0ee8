/* SPDX-License-Identifier: MIT */
/*
 * libfuse reads requests from a device and writes replies to it; here it is handed requests and
 * its writes are caught. A reply finds its request by its unique.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <fuse_lowlevel.h>
#include <linux/fuse.h>

#include "fuse_check.h"
#include "marks.h"
#include "passthrough.h"
#include "say.h"
#include "server.h"
#include "server_dax.h"

#define BUCKETS 256u

struct server {
	struct passthrough served; /* first: the session's user data is both */
	struct engine engine;
	pthread_rwlock_t session_lock; /* held for reading while a request is processed */
	struct fuse_session *session;
	bool marks;
	bool initialised;     /* it has had its INIT */
	pthread_mutex_t lock; /* of: */
	struct request *in_flight[BUCKETS];
};

static struct server *of_engine(struct engine *engine)
{
	return (struct server *)((char *)engine - offsetof(struct server, engine));
}

static struct fuse_in_header header_of(const struct request *request)
{
	struct fuse_in_header header;

	memcpy(&header, request->message, sizeof(header));
	return header;
}

static void add_in_flight(struct server *server, struct request *request)
{
	struct request **bucket = &server->in_flight[header_of(request).unique / 2 % BUCKETS];

	pthread_mutex_lock(&server->lock);
	request->next = *bucket;
	*bucket = request;
	pthread_mutex_unlock(&server->lock);
}

/* Out of the table; NULL: nobody asked that. */
static struct request *take_in_flight(struct server *server, uint64_t unique)
{
	struct request **p = &server->in_flight[unique / 2 % BUCKETS];
	struct request *found;

	pthread_mutex_lock(&server->lock);
	while (*p && header_of(*p).unique != unique)
		p = &(*p)->next;
	found = *p;
	if (found)
		*p = found->next;
	pthread_mutex_unlock(&server->lock);
	return found;
}

/* libfuse does not speak of alignment, although only we know what the window's is. */
static void add_alignment(struct fuse_init_out *out)
{
	out->flags |= FUSE_MAP_ALIGNMENT;
	out->map_alignment = DAX_ALIGNMENT;
}

/* What libfuse does not say. */
static void add_to_answer(struct server *server, const struct request *request,
	const struct fuse_out_header *header, struct iovec body)
{
	uint32_t opcode = header_of(request).opcode;

	if (!server->served.dax || header->error)
		return;
	if (opcode == FUSE_INIT && body.iov_len == sizeof(struct fuse_init_out)) {
		add_alignment(body.iov_base);
		if (server->marks)
			marks_agree(body.iov_base);
	}
	if (server->marks)
		marks_put(opcode, body);
}

static ssize_t catch_write(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct fuse_out_header *header = iov[0].iov_base;
	struct server *server = userdata;
	struct request *request = take_in_flight(server, header->unique);

	(void)fd;
	/* An interrupt that comes too late is answered although it has been given back. */
	if (!request)
		return (ssize_t)header->len;
	if (count > 1)
		add_to_answer(server, request, header, iov[1]);
	request_reply(request, iov, count);
	return (ssize_t)header->len;
}

static ssize_t never_read(int fd, void *buffer, size_t size, void *userdata)
{
	(void)fd;
	(void)buffer;
	(void)size;
	(void)userdata;
	errno = ENODEV;
	return -1;
}

static const struct fuse_custom_io caught_io = {.writev = catch_write, .read = never_read};

static struct fuse_session *create_session(struct server *server)
{
	char *argv[] = {(char *)(uintptr_t) "virtiofs-device", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session = fuse_session_new(
		&args, &passthrough_ops, sizeof(passthrough_ops), &server->served);
	int fd;

	if (!session)
		return NULL;
	/* It wants a descriptor, to close it in the end. */
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0 && fuse_session_custom_io(session, &caught_io, fd) == 0)
		return session;
	fuse_session_destroy(session);
	return NULL;
}

/* With session_lock held for writing. */
static void end_session(struct server *server)
{
	passthrough_end_waiting();
	if (server->served.dax)
		dax_unmap_all(server->served.dax);
	if (server->session)
		fuse_session_destroy(server->session);
	server->session = NULL;
	server->initialised = false;
	lock_owners_clear(server->served.locks);
	tree_forget_all(&server->served.tree);
}

/* A second INIT is a driver that starts anew: what came before it is over. */
static void prepare_session(struct server *server, uint32_t opcode)
{
	pthread_rwlock_wrlock(&server->session_lock);
	if (opcode == FUSE_INIT && server->initialised)
		end_session(server);
	if (!server->session)
		server->session = create_session(server);
	server->initialised = server->initialised || opcode == FUSE_INIT;
	pthread_rwlock_unlock(&server->session_lock);
}

static bool is_answered(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

static void reply_error(struct request *request, int error)
{
	struct fuse_out_header out = {.len = sizeof(out), .error = -error};
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};

	if (request->chain.writable < sizeof(out) ||
		request->chain.readable < sizeof(struct fuse_in_header)) {
		request_done(request);
		return;
	}
	out.unique = header_of(request).unique;
	request_reply(request, &iov, 1);
}

static bool is_for_window(const struct server *server, uint32_t opcode)
{
	return server->served.dax && (opcode == FUSE_SETUPMAPPING || opcode == FUSE_REMOVEMAPPING ||
					     opcode == FUSE_SYNCFS);
}

static int set_up_mapping(struct server *server, const void *message)
{
	int r;

	pthread_rwlock_rdlock(&server->session_lock);
	r = server_setup_mapping(&server->served.tree, server->served.dax, message);
	pthread_rwlock_unlock(&server->session_lock);
	if (r != -EIO)
		return r;
	pthread_rwlock_wrlock(&server->session_lock);
	r = server_setup_padded_mapping(&server->served.tree, server->served.dax, message);
	pthread_rwlock_unlock(&server->session_lock);
	return r;
}

static void handle_window(struct server *server, struct request *request, uint32_t opcode)
{
	int r;

	if (opcode == FUSE_SETUPMAPPING)
		r = set_up_mapping(server, request->message);
	else if (opcode == FUSE_REMOVEMAPPING)
		r = server_remove_mapping(server->served.dax, request->message);
	else
		r = server_sync(&server->served.tree, server->served.dax);
	reply_error(request, -r);
}

/*
 * The request may be gone while libfuse still has the message: the message is taken from it, and
 * only a copy of the header stays.
 */
static void *take_message(struct request *request)
{
	struct fuse_in_header *header = malloc(sizeof(*header));
	void *message = request->message;

	if (!header)
		return NULL;
	*header = header_of(request);
	request->message = header;
	return message;
}

static void process(struct server *server, struct request *request, bool answered)
{
	struct fuse_buf buffer = {.mem = request->message, .size = request->chain.readable};

	if (!server->session) {
		reply_error(request, ENOMEM);
		return;
	}
	if (!answered) {
		fuse_session_process_buf(server->session, &buffer);
		request_done(request);
		return;
	}
	buffer.mem = take_message(request);
	if (!buffer.mem) {
		reply_error(request, ENOMEM);
		return;
	}
	add_in_flight(server, request);
	fuse_session_process_buf(server->session, &buffer);
	free(buffer.mem);
}

static bool has_session(struct server *server)
{
	bool there;

	pthread_rwlock_rdlock(&server->session_lock);
	there = server->session != NULL;
	pthread_rwlock_unlock(&server->session_lock);
	return there;
}

static void server_handle(struct engine *engine, struct request *request)
{
	struct server *server = of_engine(engine);
	struct fuse_in_header header;

	if (!fuse_check(request->message, request->chain.readable)) {
		reply_error(request, EINVAL);
		return;
	}
	header = header_of(request);
	if (header.opcode == FUSE_INIT || !has_session(server))
		prepare_session(server, header.opcode);
	if (is_for_window(server, header.opcode)) {
		handle_window(server, request, header.opcode);
		return;
	}
	pthread_rwlock_rdlock(&server->session_lock);
	process(server, request, is_answered(header.opcode));
	pthread_rwlock_unlock(&server->session_lock);
}

/* Their queues have stopped: giving them back frees them and does no more. */
static void drop_in_flight(struct server *server)
{
	unsigned int i;

	for (i = 0; i < BUCKETS; i++)
		while (server->in_flight[i])
			request_done(
				take_in_flight(server, header_of(server->in_flight[i]).unique));
}

static void server_end(struct engine *engine)
{
	struct server *server = of_engine(engine);

	pthread_rwlock_wrlock(&server->session_lock);
	end_session(server);
	pthread_rwlock_unlock(&server->session_lock);
	drop_in_flight(server);
}

static void server_held(struct engine *engine, struct engine_held *held)
{
	tree_held(&of_engine(engine)->served.tree, &held->nodes, &held->lookups, &held->open);
}

static void server_destroy(struct engine *engine)
{
	struct server *server = of_engine(engine);

	server_end(engine);
	lock_owners_destroy(server->served.locks);
	tree_close(&server->served.tree);
	pthread_rwlock_destroy(&server->session_lock);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

struct engine *server_create(const char *directory, const struct server_options *options)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return NULL;
	r = tree_open(&server->served.tree, directory);
	server->served.locks = lock_owners_create();
	if (r == 0 && !server->served.locks)
		r = -ENOMEM;
	if (r < 0) {
		say("%s: %s", directory, strerror(-r));
		lock_owners_destroy(server->served.locks);
		tree_close(&server->served.tree);
		free(server);
		return NULL;
	}
	pthread_rwlock_init(&server->session_lock, NULL);
	pthread_mutex_init(&server->lock, NULL);
	server->served.dax = options->dax;
	server->served.writeback = options->writeback;
	server->marks = options->marks;
	server->engine = (struct engine){.handle = server_handle,
		.end = server_end,
		.destroy = server_destroy,
		.held = server_held};
	return &server->engine;
}
