/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

#define BLOCKS 16u

struct worker {
	pthread_t thread;
	struct client client;
	unsigned int number;
	uint64_t count;
	const char *name;
	uint64_t node;
	uint64_t fh;
	uint64_t random;
	uint32_t versions[BLOCKS]; /* 0: never written */
	uint32_t data[BLOCK / sizeof(uint32_t)];
	int result;
};

int shared_session_open(
	struct shared_session *s, const char *device, const struct vfs_session_options *options)
{
	struct vfs_init want = {
		.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS,
		.max_readahead = 128 << 10,
	};
	struct vfs_init got;
	int r;

	*s = (struct shared_session){0};
	r = vfs_device_open(device, NULL, &s->device);
	if (r == 0)
		r = vfs_session_create(s->device, options, &s->session);
	if (r == 0)
		r = vfs_session_init(s->session, &want, &got);
	if (r == 0)
		r = vfs_sync_create(s->session, NULL, &s->sync);
	return r;
}

void shared_session_close(struct shared_session *s)
{
	vfs_sync_destroy(s->sync);
	vfs_session_destroy(s->session);
	vfs_device_close(s->device);
	*s = (struct shared_session){0};
}

/* xorshift64*: each thread has its own sequence, the same in every run. */
static uint32_t below(struct worker *w, uint32_t limit)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (uint32_t)(w->random * 0x2545f4914f6cdd1dull >> 32) % limit;
}

static uint32_t word(const struct worker *w, uint32_t block, uint32_t i)
{
	return w->number << 28 ^ block << 24 ^ w->versions[block] * 2654435761u ^ i;
}

static int write_block(struct worker *w, uint32_t block)
{
	w->versions[block]++;
	for (uint32_t i = 0; i < BLOCK / sizeof(uint32_t); i++)
		w->data[i] = word(w, block, i);
	return client_write(&w->client, w->node, w->fh, block, w->data);
}

static int read_block(struct worker *w, uint32_t block)
{
	int r = client_read(&w->client, w->node, w->fh, block, w->data);

	for (uint32_t i = 0; i < BLOCK / sizeof(uint32_t) && r == 0; i++)
		if (w->data[i] != word(w, block, i))
			r = -EBADMSG;
	return r;
}

static int look_up(struct worker *w, const char *name)
{
	struct fuse_entry_out entry;
	int r = client_lookup(&w->client, name, &entry);

	return r == 0 ? client_forget(&w->client, entry.nodeid, 1) : r;
}

static int look_up_nothing(struct worker *w)
{
	struct fuse_entry_out entry;
	int r = client_lookup(&w->client, "is-not-there", &entry);

	return r == -ENOENT ? 0 : -EBADMSG;
}

static int any_request(struct worker *w, const char *name)
{
	uint32_t block = below(w, BLOCKS);

	switch (below(w, 8)) {
	case 0:
		return client_statfs(&w->client);
	case 1:
	case 2:
		return look_up(w, name);
	case 3:
		return look_up_nothing(w);
	case 4:
	case 5:
		return client_getattr(&w->client, w->node);
	case 6:
		return write_block(w, block);
	default:
		return w->versions[block] ? read_block(w, block) : write_block(w, block);
	}
}

static int mix(struct worker *w)
{
	char name[16];
	int r;
	int end;

	snprintf(name, sizeof(name), "stress-%u", w->number);
	r = client_create(&w->client, name, 0, &w->node, &w->fh);
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < w->count && r == 0; i++)
		r = any_request(w, name);
	end = client_release(&w->client, w->node, w->fh);
	if (r == 0)
		r = end;
	end = client_forget(&w->client, w->node, 1);
	return r ? r : end;
}

static void *work(void *argument)
{
	struct worker *w = argument;

	if (!w->name)
		w->result = mix(w);
	for (uint64_t i = 0; w->name && i < w->count && w->result == 0; i++)
		w->result = look_up(w, w->name);
	return NULL;
}

static void add(struct client *total, const struct client *c)
{
	for (unsigned int i = 0; i < STRESS_OPCODES; i++)
		total->sent[i] += c->sent[i];
	total->forgotten += c->forgotten;
}

static int run(struct shared_session *s, uint64_t count, const char *name, struct client *total)
{
	struct worker workers[STRESS_THREADS];
	unsigned int started;
	int r = 0;

	memset(workers, 0, sizeof(workers));
	memset(total, 0, sizeof(*total));
	for (started = 0; started < STRESS_THREADS && r == 0; started++) {
		struct worker *w = &workers[started];

		w->client = (struct client){.session = s->session, .sync = s->sync};
		w->number = started;
		w->name = name;
		w->random = started + 1;
		w->count = (count + STRESS_THREADS - 1) / STRESS_THREADS;
		r = -pthread_create(&w->thread, NULL, work, w);
	}
	if (r < 0)
		started--;
	for (unsigned int i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		add(total, &workers[i].client);
		if (r == 0)
			r = workers[i].result;
	}
	return r;
}

int stress_mixed(struct shared_session *s, uint64_t count, struct client *total)
{
	return run(s, count, NULL, total);
}

int stress_lookups(struct shared_session *s, uint64_t count, const char *name, struct client *total)
{
	return run(s, count, name, total);
}

int stress_flush_forgets(struct shared_session *s)
{
	int r;

	while ((r = vfs_session_progress(s->session)) > 0)
		usleep(1000);
	return r;
}

struct vfs_queue_counters stress_counters(struct vfs_session *session)
{
	struct vfs_queue_counters sum = {0};

	for (unsigned int i = 0; i < vfs_session_num_queues(session); i++) {
		const struct vfs_queue_counters *counters = vfs_queue_counters(
			vfs_session_queue(session, i));

		sum.submitted += counters->submitted;
		sum.completed += counters->completed;
		sum.timed_out += counters->timed_out;
		sum.late += counters->late;
	}
	return sum;
}
