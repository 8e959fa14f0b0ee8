# A vfio-user server dies under a mount: those who wait get an error, and the bridge ends.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

start_vfio_user "$SHARE" "$SOCKET" "$WORK/server.log"
# A path without a slash is one too, when it is said to be a vfio-user server's.
ok "connect by a relative path" env -C "$WORK" "$BUILD/examples/stat-root" vfio-user:fs.sock
dies_with_its_device "vfio-user:$SOCKET" as_root kill -KILL "$SERVER"
