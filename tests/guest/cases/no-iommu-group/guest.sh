# shellcheck shell=sh

load_bridge
bdf=$(fs_bdf)
refuses "bind" 'IOMMU' virtiofs-inspect bind "$bdf"
refuses "mount by address" 'IOMMU' virtiofs-fuse "$bdf" /mnt
refuses "mount by tag" 'IOMMU|vfio-pci' virtiofs-fuse myfs /mnt
check "list says so" sh -c "virtiofs-inspect list | grep -F $bdf | grep -i iommu"
kernel_is_content
