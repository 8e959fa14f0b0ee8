/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

static inline int set_data(struct vfs_data *data, const struct iovec *iov, unsigned int count)
{
	if (count > VFS_REQUEST_DATA_MAX)
		return vfs_error(-E2BIG, "data in %u pieces, and no more than %u are taken", count,
			VFS_REQUEST_DATA_MAX);
	for (unsigned int i = 0; i < count; i++)
		data->pieces[i].iov = iov[i];
	data->count = count;
	return 0;
}

/* Of a request that was prepared already. */
static __attribute__((noinline)) int change_data(
	struct vfs_request *request, const struct iovec *iov, unsigned int count)
{
	int r = vfs_request_begin_anew(request);

	return r < 0 ? r : set_data(&request->data, iov, count);
}

VFS_EXPORT int vfs_request_set_data(
	struct vfs_request *request, const struct iovec *iov, unsigned int count)
{
	if (request->state != VFS_REQUEST_TAKEN)
		return change_data(request, iov, count);
	return set_data(&request->data, iov, count);
}

void vfs_data_receive(struct vfs_request *request, uint32_t length)
{
	const struct vfs_data *data = &request->data;
	size_t left = data->received ? length : 0;
	unsigned int i;

	for (i = 0; i < data->used && left > 0; i++) {
		const struct vfs_piece *piece = &data->pieces[i];
		size_t bytes = min_size(left, piece->iov.iov_len);

		if (!piece->held)
			memcpy(piece->iov.iov_base, piece->bounce, bytes);
		left -= bytes;
	}
}
