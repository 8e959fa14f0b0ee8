/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "faults.h"
#include "listen.h"
#include "say.h"

static int obey(char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "clear") == 0) {
		faults_clear();
		return 0;
	}
	return faults_arm(line);
}

static void serve(FILE *stream)
{
	char line[256];

	while (fgets(line, sizeof(line), stream)) {
		int r = obey(line);

		if (r < 0)
			dprintf(fileno(stream), "error: %s: %s\n", line, strerror(-r));
		else
			dprintf(fileno(stream), "ok\n");
	}
}

static void *serve_all(void *argument)
{
	int listening = (int)(intptr_t)argument;

	for (;;) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");

		if (stream) {
			serve(stream);
			fclose(stream);
		} else if (fd >= 0) {
			close(fd);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			say("control: %s", strerror(errno));
			return NULL;
		}
	}
}

int control_start(const char *path)
{
	int listening = listen_at(path);
	pthread_t thread;
	int r;

	if (listening < 0)
		return listening;
	r = pthread_create(&thread, NULL, serve_all, (void *)(intptr_t)listening);
	if (r == 0)
		pthread_detach(thread);
	else
		close(listening);
	return -r;
}
