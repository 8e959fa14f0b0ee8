/* SPDX-License-Identifier: MIT */
#include "negotiate.h"

#include <stdint.h>
#include <string.h>

/* Not in the <linux/fuse.h> of every kernel with protocol minor 38. */

/* Both sides have to want these; a relay need not know more. */
#define PASSED_FLAGS                                                                               \
	((uint64_t)(FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_ATOMIC_O_TRUNC |                     \
		    FUSE_EXPORT_SUPPORT | FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_FLOCK_LOCKS |    \
		    FUSE_HAS_IOCTL_DIR | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS |              \
		    FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_WRITEBACK_CACHE |                \
		    FUSE_NO_OPEN_SUPPORT | FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV |           \
		    FUSE_POSIX_ACL | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS |                        \
		    FUSE_NO_OPENDIR_SUPPORT | FUSE_EXPLICIT_INVAL_DATA | FUSE_HANDLE_KILLPRIV_V2 | \
		    FUSE_SETXATTR_EXT) |                                                           \
		FUSE_SECURITY_CTX | FUSE_CREATE_SUPP_GROUP | FUSE_HAS_EXPIRE_ONLY |                \
		FUSE_DIRECT_IO_ALLOW_MMAP | FUSE_ALLOW_IDMAP)

#define UPPER_FLAGS (~(uint64_t)UINT32_MAX)

/* Linux' FUSE_DEFAULT_MAX_BACKGROUND, which it uses if it is told 0. */
#define KERNEL_MAX_BACKGROUND 12

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t kernel_flags(const struct fuse_init_in *in)
{
	uint64_t flags = in->flags;

	if (flags & FUSE_INIT_EXT)
		flags |= (uint64_t)in->flags2 << 32;
	return flags;
}

/* Without INIT_EXT there is no upper half. */
static uint64_t flags_off(const struct negotiate_limits *limits)
{
	return limits->off & FUSE_INIT_EXT ? limits->off | UPPER_FLAGS : limits->off;
}

static uint64_t passed_flags(const struct negotiate_limits *limits)
{
	uint64_t flags = PASSED_FLAGS;

	/* Of files that it opens without asking it keeps all, and writing back it trusts itself. */
	if (limits->no_cache)
		flags &= ~(uint64_t)(FUSE_WRITEBACK_CACHE | FUSE_CACHE_SYMLINKS |
				     FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT);
	if (!limits->writeback)
		flags &= ~(uint64_t)FUSE_WRITEBACK_CACHE;
	if (!limits->posix_acl)
		flags &= ~(uint64_t)FUSE_POSIX_ACL;
	/*
	 * Without default_permissions the kernel gives the connection up when it sees
	 * ALLOW_IDMAP. With it most requests carry no uid any more, by which allow_root judges.
	 */
	if (!limits->default_permissions || limits->allow_root)
		flags &= ~FUSE_ALLOW_IDMAP;
	return flags;
}

static uint64_t with_init_ext(uint64_t flags)
{
	return flags & UPPER_FLAGS ? flags | FUSE_INIT_EXT : flags;
}

enum negotiate_version negotiate_version(const struct fuse_init_in *in)
{
	if (in->major > FUSE_KERNEL_VERSION)
		return NEGOTIATE_ASK_AGAIN;
	if (in->major < FUSE_KERNEL_VERSION || in->minor < VFS_FUSE_MINOR_MIN)
		return NEGOTIATE_REFUSE;
	return NEGOTIATE_GO_ON;
}

/* Between the bridge and the server: the kernel cannot reach the window, and does not hear of it.
 */
static uint64_t own_flags(const struct negotiate_limits *limits)
{
	return (limits->dax ? FUSE_MAP_ALIGNMENT : 0) |
	       (limits->inode_dax ? FUSE_HAS_INODE_DAX : 0);
}

/* Each request wakes up two programs here, so that the kernel's own 128 KiB are little. */
static uint64_t wanted_readahead(
	const struct fuse_init_in *in, const struct negotiate_limits *limits, uint64_t one_request)
{
	return limits->readahead ? limits->readahead : max_u64(in->max_readahead, one_request);
}

void negotiate_offer(
	const struct fuse_init_in *in, const struct negotiate_limits *limits, struct vfs_init *want)
{
	*want = (struct vfs_init){
		.major = FUSE_KERNEL_VERSION,
		.minor = (uint32_t)min_u64(in->minor, VFS_FUSE_MINOR),
		.flags = with_init_ext(
			((kernel_flags(in) & passed_flags(limits)) | own_flags(limits)) &
			~flags_off(limits)),
		.max_readahead = (uint32_t)wanted_readahead(in, limits, limits->max_payload),
	};
}

static uint64_t answer_flags(const struct fuse_init_in *in, const struct negotiate_limits *limits,
	const struct vfs_init *got)
{
	uint64_t offered = kernel_flags(in);
	uint64_t flags = offered & got->flags & passed_flags(limits);

	/*
	 * These are between the kernel and the bridge: the number of pages, which may be less than
	 * the 32 of a server without MAX_PAGES, how an abort differs from an unmount, and rings.
	 */
	flags |= offered & (FUSE_MAX_PAGES | FUSE_ABORT_ERROR);
	if (limits->rings)
		flags |= offered & FUSE_OVER_IO_URING;
	/* Files are opened for direct I/O because of us, and are to be mapped as before. */
	if (limits->no_cache)
		flags |= offered & FUSE_DIRECT_IO_ALLOW_MMAP;
	flags &= ~flags_off(limits);
	if (offered & FUSE_INIT_EXT)
		return with_init_ext(flags);
	return flags;
}

/* The server counts in pages of 4 KiB. */
static uint64_t max_request(const struct negotiate_limits *limits, const struct vfs_init *got)
{
	return min_u64((uint64_t)got->max_pages * 4096, limits->max_payload);
}

/* The kernel counts in pages of its own. */
static uint16_t answer_max_pages(const struct negotiate_limits *limits, const struct vfs_init *got)
{
	uint64_t pages = min_u64(max_request(limits, got) / limits->page_size, UINT16_MAX);

	return pages ? (uint16_t)pages : 1;
}

static uint16_t answer_max_background(
	const struct negotiate_limits *limits, const struct vfs_init *got)
{
	uint16_t wanted = got->max_background ? got->max_background : KERNEL_MAX_BACKGROUND;

	return (uint16_t)min_u64(wanted, limits->depth);
}

static uint16_t answer_threshold(const struct vfs_init *got, uint16_t max_background)
{
	if (got->congestion_threshold && got->congestion_threshold < max_background)
		return got->congestion_threshold;
	return (uint16_t)(max_background - max_background / 4);
}

uint32_t negotiate_readahead(const struct fuse_init_in *in, const struct negotiate_limits *limits,
	const struct vfs_init *got)
{
	uint64_t slots = (uint64_t)limits->max_payload * limits->depth;
	uint64_t wanted = wanted_readahead(in, limits, max_request(limits, got));

	return (uint32_t)min_u64(min_u64(wanted, got->max_readahead), slots);
}

void negotiate_answer(const struct fuse_init_in *in, const struct negotiate_limits *limits,
	const struct vfs_init *got, struct fuse_init_out *out)
{
	uint64_t flags = answer_flags(in, limits, got);
	uint64_t max_write = min_u64(limits->max_payload, limits->max_write);

	memset(out, 0, sizeof(*out));
	out->major = FUSE_KERNEL_VERSION;
	out->minor = (uint32_t)min_u64(got->minor, in->minor);
	out->flags = (uint32_t)flags;
	out->flags2 = (uint32_t)(flags >> 32);
	out->max_write = (uint32_t)min_u64(got->max_write, max_write);
	out->max_readahead = (uint32_t)min_u64(
		in->max_readahead, negotiate_readahead(in, limits, got));
	out->max_background = answer_max_background(limits, got);
	out->congestion_threshold = answer_threshold(got, out->max_background);
	out->time_gran = got->time_gran;
	if (flags & FUSE_MAX_PAGES)
		out->max_pages = answer_max_pages(limits, got);
}
