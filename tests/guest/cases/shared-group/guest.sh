# shellcheck shell=sh

load_bridge
bdf=$(fs_bdf)
refuses "bind" '0000:00:08.1' virtiofs-inspect bind "$bdf"
bind_vfio "$bdf" || fail "bind by hand"
refuses "mount" 'group' virtiofs-fuse "$bdf" /mnt
check "check" sh -c "virtiofs-fuse --check $bdf | grep '^problem: .*shares IOMMU group.*0000:00:08.1'"
kernel_is_content
