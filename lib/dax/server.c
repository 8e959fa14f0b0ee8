/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "core/core.h"
#include "dax/guard.h"
#include "dax/probe.h"
#include "dax/server.h"
#include "fuse/fuse.h"

#define RANGE_DEFAULT (2ull << 20)

uint64_t vfs_dax_unit(const struct vfs_init *init)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t aligned = 1ull << init->map_alignment;

	return aligned > page ? aligned : page;
}

int vfs_dax_check(
	const struct vfs_device *device, const struct vfs_init *init, enum vfs_dax_mode mode)
{
	const char *name = vfs_device_info(device)->name;

	if (!vfs_device_window(device))
		return vfs_error(-ENOTSUP, "%s has no DAX window", name);
	if (mode == VFS_DAX_INODE && !(init->flags & FUSE_HAS_INODE_DAX))
		return vfs_error(-ENOTSUP, "the server of %s does not mark files for DAX", name);
	if (init->map_alignment > 62)
		return vfs_error(
			-EPROTO, "%s: mappings aligned to 2^%u bytes", name, init->map_alignment);
	return 0;
}

void vfs_dax_op_probe(struct vfs_op *op)
{
	vfs_op_removemapping(op, FUSE_ROOT_ID, NULL, 0);
}

int vfs_dax_probed(const struct vfs_device *device, const struct vfs_op *op)
{
	if (op->result < 0 && !op->answered && op->result != -ENOSYS)
		return (int)op->result;
	if (op->result != -ENOSYS && op->result != -EOPNOTSUPP)
		return 0;
	return vfs_error(-ENOTSUP, "the server of %s does not map files into its DAX window",
		vfs_device_info(device)->name);
}

void vfs_dax_op_map(struct vfs_op *op, uint64_t node, const struct vfs_dax_mapping *mapping)
{
	const struct fuse_setupmapping_in in = {
		.fh = UINT64_MAX,
		.foffset = mapping->file_offset,
		.len = mapping->length,
		.flags = FUSE_SETUPMAPPING_FLAG_READ |
			 (mapping->writable ? FUSE_SETUPMAPPING_FLAG_WRITE : 0),
		.moffset = mapping->window_offset,
	};

	/* Before something new is there to be copied. */
	(void)vfs_guard_intact();
	vfs_op_setupmapping(op, node, &in);
}

void vfs_dax_op_unmap(struct vfs_op *op, uint64_t node, const struct vfs_dax_mapping *mappings,
	unsigned int count, struct fuse_removemapping_one *ones)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		ones[i] = (struct fuse_removemapping_one){
			.moffset = mappings[i].window_offset, .len = mappings[i].length};
	vfs_op_removemapping(op, node ? node : FUSE_ROOT_ID, ones, count);
}

int vfs_dax_default_range(struct vfs_dax_config *config, const char *name)
{
	if (config->range)
		return 0;
	config->range = config->unit > RANGE_DEFAULT ? config->unit : RANGE_DEFAULT;
	if (config->range <= config->length)
		return 0;
	return vfs_error(-ENOTSUP,
		"the DAX window of %s has %" PRIu64 " bytes, less than a range of %" PRIu64, name,
		config->length, config->range);
}

struct vfs_dax_memory vfs_dax_look_at_memory(
	const struct vfs_dax_pin *pin, const char *name, bool automatic)
{
	struct vfs_dax_memory memory = {.speed = vfs_memory_speed(pin->address, pin->length)};

	memory.type = vfs_memory_type_of(memory.speed);
	if (memory.type == VFS_MEMORY_UNCACHED)
		vfs_log(VFS_LOG_WARNING,
			"%s: the DAX window is read at %u %% of the speed of memory, as the "
			"processor does not cache it%s",
			name, memory.speed, automatic ? ": it is not used" : "");
	return memory;
}

void vfs_dax_show(struct vfs_session *session, struct vfs_dax_config *config)
{
	uint64_t *count;

	if (!session)
		return;
	count = vfs_observe_alloc(session, VFS_DAX_STATES * sizeof(*count));
	for (unsigned int i = 0; count && i < VFS_DAX_STATES; i++)
		vfs_observe_figure(session, VFS_OBSERVE_DAX_FREE + i, &count[i], sizeof(*count));
	config->count = count;
}
