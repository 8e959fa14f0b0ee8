# What --check and --list say where there is no function, and --check of the socket of a daemon, which has no more than one connection to give.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

# finds STATUS REGEX COMMAND...: a line of what it finds.
finds() {
	local wanted=$1 regex=$2 status=0
	shift 2
	"$@" >"$WORK/findings" 2>&1 || status=$?
	cat "$WORK/findings"
	[ "$status" = "$wanted" ] && grep -Eq "$regex" "$WORK/findings"
}

as_user() {
	as_root setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
}

ok "no socket" finds 1 "^problem: $SOCKET does not exist: start the daemon" "$bridge" --check "$SOCKET"
start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
as_root chmod 755 "$WORK"
as_root chmod 600 "$SOCKET"
ok "no permission" finds 1 "^problem: no permission for $SOCKET: " as_user "$bridge" --check "$SOCKET"
ok "a daemon" finds 0 "^ok: $SOCKET is the socket" as_root "$bridge" --check "$SOCKET"
if "$bridge" -V | grep -q 'libseccomp [0-9]'; then
	ok "the sandbox" grep -q "^ok: system calls can be filtered" "$WORK/findings"
fi
ok "once more" finds 0 "^ok: $SOCKET is the socket" as_root "$bridge" --check "$SOCKET"
ok "its connection is still to be had" as_root "$bridge" "$SOCKET" "$MOUNT"
ok "unmount" as_root fusermount3 -u "$MOUNT"
ok "the bridge ends" within 10 no_bridge
as_root touch "$WORK/file"
ok "a file" finds 1 "^problem: nobody listens on $WORK/file: it is no socket" \
	as_root "$bridge" --check "$WORK/file"
ok "a user" finds 1 "^problem: $WORK/none does not exist" as_user "$bridge" --check "$WORK/none"
ok "fusermount3 mounts for him" grep -q '^ok: fusermount3 mounts' "$WORK/findings"
refuses "takes a device only" "$bridge" --check "$SOCKET" "$MOUNT"
refuses "takes no device" "$bridge" --list "$SOCKET"
# Where somebody's machine has one the guests have seen to it.
grep -qsx 0x105a /sys/bus/pci/devices/*/device ||
	refuses "no virtio-fs device|cannot read .*/bus/pci" "$bridge" --list
