/* SPDX-License-Identifier: MIT */
/*
 * What the device does wrong, on command. A fault is armed by a line of text:
 *
 *	NAME [value=N] [opcode=N] [nth=N] [times=N]
 *
 * It strikes from the nth occasion on that it could strike (1), so many times (1). Occasions are
 * requests, or only those with the opcode; other faults strike when something is read, or when a
 * client comes. NAME is one of the table in faults.c.
 */
#ifndef DEVICE_FAULTS_H
#define DEVICE_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_WRONG_UNIQUE,
	FAULT_WRONG_LEN,
	FAULT_WRONG_ERROR,
	FAULT_REFUSE,
	FAULT_USED_LEN_0,
	FAULT_USED_LEN_LARGE,
	FAULT_USED_ID_RANGE,
	FAULT_USED_ID_TWICE,
	FAULT_RING_INDEX_JUMP,
	FAULT_NEVER,
	FAULT_LATE,
	FAULT_OUT_OF_ORDER,
	FAULT_DIE,
	FAULT_NEEDS_RESET,
	FAULT_FEATURES_REFUSED,
	FAULT_CONFIG_CHURN,
	FAULT_REQUEST_QUEUES,
	FAULT_TAG_BYTES,
	FAULT_NUM_QUEUES,
	FAULT_QUEUE_SIZE,
	FAULT_RESET_STUCK,
	FAULT_CAP_LOOP,
	FAULT_CAP_OUTSIDE,
	FAULT_CAP_MISSING,
	FAULT_CAP_SHORT,
	FAULT_CAP_TWICE,
	FAULT_CAP_BAR,
	FAULT_CAP_BEYOND_BAR,
	FAULT_NOTIFY_MULTIPLIER,
	FAULT_SHM_LENGTH,
};

/* What it can strike. */
enum fault_place {
	FAULT_AT_REQUEST,
	FAULT_AT_FEATURES,     /* the driver chooses them */
	FAULT_AT_CONFIG,       /* the device configuration is read */
	FAULT_AT_NUM_QUEUES,   /* the register with their number is read */
	FAULT_AT_QUEUE_SIZE,   /* a queue's is read */
	FAULT_AT_RESET,	       /* the driver writes a status of 0 */
	FAULT_AT_CAPABILITIES, /* a client comes: what its function is like */
};

struct fault {
	enum fault_kind kind;
	uint32_t value;
	uint32_t opcode; /* 0: any */
	uint32_t nth;	 /* counted down to 1 */
	uint32_t times;
};

/* -EINVAL: nothing that could be understood. -ENOSPC: too many are armed. */
int faults_arm(const char *line);

/* Each line of a file that is not empty. -errno, having said what is wrong. */
int faults_arm_script(const char *path);

void faults_clear(void);

/* What strikes here, kind FAULT_NONE for nothing. */
struct fault faults_take(enum fault_place place, uint32_t opcode);

#endif
