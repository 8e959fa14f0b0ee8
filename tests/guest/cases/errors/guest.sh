# shellcheck shell=sh

load_bridge
one=$(fs_bdf 1)
two=$(fs_bdf 2)
group=/dev/vfio/$(iommu_group_of "$one")

# finds STATUS REGEX COMMAND...: a line of what --check says of a device.
finds() {
	finds_status=$1
	finds_regex=$2
	shift 2
	status=0
	"$@" >/tmp/findings 2>&1 || status=$?
	cat /tmp/findings
	[ "$status" = "$finds_status" ] && grep -E "$finds_regex" /tmp/findings
}

check "check: bound to another driver" finds 1 "^problem: .*virtiofs-inspect bind $one" \
	virtiofs-fuse --check "$one"
check "check: no such function" finds 1 '^problem: .*0000:00:1f.7' virtiofs-fuse --check 0000:00:1f.7
check "check: none of them works" finds 1 '^problem: none of the functions' virtiofs-fuse --check
refuses "bound to another driver" 'virtio-pci.*virtiofs-inspect bind' virtiofs-fuse "$one" /mnt
refuses "no such function" '0000:00:1f.7' virtiofs-fuse 0000:00:1f.7 /mnt
refuses "not a virtio-fs function" '0000:00:00.0' virtiofs-fuse 0000:00:00.0 /mnt
bind_vfio "$one" || fail "bind $one"
bind_vfio "$two" || fail "bind $two"

check "check: one works" finds 0 '^ok: vfio 0000:.* can be started' virtiofs-fuse --check "$one"
check "check: all is well" sh -c '! grep -v -e ^ok: -e "^warning: .*hugepages" /tmp/findings'
check "check: the tag is not enough" finds 1 "^problem: .*$two" virtiofs-fuse --check myfs
check "check: both of them work" finds 0 'can be started' virtiofs-fuse --check
refuses "wrong tag" 'nosuch' virtiofs-fuse nosuch /mnt
refuses "tag twice" "$one.*$two|$two.*$one" virtiofs-fuse myfs /mnt
refuses "mount point missing" '/missing' virtiofs-fuse "$one" /missing
touch /tmp/plain
refuses "mount point not a directory" '/tmp/plain' virtiofs-fuse "$one" /tmp/plain
refuses "unknown option" 'nonsense' virtiofs-fuse "$one" /mnt -o nonsense

mkdir /tmp/user && chown user /tmp/user
check "check: no permission" finds 1 "^problem: .*permission for $group" \
	su user -c "virtiofs-fuse --check $one"
refuses "no permission" "$group.*(permission|denied)|(permission|denied).*$group" \
	su user -c "virtiofs-fuse $one /tmp/user"
chown user "$group"
# shellcheck disable=SC3045 # busybox has it
ulimit -l unlimited
check "check: unsafe addresses" finds 1 '^problem: .*CAP_SYS_ADMIN' \
	su user -c "virtiofs-fuse --check $one"
check "check: as others may not" finds 1 '^problem: allow_other .*user_allow_other' \
	su user -c "virtiofs-fuse --check $one -o allow_other"
refuses "unsafe addresses" 'dma=iova|CAP_SYS_ADMIN' \
	su user -c "virtiofs-fuse $one /tmp/user"
chown root "$group"

check "one of the two by its address" bridge_mount "$one" /mnt
fails_with "the function is in use" "$one.*(busy|in use)" virtiofs-fuse "$one" /tmp/user
check "check: in use" finds 1 "^problem: .*in use by virtiofs-fuse" virtiofs-fuse --check "$one"
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
