/* SPDX-License-Identifier: MIT */
/* What a connection wants of its server, and what became of it. */
#include <errno.h>
#include <stdlib.h>

#include "ops/feature.h"
#include "ops/ops.h"

/*
 * What operations honour, or whoever does them may leave as it is. Not among them: what makes the
 * client keep data back (WRITEBACK_CACHE), check rights (POSIX_ACL), or know of other messages.
 */
#define OFFERED                                                                                 \
	((uint64_t)(FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_ATOMIC_O_TRUNC |                  \
		    FUSE_EXPORT_SUPPORT | FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_FLOCK_LOCKS | \
		    FUSE_HAS_IOCTL_DIR | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS |           \
		    FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_NO_OPEN_SUPPORT |             \
		    FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS |               \
		    FUSE_NO_OPENDIR_SUPPORT | FUSE_EXPLICIT_INVAL_DATA | FUSE_MAP_ALIGNMENT |   \
		    FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT | FUSE_INIT_EXT) |              \
		FUSE_SECURITY_CTX | FUSE_CREATE_SUPP_GROUP | FUSE_HAS_EXPIRE_ONLY)

#define UPPER_HALF (~(uint64_t)UINT32_MAX)

static int complain(int error, const char *what, uint64_t features)
{
	char text[256];

	vfs_feature_names(features, text, sizeof(text));
	return vfs_error(error, "%s: %s", what, text);
}

/* Without INIT_EXT there is no upper half. */
static uint64_t forbidden(const struct vfs_fuse_options *options)
{
	return options->forbid & FUSE_INIT_EXT ? options->forbid | UPPER_HALF : options->forbid;
}

static int negotiate(struct vfs_session *session, const struct vfs_fuse_options *options)
{
	uint64_t forbid = forbidden(options);
	struct vfs_init want = {
		.flags = (OFFERED | options->allow | options->require) & ~forbid,
		.max_readahead = options->max_readahead,
	};
	struct vfs_init got;
	uint64_t missing;
	int r;

	if (options->require & forbid)
		return complain(
			-EINVAL, "required and forbidden at once", options->require & forbid);
	r = vfs_session_init(session, &want, &got);
	if (r < 0)
		return r;
	missing = options->require & ~got.flags;
	return missing ? complain(-EOPNOTSUPP, "the server has not got what is required", missing)
		       : 0;
}

VFS_EXPORT int vfs_fuse_connect(struct vfs_session *session, const struct vfs_fuse_options *options,
	struct vfs_fuse **result)
{
	static const struct vfs_fuse_options defaults;
	struct vfs_fuse *fuse = calloc(1, sizeof(*fuse));
	int r;

	if (!fuse)
		return vfs_error(-ENOMEM, "out of memory");
	if (!options)
		options = &defaults;
	fuse->session = session;
	fuse->timeout_ms = options->timeout_ms;
	r = negotiate(session, options);
	if (r == 0)
		r = vfs_sync_create(session, NULL, &fuse->sync);
	if (r < 0) {
		free(fuse);
		return r;
	}
	*result = fuse;
	return 0;
}

VFS_EXPORT void vfs_fuse_disconnect(struct vfs_fuse *fuse)
{
	if (!fuse)
		return;
	vfs_sync_destroy(fuse->sync);
	free(fuse);
}

VFS_EXPORT struct vfs_sync *vfs_fuse_sync(struct vfs_fuse *fuse)
{
	return fuse->sync;
}

VFS_EXPORT void vfs_session_info(const struct vfs_session *session, struct vfs_session_info *info)
{
	*info = (struct vfs_session_info){
		.wanted = session->wanted,
		.offered = session->offered,
		.agreed = session->init.flags,
		.minor = session->init.minor,
		.init = session->init,
		.virtio = session->virtio.features,
		.max_payload = session->max_payload,
		.num_queues = session->options.num_queues,
	};
}
