# What a read or write of 4 KiB in the DAX window costs the library beside memcpy(): instructions and calls
# of malloc as valgrind counts them, system calls as strace does. The loop fails if one was a request. Each
# figure is the difference of two runs. How fast that is, is printed only.
# shellcheck shell=bash
# shellcheck source=tests/bench/lib/count.sh
. "$TOP/tests/bench/lib/count.sh"

loop=$BUILD/tests/bench/window-loop
few=4000 many=14000

end_cleanly
make_workdir
socket=$WORK/fs.sock
mkdir "$WORK/share"
start_device "$socket" --dir "$WORK/share" --dax 64

# run COUNT OPERATION COMMAND...: so many under a program that counts. It fails if one was no hit.
run() {
	local count=$1 operation=$2
	shift 2
	counted "$@" "$loop" "$socket" "$operation" "$count"
}

# instructions COUNT OPERATION FUNCTION: what is done in the function.
instructions() {
	run "$1" "$2" valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect="$3"
	collected
}

mallocs() {
	run "$1" "$2" valgrind
	allocations
}

# Those by which files are read and written, memory is copied and threads wait for each other.
system_calls() {
	run "$1" "$2" strace -f -c -S name -o "$WORK/strace" \
		-e trace=pread64,pwrite64,read,write,process_vm_readv,process_vm_writev,futex,rt_sigprocmask,gettid,clock_gettime
	calls_made
}

# of_one OPERATION FUNCTION
of_one() {
	local first second

	first=$(instructions $few "$@")
	second=$(instructions $many "$@")
	echo $(((second - first) / (many - few)))
}

# measure OPERATION FUNCTION LIMIT: beside memcpy()
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
