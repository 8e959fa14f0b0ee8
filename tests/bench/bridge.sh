# What a request costs the bridge: system calls as strace counts them, calls of malloc as valgrind does.
# The start is not in it: each figure is the difference of two runs. With VFS_TEST_FULL also times, beside
# those of servers that have no device behind them; nothing is expected of these.
# shellcheck shell=bash
# shellcheck source=tests/bench/lib/count.sh
. "$TOP/tests/bench/lib/count.sh"

bench=$BUILD/tests/bench
bridge=$BUILD/tools/virtiofs-fuse/virtiofs-fuse
# Another build of the bridge, to be compared with.
baseline=${BASELINE:-}
rounds=${ROUNDS:-5}

[ -e /dev/fuse ] || skip "no /dev/fuse on this machine"
[ "$(id -u)" = 0 ] || skip "not root"

end_cleanly
make_workdir
mkdir "$WORK/mount" "$WORK/figures"
on_exit "! mountpoint -q '$WORK/mount' || umount -l '$WORK/mount'"

# start_null OPTION...
start_null() {
	start_device "$WORK/null.sock" --null "$@"
}

# start_server COMMAND...
start_server() {
	"$@" >"$WORK/out" 2>"$WORK/err" </dev/null &
	server=$!
	within 20 mountpoint -q "$WORK/mount"
}

start_bridge() {
	local program=$1 poll=$2
	shift 2
	start_server "$@" "$program" "$WORK/null.sock" "$WORK/mount" -f ${poll:+-o "poll=$poll"}
}

stop_server() {
	# Whoever looks at mounts may be in it for a moment.
	within 5 umount "$WORK/mount"
	wait "$server" || die "the server: exit status $?: $(tail -n 3 "$WORK/err")"
}

# client OPERATION THREADS COUNT
client() {
	timeout 120 "$bench/bridge-client" "$WORK/mount" "$@" || die "bridge-client $*: exit status $?"
}

# ---- what is counted ----

# system_calls POLL OPERATION THREADS COUNT
system_calls() {
	start_bridge "$bridge" "$1" strace -f -c -S name -o "$WORK/strace"
	client "$2" "$3" "$4" >"$WORK/figure"
	stop_server
	calls_made
}

mallocs() {
	start_bridge "$bridge" never valgrind
	client "$1" "$2" "$3" >"$WORK/figure"
	stop_server
	allocations
}

# of_1000 POLL OPERATION THREADS LIMIT
of_1000() {
	local first second

	first=$(system_calls "$1" "$2" "$3" $((500 / $3)))
	second=$(system_calls "$1" "$2" "$3" $((2500 / $3)))
	check "system calls in 1000 of $2, poll=$1, $3 at once" \
		$(((second - first) * 1000 / (2500 / $3 * $3 - 500 / $3 * $3))) "$4"
}

# idle POLL: system calls in a second of a bridge that had much to do before.
idle() {
	start_bridge "$bridge" "$1"
	client read-4k 8 1000 >"$WORK/figure"
	timeout -s INT 1 strace -f -c -S name -p "$server" -o "$WORK/strace" 2>"$WORK/strace.err" || true
	stop_server
	calls_made
}

count_all() {
	local first second poll

	start_null --sleep
	for poll in never auto; do
		# Those who were there may still be leaving.
		check "system calls in a second with nothing to do, poll=$poll" "$(idle "$poll")" 300
	done
	of_1000 never read-4k 32 4000
	first=$(mallocs read-4k 4 100)
	second=$(mallocs read-4k 4 500)
	check "calls of malloc in 1600 of read-4k" $((second - first)) 0
	end_process "$device" || true
	# One that polls need not be notified, whenever it was.
	start_null
	of_1000 never read-4k 1 6500
	of_1000 never getattr 1 6500
	end_process "$device" || true
}

# ---- what is timed ----

# NAME THREADS COUNT
operations=("getattr 1 3000" "getattr 2 3000" "read-4k 1 3000" "read-4k 2 3000" "read-4k 32 300"
	"read-1m 1 128" "read-1m-direct 1 300" "write-1m 1 128" "write-1m-direct 1 300")

# The device sleeps when it has nothing to do, as daemons do; with "polled" it does not.
servers=(bare libfuse libfuse-many bridge-never bridge-auto bridge-always bridge-polled)

start() {
	case $1 in
	bare) start_server "$bench/bridge-bare" "$WORK/mount" ;;
	libfuse) start_server "$bench/bridge-libfuse" "$WORK/mount" single ;;
	libfuse-many) start_server "$bench/bridge-libfuse" "$WORK/mount" many ;;
	bridge-polled)
		start_null
		start_bridge "$bridge" auto
		;;
	bridge-*)
		start_null --sleep
		start_bridge "$bridge" "${1#bridge-}"
		;;
	baseline)
		start_null --sleep
		start_bridge "$baseline" ''
		;;
	esac
}

time_one() {
	local operation

	device=
	start "$1"
	for operation in "${operations[@]}"; do
		# shellcheck disable=SC2086 # three words
		client $operation >>"$WORK/figures/$1,${operation% *}"
	done
	stop_server
	[ -z "$device" ] || end_process "$device" || true
}

# median FILE FIGURE
median() {
	sed -n "s/.*$2=\([0-9]*\).*/\1/p" "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

show() {
	local operation name figures p50 bare libfuse

	printf '\n%-20s %-15s %9s %9s %9s %7s %10s\n' "$rounds rounds" server 'p50 us' 'p99 us' per_s /bare /libfuse
	for operation in "${operations[@]}"; do
		bare=$(median "$WORK/figures/bare,${operation% *}" p50_ns)
		libfuse=$(median "$WORK/figures/libfuse,${operation% *}" p50_ns)
		for name in "${servers[@]}"; do
			figures="$WORK/figures/$name,${operation% *}"
			p50=$(median "$figures" p50_ns)
			awk -v o="${operation% *}" -v n="$name" -v p50="$p50" -v p99="$(median "$figures" p99_ns)" \
				-v s="$(median "$figures" per_s)" -v b="$bare" -v l="$libfuse" 'BEGIN {
				printf "%-20s %-15s %9.1f %9.1f %9d %7.2f %10.2f\n", o, n, p50 / 1000,
					p99 / 1000, s, p50 / b, p50 / l }'
		done
	done
}

time_all() {
	local i name

	[ -z "$baseline" ] || servers+=(baseline)
	for ((i = 0; i < rounds; i++)); do
		for name in "${servers[@]}"; do
			time_one "$name"
		done
	done
	show
}

[ -n "${SKIP_COUNTS:-}" ] || count_all
[ -z "${VFS_TEST_FULL:-}" ] || time_all
exit $status
