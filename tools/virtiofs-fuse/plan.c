/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lane_uring.h"
#include "options.h"
#include "report.h"

/* What each queue has at least, so that a large message does not hold up others. */
#define DEPTH_MIN 4u

/* Every processor that could be there has to have an entry, and each is pinned. */
#define RING_BYTES_MAX (512u << 20)

static unsigned int max_uint(unsigned int a, unsigned int b)
{
	return a > b ? a : b;
}

static unsigned int min_uint(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* ---- processors ---- */

static void find_cpus(struct plan *plan, const struct options *options)
{
	cpu_set_t allowed = options->cpus;
	unsigned int i;

	if (!options->has_cpus && sched_getaffinity(0, sizeof(allowed), &allowed))
		CPU_ZERO(&allowed);
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &allowed))
			plan->cpus[plan->num_cpus++] = i;
	}
	if (!plan->num_cpus)
		plan->cpus[plan->num_cpus++] = 0;
}

/* As the kernel counts its queues: the last one in "0-3", and one more. */
static unsigned int count_possible_cpus(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	unsigned int last = 0;
	unsigned int number;
	int next;

	if (!file)
		return 0;
	while (fscanf(file, "%u", &number) == 1) {
		last = max_uint(last, number);
		next = fgetc(file);
		if (next != '-' && next != ',')
			break;
	}
	fclose(file);
	return last + 1;
}

/* ---- what speaks against rings ---- */

static bool takes_too_much(const struct plan *plan, const struct options *options)
{
	return (uint64_t)plan->possible_cpus * options->max_write > RING_BYTES_MAX ||
	       plan->possible_cpus > PLAN_ENTRIES_MAX;
}

/* NULL: nothing. */
static const char *against_rings(const struct plan *plan, const struct options *options)
{
	int error;

	if (options->dax != VFS_DAX_NEVER)
		return "the DAX window is served by one reader";
	if (options->quirks & VFS_QUIRK_LOCK_WAIT)
		return "with quirks=lock-wait there is one reader";
	if (options->request_timeout)
		return "the memory of a ring cannot be left to a device that is late "
		       "(request_timeout)";
	if (options->device_loss == DEVICE_LOSS_WAIT)
		return "who waits in a ring cannot be ended (device_loss=wait)";
	if (!plan->possible_cpus)
		return "the number of processors is not known";
	if (takes_too_much(plan, options))
		return "there are so many processors that their rings would take too much memory";
	error = lane_uring_probe();
	return error ? strerror(-error) : NULL;
}

/* Whether there can be more than one worker. */
static bool is_for_one(const struct options *options)
{
	return options->dax != VFS_DAX_NEVER || options->quirks & VFS_QUIRK_LOCK_WAIT;
}

/* ---- the plan ---- */

static int want_rings(struct plan *plan, const struct options *options)
{
	plan->why = against_rings(plan, options);
	if (!plan->why) {
		plan->lane = LANE_URING;
		return 0;
	}
	if (options->lane != LANE_URING)
		return 0;
	report_error("lane=uring: %s", plan->why);
	return -1;
}

/* plan->num_cpus: none. */
static unsigned int worker_on(const struct plan *plan, unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < plan->num_cpus && plan->cpus[i] != cpu; i++)
		;
	return i;
}

/* Those that have no worker of their own. */
static unsigned int count_other_cpus(const struct plan *plan)
{
	unsigned int others = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < plan->possible_cpus; cpu++)
		others += worker_on(plan, cpu) == plan->num_cpus;
	return others;
}

/*
 * Entries of all that share a queue, one of each other processor's, and one for the reader. The
 * others come first: the kernel waits until each has an entry.
 */
static void size_rings(struct plan *plan)
{
	unsigned int workers = (plan->num_cpus + plan->num_queues - 1) / plan->num_queues;
	unsigned int others = count_other_cpus(plan);
	unsigned int theirs = min_uint(others / plan->num_cpus + 1, PLAN_ENTRIES_MAX);
	unsigned int room = min_uint(PLAN_ENTRIES_MAX - theirs, PLAN_ENTRIES_MAX / 2);

	plan->entries = max_uint(min_uint(plan->depth, room) / workers, 1);
	plan->depth = plan->entries * workers + others + 2;
}

static void size_queues(struct plan *plan, const struct options *options, unsigned int queues)
{
	unsigned int wanted = options->queues ? options->queues : plan->num_cpus;

	if (plan->lane == LANE_SINGLE)
		wanted = 1;
	plan->num_queues = max_uint(min_uint(wanted, queues), 1);
	plan->depth = max_uint((options->depth + plan->num_queues - 1) / plan->num_queues,
		plan->num_queues > 1 ? DEPTH_MIN : 1);
	if (plan->lane == LANE_URING)
		size_rings(plan);
}

int plan_make(struct plan *plan, const struct options *options, unsigned int device_queues)
{
	*plan = (struct plan){.lane = options->lane};
	find_cpus(plan, options);
	plan->possible_cpus = count_possible_cpus();
	if (options->lane == LANE_READERS && is_for_one(options)) {
		report_error("lane=readers: dax= and quirks=lock-wait are served by one reader");
		return -1;
	}
	if ((options->lane == LANE_AUTO || options->lane == LANE_URING) &&
		want_rings(plan, options))
		return -1;
	if (is_for_one(options))
		plan->lane = LANE_SINGLE;
	size_queues(plan, options, device_queues);
	return 0;
}

int plan_settle(struct plan *plan, const struct options *options, const struct plan_facts *facts)
{
	plan->num_queues = facts->num_queues;
	if (plan->lane == LANE_URING && !facts->rings) {
		plan->why = "the kernel does not offer it: Linux 6.14 or newer does, if it is told "
			    "to (echo Y >/sys/module/fuse/parameters/enable_uring)";
		plan->lane = LANE_AUTO;
		if (options->lane == LANE_URING) {
			report_error("lane=uring: %s", plan->why);
			return -1;
		}
	}
	if (plan->lane == LANE_AUTO)
		plan->lane = facts->num_queues > 1 && facts->clones ? LANE_READERS : LANE_SINGLE;
	return 0;
}

static unsigned int entries_for(const struct plan *plan, unsigned int worker, unsigned int cpu)
{
	unsigned int owner = worker_on(plan, cpu);

	if (owner < plan->num_cpus)
		return owner == worker ? plan->entries : 0;
	return cpu % plan->num_cpus == worker ? 1 : 0;
}

unsigned int plan_entries(const struct plan *plan, unsigned int worker, unsigned int *queues)
{
	unsigned int count = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < plan->possible_cpus; cpu++) {
		unsigned int left = entries_for(plan, worker, cpu);

		while (left-- && count < PLAN_ENTRIES_MAX)
			queues[count++] = cpu;
	}
	return count;
}

void plan_say(const struct plan *plan)
{
	static const char *const names[] = {
		[LANE_URING] = "rings (io_uring)",
		[LANE_READERS] = "readers",
		[LANE_SINGLE] = "one reader",
	};

	report_note("lane: %s%s%s%s; processors %u, request queues %u of %u slots",
		names[plan->lane], plan->why ? " (no rings: " : "", plan->why ? plan->why : "",
		plan->why ? ")" : "", plan->lane == LANE_SINGLE ? 1 : plan->num_cpus,
		plan->num_queues, plan->depth);
}
