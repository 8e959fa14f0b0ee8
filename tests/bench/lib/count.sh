# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with the benchmarks
# For tests/bench/*.sh, which count what something costs. $BUILD and $TOP are given. The start of a
# program is in what is counted, so a figure is the difference of two runs.
set -euo pipefail

for part in common packages debian share; do
	# shellcheck source=/dev/null
	. "$TOP/tests/guest/lib/$part.sh"
done

status=0

# within SECONDS COMMAND...: until it succeeds.
within() {
	local tries=$(($1 * 50))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((tries--)) -gt 0 ] || die "not in time: $*"
		sleep 0.02
	done
}

# start_device SOCKET OPTION...: our device there. Sets device to its process.
start_device() {
	local socket=$1
	shift
	rm -f "$socket"
	"$BUILD/tests/device/virtiofs-device" --vhost-user "$socket" "$@" >"$WORK/device.log" 2>&1 </dev/null &
	device=$!
	on_exit "end_process $device"
	within 5 test -S "$socket"
}

# counted COMMAND...: under a program that counts and says so in $WORK/err.
counted() {
	timeout 250 "$@" >"$WORK/out" 2>"$WORK/err" ||
		die "$*: exit status $?: $(tail -n 3 "$WORK/err")"
}

# What callgrind has collected, and how often memcheck has seen memory allocated.
collected() {
	sed -n 's/^.*Collected : \([0-9]*\).*/\1/p' "$WORK/err"
}

allocations() {
	sed -n 's/^.*total heap usage: \([0-9,]*\) allocs.*/\1/p' "$WORK/err" | tr -d ,
}

# What "strace -c -o $WORK/strace" has: the number is in the fourth column, whatever follows it.
calls_made() {
	awk '$NF == "total" { n = $4 } END { print n + 0 }' "$WORK/strace"
}

# check DESCRIPTION FIGURE LIMIT: less is better; limits leave some air for other compilers.
check() {
	if [ "$2" -le "$3" ]; then
		echo "ok $1: $2, at most $3"
	else
		echo "not ok $1: $2, at most $3"
		status=1
	fi
}
