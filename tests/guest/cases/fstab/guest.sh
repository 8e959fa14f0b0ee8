# shellcheck shell=sh

load_bridge
one=$(fs_bdf 1)
two=$(fs_bdf 2)
bind_vfio "$one" || fail "bind $one"
ln -s /bin/virtiofs-fuse /sbin/mount.fuse.virtiofs
mkdir /mnt/one /mnt/two
cat >/etc/fstab <<END
myfs /mnt/one fuse.virtiofs defaults,_netdev,nofail 0 0
$two /mnt/two fuse.virtiofs ro,noauto,nofail,x-systemd.automount,depth=8 0 0
END

# Not busybox's, which is what its shell takes.
mount=/usr/bin/mount

# has DIR REGEX: how it is mounted.
has() {
	grep " $1 " /proc/mounts | tee /tmp/has
	grep -E "$2" /tmp/has
}

all_ready() {
	[ "$(virtiofs-inspect list | grep -c ' ready$')" = 2 ]
}

check "mount -a" $mount -a
check "what is to be mounted is" has /mnt/one '^myfs /mnt/one fuse.virtiofs rw,relatime,'
check "noauto is not" not_mounted /mnt/two
check "a file" sh -c 'echo hello >/mnt/one/file'
check "a device node counts" sh -c 'mknod /mnt/one/null c 1 3 && echo >/mnt/one/null'
check "mount -a, once more" $mount -a
check "is mounted once" [ "$(grep -c ' /mnt/one ' /proc/mounts)" = 1 ]

fails_with "the driver is another one" "virtiofs-inspect bind $two" $mount /mnt/two
bind_vfio "$two" || fail "bind $two"
check "mount -f does nothing" sh -c '/usr/bin/mount -f /mnt/two && ! grep " /mnt/two " /proc/mounts'
check "mount it by its directory" $mount /mnt/two
check "with its address and options" has /mnt/two "^$two /mnt/two fuse.virtiofs ro,"
check "umount -a" /usr/bin/umount -a -t fuse.virtiofs
check "both devices are given back" wait_for 10 all_ready
check "nothing is mounted" nothing_mounted
kernel_is_content
