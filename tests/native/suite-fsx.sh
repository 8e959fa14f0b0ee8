# xfstests' fsx: one file, read and written in every way, whose content is known.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the files below
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"
# shellcheck source=tests/suites/lib.sh
. "$TOP/tests/suites/lib.sh"
# shellcheck source=tests/suites/fsx-fsstress.sh
. "$TOP/tests/suites/fsx-fsstress.sh"

count=$(count_of 2000 1000 30000)

# fsx_run NAME OPTION...
fsx_run() {
	local name=$1
	shift

	if as_root timeout 600 "$SUITE/fsx" -q -N "$count" -S 1 "$@" "$dir/$name" >&2; then
		echo "passed $name"
	else
		echo "failed $name"
	fi
}

run_suite() {
	local dir=$1

	fsx_run mapped
	fsx_run unmapped -R -W
	fsx_run direct -Z -R -W -r 4096 -w 4096 -t 4096
}

built_xfstests
compare_suite fsx
