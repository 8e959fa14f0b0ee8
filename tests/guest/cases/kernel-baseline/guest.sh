# shellcheck shell=sh

load_virtio
check "mount with the kernel's driver" kernel_mount myfs /mnt
run_workload /mnt
check "sha256 of the big file" sh -c 'cd /mnt/keep && sha256sum big >big.sha256'
check "unmount" umount /mnt
check "mount again" kernel_mount myfs /mnt
run_workload --verify /mnt
check "unmount again" umount /mnt
kernel_is_content
