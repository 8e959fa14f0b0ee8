/* SPDX-License-Identifier: MIT */
#include "options_values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfs/quirks.h>

#include "cpu_list.h"
#include "feature_list.h"
#include "options.h"
#include "report.h"

#define MAX_WORDS 5

/* The words are in the order of the enumeration, and the first one is the default. */
static const struct choice {
	const char *name;
	const char *words[MAX_WORDS];
} choices[NUM_CHOICES] = {
	[VALUE_DMA] = {"dma", {"auto", "iova"}},
	[VALUE_VFIO] = {"vfio", {"auto", "group", "iommufd"}},
	[VALUE_DAX] = {"dax", {"never", "auto", "always", "inode"}},
	[VALUE_POLL] = {"poll", {"auto", "always", "never"}},
	[VALUE_LANE] = {"lane", {"auto", "uring", "readers", "single"}},
	[VALUE_DEVICE_LOSS] = {"device_loss", {"fail", "wait", "unmount"}},
	[VALUE_CACHE] = {"cache", {"auto", "none", "always"}},
	[VALUE_SANDBOX] = {"sandbox", {"auto", "off", "on"}},
};

/* "a, b or c" */
static void complain_of_choice(const struct choice *choice, const char *text)
{
	const char *const *words = choice->words;
	char all[128];
	size_t used;
	int i;

	used = (size_t)snprintf(all, sizeof(all), "%s", words[0]);
	for (i = 1; words[i] && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
			words[i + 1] ? ", " : " or ", words[i]);
	report_error("%s=%s: has to be %s", choice->name, text, all);
}

/* The number of the word, or -1. */
static int choose(const struct choice *choice, const char *text)
{
	int i;

	if (!text)
		return 0;
	for (i = 0; choice->words[i]; i++) {
		if (!strcmp(text, choice->words[i]))
			return i;
	}
	complain_of_choice(choice, text);
	return -1;
}

static int take_choices(const struct option_values *values, struct options *options)
{
	int chosen[NUM_CHOICES];
	int i;

	for (i = 0; i < NUM_CHOICES; i++) {
		chosen[i] = choose(&choices[i], values->text[i]);
		if (chosen[i] < 0)
			return -1;
	}
	options->dma = (enum vfs_dma_mode)chosen[VALUE_DMA];
	options->vfio = (enum vfs_vfio_interface)chosen[VALUE_VFIO];
	options->dax = (enum vfs_dax_mode)chosen[VALUE_DAX];
	options->poll = (enum vfs_poll)chosen[VALUE_POLL];
	options->lane = (enum lane_choice)chosen[VALUE_LANE];
	options->device_loss = (enum device_loss)chosen[VALUE_DEVICE_LOSS];
	options->cache = (enum cache_mode)chosen[VALUE_CACHE];
	options->sandbox = (enum sandbox_mode)chosen[VALUE_SANDBOX];
	return 0;
}

static int take_number(const char *name, const char *text, unsigned int min, unsigned int max,
	unsigned int *number)
{
	unsigned long value;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || value < min || value > max) {
		report_error("%s=%s: has to be a number from %u to %u", name, text, min, max);
		return -1;
	}
	*number = (unsigned int)value;
	return 0;
}

static int take_dax_range(const char *text, unsigned int *range)
{
	if (take_number("dax_range", text, 4096, 1U << 31, range))
		return -1;
	if (!(*range & (*range - 1)))
		return 0;
	report_error("dax_range=%s: has to be a power of 2", text);
	return -1;
}

static int take_numbers(const struct option_values *values, struct options *options)
{
	char *const *text = values->text;

	if (take_dax_range(text[VALUE_DAX_RANGE], &options->dax_range))
		return -1;
	if (take_number("max_write", text[VALUE_MAX_WRITE], 4096, 1U << 30, &options->max_write))
		return -1;
	if (take_number("readahead", text[VALUE_READAHEAD], 4096, 1U << 30, &options->readahead))
		return -1;
	if (take_number("depth", text[VALUE_DEPTH], 1, 4096, &options->depth))
		return -1;
	if (take_number("queues", text[VALUE_QUEUES], 1, 1024, &options->queues))
		return -1;
	if (take_number("request_timeout", text[VALUE_REQUEST_TIMEOUT], 0, 1U << 20,
		    &options->request_timeout))
		return -1;
	return take_number("timeout", text[VALUE_TIMEOUT], 1, 3600, &options->timeout);
}

static int take_quirks(const char *text, unsigned int *quirks)
{
	int error = text ? vfs_quirk_parse(text, quirks) : 0;

	if (error)
		report_error("quirks=%s: %s", text, report_reason(error));
	return error;
}

static int take_cpus(const char *text, struct options *options)
{
	if (!text)
		return 0;
	options->has_cpus = true;
	return cpu_list_parse(text, &options->cpus);
}

static int take_features(const char *off, const char *require, struct options *options)
{
	if (off && feature_list_parse("features_off", off, &options->features_off))
		return -1;
	if (require && feature_list_parse("require", require, &options->require))
		return -1;
	if (!(options->features_off & options->require))
		return 0;
	feature_list_complain("off and required at once", options->features_off & options->require);
	return -1;
}

int option_values_take(const struct option_values *values, struct options *options)
{
	if (take_choices(values, options) || take_numbers(values, options))
		return -1;
	if (take_quirks(values->text[VALUE_QUIRKS], &options->quirks))
		return -1;
	if (take_features(values->text[VALUE_FEATURES_OFF], values->text[VALUE_REQUIRE], options))
		return -1;
	return take_cpus(values->text[VALUE_CPUS], options);
}

void option_values_free(struct option_values *values)
{
	int i;

	for (i = 0; i < NUM_VALUES; i++)
		free(values->text[i]);
}
