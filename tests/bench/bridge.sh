# What a request costs the bridge on each lane: system calls as strace counts them, and calls of malloc.
# With VFS_TEST_FULL also times, beside those of servers that have no device behind them;
# nothing is expected of these.
# shellcheck shell=bash
# shellcheck source=tests/bench/lib/count.sh
. "$TOP/tests/bench/lib/count.sh"
# shellcheck source=tests/lib/rings.sh
. "$TOP/tests/lib/rings.sh"

bench=$BUILD/tests/bench
bridge=$BUILD/tools/virtiofs-fuse/virtiofs-fuse
# Another build of the bridge, to be compared with.
baseline=${BASELINE:-}
rounds=${ROUNDS:-5}
# Any of single, readers, uring.
read -ra lanes <<<"${LANES:-single readers uring}"

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

# start_bridge OPTIONS COMMAND...
start_bridge() {
	local options=$1
	shift
	start_server "$@" "$WORK/null.sock" "$WORK/mount" -f -o "$options"
}

stop_server() {
	# Whoever looks at mounts may be in it for a moment.
	within 5 umount "$WORK/mount"
	wait "$server" || die "the server: exit status $?: $(tail -n 3 "$WORK/err")"
}

# client OPERATION THREADS COUNT
client() {
	timeout -s KILL 120 "$bench/bridge-client" "$WORK/mount" "$@" || die "bridge-client $*: exit status $?"
}

# Leaves those lanes that the machine has.
find_lanes() {
	local lane found=()

	for lane in "${lanes[@]}"; do
		if [ "$lane" = uring ] && ! rings_begin; then
			echo "skip lane=uring: the kernel has no FUSE over io_uring (Linux 6.14 has)"
		else
			found+=("$lane")
		fi
	done
	lanes=("${found[@]}")
}

# ---- what is counted ----

# Attaches to a server that is there, so that its start is not in what is counted.
start_counting() {
	strace -f -c -S name -p "$server" -o "$WORK/strace" 2>"$WORK/strace.err" &
	counter=$!
	within 20 grep -q attached "$WORK/strace.err"
}

# Sets calls to what was counted.
stop_counting() {
	kill "$counter"
	wait "$counter" || true
	calls=$(calls_made)
}

# of_1000 OPERATION THREADS LIMIT DESCRIPTION: opening the files is in it, and little.
of_1000() {
	local each=$((2000 / $2))

	start_counting
	client "$1" "$2" "$each" >"$WORK/figure"
	stop_counting
	check "system calls in 1000 of $1, $2 at once, $4" $((calls * 1000 / (each * $2))) "$3"
}

# idle LIMIT DESCRIPTION: system calls in a second of a bridge that had much to do before.
idle() {
	start_counting
	sleep 1
	stop_counting
	# Those who were there may still be leaving.
	check "system calls in a second with nothing to do, $2" "$calls" "$1"
}

# count_calls LANE QUEUES READ GETATTR MANY: limits for the device that polls. Such a one need not be
# notified, whenever it was.
count_calls() {
	local how="lane=$1, request queues $2"

	start_null --queues "$2"
	start_bridge "poll=never,lane=$1" "$bridge"
	of_1000 read-4k 1 "$3" "$how"
	of_1000 getattr 1 "$4" "$how"
	of_1000 read-4k 32 "$5" "$how"
	idle 100 "$how, poll=never"
	stop_server
	end_process "$device" || true
}

# What looks before it sleeps has to stop that when nothing comes.
count_idle() {
	start_null --sleep --queues 2
	start_bridge "poll=auto,lane=$1" "$bridge"
	client read-4k 8 500 >"$WORK/figure"
	idle 100 "lane=$1, poll=auto"
	stop_server
	end_process "$device" || true
}

# mallocs LANE COUNT: sets made to those of a bridge from its start to its end.
mallocs() {
	start_bridge "poll=never,lane=$1" env LD_PRELOAD="$bench/libcount-mallocs.so" "$bridge"
	client read-4k 4 "$2" >"$WORK/figure"
	stop_server
	made=$(sed -n 's/^calls of malloc: //p' "$WORK/err")
	[ "${made:-0}" -gt 0 ] || die "calls of malloc were not counted"
}

count_mallocs() {
	local first made

	start_null --sleep --queues 2
	mallocs "$1" 50
	first=$made
	mallocs "$1" 250
	check "calls of malloc in 800 of read-4k, lane=$1" $((made - first)) 0
	end_process "$device" || true
}

count_all() {
	local lane

	for lane in "${lanes[@]}"; do
		case $lane in
		single) count_calls single 1 4500 4500 4500 ;;
		readers)
			count_calls readers 1 5000 5000 5000
			count_calls readers 2 4500 4500 4500
			;;
		uring)
			count_calls uring 1 4000 4000 4000
			count_calls uring 2 3500 3500 3500
			;;
		esac
		count_idle "$lane"
		count_mallocs "$lane"
	done
}

# ---- what is timed ----

# NAME THREADS COUNT
operations=("getattr 1 3000" "getattr 2 3000" "read-4k 1 3000" "read-4k 2 3000" "read-4k 32 300"
	"read-1m 1 128" "read-1m 2 128" "read-1m-direct 1 300" "write-1m 1 128" "write-1m 2 128"
	"write-1m-direct 1 300")

# The device sleeps when it has nothing to do, as daemons do; with "polled" it does not.
list_servers() {
	local lane

	servers=(bare libfuse libfuse-many)
	for lane in "${lanes[@]}"; do
		servers+=("$lane" "$lane-polled")
		[ -z "$baseline" ] || servers+=("$lane-baseline")
	done
}

# The device has two request queues, of which a single reader uses one.
start() {
	case $1 in
	bare) start_server "$bench/bridge-bare" "$WORK/mount" ;;
	libfuse) start_server "$bench/bridge-libfuse" "$WORK/mount" single ;;
	libfuse-many) start_server "$bench/bridge-libfuse" "$WORK/mount" many ;;
	*-polled)
		start_null --queues 2
		start_bridge "lane=${1%-polled}" "$bridge"
		;;
	*-baseline)
		start_null --sleep --queues 2
		start_bridge "lane=${1%-baseline}" "$baseline"
		;;
	*)
		start_null --sleep --queues 2
		start_bridge "lane=$1" "$bridge"
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

	list_servers
	for ((i = 0; i < rounds; i++)); do
		for name in "${servers[@]}"; do
			time_one "$name"
		done
	done
	show
}

find_lanes
[ -n "${SKIP_COUNTS:-}" ] || count_all
[ -z "${VFS_TEST_FULL:-}" ] || time_all
exit $status
