# shellcheck shell=sh

load_bridge
bdf=$(fs_bdf)
check "bind to vfio-pci" virtiofs-inspect bind "$bdf"
check "mount" bridge_mount "$bdf" /mnt
run_workload /mnt
check "sha256 of the big file" sh -c 'cd /mnt/keep && sha256sum big >big.sha256'
check "unmount" bridge_umount /mnt
check "mount again" bridge_mount "$bdf" /mnt
run_workload --verify /mnt
check "unmount again" bridge_umount /mnt

check "give back to virtio-pci" virtiofs-inspect unbind "$bdf"
check "mount with the kernel's driver" kernel_mount myfs /mnt
check "the kernel's driver has its addresses translated" translated "$bdf"
run_workload --verify /mnt
check "unmount from the kernel's driver" umount /mnt
kernel_is_content
