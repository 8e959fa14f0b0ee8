/* SPDX-License-Identifier: MIT */
/*
 * kill-round MOUNT SERVED GAP_MS VICTIM...: programs use MOUNT while one VICTIM after the other
 * gets SIGKILL. A victim is "clients", which is half of these programs, or NAME:PID,PID... Then
 * each of the others has to get an error and end; if all victims were clients, they have to be
 * served still. What was acknowledged has to be in SERVED.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define OF_EACH_ROLE 2
#define MAX_CLIENTS  32

#define START_MS 30000 /* a busy machine may need it */
#define LOAD_MS	 100
#define FREE_MS	 5000

static struct shared {
	struct client client[MAX_CLIENTS];
	_Atomic bool stop;
} * shared;

static unsigned int num_clients;

static bool only_clients = true; /* were killed */
/* Since when they have to end, and the longest that one took. */
static int64_t ending_ms;
static int64_t longest_ms;
static bool failed;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((format(printf, 1, 2))) static void wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	failed = true;
}

static void start_clients(const char *mount)
{
	unsigned int i;

	num_clients = OF_EACH_ROLE * num_roles;
	for (i = 0; i < num_clients; i++) {
		struct client *c = &shared->client[i];
		pid_t pid;

		*c = (struct client){.role = &roles[i / OF_EACH_ROLE], .stop = &shared->stop};
		snprintf(c->dir, sizeof(c->dir), "client-%u", i);
		pid = fork();
		if (pid == 0)
			client_run(c, mount);
		if (pid < 0)
			wrong("fork: %s", strerror(errno));
		else
			c->pid = pid;
	}
}

static void has_ended(struct client *c, int status)
{
	int64_t since = c->killed_ms ? c->killed_ms : ending_ms;

	c->pid = 0;
	/* Those who are only told to end finish what they do. */
	if (since && now_ms() - since > longest_ms)
		longest_ms = now_ms() - since;
	/* A page of a file that can no longer be read is a signal. */
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGBUS)
		wrong("%s (%s) ended by signal %d", c->dir, c->role->name, WTERMSIG(status));
	if (WIFEXITED(status) && only_clients && atomic_load(&c->error))
		wrong("%s (%s) was not served: %s", c->dir, c->role->name,
			strerror(atomic_load(&c->error)));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS && only_clients)
		wrong("%s (%s) was not served: SIGBUS", c->dir, c->role->name);
}

static unsigned int look_at_clients(void)
{
	unsigned int running = 0;
	unsigned int i;

	for (i = 0; i < num_clients; i++) {
		struct client *c = &shared->client[i];
		int status;

		if (c->pid && waitpid(c->pid, &status, WNOHANG) == c->pid)
			has_ended(c, status);
		running += c->pid != 0;
	}
	return running;
}

static void wait_ms(int64_t ms)
{
	int64_t end = now_ms() + ms;

	do {
		look_at_clients();
		usleep(1000);
	} while (now_ms() < end);
}

/* What it waits for, for the log. */
static void print_file(pid_t pid, const char *name)
{
	char path[64];
	char text[1024];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = fopen(path, "re");
	if (!file)
		return;
	n = fread(text, 1, sizeof(text), file);
	fprintf(stderr, "%.*s\n", (int)n, text);
	fclose(file);
}

static void is_stuck(const struct client *c, int64_t limit_ms)
{
	wrong("%s (%s) was not served, or has not ended, for %d ms:", c->dir, c->role->name,
		(int)limit_ms);
	print_file(c->pid, "stat");
	print_file(c->pid, "stack");
}

/* One of those that run and have done no more than that; NULL: there is none. */
static const struct client *find_waiting(const uint64_t *done)
{
	unsigned int i;

	for (i = 0; i < num_clients; i++) {
		const struct client *c = &shared->client[i];

		if (c->pid && atomic_load(&c->done) <= done[i])
			return c;
	}
	return NULL;
}

/* From now on each of them does something that it has begun since. */
static void are_served(int64_t limit_ms)
{
	uint64_t done[MAX_CLIENTS];
	int64_t end = now_ms() + limit_ms;
	const struct client *waiting;
	unsigned int i;

	for (i = 0; i < num_clients; i++)
		done[i] = atomic_load(&shared->client[i].done) + 1;
	while (!failed && (waiting = find_waiting(done))) {
		wait_ms(10);
		if (now_ms() > end)
			is_stuck(waiting, limit_ms);
	}
}

static void kill_clients(void)
{
	unsigned int i;

	for (i = 0; i < num_clients; i += OF_EACH_ROLE) {
		struct client *c = &shared->client[i];

		if (!c->pid)
			continue;
		kill(c->pid, SIGKILL);
		c->killed_ms = now_ms();
	}
}

/* One of them may have ended by itself when another one did. */
static void kill_processes(const char *pids)
{
	char *end = (char *)pids;

	if (only_clients)
		ending_ms = now_ms();
	only_clients = false;
	while (*end) {
		pid_t pid = (pid_t)strtol(end + (*end == ','), &end, 10);

		if (pid <= 1)
			wrong("%s are no processes", pids);
		else if (kill(pid, SIGKILL) && errno != ESRCH)
			wrong("kill %d: %s", (int)pid, strerror(errno));
		if (*end != ',')
			break;
	}
}

static void kill_victim(const char *victim)
{
	const char *colon = strchr(victim, ':');

	if (colon)
		kill_processes(colon + 1);
	else
		kill_clients();
}

static void do_not_hang(void)
{
	int64_t end = now_ms() + FREE_MS;
	unsigned int i;

	while (look_at_clients() && now_ms() < end)
		usleep(1000);
	for (i = 0; i < num_clients; i++) {
		const struct client *c = &shared->client[i];

		if (!c->pid)
			continue;
		is_stuck(c, FREE_MS);
		kill(c->pid, SIGKILL);
	}
}

static void check_content(const char *served)
{
	unsigned long long acknowledged = 0;
	unsigned int i;

	for (i = 0; i < num_clients; i++) {
		const struct client *c = &shared->client[i];
		char dir[4096];

		snprintf(dir, sizeof(dir), "%s/%s", served, c->dir);
		acknowledged += atomic_load(&c->acknowledged);
		if (c->role->is_kept && !c->role->is_kept(c, dir))
			wrong("%s (%s): acknowledged, and lost", c->dir, c->role->name);
		if (atomic_load(&c->wrong))
			wrong("%s (%s) has read something else than what is there", c->dir,
				c->role->name);
	}
	printf("free after %d ms, %llu writes acknowledged\n", (int)longest_ms, acknowledged);
}

static void run(const char *mount, const char *served, int gap_ms, char **victims)
{
	start_clients(mount);
	are_served(START_MS);
	if (!failed)
		wait_ms(LOAD_MS);
	for (; !failed && *victims; victims++) {
		kill_victim(*victims);
		if (victims[1])
			wait_ms(gap_ms);
	}
	if (only_clients)
		are_served(FREE_MS);
	/* Otherwise each of them has to get an error. */
	if (only_clients || failed)
		atomic_store(&shared->stop, true);
	do_not_hang();
	check_content(served);
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: kill-round MOUNT SERVED GAP_MS VICTIM...\n");
		return EXIT_FAILURE;
	}
	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	run(argv[1], argv[2], atoi(argv[3]), argv + 4);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
