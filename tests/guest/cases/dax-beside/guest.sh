# shellcheck shell=sh
# QEMU 11 does not survive that a device is started when what another one's window had shown is gone, so
# the library comes only once after the kernel with its window.

kernel=$(fs_bdf 1)
device=$(fs_bdf 2)
load_bridge
bind_vfio "$device" || fail "bind"

# Reads and writes past the kernel's cache are the server's own.
check "mount with the kernel's driver" kernel_mount kernelfs /kernel rw
check "the host sees what the library writes, and the other way round" \
	window-beside --device "$device" --dax always --beside /kernel/myfs --direct
check "unmount" umount /kernel

check "mount with the kernel's driver and the window" kernel_mount kernelfs /kernel dax=always
check "the kernel sees what the library writes, and the other way round" \
	window-beside --device "$device" --dax always --beside /kernel/myfs
check "the other one was left alone" driver_is "$kernel" virtio-pci
check "unmount again" umount /kernel
kernel_is_content
