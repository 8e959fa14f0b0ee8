/* SPDX-License-Identifier: MIT */
/* Run the bridge, on the stub of the library, and look at it from outside. */
#ifndef TESTS_TOOLS_BRIDGE_RUN_H
#define TESTS_TOOLS_BRIDGE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Longer than anything here takes, shorter than the patience of ctest. */
#define PATIENCE_MS 20000

struct bridge_run {
	char base[64]; /* a directory for what follows */
	char dir[96];  /* the mount point */
	char errors[96];
	char report[96];
	pid_t pid;
};

/* Make the directories. */
void bridge_set_up(struct bridge_run *run);

/* Remove them, and what is mounted and running. */
void bridge_tear_down(struct bridge_run *run);

/* From now on with lane=@lane; NULL: with none said. */
void bridge_use_lane(const char *lane);

/* "virtiofs-fuse [-o @options] [@flag] stub DIR"; either may be NULL. */
void bridge_start(struct bridge_run *run, const char *options, const char *flag);

/* Wait for the end of the process that was started: its exit status, -1 if it was killed. */
int bridge_wait(struct bridge_run *run);

/* Start with -f and wait until it is mounted. */
void bridge_start_foreground(struct bridge_run *run, const char *options);

bool bridge_mounted(const struct bridge_run *run);

/* A path in the mount; valid until the next call but one. */
const char *bridge_path(const struct bridge_run *run, const char *name);

/* What it printed on stderr, and how many lines that is. */
unsigned int bridge_errors(const struct bridge_run *run, char *text, size_t size);

struct bridge_report {
	unsigned long long lookups;
	unsigned long long forgets;
	unsigned long long size;
	unsigned int last_byte;
};

/* Wait until the device has been closed. */
void bridge_report(const struct bridge_run *run, struct bridge_report *report);

long bridge_now_ms(void);
void bridge_sleep_ms(unsigned int ms);

#endif
