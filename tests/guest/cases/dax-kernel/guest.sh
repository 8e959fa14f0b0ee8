# shellcheck shell=sh

# A driver that finds no window mounts all the same.
with_dax() {
	mkdir -p "$2"
	load virtiofs && mount -t virtiofs -o dax=always "$1" "$2" && grep " $2 .*dax=always" /proc/mounts
}

load_virtio
check "mount with the kernel's driver and a DAX window" with_dax myfs /mnt
run_workload /mnt
check "sha256 of the 256 MiB file" sh -c 'cd /mnt/keep && sha256sum big >big.sha256'
check "unmount" umount /mnt
check "mount again" with_dax myfs /mnt
run_workload --verify /mnt
check "unmount again" umount /mnt
kernel_is_content
