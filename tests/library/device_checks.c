/* SPDX-License-Identifier: MIT */
/* Finding, opening and closing a device. */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>

#include <linux/virtio_config.h>

#include "check.h"
#include "fuse.h"

#define REOPENED 20u

/* Mappings come and go with the C library's own memory; these many are no leak. */
#define MAPPINGS_MAY_GROW 10u

static enum verdict opens_again(struct client *client)
{
	struct vfs_device_info before;

	expect_ok(client_open(client));
	before = *vfs_device_info(client->device);
	client_close(client);
	expect_ok(client_open(client));
	expect(strcmp(before.tag, vfs_device_info(client->device)->tag) == 0, "another tag");
	expect(strcmp(before.name, vfs_device_info(client->device)->name) == 0, "another name");
	return PASSED;
}

static enum verdict is_busy_while_open(struct client *client)
{
	const struct settings *settings = client->settings;
	struct vfs_device *second;

	if (!client_is_pci(client))
		return skipped("a socket's server has one client after the other");
	expect_error(EBUSY, vfs_device_open(settings->device, &settings->options, &second));
	expect(strstr(vfs_last_error(), "in use"), "'%s'", vfs_last_error());
	return PASSED;
}

static enum verdict what_is_missing_is_not_opened(struct client *client)
{
	static const char *const missing[] = {
		"/nonexistent/socket", "vfio-user:/nonexistent/socket", "no-such-tag", "00:1f.7"};
	struct vfs_device *device = NULL;
	size_t i;

	(void)client;
	for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		int r = vfs_device_open(missing[i], NULL, &device);

		expect(r == -ENODEV && !device, "%s: %d", missing[i], r);
		expect(vfs_last_error()[0] && !strchr(vfs_last_error(), '\n'), "%s: '%s'",
			missing[i], vfs_last_error());
	}
	return PASSED;
}

struct found {
	const char *name;
	unsigned int count;
	struct vfs_function function;
};

static int find_named(const struct vfs_function *function, void *ctx)
{
	struct found *found = ctx;

	if (strcmp(function->bdf, found->name) == 0 || strcmp(function->tag, found->name) == 0) {
		found->function = *function;
		found->count++;
	}
	return 0;
}

static enum verdict scan_finds_it(struct client *client)
{
	struct found found = {.name = client->settings->device};
	const struct vfs_device_info *info;

	if (!client_is_pci(client))
		return skipped("not a PCI function of this machine");
	expect_ok(vfs_device_scan(find_named, &found));
	expect(found.count == 1, "found %u times", found.count);
	expect(found.function.problem[0] == '\0', "'%s'", found.function.problem);
	expect(strcmp(found.function.driver, "vfio-pci") == 0, "driver %s", found.function.driver);
	expect_ok(client_open(client));
	info = vfs_device_info(client->device);
	expect(strcmp(found.function.bdf, info->bdf) == 0, "opened as %s", info->bdf);
	expect(found.function.tag_known, "its tag cannot be read");
	expect(strcmp(found.function.tag, info->tag) == 0, "opened with the tag %s", info->tag);
	expect(found.function.num_request_queues == info->num_request_queues,
		"opened with %u request queues", info->num_request_queues);
	return PASSED;
}

static enum verdict info_is_sane(struct client *client)
{
	const struct vfs_device_info *info = vfs_device_info(client->device);

	expect(info->name[0], "no name");
	expect(info->tag[0] && strlen(info->tag) <= VFS_TAG_MAX, "tag '%s'", info->tag);
	expect(info->num_request_queues >= 1, "no request queue");
	expect(info->features >> VIRTIO_F_VERSION_1 & 1, "features 0x%llx",
		(unsigned long long)info->features);
	expect(client_is_pci(client) == (info->bdf[0] != '\0'), "address '%s'", info->bdf);
	expect((info->dax_window != 0) == (vfs_device_window(client->device) != NULL),
		"a window of %llu bytes", (unsigned long long)info->dax_window);
	return PASSED;
}

static enum verdict is_well(struct client *client)
{
	struct pollfd fd = {.fd = vfs_device_event_fd(client->device), .events = POLLIN};

	expect(fd.fd >= 0, "no descriptor for events");
	expect(poll(&fd, 1, 0) == 0, "there are events");
	expect_ok(vfs_device_check(client->device));
	return PASSED;
}

static unsigned int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

static unsigned int count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int count = 0;
	int c;

	while (maps && (c = fgetc(maps)) != EOF)
		count += c == '\n';
	if (maps)
		fclose(maps);
	return count;
}

static int open_use_close(struct client *client)
{
	struct vfs_session_options options = {.depth = 2, .max_payload = 65536};
	struct fuse_attr attr;
	int r = client_open(client);

	if (r == 0)
		r = client_start(client, &options);
	if (r == 0)
		r = fuse_getattr(client, FUSE_ROOT_ID, &attr);
	client_close(client);
	return r;
}

static enum verdict leaks_nothing(struct client *client)
{
	unsigned int i, descriptors, mappings;

	/* What is there once and for all comes with the first. */
	expect_ok(open_use_close(client));
	descriptors = count_descriptors();
	mappings = count_mappings();
	for (i = 0; i < REOPENED; i++)
		expect_ok(open_use_close(client));
	expect(count_descriptors() == descriptors, "%u descriptors, %u before", count_descriptors(),
		descriptors);
	expect(count_mappings() <= mappings + MAPPINGS_MAY_GROW, "%u mappings, %u before",
		count_mappings(), mappings);
	return PASSED;
}

static const struct check checks[] = {
	{"device/opens-again", opens_again, NEEDS_NOTHING, {0}, false},
	{"device/is-busy-while-open", is_busy_while_open, NEEDS_DEVICE, {0}, false},
	{"device/missing-is-not-opened", what_is_missing_is_not_opened, NEEDS_NOTHING, {0}, false},
	{"device/scan-finds-it", scan_finds_it, NEEDS_NOTHING, {0}, false},
	{"device/info-is-sane", info_is_sane, NEEDS_DEVICE, {0}, false},
	{"device/is-well", is_well, NEEDS_DEVICE, {0}, false},
	{"device/leaks-nothing", leaks_nothing, NEEDS_NOTHING, {0}, false},
};

const struct check_list device_checks = CHECK_LIST(checks);
