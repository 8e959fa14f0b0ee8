# fio: what is written at random is read again and has the checksums that it was written with.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the files below
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"
# shellcheck source=tests/suites/lib.sh
. "$TOP/tests/suites/lib.sh"

command -v fio >/dev/null || skip "fio is not installed"
size=$(count_of 8m 4m 64m)

# fio_run NAME OPTION...
fio_run() {
	local name=$1
	shift

	if as_root timeout 600 fio --name="$name" --directory="$dir" --size="$size" --verify=crc32c \
		--verify_fatal=1 --do_verify=1 --verify_state_save=0 "$@" >&2; then
		echo "passed $name"
	else
		echo "failed $name"
	fi
}

run_suite() {
	local dir=$1

	fio_run write --rw=randwrite --ioengine=psync --bs=4k-64k
	fio_run mmap --rw=randwrite --ioengine=mmap --bs=4k
	fio_run direct --rw=randrw --ioengine=psync --bs=4k-64k --direct=1
	fio_run aio --rw=randwrite --ioengine=posixaio --bs=4k-64k --iodepth=8
	fio_run processes --rw=randwrite --ioengine=psync --bs=4k --numjobs=4 --fsync=64
}

compare_suite fio
