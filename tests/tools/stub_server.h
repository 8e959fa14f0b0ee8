/* SPDX-License-Identifier: MIT */
/*
 * A FUSE server in memory, for the bridge's tests. What its root directory has:
 *
 * file      can be read and written
 * slow      a read takes STUB_SLOW_MS
 * hang      a read or a change of attributes is never answered
 * dead      a read makes the device fail
 * denied    a read fails with EACCES
 * refused   a read fails with an error number that the kernel does not accept
 * n0, n1... empty files, which can be unlinked
 */
#ifndef TESTS_TOOLS_STUB_SERVER_H
#define TESTS_TOOLS_STUB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/fuse_abi.h>

#define STUB_SLOW_MS 300

struct stub_answer {
	int error; /* as it stands in the answer's header */
	size_t length;
	unsigned int delay_ms;
	bool never;
	bool device_dies;
};

struct stub_server {
	uint64_t lookups;
	uint64_t forgets;
	uint64_t file_size;
	uint8_t last_byte; /* of the file */
};

extern struct stub_server stub_server;

/* @payload is where the answer after its header goes, @room bytes of it. */
void stub_serve(
	const struct fuse_in_header *in, void *payload, size_t room, struct stub_answer *answer);

#endif
