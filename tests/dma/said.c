/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "dma/said.h"

#define LINES 64

struct line {
	enum vfs_log_level level;
	char text[512];
};

static struct line lines[LINES];
static unsigned int count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void keep(enum vfs_log_level level, const char *message, void *ctx)
{
	struct line *line;

	(void)ctx;
	pthread_mutex_lock(&lock);
	line = &lines[count++ % LINES];
	line->level = level;
	snprintf(line->text, sizeof(line->text), "%s", message);
	pthread_mutex_unlock(&lock);
}

void said_start(void)
{
	memset(lines, 0, sizeof(lines));
	count = 0;
	vfs_log_set(keep, VFS_LOG_DEBUG, NULL);
}

bool said(enum vfs_log_level level, const char *words)
{
	for (unsigned int i = 0; i < LINES && i < count; i++)
		if (lines[i].level == level && strstr(lines[i].text, words))
			return true;
	return false;
}

void assert_said(enum vfs_log_level level, const char *words)
{
	if (said(level, words))
		return;
	for (unsigned int i = 0; i < LINES && i < count; i++)
		print_message("%d %s\n", (int)lines[i].level, lines[i].text);
	fail_msg("nothing in the log says \"%s\"", words);
}

unsigned int said_lines(void)
{
	return count;
}

void assert_error_says(const char *words)
{
	if (!strstr(vfs_last_error(), words))
		fail_msg("\"%s\" does not say \"%s\"", vfs_last_error(), words);
}
