/* SPDX-License-Identifier: MIT */
/*
 * A web server for the files of a device, in one thread: sockets and a queue of the device are
 * watched by one epoll, and no file is waited for.
 *
 *	vfs-web [-a ADDRESS] [-p PORT] DEVICE
 *
 * Serves what everybody may read, with 127.0.0.1 and 8080 as defaults. A path is looked up name by
 * name from the root on, symbolic links are not followed and ".." is refused: nothing leads out.
 */
#define _GNU_SOURCE 1 /* accept4(), memmem(), strcasestr() */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <vfs/error.h>
#include <vfs/fuse.h>
#include <vfs/memory.h>

enum {
	MAX_CLIENTS = 128,
	MAX_REQUEST = 4096, /* bytes of a request's header */
	PIECE = 128 << 10,  /* bytes that are read and sent at once */
};

struct client {
	int fd;
	char in[MAX_REQUEST];
	size_t received;

	/* what is asked for */
	bool busy, head, keep_alive;
	char path[MAX_REQUEST];
	char *rest;	  /* of the path: what has not been looked up */
	const char *name; /* of it: what was looked up last */

	/* the file */
	uint64_t node, fh;
	mode_t mode;
	bool open;
	uint64_t size, offset;

	/* what is on its way to the client */
	const char *out;
	size_t out_length;
	char header[512];
	char *data; /* PIECE bytes that the device writes */

	/* what the device was asked, and who gets the answer */
	struct vfs_op op;
	struct iovec iov;
	void (*then)(struct client *client);
	struct client *next_waiting;
};

static struct vfs_session *session;
static struct vfs_queue *queue;
static int epoll_fd;
static struct client clients[MAX_CLIENTS];
static struct client *waiting, **last_waiting = &waiting;

static void receive(struct client *client);

static int failed(const char *what)
{
	fprintf(stderr, "vfs-web: %s: %s\n", what, vfs_last_error());
	return -1;
}

/* ---- asking the device ---- */

static void send_op(struct client *client, struct vfs_request *request)
{
	int r = vfs_op_encode(&client->op, request);

	if (r == 0) {
		vfs_request_set_user_data(request, client);
		r = vfs_queue_submit(queue, &request, 1);
	}
	if (r < 0) {
		vfs_request_put(request);
		client->op.result = r;
		client->then(client);
	}
}

/* When all requests are in use, the client waits for his turn. */
static void ask(struct client *client, void (*then)(struct client *client))
{
	struct vfs_request *request = vfs_request_get(queue);

	client->then = then;
	if (request) {
		send_op(client, request);
	} else {
		client->next_waiting = NULL;
		*last_waiting = client;
		last_waiting = &client->next_waiting;
	}
}

static void ask_for_waiting(void)
{
	struct vfs_request *request;

	while (waiting && (request = vfs_request_get(queue))) {
		struct client *client = waiting;

		waiting = client->next_waiting;
		if (!waiting)
			last_waiting = &waiting;
		send_op(client, request);
	}
}

static void take_answers(void)
{
	struct vfs_request *requests[32];
	unsigned int n;

	while ((n = vfs_queue_reap(queue, requests, 32)) > 0) {
		for (unsigned int i = 0; i < n; i++) {
			struct client *client = vfs_request_user_data(requests[i]);

			vfs_op_finish(&client->op, requests[i]);
			vfs_request_put(requests[i]);
			client->then(client);
		}
		ask_for_waiting();
	}
}

static void forget(struct client *client)
{
	struct fuse_forget_one one = {.nodeid = client->node, .nlookup = 1};

	if (client->node != FUSE_ROOT_ID)
		vfs_forget(session, &one, 1);
	client->node = FUSE_ROOT_ID;
}

/* ---- the end of a request ---- */

/* What was not read would reset the connection, and the answer be lost. */
static void hang_up(struct client *client)
{
	for (int i = 0; i < 16 && recv(client->fd, client->in, sizeof(client->in), 0) > 0; i++)
		;
	close(client->fd);
	client->fd = -1;
}

static void end_request(struct client *client)
{
	forget(client);
	client->busy = false;
	if (client->keep_alive)
		receive(client);
	else
		hang_up(client);
}

static void released(struct client *client)
{
	client->open = false;
	end_request(client);
}

static void finish(struct client *client)
{
	if (client->open) {
		vfs_op_release(&client->op, client->node, client->fh, O_RDONLY);
		ask(client, released);
	} else {
		end_request(client);
	}
}

/* ---- sending ---- */

static void send_file(struct client *client);

/* Goes on when the client has taken what there was, which may be when the socket is writable again.
 */
static void send_out(struct client *client)
{
	int more = client->open && client->offset < client->size ? MSG_MORE : 0;

	while (client->out_length > 0) {
		ssize_t n = send(client->fd, client->out, client->out_length, MSG_NOSIGNAL | more);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			client->out_length = 0;
			client->keep_alive = false;
			finish(client);
			return;
		}
		client->out += n;
		client->out_length -= (size_t)n;
	}
	send_file(client);
}

static const char *content_type(const char *name)
{
	static const char *const types[][2] = {
		{".html", "text/html"},
		{".css", "text/css"},
		{".js", "text/javascript"},
		{".txt", "text/plain"},
		{".json", "application/json"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".svg", "image/svg+xml"},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++) {
		if (strcasecmp(dot, types[i][0]) == 0)
			return types[i][1];
	}
	return "application/octet-stream";
}

static void send_header(struct client *client, const char *status, const char *type, uint64_t size)
{
	time_t now = time(NULL);
	char date[64];

	strftime(date, sizeof(date), "%a, %d %b %Y %T GMT", gmtime(&now));
	client->out = client->header;
	client->out_length = (size_t)snprintf(client->header, sizeof(client->header),
		"HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %ju\r\n"
		"Allow: GET, HEAD\r\nConnection: %s\r\n\r\n",
		status, date, type, (uintmax_t)size, client->keep_alive ? "keep-alive" : "close");
}

/* An answer without a file; its status is its text, too. */
static void refuse(struct client *client, const char *status)
{
	size_t length = strlen(status);

	send_header(client, status, "text/plain", length);
	if (!client->head) {
		memcpy(client->header + client->out_length, status, length);
		client->out_length += length;
	}
	send_out(client);
}

static void refuse_error(struct client *client, int64_t error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
		refuse(client, "404 Not Found");
		break;
	case -EACCES:
	case -EPERM:
		refuse(client, "403 Forbidden");
		break;
	default:
		fprintf(stderr, "vfs-web: %s: %s\n", client->path, strerror((int)-error));
		refuse(client, "500 Internal Server Error");
		break;
	}
}

/* ---- the file ---- */

/* What was promised cannot be sent when the file has become shorter or unreadable: hang up. */
static void was_read(struct client *client)
{
	if (client->op.result <= 0) {
		client->keep_alive = false;
		finish(client);
		return;
	}
	client->out = client->data;
	client->out_length = (size_t)client->op.result;
	client->offset += client->out_length;
	send_out(client);
}

static void send_file(struct client *client)
{
	uint64_t left = client->size - client->offset;

	if (!client->open || left == 0) {
		finish(client);
		return;
	}
	client->iov.iov_base = client->data;
	client->iov.iov_len = left < PIECE ? (size_t)left : PIECE;
	vfs_op_read(&client->op, client->node, client->fh, client->offset, &client->iov, 1);
	ask(client, was_read);
}

static void was_opened(struct client *client)
{
	if (client->op.result < 0) {
		refuse_error(client, client->op.result);
		return;
	}
	client->open = true;
	client->fh = client->op.answer.open.fh;
	client->offset = client->head ? client->size : 0;
	send_header(client, "200 OK", content_type(client->name), client->size);
	send_out(client);
}

static void open_file(struct client *client)
{
	if (!(client->mode & S_IROTH)) {
		refuse(client, "403 Forbidden");
		return;
	}
	vfs_op_open(&client->op, client->node, O_RDONLY);
	ask(client, was_opened);
}

/* ---- the path ---- */

static void walk(struct client *client);

static void was_looked_up(struct client *client)
{
	const struct fuse_entry_out *entry = &client->op.answer.entry;

	if (client->op.result < 0 || entry->nodeid == 0) {
		refuse_error(client, client->op.result < 0 ? client->op.result : -ENOENT);
		return;
	}
	forget(client);
	client->node = entry->nodeid;
	client->mode = entry->attr.mode;
	client->size = entry->attr.size;
	walk(client);
}

static void look_up(struct client *client, const char *name)
{
	client->name = name;
	vfs_op_lookup(&client->op, client->node, name);
	ask(client, was_looked_up);
}

/* Empty at the end of the path. */
static const char *next_name(struct client *client)
{
	char *name;

	do {
		name = client->rest + strspn(client->rest, "/");
		client->rest = name + strcspn(name, "/");
		if (*client->rest)
			*client->rest++ = 0;
	} while (strcmp(name, ".") == 0);
	return name;
}

/* A directory at the end of the path stands for its index.html. */
static void walk(struct client *client)
{
	const char *name = next_name(client);

	if (S_ISREG(client->mode) && *name == 0)
		open_file(client);
	else if (S_ISREG(client->mode))
		refuse(client, "404 Not Found");
	else if (!S_ISDIR(client->mode) || !(client->mode & S_IXOTH) || strcmp(name, "..") == 0)
		refuse(client, "403 Forbidden");
	else
		look_up(client, *name ? name : "index.html");
}

/* ---- HTTP ---- */

/* In place, without what comes behind a question mark. False: it is none. */
static bool decode_path(char *path)
{
	char *to = path;

	path[strcspn(path, "?#")] = 0;
	if (*path != '/')
		return false;
	for (const char *from = path; *from; from++) {
		*to = *from;
		if (*from == '%') {
			if (!isxdigit((unsigned char)from[1]) || !isxdigit((unsigned char)from[2]))
				return false;
			*to = (char)strtol((const char[]){from[1], from[2], 0}, NULL, 16);
			if (*to == 0)
				return false;
			from += 2;
		}
		to++;
	}
	*to = 0;
	return true;
}

/* header: the request, up to its empty line. */
static void answer(struct client *client, const char *header)
{
	char method[8];
	int minor;

	client->keep_alive = false;
	client->head = false;
	if (sscanf(header, "%7s %4095s HTTP/1.%d", method, client->path, &minor) != 3 ||
		!decode_path(client->path)) {
		refuse(client, "400 Bad Request");
		return;
	}
	client->head = strcmp(method, "HEAD") == 0;
	if (!client->head && strcmp(method, "GET") != 0) {
		refuse(client, "405 Method Not Allowed");
		return;
	}
	client->keep_alive = minor > 0 && !strcasestr(header, "\r\nConnection: close");
	client->rest = client->path;
	client->mode = S_IFDIR | S_IXOTH; /* the root's, as far as it matters */
	walk(client);
}

/* Requests come in pieces, or several at once; they are answered one after the other. */
static void answer_next(struct client *client)
{
	char header[MAX_REQUEST + 1];
	char *end = memmem(client->in, client->received, "\r\n\r\n", 4);
	size_t length = end ? (size_t)(end - client->in) + 4 : 0;

	if (!end && client->received < sizeof(client->in))
		return;
	client->busy = true;
	memcpy(header, client->in, length);
	header[length] = 0;
	client->received -= length;
	memmove(client->in, client->in + length, client->received);
	answer(client, header);
}

static void receive(struct client *client)
{
	ssize_t n;

	answer_next(client);
	while (!client->busy && client->fd >= 0) {
		n = recv(client->fd, client->in + client->received,
			sizeof(client->in) - client->received, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			hang_up(client);
			return;
		}
		client->received += (size_t)n;
		answer_next(client);
	}
}

/* ---- events ---- */

/* What an event is about: a client of this number, or one of these. */
enum {
	LISTENER = MAX_CLIENTS,
	QUEUE,
	FORGETS,
	DEVICE,
	SIGNAL,
};

static int watch(int fd, uint32_t source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = source};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		perror("vfs-web: epoll");
		return -1;
	}
	return 0;
}

static struct client *free_client(void)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (clients[i].fd < 0)
			return &clients[i];
	}
	return NULL;
}

static void accept_client(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *client = free_client();

	if (fd < 0)
		return;
	if (!client || watch(fd, (uint32_t)(client - clients), EPOLLIN | EPOLLOUT | EPOLLET) < 0) {
		close(fd);
		return;
	}
	client->fd = fd;
	client->received = 0;
	client->busy = false;
}

/* Events come once, when something changes: what does not fit now is looked at later. */
static void client_is_ready(struct client *client)
{
	if (client->fd >= 0 && client->out_length > 0)
		send_out(client);
	else if (client->fd >= 0 && !client->busy)
		receive(client);
}

/* 1: go on; 0: a signal says to end; or an error. */
static int handle(const struct epoll_event *event, struct vfs_device *device, int listener)
{
	switch (event->data.u32) {
	case LISTENER:
		accept_client(listener);
		return 1;
	case QUEUE:
	case FORGETS:
		return 1; /* the loop looks there anyway */
	case DEVICE:
		return vfs_device_check(device) < 0 ? failed("device") : 1;
	case SIGNAL:
		return 0;
	default:
		client_is_ready(&clients[event->data.u32]);
		return 1;
	}
}

/* The order that loses no answer: take what there is, arm, and wait only if there is none. */
static int loop(struct vfs_device *device, int listener)
{
	struct epoll_event events[64];
	int r = 1;

	while (r > 0) {
		int n;

		take_answers();
		vfs_session_progress(session);
		n = epoll_wait(
			epoll_fd, events, 64, vfs_queue_arm(queue) ? 0 : vfs_queue_timeout(queue));
		for (int i = 0; i < n && r > 0; i++)
			r = handle(&events[i], device, listener);
	}
	return r;
}

/* ---- start and end ---- */

static int listen_on(const char *address, uint16_t port)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (inet_pton(AF_INET, address, &name.sin_addr) != 1)
		errno = EINVAL;
	else if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
		 bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
		 listen(fd, SOMAXCONN) == 0)
		return fd;
	fprintf(stderr, "vfs-web: %s:%u: %s\n", address, port, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* The memory of all clients; it goes with the session. */
static int prepare_clients(void)
{
	struct vfs_mem *mem;
	void *memory;

	if (vfs_mem_alloc(session, (size_t)MAX_CLIENTS * PIECE, &memory, &mem) < 0)
		return failed("memory");
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		clients[i].fd = -1;
		clients[i].node = FUSE_ROOT_ID;
		clients[i].data = (char *)memory + i * PIECE;
	}
	return 0;
}

static int serve(struct vfs_device *device, int listener)
{
	queue = vfs_session_queue(session, 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (prepare_clients() < 0 || watch(listener, LISTENER, EPOLLIN) < 0 ||
		watch(vfs_queue_fd(queue), QUEUE, EPOLLIN) < 0 ||
		watch(vfs_session_hiprio_fd(session), FORGETS, EPOLLIN) < 0 ||
		watch(vfs_device_event_fd(device), DEVICE, EPOLLIN) < 0 ||
		watch(signals(), SIGNAL, EPOLLIN) < 0)
		return -1;
	return loop(device, listener);
}

static int connect_and_serve(struct vfs_device *device, int listener)
{
	struct vfs_init want = {.flags = FUSE_MAX_PAGES, .max_readahead = PIECE}, got;
	int r;

	if (vfs_session_create(device, NULL, &session) < 0)
		return failed("start");
	r = vfs_session_init(session, &want, &got) < 0 ? failed("INIT") : serve(device, listener);
	vfs_session_destroy(session);
	return r;
}

static int run(const char *name, const char *address, uint16_t port)
{
	struct vfs_device *device;
	int listener = listen_on(address, port);
	int r;

	if (listener < 0)
		return -1;
	if (vfs_device_open(name, NULL, &device) < 0)
		return failed("open");
	printf("http://%s:%u/\n", address, port);
	fflush(stdout);
	r = connect_and_serve(device, listener);
	vfs_device_close(device);
	return r;
}

int main(int argc, char **argv)
{
	const char *address = "127.0.0.1";
	int port = 8080, option;

	while ((option = getopt(argc, argv, "a:p:")) != -1) {
		if (option == 'a')
			address = optarg;
		else if (option == 'p')
			port = atoi(optarg);
		else
			port = -1;
	}
	if (optind != argc - 1 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: vfs-web [-a ADDRESS] [-p PORT] DEVICE\n");
		return 2;
	}
	return run(argv[optind], address, (uint16_t)port) < 0 ? 1 : 0;
}
