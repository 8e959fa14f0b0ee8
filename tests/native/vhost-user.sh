# A daemon's socket is mounted with no guest, no PCI and no VFIO.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
ok "mount the socket" "$bridge" "$SOCKET" "$MOUNT"
ok "workload through the bridge" run_workload "$MOUNT"
ok "unmount" fusermount3 -u "$MOUNT"
ok "the bridge ends" within 10 no_bridge
ok "the daemon's side agrees" run_workload --verify "$SHARE"

refuses "nothing listens" "$bridge" "$SOCKET.not" "$MOUNT"
ok "nothing is mounted" not_mounted
