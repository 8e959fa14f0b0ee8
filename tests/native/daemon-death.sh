# The daemon dies under a mount: those who wait get an error, and the bridge ends, or stays to say so.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

for way in dies_with_its_device outlives_its_device; do
	start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
	$way "$SOCKET" as_root pkill -KILL -f -- "--socket-path=$SOCKET"
	rm -f "$SOCKET"
done
