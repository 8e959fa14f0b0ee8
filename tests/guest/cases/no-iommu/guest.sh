# shellcheck shell=sh

mode=/sys/module/vfio/parameters/enable_unsafe_noiommu_mode

load_bridge
bdf=$(fs_bdf)
refuses "bind" 'enable_unsafe_noiommu_mode' virtiofs-inspect bind "$bdf"
refuses "mount" 'no IOMMU group' virtiofs-fuse "$bdf" /mnt
echo 1 >$mode
refuses "mount without bind" "virtiofs-inspect bind $bdf" virtiofs-fuse "$bdf" /mnt
check "bind in no-IOMMU mode" sh -c "virtiofs-inspect bind $bdf | grep 'can reach all memory'"
check "the group is a made-up one" test -c "/dev/vfio/noiommu-$(iommu_group_of "$bdf")"
check "list" sh -c "virtiofs-inspect list | grep -F $bdf | grep ready"

refuses "mount from small pages" 'hugepages.*vm.nr_hugepages' virtiofs-fuse "$bdf" /mnt
sysctl -q vm.nr_hugepages=40
refuses "addresses of our own" 'dma=iova needs an IOMMU' virtiofs-fuse "$bdf" /mnt -o dma=iova
refuses "iommufd" 'no IOMMU.*vfio=group' virtiofs-fuse "$bdf" /mnt -o vfio=iommufd
chmod 666 /dev/vfio/noiommu-*
mkdir /tmp/mnt && chown 1000 /tmp/mnt
refuses "a user who may read addresses" 'CAP_SYS_RAWIO' \
	/usr/bin/setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=+sys_admin --ambient-caps=+sys_admin \
	virtiofs-fuse "$bdf" /tmp/mnt

virtiofs-fuse -f "$bdf" /mnt 2>/tmp/bridge.err &
check "mount" wait_for 20 mounted /mnt
check "it says what that means, once" sh -c \
	"[ \$(grep -c 'it can reach all memory of this machine' /tmp/bridge.err) = 1 ]"
run_workload --big /mnt
check "sha256 of the 256 MiB file" sh -c 'cd /mnt/keep && sha256sum big >big.sha256'
check "move memory about" sh -c 'echo 1 >/proc/sys/vm/compact_memory'
check "list says who has it" sh -c "virtiofs-inspect list | grep -q 'in use by virtiofs-fuse'"
check "unmount" bridge_umount /mnt
check "reset, and no bus master" in_reset "$bdf"
check "mount again" bridge_mount myfs /mnt
check "kill" kill -9 "$(bridge_pid)"
check "umount" umount /mnt
check "mount after the kill" bridge_mount myfs /mnt
run_workload --verify --big /mnt
check "unmount again" bridge_umount /mnt

check "give back to virtio-pci" virtiofs-inspect unbind "$bdf"
check "mount with the kernel's driver" kernel_mount myfs /mnt
run_workload --verify --big /mnt
check "unmount from the kernel's driver" umount /mnt
kernel_is_content
