# mount(8) and fstab: with a helper in a /sbin of our own, in a mount namespace of our own.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

namespace=$(readlink /proc/self/ns/mnt)
if [ -z "${OUTSIDE:-}" ]; then
	as_root env OUTSIDE="$namespace" TOP="$TOP" BUILD="$BUILD" \
		unshare --mount --propagation private bash "$0"
	exit
fi
[ "$namespace" != "$OUTSIDE" ] || die "not in a mount namespace of its own"

# A directory with copies hides the real one: nothing that is removed here is the machine's.
put_helper() {
	mkdir "$WORK/sbin"
	cp -a /sbin/mount.fuse* "$WORK/sbin/"
	ln -sf "$bridge" "$WORK/sbin/mount.fuse.virtiofs"
	mount --bind "$WORK/sbin" "$(readlink -f /sbin)"
}

next_daemon() {
	n=$((n + 1))
	SOCKET=$WORK/fs$n.sock
	start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
}

fstab() {
	echo "$SOCKET $MOUNT fuse.virtiofs $1 0 0" >"$WORK/fstab"
}

mounted_with() {
	findmnt -n -o SOURCE,FSTYPE,OPTIONS "$MOUNT" | tee "$WORK/found"
	grep -Eq "^$SOCKET +fuse.virtiofs +$1" "$WORK/found"
}

bridge_of() {
	pgrep -f "^/sbin/mount.fuse.virtiofs $SOCKET"
}

no_bridge_of() {
	! bridge_of >/dev/null
}

unmount() {
	ok "umount" umount "$MOUNT"
	ok "the bridge ends" within 10 no_bridge_of
}

n=0
put_helper
echo hello >"$SHARE/file"

next_daemon
fstab "defaults,_netdev,nofail"
ok "mount -a" mount -T "$WORK/fstab" -a
ok "it is mounted when that ends" grep -q hello "$MOUNT/file"
ok "by this name and type, with suid and dev" mounted_with 'rw,relatime,'
ok "a bridge in the background" bridge_of
ok "mount -a has nothing more to do" mount -T "$WORK/fstab" -a
ok "one mount" test "$(grep -c " $MOUNT " /proc/mounts)" = 1
unmount

next_daemon
fstab "ro,user,noauto,noatime,x-systemd.automount,x-systemd.requires=a.service,depth=4,no_writeback"
ok "mount -a leaves out what is noauto" mount -T "$WORK/fstab" -a
ok "nothing is mounted" not_mounted
ok "mount DIR" mount -T "$WORK/fstab" "$MOUNT"
ok "user and ro have an effect" mounted_with 'ro,nosuid,nodev,noexec,noatime,'
ok "no file can be made" sh -c "! touch '$MOUNT/other' 2>/dev/null"
unmount

next_daemon
ok "mount -f mounts nothing" mount -f -v -t fuse.virtiofs "$SOCKET" "$MOUNT"
ok "nothing is mounted" not_mounted
refuses "unknown option \"nonsense\"" mount -t fuse.virtiofs "$SOCKET" "$MOUNT" -o nonsense
ok "mount -t, sloppily, without mtab" mount -n -s -t fuse.virtiofs "$SOCKET" "$MOUNT" -o nosuid,nonsense
ok "and with nosuid" mounted_with 'rw,nosuid,relatime,'
refuses "in use by another mount" mount -t fuse.virtiofs "$SOCKET" "$MOUNT"
unmount

SOCKET=$WORK/none.sock
fstab "nofail"
refuses "nothing listens on $SOCKET" mount -T "$WORK/fstab" "$MOUNT"
ok "nothing is mounted" not_mounted

# With no helper of ours, libfuse's starts the program that the type or the source names.
ln -s "$bridge" "$WORK/sbin/virtiofs-fuse"
rm "$WORK/sbin/mount.fuse.virtiofs"
for how in "fuse.virtiofs-fuse " "fuse virtiofs-fuse#"; do
	next_daemon
	# shellcheck disable=SC2086 # type and the beginning of the source
	set -- $how
	ok "mount -t $how" mount -t "$1" "${2-}$SOCKET" "$MOUNT" -o _netdev,nofail
	ok "it is mounted" grep -q hello "$MOUNT/file"
	umount "$MOUNT"
	ok "the bridge ends" within 10 sh -c "! pgrep -f '^virtiofs-fuse $SOCKET'"
done
