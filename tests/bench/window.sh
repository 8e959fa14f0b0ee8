# What a read or write of 4 KiB in the DAX window costs the library beside memcpy(): instructions and calls
# of malloc as valgrind counts them, system calls as strace does. The loop fails if one was a request. Each
# figure is the difference of two runs. How fast that is, is printed only.
# shellcheck shell=bash
set -euo pipefail

for part in common packages debian share; do
	# shellcheck source=/dev/null
	. "$TOP/tests/guest/lib/$part.sh"
done

loop=$BUILD/tests/bench/window-loop
few=4000 many=14000

end_cleanly
make_workdir
socket=$WORK/fs.sock
mkdir "$WORK/share"
"$BUILD/tests/device/virtiofs-device" --vhost-user "$socket" --dir "$WORK/share" --dax 64 \
	>"$WORK/device.log" 2>&1 </dev/null &
device=$!
on_exit "end_process $device"
for ((i = 0; i < 100; i++)); do
	[ ! -S "$socket" ] || break
	sleep 0.05
done

# run COUNT OPERATION COMMAND...: so many under a program that counts. It fails if one was no hit.
run() {
	local count=$1 operation=$2
	shift 2
	timeout 250 "$@" "$loop" "$socket" "$operation" "$count" >"$WORK/out" 2>"$WORK/err" ||
		die "$* $operation $count: exit status $?: $(tail -n 3 "$WORK/err")"
}

# instructions COUNT OPERATION FUNCTION: what is done in the function.
instructions() {
	run "$1" "$2" valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect="$3"
	sed -n 's/^.*Collected : \([0-9]*\).*/\1/p' "$WORK/err"
}

mallocs() {
	run "$1" "$2" valgrind
	sed -n 's/^.*total heap usage: \([0-9,]*\) allocs.*/\1/p' "$WORK/err" | tr -d ,
}

# Those by which files are read and written, memory is copied and threads wait for each other.
system_calls() {
	run "$1" "$2" strace -f -c -S name -o "$WORK/strace" \
		-e trace=pread64,pwrite64,read,write,process_vm_readv,process_vm_writev,futex,rt_sigprocmask,gettid,clock_gettime
	awk '$NF == "total" { n = $4 } END { print n + 0 }' "$WORK/strace"
}

status=0

# check DESCRIPTION FIGURE LIMIT
check() {
	if [ "$2" -le "$3" ]; then
		echo "ok $1: $2, at most $3"
	else
		echo "not ok $1: $2, at most $3"
		status=1
	fi
}

# of_one OPERATION FUNCTION
of_one() {
	local first second

	first=$(instructions $few "$@")
	second=$(instructions $many "$@")
	echo $(((second - first) / (many - few)))
}

# measure OPERATION FUNCTION LIMIT: beside memcpy(). Less is better; the limits leave some air for other
# compilers.
measure() {
	local all first second

	all=$(of_one "$1" "$2")
	echo "a $1 of 4 KiB: $all instructions, $copy in memcpy()"
	check "instructions of a $1 beside memcpy()" $((all - copy)) "$3"
	first=$(mallocs $few "$1")
	second=$(mallocs $many "$1")
	check "calls of malloc in $((many - few)) of them" $((second - first)) 0
	first=$(system_calls 1000 "$1")
	second=$(system_calls 101000 "$1")
	check "system calls in 100000 of them" $((second - first)) 20
}

copy=$(of_one memcpy copy_memory)
measure read vfs_pread 1050
measure write vfs_pwrite 1300
"$BUILD/tests/bench/window-bench" "$socket"
exit $status
