# The daemon dies under a mount: those who wait get an error, and the bridge ends.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
dies_under_a_mount "$SOCKET" as_root pkill -KILL -f -- "--socket-path=$SOCKET"
