/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <linux/virtio_fs.h>
#include <linux/virtio_pci.h>

#include "core/core.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "transport/pci_window.h"
#include "virtio/virtio.h"

#define CAP_VENDOR_DATA 9 /* VIRTIO_PCI_CAP_VENDOR_CFG of virtio 1.3 */

static const char *structure_name(unsigned int type)
{
	static const char *const names[] = {
		[VIRTIO_PCI_CAP_COMMON_CFG] = "common configuration",
		[VIRTIO_PCI_CAP_NOTIFY_CFG] = "notification",
		[VIRTIO_PCI_CAP_ISR_CFG] = "interrupt status",
		[VIRTIO_PCI_CAP_DEVICE_CFG] = "device configuration",
		[VIRTIO_PCI_CAP_PCI_CFG] = "window",
		[VIRTIO_PCI_CAP_SHARED_MEMORY_CFG] = "shared memory",
		[CAP_VENDOR_DATA] = "vendor data",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "unknown";
}

static void add_location(struct table *table, unsigned int bar, uint64_t offset, uint64_t length)
{
	table_cell(table, "%u%s", bar, bar > 5 ? " (reserved)" : "");
	table_cell(table, "0x%" PRIx64, offset);
	table_cell(table, "0x%" PRIx64, length);
}

static void add_no_location(struct table *table)
{
	table_cell(table, "-");
	table_cell(table, "-");
	table_cell(table, "-");
}

/* What a capability has behind the structure that all have. */
static void add_more(const struct subject *subject, unsigned int pos,
	const struct virtio_pci_cap *cap, struct table *table)
{
	char size[TEXT_SIZE_MAX];
	uint64_t length;

	if (cap->cfg_type == VIRTIO_PCI_CAP_NOTIFY_CFG && cap->cap_len >= sizeof(*cap) + 4) {
		add_location(table, cap->bar, le32toh(cap->offset), le32toh(cap->length));
		table_cell(table, "multiplier %" PRIu32,
			show_config32(subject, pos + (unsigned int)sizeof(*cap)));
	} else if (cap->cfg_type == VIRTIO_PCI_CAP_SHARED_MEMORY_CFG &&
		   cap->cap_len >= sizeof(*cap) + 8) {
		length = le32toh(cap->length) |
			 (uint64_t)show_config32(subject, pos + (unsigned int)sizeof(*cap) + 4)
				 << 32;
		add_location(table, cap->bar,
			le32toh(cap->offset) |
				(uint64_t)show_config32(subject, pos + (unsigned int)sizeof(*cap))
					<< 32,
			length);
		table_cell(table, "id %u, %s", cap->id, text_size(length, size));
	} else {
		add_location(table, cap->bar, le32toh(cap->offset), le32toh(cap->length));
		table_cell(table, "%s", "");
	}
}

static void add_structure(const struct subject *subject, unsigned int pos, struct table *table)
{
	struct virtio_pci_cap cap;
	unsigned int length = subject->config[pos + 2];

	if (pos + sizeof(cap) > sizeof(subject->config) || pos + length > sizeof(subject->config) ||
		length < 4)
		length = 0;
	memset(&cap, 0, sizeof(cap));
	memcpy(&cap, subject->config + pos, length < sizeof(cap) ? length : sizeof(cap));
	table_cell(table, "at 0x%02x", pos);
	table_cell(table, "%u", cap.cfg_type);
	table_cell(table, "%s", structure_name(cap.cfg_type));
	/* The window's location is what its last user wrote. */
	if (length < sizeof(cap) || cap.cfg_type == CAP_VENDOR_DATA) {
		add_no_location(table);
		table_cell(table, "%s%u bytes", length < sizeof(cap) ? "malformed, " : "",
			subject->config[pos + 2]);
	} else {
		add_more(subject, pos, &cap, table);
	}
}

static void add_structure_titles(struct table *table)
{
	static const char *const titles[] = {
		"CAPABILITY", "TYPE", "", "BAR", "OFFSET", "LENGTH", ""};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(titles); i++)
		table_cell(table, "%s", titles[i]);
}

/* What the library makes of them. */
static void judge_structures(const struct subject *subject)
{
	struct vfs_virtio_caps caps;
	uint64_t bar_sizes[6];
	int r = vfs_sysfs_bar_sizes(subject->bdf, bar_sizes);

	if (r == 0)
		r = vfs_virtio_caps_parse(subject->config, bar_sizes, &caps);
	if (r < 0)
		printf(SHOW_INDENT "not usable: %s\n", vfs_last_error());
}

int show_structures(const struct subject *subject)
{
	struct table table = TABLE(7, SHOW_INDENT);
	const struct pci_cap *cap;
	int r;

	puts("\nVirtio structures");
	if (!subject->whole) {
		fputs(SHOW_NEED_ROOT, stdout);
		return 0;
	}
	for (cap = subject->dev->first_cap; cap; cap = cap->next) {
		if (cap->type != PCI_CAP_NORMAL || cap->id != PCI_CAP_ID_VNDR ||
			cap->addr + 4 > sizeof(subject->config))
			continue;
		if (table.count == 0)
			add_structure_titles(&table);
		add_structure(subject, cap->addr, &table);
	}
	r = table_print(&table);
	if (r == 0)
		judge_structures(subject);
	return r;
}

int show_device_config(const struct subject *subject)
{
	struct virtio_fs_config raw;
	struct vfs_fs_config parsed;
	struct vfs_pci_peek peek;
	char tag[4 * sizeof(raw.tag) + 1];

	puts("\nDevice configuration");
	if (!subject->whole) {
		fputs(SHOW_NEED_ROOT, stdout);
		return 0;
	}
	if (vfs_pci_peek(subject->bdf, &peek, &raw, sizeof(raw)) < 0) {
		printf(SHOW_INDENT "not readable: %s\n", vfs_last_error());
		return 0;
	}
	text_escape((const char *)raw.tag, strnlen((const char *)raw.tag, sizeof(raw.tag)), tag,
		sizeof(tag));
	printf(SHOW_INDENT "Tag             \"%s\"\n", tag);
	printf(SHOW_INDENT "Request queues  %" PRIu32 "\n", le32toh(raw.num_request_queues));
	if (vfs_fs_config_parse(&raw, sizeof(raw), &parsed) < 0)
		printf(SHOW_INDENT "not usable: %s\n", vfs_last_error());
	return 0;
}
