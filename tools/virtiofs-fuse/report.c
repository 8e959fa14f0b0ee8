/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <fuse_log.h>

#include <vfs/error.h>
#include <vfs/log.h>

#define HELD_LINES 8
#define LINE_SIZE  512

/* Of where lines go: the thread that relays notifications has some to say too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	bool debug;
	bool ready;
	bool background;
	unsigned int num_held;
	char held[HELD_LINES][LINE_SIZE];
	char libfuse[LINE_SIZE];
} report;

static void put_line_locked(int priority, const char *line)
{
	if (report.background)
		syslog(priority, "%s", line);
	else
		fprintf(stderr, "virtiofs-fuse: %s\n", line);
}

static void put_line(int priority, const char *line)
{
	pthread_mutex_lock(&lock);
	put_line_locked(priority, line);
	pthread_mutex_unlock(&lock);
}

static void hold_line(const char *line)
{
	if (report.num_held < HELD_LINES)
		snprintf(report.held[report.num_held++], LINE_SIZE, "%s", line);
}

static void on_library(enum vfs_log_level level, const char *message, void *ctx)
{
	(void)ctx;
	pthread_mutex_lock(&lock);
	if (report.debug || report.ready)
		put_line_locked(level == VFS_LOG_ERROR ? LOG_ERR : LOG_WARNING, message);
	else
		hold_line(message);
	pthread_mutex_unlock(&lock);
}

static void on_libfuse(enum fuse_log_level level, const char *format, va_list ap)
{
	char line[LINE_SIZE];

	vsnprintf(line, sizeof(line), format, ap);
	line[strcspn(line, "\n")] = '\0';
	if (report.debug)
		put_line(LOG_DEBUG, line);
	if (level <= FUSE_LOG_ERR && line[0])
		memcpy(report.libfuse, line, sizeof(line));
}

void report_start(void)
{
	fuse_set_log_func(on_libfuse);
}

void report_open_syslog(void)
{
	tzset();
	openlog("virtiofs-fuse", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void report_library(bool debug)
{
	report.debug = debug;
	vfs_log_set(on_library, debug ? VFS_LOG_DEBUG : VFS_LOG_WARNING, NULL);
}

void report_ready(bool background)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < report.num_held; i++)
		put_line_locked(LOG_WARNING, report.held[i]);
	report.num_held = 0;
	report.ready = true;
	report.background = background;
	pthread_mutex_unlock(&lock);
}

static void put_text(int priority, const char *format, va_list ap)
{
	char line[2 * LINE_SIZE];

	vsnprintf(line, sizeof(line), format, ap);
	put_line(priority, line);
}

void report_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_text(LOG_ERR, format, ap);
	va_end(ap);
}

void report_note(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_text(LOG_INFO, format, ap);
	va_end(ap);
}

const char *report_libfuse(void)
{
	return report.libfuse[0] ? report.libfuse : "libfuse did not say why";
}

const char *report_reason(int error)
{
	const char *sentence = vfs_last_error();

	return sentence[0] ? sentence : strerror(-error);
}
