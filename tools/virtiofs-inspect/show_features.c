/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <vfs/device.h>

#include "core/core.h"
#include "files.h"
#include "function.h"
#include "show.h"
#include "table.h"
#include "users.h"
#include "virtio/virtio.h"

static int print_features(uint64_t features)
{
	struct table table = TABLE(2, SHOW_INDENT);
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		const char *name = vfs_virtio_feature_name(bit);

		if (!(features >> bit & 1))
			continue;
		table_cell(&table, "%2u", bit);
		table_cell(&table, "%s", name ? name : "unknown");
	}
	if (features == 0)
		puts(SHOW_INDENT "none");
	return table_print(&table);
}

/* The kernel writes one digit for each bit, the lowest first. */
static uint64_t parse_features(const char *digits)
{
	uint64_t features = 0;
	unsigned int bit;

	for (bit = 0; bit < 64 && digits[bit]; bit++)
		if (digits[bit] == '1')
			features |= 1ULL << bit;
	return features;
}

static void print_status(unsigned int status)
{
	static const struct bit_name names[] = {
		{VIRTIO_CONFIG_S_ACKNOWLEDGE, "ACKNOWLEDGE"},
		{VIRTIO_CONFIG_S_DRIVER, "DRIVER"},
		{VIRTIO_CONFIG_S_FEATURES_OK, "FEATURES_OK"},
		{VIRTIO_CONFIG_S_DRIVER_OK, "DRIVER_OK"},
		{VIRTIO_CONFIG_S_NEEDS_RESET, "DEVICE_NEEDS_RESET"},
		{VIRTIO_CONFIG_S_FAILED, "FAILED"},
	};
	char text[128];

	show_bits(status, names, ARRAY_SIZE(names), text, sizeof(text));
	printf(SHOW_INDENT "Status 0x%02x: %s\n", status, text);
}

static int read_virtio_file(const struct subject *subject, const char *virtio, const char *name,
	char *line, size_t size)
{
	char path[PATH_MAX];
	char below[96];

	snprintf(below, sizeof(below), "%s/%s", virtio, name);
	file_of_function(path, subject->bdf, below);
	return file_read(path, line, size);
}

/* What the kernel's own driver agreed on; what was offered it does not tell. */
static int show_kernel_features(const struct subject *subject, const char *virtio)
{
	char path[PATH_MAX];
	char driver[PATH_MAX];
	char below[96];
	char line[160];

	snprintf(below, sizeof(below), "%s/driver", virtio);
	file_of_function(path, subject->bdf, below);
	if (!file_link(path, driver, sizeof(driver))) {
		printf("\nFeatures\n" SHOW_INDENT
		       "not known: %s has no driver, so none were negotiated\n",
			virtio);
		return 0;
	}
	printf("\nFeatures, as negotiated by the kernel's %s for %s\n", file_name(driver), virtio);
	if (read_virtio_file(subject, virtio, "status", line, sizeof(line)) == 0)
		print_status((unsigned int)strtoul(line, NULL, 16));
	if (read_virtio_file(subject, virtio, "features", line, sizeof(line)) < 0) {
		puts(SHOW_INDENT "not readable");
		return 0;
	}
	return print_features(parse_features(line));
}

static int show_offered_features(const struct subject *subject)
{
	struct vfs_device *device;
	char who[320];
	int r;

	if (subject->group >= 0 &&
		users_of_function(subject->bdf, subject->group, who, sizeof(who))) {
		printf("\nFeatures\n" SHOW_INDENT "not readable: the device is in use by %s\n",
			who);
		return 0;
	}
	if (vfs_device_open(subject->bdf, NULL, &device) < 0) {
		printf("\nFeatures\n" SHOW_INDENT "not readable: %s\n", vfs_last_error());
		return 0;
	}
	puts("\nFeatures that the device offers");
	r = print_features(vfs_device_info(device)->features);
	vfs_device_close(device);
	return r;
}

int show_features(const struct subject *subject)
{
	char virtio[32];

	if (function_virtio_name(subject->bdf, virtio, sizeof(virtio)) == 0)
		return show_kernel_features(subject, virtio);
	if (strcmp(subject->driver, "vfio-pci") == 0)
		return show_offered_features(subject);
	printf("\nFeatures\n" SHOW_INDENT
	       "not known: bind it to vfio-pci (virtiofs-inspect bind %s)\n",
		subject->bdf);
	return 0;
}
