# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with the tests
# For tests/native/*.sh: a daemon and a bridge on this machine, with no guest between them. $BUILD
# and $TOP are given; a check that fails ends the test.
set -euo pipefail

for part in common packages debian share; do
	# shellcheck source=/dev/null
	. "$TOP/tests/guest/lib/$part.sh"
done
# shellcheck source=tests/lib/rings.sh
. "$TOP/tests/lib/rings.sh"

bridge=$BUILD/tools/virtiofs-fuse/virtiofs-fuse
workload=$BUILD/tests/guest/guest-workload

[ -e /dev/fuse ] || skip "no /dev/fuse on this machine"
can_be_root || skip "not root, and sudo wants a password"

end_cleanly
make_workdir
SHARE=$WORK/share
SOCKET=$WORK/fs.sock
MOUNT=$WORK/mount
chmod 755 "$WORK"
mkdir "$SHARE" "$MOUNT"
on_exit "not_mounted || as_root umount -l '$MOUNT'"

# ok DESCRIPTION COMMAND...
ok() {
	local what=$1
	shift
	"$@" || die "$what: $* exited $?"
	echo "ok $what"
}

# within SECONDS COMMAND...: until it succeeds.
within() {
	local tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.05
	done
}

# refuses REGEX COMMAND...: it ends by itself, not with 0, and says why in one line.
refuses() {
	local regex=$1 status=0
	shift
	timeout 30 "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
	if [ "$status" = 0 ] || [ "$status" -ge 124 ]; then
		die "$*: exit status $status"
	fi
	[ "$(wc -l <"$WORK/err")" = 1 ] || die "$*: not one line: $(cat "$WORK/err")"
	grep -Eq "$regex" "$WORK/err" || die "$*: wants '$regex': $(cat "$WORK/err")"
	echo "ok refused: $(cat "$WORK/err")"
}

# start_vfio_user DIR SOCKET LOG OPTION...: our device as a vfio-user server, as root. Sets SERVER to
# its process.
start_vfio_user() {
	local dir=$1 socket=$2 log=$3
	shift 3

	# The number is the server's own, not that of a shell or sudo in front of it.
	# shellcheck disable=SC2016 # for the inner shell
	as_root sh -c 'echo $$ >"$0" && exec "$@"' "$WORK/server" "$BUILD/tests/device/virtiofs-device" \
		--vfio-user "$socket" --dir "$dir" "$@" >"$log" 2>&1 </dev/null &
	within 5 test -S "$socket" || die "the server did not start: $(cat "$log")"
	SERVER=$(cat "$WORK/server")
	on_exit "! kill -0 $SERVER 2>/dev/null || as_root kill -KILL $SERVER"
}

# find_lanes: sets LANES to those of the bridge that this kernel has, as long as this test runs.
find_lanes() {
	LANES=(readers single)
	! rings_begin || LANES=(uring "${LANES[@]}")
}

# A mount that nobody serves any more is one too, though mountpoint(1) does not think so.
not_mounted() {
	! grep -q " $MOUNT " /proc/self/mounts
}

no_bridge() {
	! pgrep -f "^$bridge $SOCKET" >/dev/null
}

# One line of the workload a step; none may fail.
run_workload() {
	timeout 300 "$workload" "$@" >"$WORK/workload" || true
	sed 's/^@@ //' "$WORK/workload"
	grep -q '^@@ ok ' "$WORK/workload" && ! grep -q '^@@ not ok ' "$WORK/workload"
}

# kill_under_a_mount OPTIONS DEVICE COMMAND...: mount DEVICE, kill it by COMMAND while a file is
# written. The writer gets an error; sets pid, of the bridge, and killed, the time.
kill_under_a_mount() {
	local options=$1 device=$2 writer status=0
	shift 2

	"$bridge" -f -o "$options" "$device" "$MOUNT" 2>"$WORK/bridge.log" &
	pid=$!
	ok "mount $device, $options" within 10 mountpoint -q "$MOUNT"
	rm -f "$SHARE/file"
	dd if=/dev/zero of="$MOUNT/file" bs=64k count=1000000 2>"$WORK/dd.log" &
	writer=$!
	ok "a file is being written" within 10 test -s "$SHARE/file"

	"$@"
	killed=$SECONDS
	wait $writer || status=$?
	ok "the writer gets an error" test "$status" = 1
}

# bridge_failed: it ends, and has said why.
bridge_failed() {
	local status=0

	wait "$pid" || status=$?
	ok "the bridge ends with status 1" test "$status" = 1
	ok "it says why [$(cat "$WORK/bridge.log")]" grep -q "is gone" "$WORK/bridge.log"
	ok "nothing is mounted" not_mounted
}

# dies_with_its_device DEVICE COMMAND...: COMMAND kills DEVICE, and the bridge ends.
dies_with_its_device() {
	local pid killed

	kill_under_a_mount device_loss=unmount "$@"
	bridge_failed
	ok "all within 5 seconds" test $((SECONDS - killed)) -le 5
}

# outlives_its_device DEVICE COMMAND...: COMMAND kills DEVICE, and the mount stays to be unmounted.
outlives_its_device() {
	local pid killed

	kill_under_a_mount device_loss=fail "$@"
	ok "the mount stays, and says what is wrong" within 5 not_connected "$MOUNT/file"
	ok "all within 5 seconds" test $((SECONDS - killed)) -le 5
	ok "unmount" as_root umount "$MOUNT"
	bridge_failed
}

# not_connected PATH
not_connected() {
	[[ $(cat "$1" 2>&1 >/dev/null) == *"not connected"* ]]
}
