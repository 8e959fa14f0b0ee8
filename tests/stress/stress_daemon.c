/* SPDX-License-Identifier: MIT */
/*
 * Many requests from many threads on any device.
 *
 *	stress-daemon DEVICE mixed COUNT
 *	stress-daemon DEVICE burst COUNT
 *	stress-daemon DEVICE lookups COUNT NAME [PID]
 *
 * A burst is so many at once, at a ring of 8 entries. With the number of the daemon's process: it
 *has as many descriptors at the end as at the beginning.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfs/error.h>

#include "stress.h"

#define TRIES 300

static unsigned int descriptors(const char *pid)
{
	unsigned int count = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static int lookups(struct shared_session *s, uint64_t count, const char *name, const char *pid)
{
	struct client total;
	struct client first = {.session = s->session, .sync = s->sync};
	unsigned int before;
	unsigned int after;
	int r;

	/* What the daemon opens once and keeps is open then. */
	r = client_statfs(&first);
	before = pid ? descriptors(pid) : 0;
	if (r == 0)
		r = stress_lookups(s, count, name, &total);
	if (r == 0)
		r = stress_flush_forgets(s);
	after = before;
	for (int i = 0; r == 0 && pid && i < TRIES; i++) {
		after = descriptors(pid);
		if (after == before)
			break;
		usleep(100000);
	}
	printf("%llu lookups, descriptors %u before, %u after\n", (unsigned long long)count, before,
		after);
	if (r == 0 && (after != before || (pid && before < 3)))
		return 1;
	return r;
}

static unsigned int answered;

static void count_answer(struct vfs_request *request, void *ctx)
{
	answered += vfs_request_error(request) == 0;
	vfs_sync_put(ctx, request);
}

static int burst(struct shared_session *s, unsigned int count)
{
	struct fuse_in_header header = {.opcode = FUSE_STATFS, .nodeid = FUSE_ROOT_ID};
	struct vfs_request *request;
	int r = 0;

	for (unsigned int i = 0; i < count && r == 0; i++) {
		r = vfs_sync_get(s->sync, 0, &request);
		if (r < 0)
			break;
		memcpy(vfs_request_message(request), &header, sizeof(header));
		r = vfs_request_prepare(request, sizeof(header));
		if (r == 0)
			r = vfs_sync_submit(s->sync, request, count_answer, s->sync);
	}
	if (r == 0)
		r = vfs_sync_drain(s->sync, -1);
	printf("%u of %u answered\n", answered, count);
	return r ? r : answered != count;
}

static int mixed(struct shared_session *s, uint64_t count)
{
	struct client total;
	int r = stress_mixed(s, count, &total);
	struct vfs_queue_counters counters = stress_counters(s->session);

	printf("%llu submitted, %llu reaped, %llu lookups given back\n",
		(unsigned long long)counters.submitted, (unsigned long long)counters.completed,
		(unsigned long long)total.forgotten);
	if (r == 0 && (counters.submitted < count || counters.submitted != counters.completed))
		return 1;
	return r;
}

int main(int argc, char **argv)
{
	struct vfs_session_options options = {0};
	struct shared_session s;
	uint64_t count;
	int r;

	if (argc < 4 || (strcmp(argv[2], "lookups") == 0 && argc < 5)) {
		fprintf(stderr,
			"usage: stress-daemon DEVICE mixed|burst|lookups COUNT [NAME [PID]]\n");
		return 2;
	}
	count = strtoull(argv[3], NULL, 10);
	if (strcmp(argv[2], "burst") == 0) {
		options.depth = (unsigned int)count;
		options.ring_size = 8;
		options.max_payload = 4096;
		options.poll = VFS_POLL_NEVER;
	}
	r = shared_session_open(&s, argv[1], &options);
	if (r == 0 && strcmp(argv[2], "burst") == 0)
		r = burst(&s, (unsigned int)count);
	else if (r == 0 && strcmp(argv[2], "mixed") == 0)
		r = mixed(&s, count);
	else if (r == 0)
		r = lookups(&s, count, argv[4], argc > 5 ? argv[5] : NULL);
	if (r < 0)
		fprintf(stderr, "%s: %s (%s)\n", argv[1], strerror(-r), vfs_last_error());
	shared_session_close(&s);
	return r ? 1 : 0;
}
