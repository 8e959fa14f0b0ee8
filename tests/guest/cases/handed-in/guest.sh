# shellcheck shell=sh

load_bridge
bdf=$(fs_bdf)
check "bind" bind_vfio "$bdf"
for how in iommufd group group-device; do
	check "$how: three processes without privileges, one of them killed" \
		guest-handed-in "$how" "$bdf"
	check "$how: a process of its own afterwards" bridge_mount "$bdf" /mnt
	for n in 0 1 2; do
		check "$how: what process $n wrote" \
			grep -qx 'written by descriptors alone' "/mnt/$how-$n"
	done
	check "$how: unmount" bridge_umount /mnt
done
kernel_is_content
