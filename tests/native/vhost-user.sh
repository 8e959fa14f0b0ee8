# A daemon's socket is mounted with no guest, no PCI and no VFIO.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
# reads_ahead KB: the kernel, on the mount.
reads_ahead() {
	[ "$(cat "/sys/class/bdi/$(mountpoint -d "$MOUNT")/read_ahead_kb")" = "$1" ]
}

ok "mount the socket" "$bridge" "$SOCKET" "$MOUNT"
if [ -w "/sys/class/bdi/$(mountpoint -d "$MOUNT")/read_ahead_kb" ]; then
	ok "what is read ahead is one request" reads_ahead 1024
fi
ok "workload through the bridge" run_workload "$MOUNT"
ok "unmount" fusermount3 -u "$MOUNT"
ok "the bridge ends" within 10 no_bridge
ok "the daemon's side agrees" run_workload --verify "$SHARE"

# A virtiofsd ends with its client.
rm -f "$SOCKET"
start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
ok "mount with less to be read ahead" "$bridge" "$SOCKET" "$MOUNT" -o readahead=65536
ok "it is less" reads_ahead 64
ok "unmount it" fusermount3 -u "$MOUNT"
ok "its bridge ends" within 10 no_bridge

refuses "nothing listens" "$bridge" "$SOCKET.not" "$MOUNT"
ok "nothing is mounted" not_mounted
