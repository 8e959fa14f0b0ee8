# A vfio-user server dies under a mount: those who wait get an error, and the bridge ends.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

start_vfio_user "$SHARE" "$SOCKET" "$WORK/server.log"
"$bridge" -f "vfio-user:$SOCKET" "$MOUNT" 2>"$WORK/bridge.log" &
pid=$!
ok "mount the function" within 10 mountpoint -q "$MOUNT"
dd if=/dev/zero of="$MOUNT/file" bs=64k count=1000000 2>"$WORK/dd.log" &
writer=$!
ok "a file is being written" within 10 test -s "$SHARE/file"

as_root kill -KILL "$SERVER"
killed=$SECONDS
status=0
wait $writer || status=$?
ok "the writer gets an error" test "$status" = 1
status=0
wait $pid || status=$?
ok "the bridge ends with status 1" test "$status" = 1
ok "both within 5 seconds" test $((SECONDS - killed)) -le 5
ok "it says that the server is gone [$(cat "$WORK/bridge.log")]" grep -q "is gone" "$WORK/bridge.log"
ok "nothing is mounted" not_mounted
