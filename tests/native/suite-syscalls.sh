# libfuse's test_syscalls: system calls on a mount, compared with the directory behind it.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the files below
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"
# shellcheck source=tests/suites/lib.sh
. "$TOP/tests/suites/lib.sh"

URL=https://github.com/libfuse/libfuse
COMMIT=e8d407ce93bf0d87efe7bbfafdfbd3c471597a02

build_syscalls() {
	local source=$1 result=$2

	: >"$source/fuse_config.h"
	gcc -w -O1 -DHAVE_COPY_FILE_RANGE -DHAVE_STATX -I"$source" -o "$result/test_syscalls" \
		"$source/test/test_syscalls.c"
}

# A test that cannot run says nothing; one that fails says its name and why.
run_suite() {
	local status=0

	as_root timeout 120 "$SUITE/test_syscalls" "$1" ":$HOST" >"$WORK/lines" 2>&1 || status=$?
	sed -n 's/.* \([0-9]*\) \[\(.*\)\] START$/\1 \2/p' "$WORK/lines" | while read -r number what; do
		if grep -Fq "$number [$what] OK" "$WORK/lines"; then
			echo "passed $number-${what// /_}"
		elif grep -Eq "^ *$number \[.* - " "$WORK/lines"; then
			echo "failed $number-${what// /_}"
		else
			echo "skipped $number-${what// /_}"
		fi
	done
	[ "$status" = 0 ] && echo "passed status" || echo "failed status"
	cat "$WORK/lines" >&2
}

built_suite syscalls "$URL" "$COMMIT" build_syscalls
compare_suite syscalls
