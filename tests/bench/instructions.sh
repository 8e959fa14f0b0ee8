# What a request costs the library: instructions and calls of malloc as valgrind counts them, system
# calls as strace does. The start is not in it: each figure is the difference of two runs.
# shellcheck shell=bash
# shellcheck source=tests/bench/lib/count.sh
. "$TOP/tests/bench/lib/count.sh"

bench=$BUILD/tools/virtiofs-bench/virtiofs-bench
few=4000 many=14000

end_cleanly
make_workdir
socket=$WORK/null.sock
start_device "$socket" --null

# A run of so many requests, under a program that counts.
run() {
	local count=$1
	shift
	counted "$@" --poll always --count "$count"
}

# Only what the library does between preparing a request and handing it back completed. Waiting,
# which takes as long as the device takes, is not in it.
instructions() {
	run "$1" valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		--toggle-collect=vfs_request_set_data --toggle-collect=vfs_request_prepare \
		--toggle-collect=vfs_queue_submit --toggle-collect=vfs_queue_reap \
		"$bench" "$socket" "${@:2}"
	collected
}

# All that the library does for one request at a time, from the caller's getting it to his putting it
# back, with an answer that is there at look $2. The program is its own device, so it is always the
# same number; what the device does is not in it.
instructions_alone() {
	counted valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		--toggle-collect=requests --toggle-collect=device_notify --toggle-collect=answer_it \
		"$BUILD/tests/bench/one-at-a-time" "$1" "$2"
	collected
}

mallocs() {
	run "$1" valgrind "$bench" "$socket" "${@:2}"
	allocations
}

# And into "ms" how long it took: a thread that only looks asks how the device is each millisecond.
system_calls() {
	run "$1" strace -f -c -S name -o "$WORK/strace" "$bench" "$socket" "${@:2}"
	calls_made
	sed -n 's/.* seconds=\([0-9]*\)\.\([0-9]*\) .*/\1\2/p' "$WORK/out" | sed 's/^0*\(.\)/\1/' >"$WORK/ms"
}

# measure NAME LIMIT OPTION...
measure() {
	local name=$1 limit=$2 first second
	shift 2
	first=$(instructions $few "$@")
	second=$(instructions $many "$@")
	check "instructions of a $name" $(((second - first) / (many - few))) "$limit"
	first=$(mallocs $few "$@")
	second=$(mallocs $many "$@")
	check "calls of malloc in $((many - few)) of them" $((second - first)) 0
}

# measure_alone NAME LIMIT LOOKS
measure_alone() {
	local first second

	first=$(instructions_alone 1000 "$3")
	second=$(instructions_alone 3000 "$3")
	check "instructions of a $1" $(((second - first) / 2000)) "$2"
}

measure "READ of 4 KiB" 375 --op read --depth 32
measure "READ of 4 KiB into registered memory" 420 --op read --depth 32 --registered
measure "GETATTR" 295 --op getattr --depth 32
measure_alone "STATFS alone, answered at once" 503 0
measure_alone "STATFS alone, answered at the fourth look" 701 4

first=$(system_calls 1000 --op read --depth 32)
second=$(system_calls 101000 --op read --depth 32)
check "system calls in 100000 READs, polling, for $(cat "$WORK/ms") ms" $((second - first)) \
	$((1000 + 2 * $(cat "$WORK/ms")))
exit $status
