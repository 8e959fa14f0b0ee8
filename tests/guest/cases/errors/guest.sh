# shellcheck shell=sh

load_bridge
one=$(fs_bdf 1)
two=$(fs_bdf 2)
group=/dev/vfio/$(iommu_group_of "$one")

refuses "bound to another driver" 'virtio-pci.*virtiofs-inspect bind' virtiofs-fuse "$one" /mnt
refuses "no such function" '0000:00:1f.7' virtiofs-fuse 0000:00:1f.7 /mnt
refuses "not a virtio-fs function" '0000:00:00.0' virtiofs-fuse 0000:00:00.0 /mnt
bind_vfio "$one" || fail "bind $one"
bind_vfio "$two" || fail "bind $two"

refuses "wrong tag" 'nosuch' virtiofs-fuse nosuch /mnt
refuses "tag twice" "$one.*$two|$two.*$one" virtiofs-fuse myfs /mnt
refuses "mount point missing" '/missing' virtiofs-fuse "$one" /missing
touch /tmp/plain
refuses "mount point not a directory" '/tmp/plain' virtiofs-fuse "$one" /tmp/plain
refuses "unknown option" 'nonsense' virtiofs-fuse "$one" /mnt -o nonsense

mkdir /tmp/user && chown user /tmp/user
refuses "no permission" "$group.*(permission|denied)|(permission|denied).*$group" \
	su user -c "virtiofs-fuse $one /tmp/user"
chown user "$group"
# shellcheck disable=SC3045 # busybox has it
ulimit -l unlimited
refuses "unsafe addresses" 'dma=iova|CAP_SYS_ADMIN' \
	su user -c "virtiofs-fuse $one /tmp/user"
chown root "$group"

check "one of the two by its address" bridge_mount "$one" /mnt
fails_with "the function is in use" "$one.*(busy|in use)" virtiofs-fuse "$one" /tmp/user
fails_with "mount point in use" '/mnt.*(busy|in use|mounted)' virtiofs-fuse "$two" /mnt
check "the other by its address" bridge_mount "$two" /tmp/two
check "they are different" sh -c 'touch /mnt/one && ! [ -e /tmp/two/one ]'
check "neither was disturbed" sh -c 'ls /mnt/one && touch /tmp/two/two'
fusermount3 -u /tmp/two
fusermount3 -u /mnt
check "both end" wait_for 10 no_bridge

fails_with "bind what is not there" '0000:00:1f.7' virtiofs-inspect bind 0000:00:1f.7
unbind_vfio "$one"
check "mount with the kernel's driver" kernel_mount myfs /mnt
fails_with "bind what is mounted" 'mounted|in use|unmount' virtiofs-inspect bind "$one"
check "the kernel's mount works on" touch /mnt/again
umount /mnt
kernel_is_content
