/* SPDX-License-Identifier: MIT */
/* Names of FUSE features. */
#include <stdio.h>
#include <strings.h>

#include "ops/feature.h"
#include "ops/ops.h"

static const char *const names[64] = {
	"async_read",
	"posix_locks",
	"file_ops",
	"atomic_o_trunc",
	"export_support",
	"big_writes",
	"dont_mask",
	"splice_write",
	"splice_move",
	"splice_read",
	"flock_locks",
	"has_ioctl_dir",
	"auto_inval_data",
	"do_readdirplus",
	"readdirplus_auto",
	"async_dio",
	"writeback_cache",
	"no_open_support",
	"parallel_dirops",
	"handle_killpriv",
	"posix_acl",
	"abort_error",
	"max_pages",
	"cache_symlinks",
	"no_opendir_support",
	"explicit_inval_data",
	"map_alignment",
	"submounts",
	"handle_killpriv_v2",
	"setxattr_ext",
	"init_ext",
	NULL, /* reserved */
	"security_ctx",
	"has_inode_dax",
	"create_supp_group",
	"has_expire_only",
	"direct_io_allow_mmap",
	"passthrough",
	"no_export_support",
	"has_resend",
	"allow_idmap",
	"over_io_uring",
	"request_timeout",
};

VFS_EXPORT const char *vfs_feature_name(unsigned int bit)
{
	return bit < ARRAY_SIZE(names) ? names[bit] : NULL;
}

VFS_EXPORT uint64_t vfs_feature_parse(const char *name)
{
	unsigned int bit;

	for (bit = 0; bit < ARRAY_SIZE(names); bit++)
		if (names[bit] && strcasecmp(name, names[bit]) == 0)
			return 1ULL << bit;
	return 0;
}

void vfs_feature_names(uint64_t features, char *text, size_t size)
{
	size_t used = 0;
	unsigned int bit;

	text[0] = '\0';
	for (bit = 0; bit < 64; bit++) {
		const char *name = vfs_feature_name(bit);
		int length;

		if (!(features >> bit & 1))
			continue;
		length = snprintf(text + used, size - used, "%s%s", used ? ", " : "",
			name ? name : "one without a name");
		if (length < 0 || (size_t)length >= size - used)
			break;
		used += (size_t)length;
	}
}
