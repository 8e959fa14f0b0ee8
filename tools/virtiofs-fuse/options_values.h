/* SPDX-License-Identifier: MIT */
/*
 * Options with a value. They are taken as strings first: fuse_opt's own numbers accept "12abc", and
 * of an option that is given twice only the last value counts.
 */
#ifndef VIRTIOFS_FUSE_OPTIONS_VALUES_H
#define VIRTIOFS_FUSE_OPTIONS_VALUES_H

struct options;

enum option_value {
	/* One of some words */
	VALUE_DMA,
	VALUE_VFIO,
	VALUE_DAX,
	VALUE_POLL,
	VALUE_LANE,
	VALUE_DEVICE_LOSS,
	VALUE_CACHE,
	VALUE_SANDBOX,
	NUM_CHOICES,

	/* Numbers */
	VALUE_DAX_RANGE = NUM_CHOICES,
	VALUE_MAX_WRITE,
	VALUE_READAHEAD,
	VALUE_DEPTH,
	VALUE_TIMEOUT,
	VALUE_QUEUES,
	VALUE_REQUEST_TIMEOUT,

	/* Others */
	VALUE_QUIRKS,
	VALUE_CPUS,
	VALUE_FEATURES_OFF,
	VALUE_REQUIRE,
	NUM_VALUES,
};

struct option_values {
	char *text[NUM_VALUES]; /* NULL: not given */
};

/* 0, or -1 after the one line that says what is wrong. What was not given stays as it is. */
int option_values_take(const struct option_values *values, struct options *options);

void option_values_free(struct option_values *values);

#endif
