/* SPDX-License-Identifier: MIT */
/* Memory that is registered and taken back while other threads have requests in flight. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <vfs/sync.h>

#include "check.h"
#include "io.h"

#define THREADS 3u
#define ROUNDS	200u
#define SIZE	(16 * 4096u)

struct shared {
	struct vfs_sync *sync;
	atomic_bool stop;
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	struct file file;
	unsigned int number;
	unsigned int moved; /* how often its data went there and back */
	int error;
};

static ssize_t run(struct vfs_sync *sync, const struct io *io)
{
	struct vfs_request *request;
	ssize_t r = vfs_sync_get(sync, PATIENCE_MS, &request);

	if (r < 0)
		return r;
	r = io_prepare(request, io);
	if (r == 0)
		r = vfs_sync_call(sync, request, PATIENCE_MS);
	if (r == 0)
		r = io_result(request, io);
	vfs_sync_put(sync, request);
	return r;
}

/* -EBADMSG: what comes back is not what was written. */
static int there_and_back(
	struct vfs_sync *sync, const struct file *file, void *data, unsigned int seed)
{
	const struct iovec iov = {.iov_base = data, .iov_len = SIZE};
	struct io io = {file, FUSE_WRITE, &iov, 1, 0};
	ssize_t r;

	fill_pattern(data, SIZE, 0, seed);
	r = run(sync, &io);
	if (r != SIZE)
		return r < 0 ? (int)r : -EIO;
	memset(data, 0, SIZE);
	io.opcode = FUSE_READ;
	r = run(sync, &io);
	if (r != SIZE)
		return r < 0 ? (int)r : -EIO;
	return is_pattern(data, SIZE, 0, seed) ? 0 : -EBADMSG;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	void *data = malloc(SIZE);

	worker->error = data ? 0 : -ENOMEM;
	while (!worker->error && !worker->shared->stop) {
		worker->error = there_and_back(worker->shared->sync, &worker->file, data,
			worker->moved * THREADS + worker->number);
		worker->moved++;
	}
	free(data);
	return NULL;
}

/* Memory for each round, while the others go on. */
static enum verdict come_and_go(struct client *client, struct shared *shared, struct file *file)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		struct vfs_mem *mem;
		void *data;

		expect_ok(io_memory_get(client, SIZE, &data, &mem));
		expect_ok(there_and_back(shared->sync, file, data, i));
		expect_ok(io_memory_put(data, mem));
	}
	return PASSED;
}

/* While the queue is still the check's own. */
static enum verdict create_files(struct client *client, struct worker *workers, struct file *file)
{
	unsigned int i;

	expect_ok(fuse_create(client, client->directory, "file", file));
	for (i = 0; i < THREADS; i++) {
		char name[2] = {(char)('a' + i), '\0'};

		expect_ok(fuse_create(client, client->directory, name, &workers[i].file));
	}
	return PASSED;
}

static enum verdict start_workers(struct shared *shared, struct worker *workers)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		workers[i].shared = shared;
		workers[i].number = i;
		expect(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0,
			"no thread");
	}
	return PASSED;
}

static enum verdict stop_workers(struct shared *shared, struct worker *workers)
{
	unsigned int i;

	shared->stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (i = 0; i < THREADS; i++) {
		expect_ok(workers[i].error);
		expect(workers[i].moved > 0, "thread %u did nothing", i);
	}
	return PASSED;
}

static enum verdict comes_and_goes_in_flight(struct client *client)
{
	struct worker workers[THREADS] = {{0}};
	struct shared shared = {0};
	enum verdict verdict, others;
	struct file file;

	verdict = create_files(client, workers, &file);
	if (verdict != PASSED)
		return verdict;
	expect_ok(vfs_sync_create(client->session, NULL, &shared.sync));
	verdict = start_workers(&shared, workers);
	if (verdict != PASSED)
		return verdict;
	verdict = come_and_go(client, &shared, &file);
	others = stop_workers(&shared, workers);
	vfs_sync_destroy(shared.sync);
	return verdict == PASSED ? others : verdict;
}

static const struct check checks[] = {
	{"memory/comes-and-goes-in-flight", comes_and_goes_in_flight, NEEDS_SESSION, {0}, false},
};

const struct check_list memory_busy_checks = CHECK_LIST(checks);
