/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "notifier.h"

#define BODY_MAX   (NOTIFY_BUFFER - sizeof(struct fuse_out_header))
#define ANSWER_MAX 128u

struct notification {
	size_t size;
	char *bytes;
};

struct notifier {
	int event;
	pthread_mutex_t lock; /* of: */
	struct notification pending[NOTIFY_PENDING];
	unsigned int first;
	unsigned int count;
	char answer[ANSWER_MAX];
};

struct notifier *notifier_create(void)
{
	struct notifier *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (n->event < 0) {
		free(n);
		return NULL;
	}
	pthread_mutex_init(&n->lock, NULL);
	return n;
}

void notifier_destroy(struct notifier *n)
{
	if (!n)
		return;
	notifier_clear(n);
	close(n->event);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static int keep(struct notifier *n, const struct notification *notification)
{
	uint64_t one = 1;
	int r = 0;

	pthread_mutex_lock(&n->lock);
	if (n->count == NOTIFY_PENDING)
		r = -ENOSPC;
	else
		n->pending[(n->first + n->count++) % NOTIFY_PENDING] = *notification;
	pthread_mutex_unlock(&n->lock);
	if (r == 0 && write(n->event, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return -errno;
	return r;
}

static int send_with_header(
	struct notifier *n, const struct fuse_out_header *header, const void *body, size_t size)
{
	struct notification notification = {.size = sizeof(*header) + size};
	int r;

	if (size > BODY_MAX)
		return -EMSGSIZE;
	notification.bytes = malloc(notification.size);
	if (!notification.bytes)
		return -ENOMEM;
	memcpy(notification.bytes, header, sizeof(*header));
	if (size)
		memcpy(notification.bytes + sizeof(*header), body, size);
	r = keep(n, &notification);
	if (r < 0)
		free(notification.bytes);
	return r;
}

int notifier_send(struct notifier *n, uint32_t code, const void *body, size_t size)
{
	const struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + size), .error = (int32_t)code};

	return send_with_header(n, &header, body, size);
}

int notifier_event(const struct notifier *n)
{
	return n->event;
}

size_t notifier_first(struct notifier *n, void *buffer)
{
	size_t size = 0;

	pthread_mutex_lock(&n->lock);
	if (n->count) {
		size = n->pending[n->first].size;
		memcpy(buffer, n->pending[n->first].bytes, size);
	}
	pthread_mutex_unlock(&n->lock);
	return size;
}

/* With the lock held. */
static void drop_first(struct notifier *n)
{
	free(n->pending[n->first].bytes);
	n->first = (n->first + 1) % NOTIFY_PENDING;
	n->count--;
}

void notifier_taken(struct notifier *n)
{
	pthread_mutex_lock(&n->lock);
	if (n->count)
		drop_first(n);
	pthread_mutex_unlock(&n->lock);
}

void notifier_clear(struct notifier *n)
{
	pthread_mutex_lock(&n->lock);
	while (n->count)
		drop_first(n);
	n->answer[0] = '\0';
	pthread_mutex_unlock(&n->lock);
}

void notifier_answered(struct notifier *n, const void *message, size_t size)
{
	struct fuse_in_header header;
	struct fuse_notify_retrieve_in in;
	const char *data = (const char *)message + sizeof(header) + sizeof(in);

	if (size < sizeof(header) + sizeof(in))
		return;
	memcpy(&header, message, sizeof(header));
	memcpy(&in, (const char *)message + sizeof(header), sizeof(in));
	if (in.size > size - sizeof(header) - sizeof(in))
		return;
	pthread_mutex_lock(&n->lock);
	snprintf(n->answer, sizeof(n->answer),
		"unique=%llu node=%llu offset=%llu length=%u data=%.*s",
		(unsigned long long)header.unique, (unsigned long long)header.nodeid,
		(unsigned long long)in.offset, in.size, (int)(in.size < 32 ? in.size : 32), data);
	pthread_mutex_unlock(&n->lock);
}

void notifier_last_answer(struct notifier *n, char *text, size_t size)
{
	pthread_mutex_lock(&n->lock);
	snprintf(text, size, "%s", n->answer);
	pthread_mutex_unlock(&n->lock);
}

/* What a line says, or what it means by saying nothing. */
struct words {
	char text[256]; /* the line, cut into words */
	const char *kind;
	const char *name;
	uint64_t node, child, offset, length, unique, handle, flags, code, claim, error;
};

static int parse_word(struct words *w, char *word)
{
	const struct {
		const char *name;
		uint64_t *number;
		const char **string;
	} known[] = {
		{"node", &w->node, NULL},
		{"child", &w->child, NULL},
		{"offset", &w->offset, NULL},
		{"length", &w->length, NULL},
		{"unique", &w->unique, NULL},
		{"handle", &w->handle, NULL},
		{"flags", &w->flags, NULL},
		{"code", &w->code, NULL},
		{"claim", &w->claim, NULL},
		{"error", &w->error, NULL},
		{"name", NULL, &w->name},
		{"data", NULL, &w->name},
	};
	char *value = strchr(word, '='), *end;
	size_t i;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(word, known[i].name) != 0)
			continue;
		if (known[i].string) {
			*known[i].string = value;
			return 0;
		}
		*known[i].number = strtoull(value, &end, 0);
		return *value && !*end ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int parse(struct words *w, const char *line)
{
	char *rest, *word;
	int r = 0;

	*w = (struct words){.name = ""};
	if (strlen(line) >= sizeof(w->text))
		return -EINVAL;
	memcpy(w->text, line, strlen(line) + 1);
	w->kind = strtok_r(w->text, " \t\n", &rest);
	if (!w->kind)
		return -EINVAL;
	while (r == 0 && (word = strtok_r(NULL, " \t\n", &rest)) != NULL)
		r = parse_word(w, word);
	return r;
}

/* A body is a structure and, perhaps, text behind it. */
struct body {
	char bytes[512];
	size_t size;
};

static void append(struct body *body, const void *bytes, size_t size)
{
	memcpy(body->bytes + body->size, bytes, size);
	body->size += size;
}

static void add_inval_inode(const struct words *w, struct body *body)
{
	const struct fuse_notify_inval_inode_out out = {
		.ino = w->node, .off = (int64_t)w->offset, .len = (int64_t)w->length};

	append(body, &out, sizeof(out));
}

/* Names go with their NUL, which is not counted. */
static void add_inval_entry(const struct words *w, struct body *body)
{
	const struct fuse_notify_inval_entry_out out = {.parent = w->node,
		.namelen = (uint32_t)strlen(w->name),
		.flags = (uint32_t)w->flags};

	append(body, &out, sizeof(out));
	append(body, w->name, strlen(w->name) + 1);
}

static void add_delete(const struct words *w, struct body *body)
{
	const struct fuse_notify_delete_out out = {
		.parent = w->node, .child = w->child, .namelen = (uint32_t)strlen(w->name)};

	append(body, &out, sizeof(out));
	append(body, w->name, strlen(w->name) + 1);
}

static void add_store(const struct words *w, struct body *body)
{
	const struct fuse_notify_store_out out = {
		.nodeid = w->node, .offset = w->offset, .size = (uint32_t)strlen(w->name)};

	append(body, &out, sizeof(out));
	append(body, w->name, strlen(w->name));
}

static void add_retrieve(const struct words *w, struct body *body)
{
	const struct fuse_notify_retrieve_out out = {.notify_unique = w->unique,
		.nodeid = w->node,
		.offset = w->offset,
		.size = (uint32_t)w->length};

	append(body, &out, sizeof(out));
}

static void add_poll(const struct words *w, struct body *body)
{
	const struct fuse_notify_poll_wakeup_out out = {.kh = w->handle};

	append(body, &out, sizeof(out));
}

/* As was once proposed for virtiofsd, with a code that is RESEND's now. */
static void add_lock(const struct words *w, struct body *body)
{
	const struct {
		uint64_t unique;
		int32_t error;
		int32_t padding;
	} out = {.unique = w->unique, .error = -(int32_t)w->error};

	append(body, &out, sizeof(out));
}

/* Not in all headers; the nodes follow. */
struct prune_out {
	uint32_t count;
	uint32_t padding;
	uint64_t spare;
};

static void add_prune(const struct words *w, struct body *body)
{
	const struct prune_out out = {.count = 1};

	append(body, &out, sizeof(out));
	append(body, &w->node, sizeof(w->node));
}

static void add_nothing(const struct words *w, struct body *body)
{
	(void)w;
	(void)body;
}

static int send_raw(struct notifier *n, const struct words *w)
{
	const struct fuse_out_header header = {
		.len = w->claim ? (uint32_t)w->claim : (uint32_t)(sizeof(header) + strlen(w->name)),
		.error = (int32_t)w->code,
		.unique = w->unique};

	return send_with_header(n, &header, w->name, strlen(w->name));
}

int notifier_send_line(struct notifier *n, const char *line)
{
	static const struct {
		const char *kind;
		uint32_t code;
		void (*add)(const struct words *w, struct body *body);
	} kinds[] = {
		{"inval-inode", FUSE_NOTIFY_INVAL_INODE, add_inval_inode},
		{"inval-entry", FUSE_NOTIFY_INVAL_ENTRY, add_inval_entry},
		{"delete", FUSE_NOTIFY_DELETE, add_delete},
		{"store", FUSE_NOTIFY_STORE, add_store},
		{"retrieve", FUSE_NOTIFY_RETRIEVE, add_retrieve},
		{"poll", FUSE_NOTIFY_POLL, add_poll},
		{"resend", NOTIFY_RESEND, add_nothing},
		{"lock", NOTIFY_RESEND, add_lock},
		{"inc-epoch", NOTIFY_INC_EPOCH, add_nothing},
		{"prune", NOTIFY_PRUNE, add_prune},
	};
	struct body body = {.size = 0};
	struct words words;
	size_t i;

	if (parse(&words, line) < 0)
		return -EINVAL;
	if (strcmp(words.kind, "raw") == 0)
		return send_raw(n, &words);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(words.kind, kinds[i].kind) != 0)
			continue;
		kinds[i].add(&words, &body);
		return notifier_send(n, kinds[i].code, body.bytes, body.size);
	}
	return -EINVAL;
}
