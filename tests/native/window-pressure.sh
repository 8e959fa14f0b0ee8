# 64 files, 8 threads and a DAX window of 8 ranges: all of it goes through the window, and is right.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

# Of a range, the window and each file the proportions are the same.
count=$(count_of 40000 8000 1000000)
range=131072 window=1 size=4
[ -z "${VFS_TEST_FULL:-}" ] || range=2097152 window=16 size=64
program=$BUILD/tests/file/window-pressure

ok "the kernel" as_root "$program" --kernel "$SHARE" --count 4000
for mode in "--cache none" "--cache always" "--cache auto --dax-faults system-call"; do
	SOCKET=$WORK/$RANDOM.sock
	serve_device "$SHARE" --dax "$window"
	# shellcheck disable=SC2086 # options are words
	ok "$mode: $count operations" as_root "$program" --device "$SOCKET" --direct "$SHARE" \
		--dax always --dax-range "$range" "${server_options[@]}" --size "$size" --count "$count" $mode
	end_server
done
