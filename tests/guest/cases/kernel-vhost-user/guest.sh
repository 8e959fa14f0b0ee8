# shellcheck shell=sh
# The kernel's own driver on our test device: other cases have this script with other settings.
# shellcheck disable=SC1091 # /guest/env is the case's
. /guest/env

load_virtio
bdf=$(fs_bdf)
check "mount with the kernel's driver" kernel_mount myfs /mnt "$MOUNT_OPTIONS"
case $IOMMU in
none) check "addresses are physical" not_translated "$bdf" ;;
*) check "addresses are translated" translated "$bdf" ;;
esac
[ -z "$MOUNT_OPTIONS" ] || run_workload --dax /mnt
run_workload --small /mnt
check "sha256 of the big file" sh -c 'cd /mnt/keep && sha256sum big >big.sha256'
check "unmount" umount /mnt
check "mount again" kernel_mount myfs /mnt "$MOUNT_OPTIONS"
run_workload --verify --small /mnt
check "unmount again" umount /mnt
kernel_is_content
