# shellcheck shell=sh

# bridge_has FILE: the bridge has it open.
bridge_has() {
	for fd in "/proc/$(bridge_pid)"/fd/*; do
		[ "$(readlink "$fd")" != "$1" ] || return 0
	done
	return 1
}

load_bridge
bdf=$(fs_bdf)
check "bind" virtiofs-inspect bind "$bdf"
device=/dev/vfio/devices/$(ls "/sys/bus/pci/devices/$bdf/vfio-dev")
group=/dev/vfio/$(iommu_group_of "$bdf")
check "the kernel has both interfaces" test -c "$device" -a -c "$group" -a -c /dev/iommu

check "mount" bridge_mount myfs /mnt
check "the function's own device is open" bridge_has "$device"
check "and an iommufd" bridge_has /dev/iommu
check "list says who has it" sh -c "virtiofs-inspect list | grep -q 'in use by virtiofs-fuse'"
mkdir /tmp/second
fails_with "a second bridge" 'in use by another process' virtiofs-fuse "$bdf" /tmp/second
fails_with "a second bridge by iommufd" 'in use by another process' \
	virtiofs-fuse "$bdf" /tmp/second -o vfio=iommufd
run_workload --big /mnt
check "sha256 of the 256 MiB file" sh -c 'cd /mnt/keep && sha256sum big >big.sha256'
check "unmount" bridge_umount /mnt
check "reset, and no bus master" in_reset "$bdf"

check "mount by the group" bridge_mount myfs /mnt -o vfio=group
check "the group is open" bridge_has "$group"
run_workload --verify --big /mnt
check "unmount again" bridge_umount /mnt

chmod 0 "$device"
chmod 666 "$group"
refuses "no permission for what was asked for" "no permission for $device" \
	/usr/bin/setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=+sys_admin --ambient-caps=+sys_admin \
	virtiofs-fuse "$bdf" /tmp/second -o vfio=iommufd
refuses "a token that nobody asked for" 'takes no vf_token' \
	virtiofs-fuse "$bdf" /mnt -o vf_token=bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3
refuses "a token by iommufd" 'takes no vf_token.*vfio=group' \
	virtiofs-fuse "$bdf" /mnt -o vfio=iommufd,vf_token=bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3

check "mount by iommufd once more" bridge_mount myfs /mnt -o vfio=iommufd
check "kill" kill -9 "$(bridge_pid)"
check "umount" umount /mnt
check "mount after the kill" bridge_mount myfs /mnt -o vfio=iommufd
check "it is all there" test -s /mnt/keep/big.sha256
check "unmount after the kill" bridge_umount /mnt
kernel_is_content
