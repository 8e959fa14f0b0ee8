/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "dax/probe.h"

/*
 * A processor that does not keep the window in its caches waits with every read, which is of 64
 * bytes at most: 100 ns for DRAM, 1 us and more for a device. So 64 KiB take 100 us to some
 * milliseconds; of ordinary memory, cached, 3 to 6 us: that is less than 6 percent, and mostly less
 * than 1. What is cached like other memory measures about 100, and still 50 with the noise of a
 * busy machine. The border is between these. At that speed 64 KiB take about as long as a request
 * for them, so a window below it is not worth while either.
 */
#define SLOWEST_CACHED 10u

/* The first measurement, so that one of a slow window is short, and the last one. */
#define LEAST ((size_t)512)
#define MOST  ((size_t)64 << 10)

/* From one size to the next; the best of so many rounds; what all of it should take. */
#define GROWTH	  8u
#define ROUNDS	  8u
#define BUDGET_NS 4000000u

struct measurement {
	const struct vfs_probe *probe;
	const void *window;
	const void *other;
	void *to;
	uint64_t end;
};

/* 0: not all of it is there */
static uint64_t time_once(const struct vfs_probe *probe, void *to, const void *from, size_t size)
{
	uint64_t start = probe->now();

	if (probe->copy(to, from, size) < size)
		return 0;
	return (probe->now() - start) ?: 1;
}

/* The first round brings in pages; others may use the processor in some. */
static uint64_t best_time(const struct measurement *m, const void *from, size_t size)
{
	uint64_t best = time_once(m->probe, m->to, from, size);

	for (unsigned int i = 1; best && i < ROUNDS && m->probe->now() < m->end; i++) {
		uint64_t once = time_once(m->probe, m->to, from, size);

		if (once < best)
			best = once;
	}
	return best;
}

static unsigned int percent(uint64_t ordinary, uint64_t window)
{
	uint64_t speed = ordinary * 100 / window;

	if (speed > 1000)
		return 1000;
	return speed ? (unsigned int)speed : 1;
}

/* Whether there is time for two rounds of the next size. */
static bool has_time(const struct measurement *m, uint64_t last)
{
	return m->probe->now() + 2 * GROWTH * last < m->end;
}

/* The largest size counts for which there is time: the clock's own share is the smallest there. */
static unsigned int measure(const struct measurement *m, size_t size)
{
	unsigned int speed = 0;
	size_t part = min_size(LEAST, size);

	for (;;) {
		uint64_t window = best_time(m, m->window, part);

		if (!window)
			return 0;
		speed = percent(best_time(m, m->other, part), window);
		if (part == size || !has_time(m, window))
			return speed;
		part = min_size(part * GROWTH, size);
	}
}

unsigned int vfs_memory_speed_by(const struct vfs_probe *probe, const void *window, size_t size)
{
	char *memory;
	struct measurement m;
	unsigned int speed;

	size = min_size(size, MOST);
	memory = size ? malloc(2 * size) : NULL;
	if (!memory)
		return 0;
	memset(memory, 1, 2 * size);
	m = (struct measurement){
		.probe = probe,
		.window = window,
		.other = memory,
		.to = memory + size,
		.end = probe->now() + BUDGET_NS,
	};
	speed = measure(&m, size);
	free(memory);
	return speed;
}

unsigned int vfs_memory_speed(const void *window, size_t size)
{
	static const struct vfs_probe probe = {.now = vfs_now_ns, .copy = vfs_copy_from_map};

	return vfs_memory_speed_by(&probe, window, size);
}

enum vfs_memory_type vfs_memory_type_of(unsigned int speed)
{
	if (speed == 0)
		return VFS_MEMORY_UNKNOWN;
	return speed < SLOWEST_CACHED ? VFS_MEMORY_UNCACHED : VFS_MEMORY_CACHED;
}
