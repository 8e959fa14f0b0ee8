/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "say.h"

#define ARMED_MAX 16u
#define LINE_SIZE 256u

static const struct known_fault {
	const char *name;
	enum fault_kind kind;
	enum fault_place place;
} known[] = {
	/* The reply is to another request. */
	{"wrong-unique", FAULT_WRONG_UNIQUE, FAULT_AT_REQUEST},
	/* Its header says value (8) bytes more than there are. */
	{"wrong-len", FAULT_WRONG_LEN, FAULT_AT_REQUEST},
	/* Its header has the error value (5), of the wrong sign. */
	{"wrong-error", FAULT_WRONG_ERROR, FAULT_AT_REQUEST},
	/* The server answers by error value (38, ENOSYS), and does nothing. */
	{"refuse", FAULT_REFUSE, FAULT_AT_REQUEST},
	/* It was written, but the ring says nothing was. */
	{"used-len-0", FAULT_USED_LEN_0, FAULT_AT_REQUEST},
	/* The ring says that more was written than there is room for. */
	{"used-len-large", FAULT_USED_LEN_LARGE, FAULT_AT_REQUEST},
	/* Another request is given back, number value (the ring's size). */
	{"used-id-range", FAULT_USED_ID_RANGE, FAULT_AT_REQUEST},
	{"used-id-twice", FAULT_USED_ID_TWICE, FAULT_AT_REQUEST},
	/* The used index goes ahead by value (the ring's size + 1). */
	{"ring-index-jump", FAULT_RING_INDEX_JUMP, FAULT_AT_REQUEST},
	/* The request is taken and not given back. */
	{"never", FAULT_NEVER, FAULT_AT_REQUEST},
	/* It is answered after value (100) milliseconds; others are not held up. */
	{"late", FAULT_LATE, FAULT_AT_REQUEST},
	/* It is answered after the next one of its queue. */
	{"out-of-order", FAULT_OUT_OF_ORDER, FAULT_AT_REQUEST},
	{"die", FAULT_DIE, FAULT_AT_REQUEST},
	/* The device wants to be reset, and answers nothing until then. */
	{"needs-reset", FAULT_NEEDS_RESET, FAULT_AT_REQUEST},
	{"features-refused", FAULT_FEATURES_REFUSED, FAULT_AT_FEATURES},
	/* The configuration is another one each time it is read. */
	{"config-churn", FAULT_CONFIG_CHURN, FAULT_AT_CONFIG},
	/* It says that there are value (0) request queues. */
	{"request-queues", FAULT_REQUEST_QUEUES, FAULT_AT_CONFIG},
	/* All bytes of the tag are value (0). */
	{"tag-bytes", FAULT_TAG_BYTES, FAULT_AT_CONFIG},
	/* These are of a PCI function. It says that it has value (0) queues, */
	{"num-queues", FAULT_NUM_QUEUES, FAULT_AT_NUM_QUEUES},
	/* that a queue can have value (0) entries, */
	{"queue-size", FAULT_QUEUE_SIZE, FAULT_AT_QUEUE_SIZE},
	/* and that it is being reset, until the client leaves. */
	{"reset-stuck", FAULT_RESET_STUCK, FAULT_AT_RESET},
	/* The list of capabilities has no end. */
	{"cap-loop", FAULT_CAP_LOOP, FAULT_AT_CAPABILITIES},
	/* Its only capability does not end in configuration space. */
	{"cap-outside", FAULT_CAP_OUTSIDE, FAULT_AT_CAPABILITIES},
	/* There is none for the structure of type value (1, the common configuration), */
	{"cap-missing", FAULT_CAP_MISSING, FAULT_AT_CAPABILITIES},
	/* or it is too short, */
	{"cap-short", FAULT_CAP_SHORT, FAULT_AT_CAPABILITIES},
	/* or a second one leads elsewhere, */
	{"cap-twice", FAULT_CAP_TWICE, FAULT_AT_CAPABILITIES},
	/* or it leads to a place outside of its BAR. */
	{"cap-beyond-bar", FAULT_CAP_BEYOND_BAR, FAULT_AT_CAPABILITIES},
	/* The common configuration is in BAR value (6). */
	{"cap-bar", FAULT_CAP_BAR, FAULT_AT_CAPABILITIES},
	/* Doorbells are value (0) bytes apart. */
	{"notify-multiplier", FAULT_NOTIFY_MULTIPLIER, FAULT_AT_CAPABILITIES},
	/* The DAX window is said to be of nearly 2^64 bytes. */
	{"shm-length", FAULT_SHM_LENGTH, FAULT_AT_CAPABILITIES},
};

static struct {
	pthread_mutex_t lock;
	struct fault armed[ARMED_MAX];
	unsigned int count;
} faults = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct known_fault *find_known(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
			return &known[i];
	return NULL;
}

static enum fault_place place_of(enum fault_kind kind)
{
	size_t i = 0;

	while (known[i].kind != kind)
		i++;
	return known[i].place;
}

static int parse_word(const char *word, struct fault *fault)
{
	const char *equals = strchr(word, '=');
	unsigned long value;
	char *end;

	if (!equals)
		return -EINVAL;
	value = strtoul(equals + 1, &end, 0);
	if (end == equals + 1 || *end || value > UINT32_MAX)
		return -EINVAL;
	if (strncmp(word, "value=", 6) == 0)
		fault->value = (uint32_t)value;
	else if (strncmp(word, "opcode=", 7) == 0)
		fault->opcode = (uint32_t)value;
	else if (strncmp(word, "nth=", 4) == 0)
		fault->nth = (uint32_t)value;
	else if (strncmp(word, "times=", 6) == 0)
		fault->times = (uint32_t)value;
	else
		return -EINVAL;
	return fault->nth && fault->times ? 0 : -EINVAL;
}

static int parse(const char *line, struct fault *fault)
{
	char copy[LINE_SIZE], *rest, *word;
	const struct known_fault *k;
	int r = 0;

	if (strlen(line) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, line, strlen(line) + 1);
	word = strtok_r(copy, " \t\n", &rest);
	k = word ? find_known(word) : NULL;
	if (!k)
		return -EINVAL;
	*fault = (struct fault){.kind = k->kind, .nth = 1, .times = 1};
	while (r == 0 && (word = strtok_r(NULL, " \t\n", &rest)) != NULL)
		r = parse_word(word, fault);
	return r;
}

int faults_arm(const char *line)
{
	struct fault fault;
	int r = parse(line, &fault);

	if (r < 0)
		return r;
	pthread_mutex_lock(&faults.lock);
	if (faults.count == ARMED_MAX)
		r = -ENOSPC;
	else
		faults.armed[faults.count++] = fault;
	pthread_mutex_unlock(&faults.lock);
	return r;
}

int faults_arm_script(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_SIZE];
	int r = 0;

	if (!file) {
		r = -errno;
		say("%s: %s", path, strerror(-r));
		return r;
	}
	while (r == 0 && fgets(line, sizeof(line), file)) {
		if (line[strspn(line, " \t\n")])
			r = faults_arm(line);
		if (r < 0)
			say("%s: %s: %s", path, strerror(-r), line);
	}
	fclose(file);
	return r;
}

void faults_clear(void)
{
	pthread_mutex_lock(&faults.lock);
	faults.count = 0;
	pthread_mutex_unlock(&faults.lock);
}

/* With the lock held. */
static bool strikes(struct fault *fault, enum fault_place place, uint32_t opcode)
{
	if (place_of(fault->kind) != place)
		return false;
	if (place == FAULT_AT_REQUEST && fault->opcode && fault->opcode != opcode)
		return false;
	if (fault->nth > 1) {
		fault->nth--;
		return false;
	}
	return true;
}

struct fault faults_take(enum fault_place place, uint32_t opcode)
{
	struct fault found = {.kind = FAULT_NONE};
	unsigned int i;

	pthread_mutex_lock(&faults.lock);
	for (i = 0; i < faults.count && found.kind == FAULT_NONE; i++) {
		if (!strikes(&faults.armed[i], place, opcode))
			continue;
		found = faults.armed[i];
		if (--faults.armed[i].times == 0)
			faults.armed[i] = faults.armed[--faults.count];
	}
	pthread_mutex_unlock(&faults.lock);
	return found;
}
