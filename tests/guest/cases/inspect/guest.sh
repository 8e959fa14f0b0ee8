# shellcheck shell=sh

# VFIO is not loaded: that is up to bind.
load_virtio
one=$(fs_bdf 1)
two=$(fs_bdf 2)
group=$(iommu_group_of "$one")

# lists BDF REGEX: the line of a function.
lists() {
	virtiofs-inspect list | tee /tmp/list | grep "^$1 " | grep -E "$2"
}

# shows REGEX: part of what it says of the first function.
shows() {
	grep -E "$1" /tmp/show
}

say_all() {
	virtiofs-inspect show "$1" >/tmp/show 2>&1
	show_status=$?
	cat /tmp/show
	return $show_status
}

check "list: with virtio-pci" lists "$one" "^$one +myfs +virtio-pci +$group +1 +- .*virtiofs-inspect bind"
check "list: the other" lists "$two" "^$two +other +virtio-pci "
cat /tmp/list
check "show, no driver for virtio" say_all "$one"
virtiofs_built_in || check "show: says so" shows 'has no driver'

mkdir /mnt/a
check "mount with the kernel's driver" kernel_mount myfs /mnt/a
check "show, while it is mounted" say_all "$one"
check "show: identity" shows 'Device +105a'
check "show: BAR of the registers" shows '4 +0x[0-9a-f]{16} +16 KiB +64-bit memory, prefetchable'
check "show: interrupts" shows 'Vectors +[0-9]+, enabled'
check "show: common configuration" shows ' 1 +common configuration +4 +0x0 +0x1000'
check "show: multiplier" shows ' 2 +notification +4 +0x3000 +0x1000 +multiplier 4'
check "show: window" shows ' 5 +window '
check "show: tag" shows 'Tag +"myfs"'
check "show: queues" shows 'Request queues +1'
check "show: negotiated" shows 'negotiated by the kernel.s virtiofs for virtio[0-9]+'
check "show: status" shows '0x0f: ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK'
check "show: feature by name" shows '32 +VIRTIO_F_VERSION_1'
cat /tmp/show
check "show: group" shows "^IOMMU group $group"

fails_with "bind what is mounted" 'myfs.*/mnt/a.*unmount' virtiofs-inspect bind "$one"
fails_with "bind both, one is mounted" 'unmount' virtiofs-inspect bind "$two" "$one"
check "nothing was bound" driver_is "$two" virtio-pci
check "the mount works on" touch /mnt/a/on
unshare -m --propagation private sh -c 'touch /tmp/away; exec sleep 60' &
away=$!
wait_for 10 test -e /tmp/away
umount /mnt/a
fails_with "bind what another mount namespace has" 'unmount' virtiofs-inspect bind myfs
kill $away
wait $away

# As a user without rights.
fails_with "bind as a user" 'root' su user -c "virtiofs-inspect bind $one"
check "list as a user" su user -c "virtiofs-inspect list | grep '^$one  *? '"
check "show as a user" su user -c "virtiofs-inspect show $one | grep 'needs root'"

# virtiofs keeps no device busy once it is unmounted.
check "bind" wait_for 5 virtiofs-inspect bind "$one"
check "the driver is vfio-pci" driver_is "$one" vfio-pci
check "bind again" sh -c "virtiofs-inspect bind $one | grep already"
check "list: ready" lists "$one" "^$one +myfs +vfio-pci +$group +1 +- +ready"
check "show, bound to vfio-pci" say_all "$one"
cat /tmp/show
check "show: offered" shows 'that the device offers'
check "show: offered by name" shows '28 +VIRTIO_RING_F_INDIRECT_DESC'
check "show: interrupts are off" shows 'Vectors +[0-9]+, disabled'

check "the bridge lists the same" sh -c \
	"virtiofs-inspect list >/tmp/one && virtiofs-fuse --list >/tmp/other && cmp /tmp/one /tmp/other"
sh -c "exec 9<>/dev/vfio/$group; touch /tmp/holds; exec sleep 60" &
holder=$!
wait_for 5 test -e /tmp/holds
check "list: in use" lists "$one" "in use by sleep .process $holder."
check "show, in use" say_all "$one"
check "show: in use" shows "in use by sleep .process $holder."
fails_with "unbind what is in use" "sleep .process $holder." virtiofs-inspect unbind "$one"
kill $holder
wait $holder

check "unbind" virtiofs-inspect unbind "$one"
check "the driver is virtio-pci" driver_is "$one" virtio-pci
check "unbind again" sh -c "virtiofs-inspect unbind $one | grep already"
check "bind and unbind both, by tag" sh -c "virtiofs-inspect bind myfs other && virtiofs-inspect unbind myfs other"
check "no override is left" sh -c "! grep vfio /sys/bus/pci/devices/*/driver_override"
check "the kernel's driver mounts it" kernel_mount myfs /mnt/a
check "and reads what was written" ls /mnt/a/on
umount /mnt/a
kernel_is_content
