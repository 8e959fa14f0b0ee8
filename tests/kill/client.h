/* SPDX-License-Identifier: MIT */
/* Programs that use a mount while what serves it is killed. */
#ifndef TESTS_KILL_CLIENT_H
#define TESTS_KILL_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CLIENT_BLOCK  4096
#define CLIENT_BLOCKS 256 /* of a file that is written */
#define CLIENT_FILES  32  /* that are replaced in turn */

/* In memory that all processes share. */
struct client {
	const struct role *role;
	pid_t pid;	   /* 0: it has ended */
	int64_t killed_ms; /* 0: it was not */
	char dir[24];	   /* its own, below what is mounted */
	_Atomic uint64_t done;
	/* What has number n was brought to stable storage if n is less. */
	_Atomic uint64_t acknowledged;
	_Atomic int error;  /* what it ended with; 0: it was told to end */
	_Atomic bool wrong; /* it has read what nobody had written */
	const _Atomic bool *stop;
};

/* Each is for ever, until something fails or it is told to stop. */
struct role {
	const char *name;
	void (*run)(struct client *c);
	/* Whether all that was acknowledged is in this directory; NULL: nothing was. */
	bool (*is_kept)(const struct client *c, const char *dir);
};

extern const struct role roles[];
extern const unsigned int num_roles;

/* In a process of its own. */
_Noreturn void client_run(struct client *c, const char *mount);

/* client_did(): false: it is to end. */
bool client_did(struct client *c, bool well);

/* A block in which each word says its number. */
void block_fill(uint64_t *block, uint64_t number);
bool block_is(const uint64_t *block, uint64_t number);

void append_run(struct client *c);
void replace_run(struct client *c);
void map_run(struct client *c);
bool append_is_kept(const struct client *c, const char *dir);
bool replace_is_kept(const struct client *c, const char *dir);
bool map_is_kept(const struct client *c, const char *dir);

#endif
