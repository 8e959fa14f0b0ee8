/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <linux/fuse.h>

#include "counts.h"

#define OPCODES 64u

static atomic_uint_fast64_t messages[OPCODES];
static atomic_uint_fast64_t forgotten;

static void add_forgotten(const char *body, size_t length, uint32_t opcode)
{
	struct fuse_batch_forget_in batch;
	struct fuse_forget_in single;
	struct fuse_forget_one one;
	size_t i;

	if (opcode == FUSE_FORGET && length >= sizeof(single)) {
		memcpy(&single, body, sizeof(single));
		forgotten += single.nlookup;
		return;
	}
	if (opcode != FUSE_BATCH_FORGET || length < sizeof(batch))
		return;
	memcpy(&batch, body, sizeof(batch));
	for (i = 0; i < batch.count && (i + 1) * sizeof(one) + sizeof(batch) <= length; i++) {
		memcpy(&one, body + sizeof(batch) + i * sizeof(one), sizeof(one));
		forgotten += one.nlookup;
	}
}

void counts_add(const void *message, size_t length)
{
	struct fuse_in_header header;

	if (length < sizeof(header))
		return;
	memcpy(&header, message, sizeof(header));
	if (header.opcode < OPCODES)
		messages[header.opcode]++;
	add_forgotten(
		(const char *)message + sizeof(header), length - sizeof(header), header.opcode);
}

void counts_print(char *line, size_t size)
{
	int used = snprintf(line, size, "forgotten=%" PRIuFAST64, forgotten);
	unsigned int i;

	for (i = 0; i < OPCODES && used > 0 && (size_t)used < size; i++)
		if (messages[i])
			used += snprintf(line + used, size - (size_t)used, " %u=%" PRIuFAST64, i,
				messages[i]);
}
