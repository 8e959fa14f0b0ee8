/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "differences.h"
#include "features.h"
#include "run.h"
#include "side.h"
#include "twin.h"

#define TREE_EVERY   4000u
#define HANG_SECONDS 60u

struct tried {
	unsigned int succeeded;
	unsigned int failed;
};

/* What the process has. */
struct pair {
	const struct settings *settings;
	struct twin twin;
	struct twin direct; /* its socket is -1: cannot be seen */
	struct mounted mounted;
	struct side side;
	unsigned int without;
	size_t *done;
	struct tried *tried; /* by kind */
	unsigned int differences;
};

/* The first line that is not the same. */
static void print_tree_difference(const char *a, const char *b, const char *name)
{
	while (*a && *b) {
		size_t n = strcspn(a, "\n");
		size_t m = strcspn(b, "\n");

		if (n != m || strncmp(a, b, n) != 0)
			break;
		a += n + 1;
		b += m + 1;
	}
	printf("the trees differ\n  kernel:  %.*s\n  %s %.*s\n", (int)strcspn(a, "\n"), a, name,
		(int)strcspn(b, "\n"), b);
}

/* The two are freed. */
static enum run_result compare_trees(char *kernel, char *other, const char *name)
{
	enum run_result result = RUN_CANNOT;

	if (kernel && other)
		result = strcmp(kernel, other) == 0 ? RUN_AGREES : RUN_DIFFERS;
	if (result == RUN_DIFFERS)
		print_tree_difference(kernel, other, name);
	free(kernel);
	free(other);
	return result;
}

static void count_tried(struct pair *pair, const struct op *op, const struct outcome *outcome)
{
	struct tried *tried = &pair->tried[op->kind - op_kinds];

	if (strncmp(outcome->text, " E", 2) == 0 || !outcome->used)
		tried->failed++;
	else
		tried->succeeded++;
}

static void print_outcomes(const struct op *op, const struct outcome *a, const struct outcome *b)
{
	op_print(op, stdout);
	if (outcome_equal(a, b))
		printf("       %s\n", a->text);
	else
		printf("  kernel: %s\n  library:%s\n", a->text, b->text);
}

static enum run_result apply_both(struct pair *pair, uint64_t number)
{
	static struct outcome kernel, library;
	static struct op op;

	op_make(pair->settings->run.seed, number, &op);
	if (op_features(&op) & pair->without || differs_always(&op))
		return RUN_AGREES;
	if (twin_apply(&pair->twin, number, &kernel) < 0)
		return RUN_CANNOT;
	if (kernel.not_compared)
		return RUN_AGREES;
	side_apply(&pair->side, &op, &library);
	count_tried(pair, &op, &kernel);
	if (pair->settings->print || !outcome_equal(&kernel, &library))
		print_outcomes(&op, &kernel, &library);
	if (outcome_equal(&kernel, &library))
		return RUN_AGREES;
	pair->differences++;
	return pair->differences < pair->settings->differences_max ? RUN_AGREES : RUN_DIFFERS;
}

static enum run_result apply_all(struct pair *pair, const uint64_t *numbers, size_t count)
{
	enum run_result result = RUN_AGREES;

	for (size_t i = 0; i < count && result == RUN_AGREES; i++) {
		*pair->done = i;
		alarm(HANG_SECONDS);
		result = apply_both(pair, numbers[i]);
		if (result == RUN_AGREES && (i % TREE_EVERY == TREE_EVERY - 1 || i == count - 1))
			result = compare_trees(
				twin_tree(&pair->twin), side_tree(&pair->side), "library:");
	}
	alarm(0);
	return result;
}

/* All is closed, and all has reached the server. */
static enum run_result compare_end(struct pair *pair)
{
	int kernel = twin_close(&pair->twin);
	int library;
	enum run_result result;

	pair->side.calls->become(&op_callers[0]);
	library = side_close(&pair->side);
	if (kernel != library) {
		printf("closing: kernel %d, library %d\n", kernel, library);
		return RUN_DIFFERS;
	}
	result = compare_trees(twin_tree(&pair->twin), side_tree(&pair->side), "library:");
	if (result == RUN_AGREES && mount_balanced(&pair->mounted) < 0)
		result = RUN_DIFFERS;
	if (result == RUN_AGREES && pair->direct.socket >= 0)
		result = compare_trees(
			twin_tree(&pair->twin), twin_tree(&pair->direct), "server: ");
	return result;
}

static int start_twins(struct pair *pair)
{
	const struct settings *settings = pair->settings;
	int r = twin_start(&pair->twin, settings->twin, settings->run.seed);

	if (r == 0)
		r = twin_empty(&pair->twin);
	if (r == 0 && settings->run.direct) {
		r = twin_start(&pair->direct, settings->run.direct, settings->run.seed);
		if (r == 0)
			r = twin_empty(&pair->direct);
	}
	if (r < 0)
		printf("a twin did not start: %s\n", strerror(-r));
	return r;
}

/* What the server does not have, which it may, is left out. */
static int find_features(struct pair *pair)
{
	unsigned int lacking = features_lacking(&pair->side);
	unsigned int missed = lacking & ~pair->settings->may_lack & ~pair->settings->without;
	int r = side_empty(&pair->side);

	pair->without = lacking | pair->settings->without;
	if (missed) {
		printf("the server has no");
		features_print(missed, stdout);
		printf("\n");
		return -EOPNOTSUPP;
	}
	return r;
}

static int start(struct pair *pair)
{
	int r = start_twins(pair);

	if (r == 0)
		r = mount_start(&pair->settings->mount, &pair->mounted);
	if (r < 0)
		return r;
	pair->side.calls = pair->mounted.calls;
	pair->side.fs = pair->mounted.fs;
	r = side_empty(&pair->side);
	if (r == 0)
		r = find_features(pair);
	if (r < 0)
		printf("it cannot be begun with an empty directory: %s\n", strerror(-r));
	return r;
}

static void print_stats(const struct pair *pair)
{
	for (unsigned int i = 0; i < op_num_kinds; i++)
		printf("  %-16s %6u succeeded, %6u did not\n", op_kinds[i].name,
			pair->tried[i].succeeded, pair->tried[i].failed);
}

static enum run_result run_here(
	const struct settings *settings, const uint64_t *numbers, size_t count, size_t *done)
{
	static struct pair pair;
	enum run_result result = RUN_CANNOT;

	pair = (struct pair){.settings = settings, .direct = {.socket = -1}, .done = done};
	pair.tried = calloc(op_num_kinds, sizeof(*pair.tried));
	alarm(HANG_SECONDS);
	if (!pair.tried || start(&pair) < 0)
		return RUN_CANNOT;
	result = apply_all(&pair, numbers, count);
	alarm(HANG_SECONDS);
	if (result == RUN_AGREES)
		result = compare_end(&pair);
	if (result == RUN_AGREES && (mount_end(&pair.mounted) < 0 || pair.differences))
		result = RUN_DIFFERS;
	if (settings->stats)
		print_stats(&pair);
	if (pair.without && !settings->print) {
		printf("without:");
		features_print(pair.without, stdout);
		printf("\n");
	}
	free(pair.tried);
	/* The later one has the other's socket too. */
	if (pair.direct.socket >= 0)
		twin_end(&pair.direct);
	twin_end(&pair.twin);
	return result;
}

static void be_quiet(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(fd, 1);
	dup2(fd, 2);
	close(fd);
}

static enum run_result result_of(int status, bool quiet)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) <= RUN_CANNOT)
		return (enum run_result)WEXITSTATUS(status);
	if (!quiet && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("it hangs\n");
	else if (!quiet)
		printf("it ended with status %#x\n", (unsigned int)status);
	return RUN_DIFFERS;
}

enum run_result run(const struct settings *settings, const uint64_t *numbers, size_t count,
	bool quiet, size_t *done)
{
	size_t *shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid;

	if (shared == MAP_FAILED)
		return RUN_CANNOT;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (quiet)
			be_quiet();
		exit((int)run_here(settings, numbers, count, shared));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return RUN_CANNOT;
	*done = *shared;
	munmap(shared, sizeof(*shared));
	return result_of(status, quiet);
}
