/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "side.h"
#include "twin.h"

enum command { COMMAND_APPLY, COMMAND_CLOSE, COMMAND_EMPTY, COMMAND_TREE };

struct question {
	enum command command;
	uint64_t number;
};

static int send_all(int fd, const void *data, size_t size)
{
	const char *p = data;
	ssize_t n;

	for (; size; p += n, size -= (size_t)n) {
		n = send(fd, p, size, MSG_NOSIGNAL);
		if (n <= 0)
			return -EPIPE;
	}
	return 0;
}

static int receive_all(int fd, void *data, size_t size)
{
	char *p = data;
	ssize_t n;

	for (; size; p += n, size -= (size_t)n) {
		n = recv(fd, p, size, MSG_WAITALL);
		if (n <= 0)
			return -EPIPE;
	}
	return 0;
}

/* ---- the process ---- */

static int send_outcome(int fd, const struct outcome *outcome)
{
	return send_all(fd, outcome, offsetof(struct outcome, text) + outcome->used + 1);
}

static int answer_apply(struct side *side, uint64_t seed, uint64_t number, int fd)
{
	static struct outcome outcome;
	static struct op op;

	op_make(seed, number, &op);
	side_apply(side, &op, &outcome);
	return send_outcome(fd, &outcome);
}

static int answer_tree(struct side *side, int fd)
{
	char *text = side_tree(side);
	size_t size = text ? strlen(text) + 1 : 0;
	int r = send_all(fd, &size, sizeof(size));

	if (r == 0 && size)
		r = send_all(fd, text, size);
	free(text);
	return r;
}

static int answer(struct side *side, uint64_t seed, const struct question *question, int fd)
{
	int status;

	if (question->command == COMMAND_APPLY)
		return answer_apply(side, seed, question->number, fd);
	if (question->command == COMMAND_TREE)
		return answer_tree(side, fd);
	status = question->command == COMMAND_EMPTY ? side_empty(side) : side_close(side);
	return send_all(fd, &status, sizeof(status));
}

static void serve(const char *directory, uint64_t seed, int fd)
{
	struct side side = {.calls = &kernel_calls};
	struct question question;
	int r = calls_enter(directory);

	if (send_all(fd, &r, sizeof(r)) < 0 || r < 0)
		return;
	while (receive_all(fd, &question, sizeof(question)) == 0)
		if (answer(&side, seed, &question, fd) < 0)
			return;
}

/* ---- who has it ---- */

int twin_start(struct twin *twin, const char *directory, uint64_t seed)
{
	int sockets[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	fflush(NULL);
	twin->pid = fork();
	if (twin->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sockets[0]);
		serve(directory, seed, sockets[1]);
		_exit(0);
	}
	close(sockets[1]);
	twin->socket = sockets[0];
	if (twin->pid < 0 || receive_all(twin->socket, &r, sizeof(r)) < 0)
		r = -ECHILD;
	if (r < 0)
		twin_end(twin);
	return r;
}

void twin_end(struct twin *twin)
{
	close(twin->socket);
	if (twin->pid > 0)
		waitpid(twin->pid, NULL, 0);
}

static int ask(struct twin *twin, enum command command, uint64_t number)
{
	const struct question question = {.command = command, .number = number};

	return send_all(twin->socket, &question, sizeof(question));
}

int twin_apply(struct twin *twin, uint64_t number, struct outcome *outcome)
{
	int r = ask(twin, COMMAND_APPLY, number);

	if (r == 0)
		r = receive_all(twin->socket, outcome, offsetof(struct outcome, text));
	if (r == 0 && outcome->used >= sizeof(outcome->text))
		r = -EPROTO;
	return r < 0 ? r : receive_all(twin->socket, outcome->text, outcome->used + 1);
}

static int ask_status(struct twin *twin, enum command command)
{
	int status;
	int r = ask(twin, command, 0);

	if (r == 0)
		r = receive_all(twin->socket, &status, sizeof(status));
	return r < 0 ? r : status;
}

int twin_close(struct twin *twin)
{
	return ask_status(twin, COMMAND_CLOSE);
}

int twin_empty(struct twin *twin)
{
	return ask_status(twin, COMMAND_EMPTY);
}

char *twin_tree(struct twin *twin)
{
	char *text = NULL;
	size_t size;

	if (ask(twin, COMMAND_TREE, 0) < 0 || receive_all(twin->socket, &size, sizeof(size)) < 0)
		return NULL;
	if (size)
		text = malloc(size);
	if (text && receive_all(twin->socket, text, size) < 0) {
		free(text);
		text = NULL;
	}
	return text;
}
