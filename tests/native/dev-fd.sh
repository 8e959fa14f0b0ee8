# A descriptor of /dev/fuse that somebody with more rights has mounted: libfuse's helper does that when it
# is told to drop them.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

# By the name without a path that the helper's shell looks for.
PATH=$(dirname "$bridge"):$PATH:/usr/sbin:/sbin
command -v mount.fuse3 >/dev/null || skip "no mount.fuse3 on this machine"

# A mount whose bridge is gone is none to mountpoint(1).
on_exit "! grep -q ' $MOUNT ' /proc/mounts || as_root umount -l '$MOUNT'"

mount_handed_in() {
	as_root env PATH="$PATH" mount.fuse3 "virtiofs-fuse#$SOCKET" "$MOUNT" \
		-o "drop_privileges,default_permissions,$1"
}

the_bridge() {
	pgrep -f "^virtiofs-fuse $SOCKET"
}

no_bridge() {
	! the_bridge
}

start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
ok "mount" mount_handed_in ro
ok "it has no rights" grep -Eq '^CapEff:[[:space:]]+0+$' "/proc/$(the_bridge)/status"
ok "its mount point is a descriptor" grep -Eqz '^/dev/fd/[0-9]+$' "/proc/$(the_bridge)/cmdline"
ok "options are those of who mounted" grep -q " $MOUNT fuse.virtiofs-fuse ro," /proc/mounts
ok "the host's file" sh -c "echo hello >'$SHARE/file' && echo hello | cmp - '$MOUNT/file'"
ok "umount" as_root umount "$MOUNT"
ok "the bridge ends" within 10 no_bridge

SOCKET=$WORK/second.sock
start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
ok "mount once more" mount_handed_in rw
ok "workload" run_workload "$MOUNT"
as_root kill "$(the_bridge)"
ok "a signal ends the bridge" within 20 no_bridge
ok "but not the mount" grep -q " $MOUNT " /proc/mounts
ok "which says what has happened" sh -c "LC_ALL=C ls '$MOUNT' 2>&1 | grep 'not connected'"
ok "umount" as_root umount "$MOUNT"

refuses "/dev/fd/77: that is no descriptor" "$bridge" "$SOCKET" /dev/fd/77
refuses "/dev/fd/0: that is no descriptor" "$bridge" "$SOCKET" /dev/fd/0 </dev/null
