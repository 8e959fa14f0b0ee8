/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "function.h"
#include "inspect.h"
#include "show.h"
#include "table.h"
#include "text.h"

uint16_t show_config16(const struct subject *subject, unsigned int offset)
{
	return (uint16_t)(subject->config[offset] | subject->config[offset + 1] << 8);
}

uint32_t show_config32(const struct subject *subject, unsigned int offset)
{
	return show_config16(subject, offset) | (uint32_t)show_config16(subject, offset + 2) << 16;
}

void show_bits(uint32_t value, const struct bit_name *names, size_t count, char *out, size_t size)
{
	size_t i;

	out[0] = '\0';
	for (i = 0; i < count; i++)
		if (value & names[i].mask)
			text_append(out, size, ", ", names[i].name);
	if (!out[0])
		snprintf(out, size, "none");
}

static int add_member(const char *bdf, void *ctx)
{
	struct table *table = ctx;
	char driver[32];

	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	table_cell(table, "%s", bdf);
	table_cell(table, "%s", driver[0] ? driver : "no driver");
	return 0;
}

static int show_group(const struct subject *subject)
{
	struct table table = TABLE(2, SHOW_INDENT);

	if (subject->group < 0) {
		puts("\nIOMMU group\n" SHOW_INDENT "none: no IOMMU, or it is off");
		return 0;
	}
	printf("\nIOMMU group %d%s\n", subject->group,
		vfs_sysfs_group_is_noiommu(subject->group) ? " (made up: there is no IOMMU)" : "");
	if (vfs_sysfs_each_in_group(subject->group, add_member, &table) < 0)
		printf(SHOW_INDENT "%s\n", vfs_last_error());
	return table_print(&table);
}

static void open_subject(struct subject *subject)
{
	vfs_sysfs_driver(subject->bdf, subject->driver, sizeof(subject->driver));
	subject->group = vfs_sysfs_group(subject->bdf);
	pci_names_open(subject->bdf, &subject->access, &subject->dev);
	subject->whole = pci_read_block(
		subject->dev, 0, subject->config, (int)sizeof(subject->config));
	if (!subject->whole)
		(void)pci_read_block(subject->dev, 0, subject->config, 64);
}

int verb_show(int count, char **names)
{
	static int (*const sections[])(const struct subject *subject) = {
		show_identity,
		show_bars,
		show_msix,
		show_structures,
		show_device_config,
		show_features,
		show_group,
	};
	struct subject subject = {0};
	size_t i;
	int r;

	(void)count;
	r = function_find(names[0], subject.bdf);
	if (r < 0)
		return r;
	open_subject(&subject);
	for (i = 0; i < ARRAY_SIZE(sections) && r == 0; i++)
		r = sections[i](&subject);
	pci_names_close(subject.access, subject.dev);
	return r;
}
