/* SPDX-License-Identifier: MIT */
/**
 * DOC: Memory of the application
 *
 * Data of a request is copied to and from the request's own memory, unless it is in memory that
 * was registered with the session: the device then reads and writes it where it is. See
 * vfs_request_set_data().
 */
#ifndef VFS_MEMORY_H
#define VFS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfs_session;

/** struct vfs_mem - memory that a session's device can reach; opaque */
struct vfs_mem;

/**
 * enum vfs_mem_access - what the device may do with memory
 * @VFS_MEM_READ_WRITE: read and write it
 * @VFS_MEM_READ_ONLY: read it. A daemon on a socket could write to it nevertheless. What such a
 *                     device would have to write there is copied.
 */
enum vfs_mem_access {
	VFS_MEM_READ_WRITE,
	VFS_MEM_READ_ONLY,
};

/**
 * struct vfs_mem_description - memory of this process
 * @addr: where it begins, on a page
 * @length: bytes, whole pages
 * @fd: descriptor of the memory (memfd_create(2), hugetlbfs), mapped shared at @addr; -1 if there
 *      is none. A device that is another process needs it, others do not. It may be closed when
 *      vfs_mem_register() has returned.
 * @fd_offset: where @addr is in it, whole pages
 * @access: what the device may do with it
 */
struct vfs_mem_description {
	void *addr;
	size_t length;
	int fd;
	uint64_t fd_offset;
	enum vfs_mem_access access;
};

/**
 * vfs_mem_register() - map memory for the device
 * @session: a session
 * @description: the memory. It must not be part of any that is registered.
 * @result: where to put it; unchanged on error
 *
 * Any thread may call it. Until vfs_mem_unregister() the memory has to stay mapped, and its file
 * must not shrink. VFIO pins it. A child after fork() does not have it (MADV_DONTFORK).
 *
 * A device with physical addresses sees each page where it is; pages that are not neighbours need a
 * mapping each, so huge pages are best. With no IOMMU at all nothing pins pages: then only huge
 * pages or locked ones (mlock(2)) are taken.
 *
 * Return: 0, or
 *
 *   * ``-EINVAL``: not whole pages, or the file is too short
 *   * ``-EEXIST``: part of it is registered
 *   * ``-ENOTSUP``: the device is another process and there is no descriptor; or there is no IOMMU,
 *     and the memory could move; or a vhost-user daemon takes no single pieces of memory
 *     (CONFIGURE_MEM_SLOTS), and to replace all of it is not safe under what the daemon is at work
 *     on. Such data is copied.
 *   * ``-ENOMEM``: the limit on locked memory (RLIMIT_MEMLOCK) is too low, or the device takes no
 *     more mappings; the message says which. A vhost-user daemon may take as few as 8, of which the
 *     session has two.
 *   * ``-EPERM``: a physical address is outside of what the IOMMU can map
 *   * ``-EIO``, ``-ENODEV``: the device failed or is gone
 */
int vfs_mem_register(struct vfs_session *session, const struct vfs_mem_description *description,
	struct vfs_mem **result);

/**
 * vfs_mem_alloc() - get memory and register it
 * @session: a session
 * @length: bytes; rounded up to whole pages
 * @addr: where to put its address; unchanged on error
 * @result: where to put it; unchanged on error
 *
 * It is a memfd, filled with zeros, of pages as vfs_session_options.hugepages says. Every device
 * that memory can be registered with takes it. vfs_mem_unregister() frees it. Any thread may call
 * it.
 *
 * Return: 0, or the errors of vfs_mem_register()
 */
int vfs_mem_alloc(struct vfs_session *session, size_t length, void **addr, struct vfs_mem **result);

/**
 * vfs_mem_unregister() - take memory back from the device
 * @mem: the memory, or NULL
 *
 * Any thread may call it, while no other one prepares a request with this memory. After
 * vfs_session_destroy(), which takes back all that is left, it must not be called.
 *
 * Return: 0, or
 *
 *   * ``-EBUSY``: a request that is prepared, in flight or not reaped uses it, or one that ended
 *     with ``-ETIMEDOUT`` and that the device has not returned: it may still write there. After a
 *     failure of the device reap all requests first.
 */
int vfs_mem_unregister(struct vfs_mem *mem);

#ifdef __cplusplus
}
#endif

#endif
