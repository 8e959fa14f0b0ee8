/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* Bytes of an answer from servers before 7.5 and before 7.23. */
#define INIT_OUT_OLDEST FUSE_COMPAT_INIT_OUT_SIZE
#define INIT_OUT_OLD	FUSE_COMPAT_22_INIT_OUT_SIZE

#define MAX_WRITE_MIN	  4096u
#define MAX_PAGES_DEFAULT 32u

_Static_assert(sizeof(struct fuse_init_in) == 64, "INIT of protocol minor 36 has 64 bytes");

/* The upper half is only sent with INIT_EXT. */
static uint64_t offered_flags(const struct vfs_init *want)
{
	return want->flags >> 32 ? want->flags | FUSE_INIT_EXT : want->flags;
}

void vfs_init_build(const struct vfs_init *want, struct fuse_init_in *in)
{
	uint64_t flags = offered_flags(want);

	*in = (struct fuse_init_in){
		.major = FUSE_KERNEL_VERSION,
		.minor = want->minor ? want->minor : VFS_FUSE_MINOR,
		/* Servers remember the smallest value that they were ever told. */
		.max_readahead = want->max_readahead ? want->max_readahead : UINT32_MAX,
		.flags = (uint32_t)flags,
		.flags2 = (uint32_t)(flags >> 32),
	};
}

static int check_version(const struct fuse_init_out *out)
{
	if (out->major == __builtin_bswap32(FUSE_KERNEL_VERSION))
		return vfs_error(-EPROTO, "the server answers INIT in the other byte order");
	if (out->major != FUSE_KERNEL_VERSION || out->minor < VFS_FUSE_MINOR_MIN)
		return vfs_error(-EPROTONOSUPPORT,
			"the server speaks FUSE %u.%u, this library 7.%u and newer minors",
			out->major, out->minor, VFS_FUSE_MINOR_MIN);
	return 0;
}

/* The upper half counts only with INIT_EXT. */
static uint64_t server_flags(const struct fuse_init_out *out)
{
	uint64_t flags = out->flags;

	if (flags & FUSE_INIT_EXT)
		flags |= (uint64_t)out->flags2 << 32;
	return flags;
}

/* A short answer does not have it. */
static int check_max_write(const struct fuse_init_out *out, size_t length, unsigned int quirks)
{
	if (out->max_write || length == INIT_OUT_OLDEST || quirks & VFS_QUIRK_MAX_WRITE_ZERO)
		return 0;
	return vfs_quirk_error(vfs_error(-EPROTO, "the server answers INIT with a max_write of 0"),
		VFS_QUIRK_MAX_WRITE_ZERO);
}

static uint32_t agreed_max_write(const struct fuse_init_out *out, size_t max_payload)
{
	uint32_t max_write = out->max_write < MAX_WRITE_MIN ? MAX_WRITE_MIN : out->max_write;

	return max_write > max_payload ? (uint32_t)max_payload : max_write;
}

int vfs_init_parse(const void *body, size_t length, const struct vfs_init *want, size_t max_payload,
	unsigned int quirks, struct vfs_init *got)
{
	uint32_t want_minor = want->minor ? want->minor : VFS_FUSE_MINOR;
	struct fuse_init_out out = {0};
	uint64_t flags;
	size_t pages;
	int r;

	if (length != INIT_OUT_OLDEST && length != INIT_OUT_OLD && length != sizeof(out))
		return vfs_error(-EPROTO, "the server answers INIT with %zu bytes", length);
	memcpy(&out, body, length);
	r = check_version(&out);
	if (r == 0)
		r = check_max_write(&out, length, quirks);
	if (r < 0)
		return r;
	flags = server_flags(&out) & offered_flags(want);
	pages = flags & FUSE_MAX_PAGES && out.max_pages ? out.max_pages : MAX_PAGES_DEFAULT;
	*got = (struct vfs_init){
		.major = out.major,
		.minor = out.minor < want_minor ? out.minor : want_minor,
		.flags = flags,
		.max_readahead = out.max_readahead,
		.max_write = agreed_max_write(&out, max_payload),
		.max_pages = (uint16_t)min_size(pages, max_payload / VFS_PAGE_SIZE),
		.max_background = out.max_background,
		.congestion_threshold = out.congestion_threshold,
		.time_gran = out.time_gran ? out.time_gran : 1,
		.map_alignment = flags & FUSE_MAP_ALIGNMENT ? out.map_alignment : 0,
	};
	return 0;
}

/* Who does not answer at all has nobody to answer for it, or was never told. */
static int no_answer(const struct vfs_session *session)
{
	const struct vfs_device *device = session->device;

	return vfs_error(-ETIMEDOUT, "%s did not answer INIT within %u ms: %s", device->info.name,
		session->options.timeout_ms,
		device->transport->limits.translation == VFS_TRANSLATED
			? "its server is dead or stuck, or the IOMMU keeps it from memory (the "
			  "kernel's log has faults then)"
			: "its server is dead or stuck");
}

static int exchange(
	struct vfs_session *session, struct vfs_request *request, const struct vfs_init *want)
{
	struct fuse_in_header *header = vfs_request_message(request);
	struct fuse_init_in in;
	int r;

	vfs_init_build(want, &in);
	*header = (struct fuse_in_header){.opcode = FUSE_INIT};
	memcpy(header + 1, &in, sizeof(in));
	r = vfs_request_prepare(request, VFS_INIT_MESSAGE_SIZE);
	if (r == 0)
		r = vfs_queue_call(request->queue, request, session->options.timeout_ms);
	if (r == -ETIMEDOUT)
		return no_answer(session);
	if (r == 0 && request->malformed)
		return vfs_error(
			-EPROTO, "%s: INIT: %s", session->device->info.name, vfs_last_error());
	if (r == 0 && vfs_request_error(request))
		r = vfs_error(vfs_request_error(request), "%s: %s", session->device->info.name,
			session->failed ? "it failed while INIT was in flight"
					: "the server refused INIT");
	return r;
}

VFS_EXPORT int vfs_session_init(
	struct vfs_session *session, const struct vfs_init *want, struct vfs_init *got)
{
	struct vfs_queue *queue = vfs_session_queue(session, 0);
	struct vfs_request *request = vfs_queue_take_reserved(queue);
	struct fuse_init_out out = {0};
	struct iovec iov[2];
	int r;

	if (session->state != VFS_SESSION_STARTED || !request)
		return vfs_error(-EINVAL, "INIT was sent already");
	r = exchange(session, request, want);
	/* After a time-out the slot still belongs to the device, so INIT cannot be tried again. */
	if (r < 0)
		return r;
	if (vfs_request_reply(request, iov) < 2)
		iov[1].iov_len = 0;
	memcpy(&out, iov[1].iov_base, iov[1].iov_len);
	r = vfs_init_parse(
		&out, iov[1].iov_len, want, session->max_payload, session->options.quirks, got);
	if (r < 0)
		return r;
	vfs_request_put(request);
	session->init = *got;
	session->wanted = offered_flags(want);
	session->offered = server_flags(&out);
	session->state = VFS_SESSION_CONNECTED;
	vfs_observe_connected(session);
	vfs_log(VFS_LOG_INFO, "%s: FUSE 7.%u, flags 0x%llx, max_write %u",
		session->device->info.name, got->minor, (unsigned long long)got->flags,
		got->max_write);
	return 0;
}
