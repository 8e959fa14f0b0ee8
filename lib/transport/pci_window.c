/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <linux/virtio_pci.h>

#include "core/core.h"
#include "transport/pci_window.h"
#include "transport/sysfs.h"

#define WINDOW_WIDTH 4u

static int short_access(const char *what, ssize_t n)
{
	if (n < 0)
		return vfs_error(
			-errno, "cannot %s PCI configuration space: %s", what, strerror(errno));
	/* Without privilege only the first 64 bytes are there. */
	return vfs_error(-EACCES, "PCI configuration space needs root");
}

static int write_register(int fd, unsigned int offset, uint32_t value, size_t width)
{
	uint32_t raw = htole32(value);
	ssize_t n = pwrite(fd, &raw, width, offset);

	return n == (ssize_t)width ? 0 : short_access("write", n);
}

static int read_window(int fd, const struct vfs_virtio_cap *window,
	const struct vfs_virtio_cap *target, uint32_t offset, void *buffer)
{
	unsigned int cap = window->config_offset;
	ssize_t n;
	int r;

	r = write_register(fd, cap + offsetof(struct virtio_pci_cap, bar), target->bar, 1);
	if (r == 0)
		r = write_register(fd, cap + offsetof(struct virtio_pci_cap, offset),
			(uint32_t)target->offset + offset, 4);
	if (r == 0)
		r = write_register(
			fd, cap + offsetof(struct virtio_pci_cap, length), WINDOW_WIDTH, 4);
	if (r < 0)
		return r;
	n = pread(fd, buffer, WINDOW_WIDTH,
		(off_t)(cap + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data)));
	return n == (ssize_t)WINDOW_WIDTH ? 0 : short_access("read", n);
}

static int peek_config(int fd, const char *bdf, struct vfs_pci_peek *peek)
{
	uint64_t bar_sizes[6];
	ssize_t n;
	int r;

	n = pread(fd, peek->config, sizeof(peek->config), 0);
	if (n != (ssize_t)sizeof(peek->config))
		return short_access("read", n);
	r = vfs_sysfs_bar_sizes(bdf, bar_sizes);
	if (r < 0)
		return r;
	r = vfs_virtio_caps_parse(peek->config, bar_sizes, &peek->caps);
	if (r < 0)
		return r;
	if (!peek->caps.window.present)
		return vfs_error(-ENOENT, "it has no PCI configuration access structure");
	return 0;
}

int vfs_pci_peek(const char *bdf, struct vfs_pci_peek *peek, void *device_config, size_t length)
{
	uint32_t offset;
	int fd;
	int r;

	fd = vfs_sysfs_open_config(bdf, O_RDWR);
	if (fd < 0)
		return fd;
	/* Where the window points is state of the device; two readers would mix theirs up. */
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	r = peek_config(fd, bdf, peek);
	for (offset = 0; r == 0 && offset < length; offset += WINDOW_WIDTH)
		r = read_window(fd, &peek->caps.window, &peek->caps.device, offset,
			(uint8_t *)device_config + offset);
	close(fd);
	return r;
}
