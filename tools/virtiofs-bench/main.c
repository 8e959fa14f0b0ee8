/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fuse.h>

#include <vfs/error.h>

#include "load.h"

#define NS_PER_S  1e9
#define NS_PER_US 1e3

static uint64_t share_of(uint64_t count, unsigned int parts, unsigned int part)
{
	return count / parts + (part < count % parts);
}

static void set_up(
	const struct options *options, const struct connection *connection, struct load *loads)
{
	for (unsigned int i = 0; i < options->queues; i++)
		loads[i] = (struct load){
			.options = options,
			.connection = connection,
			.queue = i,
			.count = share_of(options->count, options->queues, i),
		};
}

/* A thread for each queue but the first. */
static int run_all(struct load *loads, unsigned int count)
{
	pthread_t *threads = calloc(count, sizeof(*threads));
	unsigned int started = 1;
	int r = threads ? 0 : -1;

	while (r == 0 && started < count) {
		r = pthread_create(&threads[started], NULL, load_run, &loads[started]);
		started += r == 0;
	}
	if (r == 0)
		load_run(&loads[0]);
	else
		fprintf(stderr, "virtiofs-bench: cannot start a thread\n");
	for (unsigned int i = 1; threads && i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return r ? -1 : 0;
}

static int first_error(const struct load *loads, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!loads[i].error)
			continue;
		fprintf(stderr, "virtiofs-bench: %s\n", loads[i].why);
		return -1;
	}
	return 0;
}

/* What came of all loads together. */
struct result {
	uint64_t count;
	double seconds;
	struct histogram times;
};

static void print_for_people(const struct options *o, const char *device,
	const struct result *result, double mb_per_s, const double us[5])
{
	printf("%s: %s", device, o->op_name);
	if (mb_per_s > 0)
		printf(" of %u bytes%s", o->size, o->registered ? ", registered memory" : "");
	printf(", depth %u, %u queue(s), poll %s\n", o->depth, o->queues, options_poll_name(o));
	printf("  %" PRIu64 " operations in %.2f s: %.0f ops/s", result->count, result->seconds,
		(double)result->count / result->seconds);
	if (mb_per_s > 0)
		printf(", %.1f MB/s", mb_per_s);
	if (!o->no_latency)
		printf("\n  latency in us: min %.2f, mean %.2f, p50 %.2f, p99 %.2f, p99.9 %.2f",
			us[0], us[1], us[2], us[3], us[4]);
	putchar('\n');
}

static void print_for_programs(
	const struct options *o, const struct result *result, double mb_per_s, const double us[5])
{
	printf("op=%s size=%u depth=%u queues=%u poll=%s registered=%d count=%" PRIu64
	       " seconds=%.3f ops_per_s=%.0f mb_per_s=%.1f",
		o->op_name, mb_per_s > 0 ? o->size : 0, o->depth, o->queues, options_poll_name(o),
		o->registered, result->count, result->seconds,
		(double)result->count / result->seconds, mb_per_s);
	if (!o->no_latency)
		printf(" min_us=%.2f mean_us=%.2f p50_us=%.2f p99_us=%.2f p999_us=%.2f", us[0],
			us[1], us[2], us[3], us[4]);
	putchar('\n');
}

static void print(const struct options *o, const char *device, const struct result *result)
{
	const struct histogram *times = &result->times;
	bool data = o->opcode == FUSE_READ || o->opcode == FUSE_WRITE;
	double mb_per_s = data ? (double)result->count / result->seconds * o->size / 1e6 : 0;
	double mean = times->count ? (double)times->sum / (double)times->count : 0;
	double us[] = {(double)times->min, mean, (double)histogram_quantile(times, 0.5),
		(double)histogram_quantile(times, 0.99), (double)histogram_quantile(times, 0.999)};

	for (size_t i = 0; i < sizeof(us) / sizeof(us[0]); i++)
		us[i] /= NS_PER_US;
	print_for_people(o, device, result, mb_per_s, us);
	print_for_programs(o, result, mb_per_s, us);
}

static void report(const struct options *options, struct connection *connection,
	const struct load *loads, uint64_t begin_ns)
{
	static struct result all;
	uint64_t end_ns = begin_ns + 1;

	for (unsigned int i = 0; i < options->queues; i++) {
		all.count += loads[i].answered;
		histogram_merge(&all.times, &loads[i].times);
		if (loads[i].ended_ns > end_ns)
			end_ns = loads[i].ended_ns;
		if (loads[i].looked_up) {
			connection->node = loads[i].looked_up;
			connection->lookups += loads[i].answered;
		}
	}
	all.seconds = (double)(end_ns - begin_ns) / NS_PER_S;
	print(options, vfs_device_info(connection->device)->name, &all);
}

static int measure(const struct options *options, struct connection *connection)
{
	struct load *loads = calloc(options->queues, sizeof(*loads));
	uint64_t begin_ns;
	int r;

	if (!loads)
		return -1;
	set_up(options, connection, loads);
	begin_ns = load_now_ns();
	r = run_all(loads, options->queues);
	if (r == 0)
		r = first_error(loads, options->queues);
	if (r == 0)
		report(options, connection, loads, begin_ns);
	free(loads);
	return r;
}

int main(int argc, char **argv)
{
	struct connection connection;
	struct options options;
	int r = options_parse(argc, argv, &options);

	if (r)
		return r - 1;
	r = connection_open(&options, &connection);
	if (r < 0) {
		if (*vfs_last_error())
			fprintf(stderr, "virtiofs-bench: %s\n", vfs_last_error());
	} else {
		r = measure(&options, &connection);
	}
	connection_close(&options, &connection);
	return r < 0;
}
