/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <vfs/device.h>

#include "core/core.h"
#include "inspect.h"
#include "table.h"
#include "text.h"
#include "users.h"

struct list {
	struct table table;
	unsigned int functions;
};

static void add_titles(struct table *table)
{
	static const char *const titles[] = {
		"BDF", "TAG", "DRIVER", "GROUP", "QUEUES", "DAX", "STATE"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(titles); i++)
		table_cell(table, "%s", titles[i]);
}

static void add_tag(struct table *table, const struct vfs_function *function)
{
	char tag[4 * VFS_TAG_MAX + 1];

	text_escape(function->tag, strlen(function->tag), tag, sizeof(tag));
	table_cell(table, "%s", function->tag_known ? tag : "?");
}

static void add_number(struct table *table, bool known, unsigned int value)
{
	if (known)
		table_cell(table, "%u", value);
	else
		table_cell(table, "?");
}

static void add_dax(struct table *table, const struct vfs_function *function)
{
	char size[TEXT_SIZE_MAX];

	if (function->dax_window)
		table_cell(table, "%s", text_size(function->dax_window, size));
	else
		table_cell(table, "%s", function->tag_known ? "-" : "?");
}

static void add_state(struct table *table, const struct vfs_function *function)
{
	char text[4 * sizeof(function->problem)];
	char who[320];

	if (strcmp(function->driver, "vfio-pci") == 0 && function->iommu_group >= 0 &&
		users_of_function(function->bdf, function->iommu_group, who, sizeof(who)))
		table_cell(table, "in use by %s", who);
	else if (function->problem[0])
		table_cell(table, "%s",
			text_escape(
				function->problem, strlen(function->problem), text, sizeof(text)));
	else
		table_cell(table, "ready");
}

static int add_function(const struct vfs_function *function, void *ctx)
{
	struct list *list = ctx;
	struct table *table = &list->table;

	if (list->functions++ == 0)
		add_titles(table);
	table_cell(table, "%s", function->bdf);
	add_tag(table, function);
	table_cell(table, "%s", function->driver[0] ? function->driver : "-");
	if (function->iommu_group >= 0)
		table_cell(table, "%d", function->iommu_group);
	else
		table_cell(table, "-");
	add_number(table, function->tag_known, function->num_request_queues);
	add_dax(table, function);
	add_state(table, function);
	return 0;
}

int verb_list(int count, char **names)
{
	struct list list = {.table = TABLE(7, "")};
	int printed;
	int r;

	(void)count;
	(void)names;
	r = vfs_device_scan(add_function, &list);
	printed = table_print(&list.table);
	if (r < 0 || printed < 0)
		return r < 0 ? r : printed;
	if (list.functions == 0)
		return vfs_error(-ENODEV, "this machine has no virtio-fs device (QEMU's is called "
					  "vhost-user-fs-pci)");
	return 0;
}
