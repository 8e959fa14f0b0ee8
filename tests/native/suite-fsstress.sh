# xfstests' fsstress: processes that do everything to one tree; the host sees the same in the end.
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

count=$(count_of 1000 300 5000)

tree() {
	as_root find "$1" -printf '%P %y %m %U:%G %n %l\n' | sort
	as_root env -C "$1" find . -type f -exec cksum {} + | sort
}

run_suite() {
	local dir=$1

	as_root timeout 600 "$SUITE/fsstress" -d "$dir" -n "$count" -p 4 -s 1 >&2 &&
		echo "passed stress" || echo "failed stress"
	tree "$dir" >"$WORK/here"
	tree "$HOST" >"$WORK/there"
	diff "$WORK/here" "$WORK/there" >&2 && echo "passed tree" || echo "failed tree"
}

built_xfstests
compare_suite fsstress
