/* SPDX-License-Identifier: MIT */
/* "dax": a device's DAX window, and what it is worth, by a mount in this process. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <vfs/file.h>

#include "core/core.h"
#include "dax/dax.h"
#include "figures.h"
#include "file/cache.h"
#include "file/open.h"
#include "file/window.h"
#include "inspect.h"
#include "pci_names.h"
#include "table.h"
#include "text.h"
#include "transport/pci_caps.h"
#include "transport/sysfs.h"

#define ROUNDS 32u
#define INDENT "  "

static void add(struct table *table, const char *name, const char *value)
{
	table_cell(table, "%s", name);
	table_cell(table, "%s", value);
}

/* ---- the window ---- */

static bool find_region(const char *bdf, struct vfs_virtio_cap *region)
{
	uint8_t config[VFS_PCI_CONFIG_BYTES];
	struct vfs_virtio_caps caps;
	struct pci_access *access;
	uint64_t bar_sizes[6];
	struct pci_dev *dev;
	bool whole;

	pci_names_open(bdf, &access, &dev);
	whole = pci_read_block(dev, 0, config, (int)sizeof(config));
	pci_names_close(access, dev);
	if (!whole || vfs_sysfs_bar_sizes(bdf, bar_sizes) < 0 ||
		vfs_virtio_caps_parse(config, bar_sizes, &caps) < 0)
		return false;
	*region = caps.shm;
	return caps.shm.present;
}

static void add_place(struct table *table, const struct vfs_device_info *info, const char *device)
{
	struct vfs_virtio_cap region;

	table_cell(table, "%s", "Place");
	if (info->bdf[0] && find_region(info->bdf, &region))
		table_cell(table, "BAR %u, from 0x%" PRIx64 " on", region.bar, region.offset);
	else if (info->bdf[0])
		table_cell(table, "a BAR");
	else if (strncmp(device, "vfio-user:", strlen("vfio-user:")) == 0)
		table_cell(table, "a BAR of the vfio-user server");
	else
		table_cell(table, "this process's memory, mapped by the vhost-user daemon");
}

static void add_alignment(struct table *table, const struct vfs_init *init)
{
	char size[TEXT_SIZE_MAX];

	table_cell(table, "%s", "Alignment");
	if (init->flags & FUSE_MAP_ALIGNMENT)
		table_cell(table, "%s (2^%u)", text_size(1ull << init->map_alignment, size),
			init->map_alignment);
	else
		table_cell(table, "the server does not say");
}

/* Of FUSE, those that concern it. */
static void add_features(struct table *table, const struct vfs_init *init)
{
	char list[64] = "";

	if (init->flags & FUSE_MAP_ALIGNMENT)
		text_append(list, sizeof(list), ", ", "map_alignment");
	if (init->flags & FUSE_HAS_INODE_DAX)
		text_append(list, sizeof(list), ", ", "has_inode_dax");
	add(table, "Features", list[0] ? list : "none");
}

static int show_window(struct vfs_fs *fs, const char *device)
{
	const struct vfs_device_info *info = vfs_device_info(vfs_fs_device(fs));
	struct table table = TABLE(2, INDENT);
	struct vfs_session_info session;
	struct vfs_dax_stats stats;
	char size[TEXT_SIZE_MAX];
	char tag[4 * VFS_TAG_MAX + 1];

	vfs_session_info(vfs_fs_session(fs), &session);
	vfs_fs_dax_stats(fs, &stats);
	printf("DAX window of %s, \"%s\"\n", info->name,
		text_escape(info->tag, strlen(info->tag), tag, sizeof(tag)));
	add(&table, "Size", text_size(stats.window, size));
	add_place(&table, info, device);
	add_alignment(&table, &session.init);
	table_cell(&table, "%s", "Ranges");
	table_cell(&table, "%" PRIu64 " of %s", stats.ranges, text_size(stats.range, size));
	add_features(&table, &session.init);
	return table_print(&table);
}

/* ---- a file ---- */

static bool is_large_enough(struct vfs_fs *fs, const char *path)
{
	struct stat st;

	return vfs_stat(fs, path, &st) == 0 && S_ISREG(st.st_mode) &&
	       vfs_window_end(fs->window, (uint64_t)st.st_size) > 0;
}

/* The first one of the root. @path is "" if there is none. */
static int find_file(struct vfs_fs *fs, char *path, size_t size)
{
	struct vfs_dir *dir;
	struct dirent entry;
	int r = vfs_opendir(fs, "/", &dir);

	path[0] = '\0';
	if (r < 0)
		return r;
	while ((r = vfs_readdir(dir, &entry, NULL)) > 0) {
		if (is_large_enough(fs, entry.d_name)) {
			snprintf(path, size, "%s", entry.d_name);
			break;
		}
	}
	(void)vfs_closedir(dir);
	return r < 0 ? r : 0;
}

struct times {
	struct figures map;
	struct figures unmap;
};

/* Once each way. What was mapped before is out first. */
static int measure_once(struct vfs_file *file, uint64_t end, struct times *times)
{
	struct vfs_dax *dax = file->fs->window->dax;
	uint64_t start = vfs_now_ns(), middle;
	struct vfs_dax_pin pin;
	int r = vfs_window_pin(file, 0, end, 0, &pin);

	if (r < 0)
		return r;
	middle = vfs_now_ns();
	figures_add(&times->map, middle - start);
	vfs_dax_unpin(&pin);
	middle = vfs_now_ns();
	vfs_dax_drop(dax);
	figures_add(&times->unmap, vfs_now_ns() - middle);
	return 0;
}

static int measure(struct vfs_file *file, struct times *times)
{
	struct times first = {0};
	unsigned int i;
	uint64_t size;
	int r = vfs_data_size(file, true, &size);

	if (r < 0)
		return r;
	if (!vfs_file_in_window(file) || !vfs_window_end(file->fs->window, size))
		return vfs_error(-EINVAL,
			"it is not a regular file with %" PRIu64 " bytes, as mappings have",
			file->fs->window->unit);
	/* What kind of memory it is is found out with the first one. */
	r = measure_once(file, vfs_window_end(file->fs->window, size), &first);
	for (i = 0; r == 0 && i < ROUNDS; i++)
		r = measure_once(file, vfs_window_end(file->fs->window, size), times);
	return r;
}

static int show_figures(struct vfs_fs *fs, const char *path, struct times *times)
{
	struct table table = TABLE(2, INDENT);
	struct vfs_dax_stats stats;
	char text[4 * NAME_MAX + 1];

	vfs_fs_dax_stats(fs, &stats);
	puts("\nMapping a file");
	add(&table, "File", text_escape(path, strlen(path), text, sizeof(text)));
	add(&table, "Memory", figures_memory(stats.memory, stats.speed, text, sizeof(text)));
	add(&table, "SETUPMAPPING", figures_text(&times->map, text, sizeof(text)));
	add(&table, "REMOVEMAPPING", figures_text(&times->unmap, text, sizeof(text)));
	return table_print(&table);
}

static int show_counters(struct vfs_fs *fs)
{
	struct table table = TABLE(2, INDENT);
	struct vfs_dax_stats stats;
	size_t i;

	vfs_fs_dax_stats(fs, &stats);
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
		{"free", stats.free},
		{"mapping", stats.mapping},
		{"mapped to read", stats.mapped_read},
		{"mapped to write", stats.mapped_write},
		{"being made free", stats.reclaiming},
		{"not usable", stats.retired},
		{"held", stats.held},
		{"hits", stats.hits},
		{"mapped", stats.maps},
		{"mapped again", stats.upgrades},
		{"unmapped", stats.unmaps},
		{"requests for that", stats.unmap_calls},
		{"needed for others", stats.reclaims},
		{"waits", stats.stalls},
		{"misfits", stats.misfits},
		{"faults", stats.faults},
		{"bytes read", stats.read_bytes},
		{"bytes written", stats.written_bytes},
	};

	puts("\nCounters");
	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		table_cell(&table, "%s", counters[i].name);
		table_cell(&table, "%" PRIu64, counters[i].value);
	}
	return table_print(&table);
}

static int map_file(struct vfs_fs *fs, const char *path)
{
	struct times times = {0};
	struct vfs_file *file;
	int r = vfs_open(fs, path, O_RDONLY, 0, &file);

	if (r == 0) {
		r = measure(file, &times);
		(void)vfs_close(file);
	}
	if (r < 0)
		vfs_error_prefix("%s cannot be mapped", path);
	else
		r = show_figures(fs, path, &times);
	return r;
}

static int show_file(struct vfs_fs *fs, const char *path)
{
	char found[NAME_MAX + 1];
	int r = 0;

	if (!path)
		r = find_file(fs, found, sizeof(found));
	if (r == 0 && !path && !found[0])
		puts("\nNo file in the root is large enough to be mapped: name another one");
	else if (r == 0)
		r = map_file(fs, path ? path : found);
	return r;
}

int verb_dax(int count, char **names)
{
	const struct vfs_mount_options options = {
		.dax = VFS_DAX_ALWAYS,
		.fuse = {.allow = FUSE_HAS_INODE_DAX},
	};
	struct vfs_fs *fs;
	int r = vfs_mount(names[0], &options, &fs);

	if (r < 0)
		return r;
	r = show_window(fs, names[0]);
	if (r == 0)
		r = show_file(fs, count > 1 ? names[1] : NULL);
	if (r == 0)
		r = show_counters(fs);
	(void)vfs_umount(fs);
	return r;
}
