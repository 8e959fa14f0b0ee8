# shellcheck shell=sh

load_bridge
bdf=$(fs_bdf)
check "list names the function" sh -c "virtiofs-inspect list | grep -F $bdf"
check "show decodes it" virtiofs-inspect show "$bdf"
refuses "mount by tag before that" 'virtiofs-inspect bind' virtiofs-fuse myfs /mnt
check "bind to vfio-pci" virtiofs-inspect bind "$bdf"
check "driver is vfio-pci" driver_is "$bdf" vfio-pci
check "list still names it" sh -c "virtiofs-inspect list | grep -F $bdf | grep vfio-pci"

check "mount by tag" bridge_mount myfs /mnt
run_workload --big /mnt
check "sha256 of the 256 MiB file" sh -c 'cd /mnt/keep && sha256sum big >big.sha256'
check "the kernel's driver is not loaded, or has no device" virtiofs_unused
check "unmount" bridge_umount /mnt
check "the device is in reset" in_reset "$bdf"

check "mount by address" bridge_mount "$bdf" /mnt
run_workload --verify --big /mnt
check "unmount" bridge_umount /mnt

check "give back to virtio-pci" virtiofs-inspect unbind "$bdf"
check "driver is virtio-pci" driver_is "$bdf" virtio-pci
check "mount with the kernel's driver" kernel_mount myfs /mnt
run_workload --verify --big /mnt
check "unmount from the kernel's driver" umount /mnt
kernel_is_content
