# The daemon dies under a mount: those who wait get an error, and the bridge ends.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
"$bridge" -f "$SOCKET" "$MOUNT" 2>"$WORK/bridge.log" &
pid=$!
ok "mount the socket" within 10 mountpoint -q "$MOUNT"
dd if=/dev/zero of="$MOUNT/file" bs=64k count=1000000 2>"$WORK/dd.log" &
writer=$!
ok "a file is being written" within 10 test -s "$SHARE/file"

as_root pkill -KILL -f -- "--socket-path=$SOCKET"
status=0
wait $writer || status=$?
ok "the writer gets an error" test "$status" = 1
status=0
wait $pid || status=$?
ok "the bridge ends with status 1" test "$status" = 1
ok "it says that the daemon is gone [$(cat "$WORK/bridge.log")]" grep -q "daemon.* is gone" "$WORK/bridge.log"
ok "nothing is mounted" not_mounted
