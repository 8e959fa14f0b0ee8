/* SPDX-License-Identifier: MIT */
/*
 * The window as a FUSE server has it, for those who hand struct vfs_dax_ops down: what it is told,
 * what ranges are if nobody says, and what is said of slow memory. How messages are sent is theirs.
 */
#ifndef VFS_DAX_SERVER_H
#define VFS_DAX_SERVER_H

#include <vfs/device.h>
#include <vfs/fuse.h>

#include "dax/dax.h"

/* What mappings are made up of: pages, or what the server aligns them to. */
uint64_t vfs_dax_unit(const struct vfs_init *init);

/*
 * Can the window be used like this? -ENOTSUP: there is none, or the server does not mark files;
 * -EPROTO: it wants an alignment that cannot be.
 */
int vfs_dax_check(
	const struct vfs_device *device, const struct vfs_init *init, enum vfs_dax_mode mode);

/*
 * A REMOVEMAPPING of nothing, which is refused, but by a server that knows what it is; and what its
 * end says: 0, -ENOTSUP, or the error of one that was not answered.
 */
void vfs_dax_op_probe(struct vfs_op *op);
int vfs_dax_probed(const struct vfs_device *device, const struct vfs_op *op);

/* SETUPMAPPING of a part of @node. */
void vfs_dax_op_map(struct vfs_op *op, uint64_t node, const struct vfs_dax_mapping *mapping);

/*
 * REMOVEMAPPING. @node: 0 if it is not known. @ones: room for @count of them, which lasts as long
 * as the operation.
 */
void vfs_dax_op_unmap(struct vfs_op *op, uint64_t node, const struct vfs_dax_mapping *mappings,
	unsigned int count, struct fuse_removemapping_one *ones);

/*
 * Set the size of ranges if it is 0: 2 MiB, or the unit if that is more. -ENOTSUP: the window of
 * the device @name has no room for one.
 */
int vfs_dax_default_range(struct vfs_dax_config *config, const char *name);

/* Have ranges counted where others see it, if there is a session that is seen. */
void vfs_dax_show(struct vfs_session *session, struct vfs_dax_config *config);

/* What kind of memory the window is, as it was found out. */
struct vfs_dax_memory {
	enum vfs_memory_type type;
	unsigned int speed; /* percent, see vfs_memory_speed() */
};

/*
 * Measure memory that is pinned, and log it if it is slow. @automatic: it is not to be used then.
 */
struct vfs_dax_memory vfs_dax_look_at_memory(
	const struct vfs_dax_pin *pin, const char *name, bool automatic);

#endif
