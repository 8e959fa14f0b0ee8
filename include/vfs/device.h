/* SPDX-License-Identifier: MIT */
/**
 * DOC: Devices
 *
 * A virtio-fs device is a PCI function (1af4:105a) that is bound to vfio-pci, or a daemon on a
 * socket of this machine. This header finds such functions and opens either. An open device has
 * been looked at (capabilities, configuration, tag) but not started: that is what a session does,
 * see session.h.
 */
#ifndef VFS_DEVICE_H
#define VFS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * VFS_TAG_MAX - bytes of a tag, without the NUL that this library adds (virtio 1.3 §5.11.4)
 */
#define VFS_TAG_MAX 36

/**
 * struct vfs_function - a virtio-fs PCI function as found, not opened
 * @bdf: its PCI address, as in "0000:00:05.0"
 * @driver: the kernel driver that it is bound to, "" if none
 * @iommu_group: the number of its IOMMU group, -1 if it has none
 * @group_functions: how many functions the group has, this one included
 * @tag: its tag, "" if @tag_known is false
 * @tag_known: whether the configuration could be read (as root, or if it could be opened)
 * @num_request_queues: request queues, 0 if @tag_known is false
 * @dax_window: size of the DAX window in bytes, 0 if none or not known
 * @problem: why vfs_device_open() would refuse it, and what to do; "" if nothing is known
 *           to be in the way
 */
struct vfs_function {
	char bdf[16];
	char driver[32];
	int iommu_group;
	unsigned int group_functions;
	char tag[VFS_TAG_MAX + 1];
	bool tag_known;
	uint32_t num_request_queues;
	uint64_t dax_window;
	char problem[256];
};

/**
 * vfs_device_scan() - look at every virtio-fs PCI function of the machine
 * @visit: called once for each, in the order of their addresses; a non-zero return ends
 *         the scan
 * @ctx: handed to @visit
 *
 * Nothing is bound, reset or started. The configuration of a function is read through its
 * PCI configuration space (VIRTIO_PCI_CAP_PCI_CFG, virtio 1.3 §4.1.4.9), which needs root
 * and works with any driver; otherwise a function that is bound to vfio-pci is opened for
 * a moment.
 *
 * Return: 0, what @visit returned if that was not 0, or
 *
 *   * ``-ENOMEM``
 *   * ``-EIO`` if sysfs cannot be read
 */
int vfs_device_scan(int (*visit)(const struct vfs_function *function, void *ctx), void *ctx);

/**
 * enum vfs_dma_mode - which addresses the device is given (see docs/architecture.md)
 * @VFS_DMA_AUTO: addresses of our own if the device offers VIRTIO_F_ACCESS_PLATFORM,
 *                otherwise physical ones, otherwise refuse
 * @VFS_DMA_IOVA: addresses of our own always. Only for a device that is known to be
 *                translated by the IOMMU although it does not say so. With any other device
 *                this corrupts memory.
 */
enum vfs_dma_mode {
	VFS_DMA_AUTO,
	VFS_DMA_IOVA,
};

/**
 * enum vfs_vfio_interface - by which of the kernel's interfaces a PCI function is opened
 * @VFS_VFIO_AUTO: the function's own device and iommufd if both are there and may be opened and
 *                 there is no token, otherwise its group
 * @VFS_VFIO_GROUP: /dev/vfio/GROUP, or /dev/vfio/noiommu-GROUP, and a container (/dev/vfio/vfio)
 * @VFS_VFIO_IOMMUFD: /dev/vfio/devices/vfioN and /dev/iommu
 */
enum vfs_vfio_interface {
	VFS_VFIO_AUTO,
	VFS_VFIO_GROUP,
	VFS_VFIO_IOMMUFD,
};

/**
 * struct vfs_vfio_fds - descriptors of a PCI function that somebody else has opened, for a process
 * that may not or cannot: nothing in /dev or /sys is looked at
 * @device: the function; -1 to have it from @group
 * @iommufd: /dev/iommu, with @device from /dev/vfio/devices/vfioN, bound to this iommufd or not
 *           yet; -1 with a group
 * @group: /dev/vfio/GROUP; -1 with an iommufd
 * @container: /dev/vfio/vfio, for this function alone. If the group is in a container already this
 *             has to be it, with its IOMMU set; what is mapped in it is unmapped.
 *
 * Each is duplicated: they stay the caller's, who may close them as soon as vfs_device_open() has
 * returned. As long as any of them is open, here or in another process, the function
 * stays taken, and the kernel does not reset it when this process dies.
 */
struct vfs_vfio_fds {
	int device;
	int iommufd;
	int group;
	int container;
};

/**
 * struct vfs_device_options - how to open a device; all zero is the default
 * @dma: which addresses the device is given
 * @vfio: by which interface a PCI function is opened
 * @vf_token: for a virtual function whose physical function vfio-pci has too: the token that its
 *            driver has set, as in "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"; NULL: none
 * @vfio_fds: descriptors to use instead of opening any; NULL: none. @vfio does not count then.
 *
 * What is pointed to is used while the device is opened, not afterwards.
 */
struct vfs_device_options {
	enum vfs_dma_mode dma;
	enum vfs_vfio_interface vfio;
	const char *vf_token;
	const struct vfs_vfio_fds *vfio_fds;
};

/**
 * struct vfs_device_info - what is known of an open device
 * @name: transport and address, as in "vfio 0000:00:05.0" or "vhost-user fs.sock"; used in
 *        messages
 * @bdf: PCI address, "" if it is not a PCI function
 * @tag: its tag, NUL-terminated
 * @num_request_queues: request queues that the device has
 * @features: virtio feature bits that the device offers (virtio 1.3 §6)
 * @num_vectors: MSI-X vectors that the function has
 * @dax_window: size of shared-memory region 0 in bytes, 0 if none or if it cannot be mapped into
 *              this process (virtio 1.3 §5.11.6.4); vfs_device_window() is where it begins
 */
struct vfs_device_info {
	char name[48];
	char bdf[16];
	char tag[VFS_TAG_MAX + 1];
	uint32_t num_request_queues;
	uint64_t features;
	unsigned int num_vectors;
	uint64_t dax_window;
};

/** struct vfs_device - an open device; opaque */
struct vfs_device;

/**
 * vfs_device_open() - take a device
 * @name: a PCI address ("0000:00:05.0" or "00:05.0"); a tag; the path of a vhost-user daemon's
 *        socket, which has a slash in it ("./fs.sock"); or "vfio-user:" and the path of a
 *        vfio-user server's socket
 * @options: NULL for the defaults
 * @result: where to put it; unchanged on error
 *
 * A function has to be bound to vfio-pci and no other process may have it open. It is
 * reset. With descriptors handed in, @name is the function's PCI address. A tag that two functions
 * have is refused: use the address. A daemon is connected to, which needs no privilege but that for
 * its socket; a vhost-user daemon that does not tell a tag has the name of its socket for one.
 *
 * Return: 0, or
 *
 *   * ``-ENODEV``: no such function, no function with the tag, not a virtio-fs device, or nothing
 *     listens on the socket
 *   * ``-ENOTUNIQ``: several functions have the tag
 *   * ``-EBUSY``: bound to another driver, in use by another process, or the IOMMU group is shared
 *     with functions that other drivers use
 *   * ``-EACCES``, ``-EPERM``: no permission for the group or the function's device; the token is
 *     another one; a group without an IOMMU and no CAP_SYS_RAWIO
 *   * ``-ENOTSUP``: no IOMMU group, no VFIO or not the interface that was asked for in this kernel
 *   * ``-EINVAL``: @options contradict each other or @name, the token is not a UUID, or the
 *     function takes none
 *   * ``-EPROTO``: capabilities or configuration that the specification forbids
 *   * ``-ETIMEDOUT``: the device does not finish its reset
 *   * ``-ENOMEM``, ``-EIO``
 */
int vfs_device_open(
	const char *name, const struct vfs_device_options *options, struct vfs_device **result);

/**
 * vfs_device_info() - what is known of an open device
 * @device: the device
 *
 * Return: a structure that lives as long as the device does
 */
const struct vfs_device_info *vfs_device_info(const struct vfs_device *device);

/**
 * vfs_device_window() - where the DAX window is mapped in this process
 * @device: the device
 *
 * The window has vfs_device_info.dax_window bytes. Pages of a file are in it from the answer to a
 * FUSE_SETUPMAPPING until the FUSE_REMOVEMAPPING of the range is sent, and until the session is
 * destroyed (virtio 1.3 §5.11.6.4). What is written there the file has at once.
 *
 * Access nothing else: outside of such ranges, and on a write to a range that was asked for
 * without FUSE_SETUPMAPPING_FLAG_WRITE, it is up to the transport whether there is a SIGSEGV, a
 * SIGBUS, or bytes that mean nothing. Where a file has become shorter than its mapping, by whoever
 * it was, pages behind its end raise SIGBUS. When the device fails or goes away, ranges of a
 * daemon on a socket stay as they are until the session is destroyed; those of a PCI function may
 * raise SIGBUS. A child after fork() may not have the window.
 *
 * Any thread may access the window, and call this.
 *
 * Return: the address, the same until vfs_device_close(); NULL if there is no window
 */
void *vfs_device_window(const struct vfs_device *device);

/**
 * vfs_device_event_fd() - a descriptor that polls readable when something happened to the
 * device itself: an error of the bus, a request to give it back (it is being unplugged), or a
 * configuration change
 * @device: the device
 *
 * When it is readable, call vfs_device_check().
 *
 * Return: the descriptor; it belongs to the device
 */
int vfs_device_event_fd(const struct vfs_device *device);

/**
 * vfs_device_check() - ask whether the device is still there and well
 * @device: the device
 *
 * Any thread may call it. When the device is not well, its session fails: requests in flight
 * complete with ``-EIO`` and can be reaped. Clears the state of vfs_device_event_fd().
 *
 * Return: 0, or
 *
 *   * ``-ENODEV``: the device is gone, or its removal was requested: close it
 *   * ``-EIO``: it reported an error, or asked to be reset (DEVICE_NEEDS_RESET)
 */
int vfs_device_check(struct vfs_device *device);

/**
 * vfs_device_close() - reset the device and give it back
 * @device: the device, or NULL. It must have no session.
 */
void vfs_device_close(struct vfs_device *device);

#ifdef __cplusplus
}
#endif

#endif
