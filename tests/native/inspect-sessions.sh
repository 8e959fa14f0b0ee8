# virtiofs-inspect ps, queues, ring, inflight and stats: what they say of a bridge while its device
# works, takes nothing, and does not answer.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

inspect=$BUILD/tools/virtiofs-inspect/virtiofs-inspect
control=$WORK/control

# look VERB...: into $WORK/printed, and its exit status into status.
look() {
	status=0
	timeout 30 "$inspect" "$@" >"$WORK/printed" 2>"$WORK/err" || status=$?
}

# says REGEX: in what was printed last.
says() {
	grep -Eq -- "$1" "$WORK/printed" || die "wants '$1': $(cat "$WORK/printed" "$WORK/err")"
	echo "ok it says: $(grep -E -m 1 -- "$1" "$WORK/printed")"
}

# json VERB...: it is well-formed, and has what was printed to people.
json() {
	look "$@" --json
	if command -v python3 >/dev/null; then
		python3 -m json.tool "$WORK/printed" >/dev/null || die "$* --json: $(cat "$WORK/printed")"
		echo "ok $* --json is JSON"
	fi
}

command_device() {
	"$BUILD/tests/device/virtiofs-device-ask" "$control" "$1"
}

# What is still on its way may look odd for a moment.
queues_are_well() {
	look queues
	[ "$status" = 0 ]
}

# Until a request is old enough to be worth a word.
queue_is() {
	look queues observed
	grep -Eq "^ *1 +$1 " "$WORK/printed"
}

start_device "$SOCKET" "$WORK/device.log" --dir "$SHARE" --tag observed --control "$control"
"$bridge" -f "$SOCKET" "$MOUNT" 2>"$WORK/bridge.log" &
pid=$!
ok "mount" within 10 mountpoint -q "$MOUNT"
echo text >"$SHARE/file"
ok "a file is read" grep -q text "$MOUNT/file"

look ps
ok "ps" test "$status" = 0
says "^$pid +virtiofs-fuse +vhost-user fs.sock +observed +connected"
ok "nothing is wrong" within 5 queues_are_well
says '^ *1 +idle .*nothing is in flight'
look stats "$pid"
says '^ *READ +1 +0 '
says '^ *LOOKUP +1 '
for verb in ps queues ring inflight stats; do
	json "$verb"
done
refuses 'there is no session .*nobody' "$inspect" queues nobody
refuses 'no option --nothing' "$inspect" queues --nothing

# It is heard of at the next request at the latest, since the bridge sleeps in between.
timeout 30 "$inspect" trace observed --seconds 3 >"$WORK/trace" &
tracer=$!
within 10 sh -c "stat '$MOUNT/nothing' >/dev/null 2>&1; grep -q LOOKUP '$WORK/trace'" ||
	die "nothing is traced: $(cat "$WORK/trace")"
ok "trace ends by itself" wait $tracer
cp "$WORK/trace" "$WORK/printed"
says '^ *[0-9.]+ +1 +LOOKUP +0x[0-9a-f]+ node 1 +sent 48 received [0-9]+ .*No such file'
refuses 'no session .*nobody' "$inspect" trace nobody
refuses 'wants a number' "$inspect" trace observed --seconds x

command_device stall
stat "$MOUNT/missing" >/dev/null 2>&1 &
ok "a device that takes nothing" within 10 queue_is stalled
ok "is something wrong" test "$status" = 3
says 'has not taken requests for [0-9.]+ s, since [0-9:]+: 1 in the ring'
look inflight observed
says '^ *1 +[0-9]+ +[A-Z]+ +0x[0-9a-f]+ +1 +[0-9]+ .* device +[0-9.]+ s'
look ring observed 1
says '^ *[0-9]+ +[0-9]+ +[A-Z]+ +0x[0-9a-f]+ +1 +[0-9]+ +yes +r:[0-9]+ w:[0-9]+'
json ring
grep -q '"opcode": *"[A-Z]*","unique"' "$WORK/printed" || die "no request in $(cat "$WORK/printed")"
command_device resume
ok "and goes on" within 10 queue_is idle

command_device never
stat "$MOUNT/another" >/dev/null 2>&1 &
ok "a device that does not answer" within 10 queue_is unanswered
says 'has taken all requests and does not answer'

kill -STOP "$pid"
on_exit "kill -CONT $pid 2>/dev/null || true"
look queues "$pid"
ok "a process that is stopped can be looked at" test "$status" = 3
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
umount -l "$MOUNT"
look ps
! grep -q "^$pid " "$WORK/printed" || die "$pid is dead: $(cat "$WORK/printed")"
echo "ok one that is killed is gone"
