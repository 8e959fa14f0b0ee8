# shellcheck shell=sh

# fill FILE: with random bytes, and their sum beside it.
fill() {
	dd if=/dev/urandom of="$1" bs=1M count=16 && sync && echo 3 >/proc/sys/vm/drop_caches &&
		(cd "$(dirname "$1")" && sha256sum "$(basename "$1")" >"$1.sum")
}

load_bridge
bdf=$(fs_bdf)
check "bind" virtiofs-inspect bind "$bdf"
for vfio in iommufd group; do
	check "$vfio: mount" bridge_mount "$bdf" /mnt -o vfio=$vfio
	check "$vfio: write and read" fill /mnt/$vfio
	check "$vfio: unmount" bridge_umount /mnt
done
echo N >/sys/module/iommufd/parameters/allow_unsafe_interrupts
echo N >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
refuses "interrupts by iommufd" 'interrupt remapping.*iommufd' \
	virtiofs-fuse "$bdf" /mnt -o vfio=iommufd
refuses "interrupts by the group" 'interrupt remapping.*vfio_iommu_type1' \
	virtiofs-fuse "$bdf" /mnt -o vfio=group
kernel_is_content
