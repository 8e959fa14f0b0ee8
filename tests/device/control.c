/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "counts.h"
#include "device.h"
#include "faults.h"
#include "listen.h"
#include "say.h"

struct control {
	int listening;
	struct device *device;
};

static int print_held(struct device *device, char *answer, size_t size)
{
	struct engine_held held;

	if (!device->engine->held)
		return -ENOTSUP;
	device->engine->held(device->engine, &held);
	snprintf(answer, size, "nodes=%" PRIu64 " lookups=%" PRIu64 " open=%" PRIu64, held.nodes,
		held.lookups, held.open);
	return 0;
}

/* What a command gives is put into @answer. */
static int obey(struct device *device, char *line, char *answer, size_t size)
{
	line[strcspn(line, "\n")] = '\0';
	answer[0] = '\0';
	if (strcmp(line, "clear") == 0) {
		faults_clear();
		return 0;
	}
	if (strcmp(line, "stall") == 0 || strcmp(line, "resume") == 0) {
		device_stall(device, line[0] == 's');
		return 0;
	}
	if (strcmp(line, "counts") == 0) {
		counts_print(answer, size);
		return 0;
	}
	if (strcmp(line, "held") == 0)
		return print_held(device, answer, size);
	if (strncmp(line, "notify ", 7) == 0)
		return device_notify(device, line + 7);
	if (strcmp(line, "retrieved") == 0) {
		if (!device->notifier)
			return -ENXIO;
		notifier_last_answer(device->notifier, answer, size);
		return 0;
	}
	return faults_arm(line);
}

static void serve(struct device *device, FILE *stream)
{
	char line[256], answer[1024];

	while (fgets(line, sizeof(line), stream)) {
		int r = obey(device, line, answer, sizeof(answer));

		if (r < 0)
			dprintf(fileno(stream), "error: %s: %s\n", line, strerror(-r));
		else
			dprintf(fileno(stream), "ok%s%s\n", answer[0] ? " " : "", answer);
	}
}

static void *serve_all(void *argument)
{
	const struct control *control = argument;

	for (;;) {
		int fd = accept4(control->listening, NULL, NULL, SOCK_CLOEXEC);
		FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");

		if (stream) {
			serve(control->device, stream);
			fclose(stream);
		} else if (fd >= 0) {
			close(fd);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			say("control: %s", strerror(errno));
			return NULL;
		}
	}
}

int control_start(const char *path, struct device *device)
{
	static struct control control;
	pthread_t thread;
	int r;

	control = (struct control){.listening = listen_at(path), .device = device};
	if (control.listening < 0)
		return control.listening;
	r = pthread_create(&thread, NULL, serve_all, &control);
	if (r == 0)
		pthread_detach(thread);
	else
		close(control.listening);
	return -r;
}
