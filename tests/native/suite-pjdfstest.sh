# pjdfstest: what POSIX says on each system call, as root and as other users.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the files below
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"
# shellcheck source=tests/suites/lib.sh
. "$TOP/tests/suites/lib.sh"

URL=https://github.com/pjd/pjdfstest
COMMIT=85a8aea9e685999ef0540392fd80535f873d7ff7

# What its configure finds on Linux.
FOUND="FACCESSAT FCHMODAT FCHOWNAT FSTATAT LCHMOD LINKAT MKDIRAT MKFIFOAT MKNODAT OPENAT POSIX_FALLOCATE
	READLINKAT RENAMEAT SYMLINKAT UTIMENSAT STRUCT_STAT_ST_ATIM STRUCT_STAT_ST_CTIM STRUCT_STAT_ST_MTIM
	SYS_SYSMACROS_H"

build_pjdfstest() {
	local source=$1 result=$2 name

	for name in $FOUND; do
		echo "#define HAVE_$name 1"
	done >"$source/config.h"
	gcc -w -O1 -D_GNU_SOURCE -I"$source" -o "$result/pjdfstest" "$source/pjdfstest.c" &&
		cp -r "$source/tests" "$result/"
}

# Many wait for the next second, some make the longest paths that there are.
quick_scripts() {
	grep -L sleep "$SUITE"/tests/*/*.t | grep -v -e /03.t -e '/rename/\(09\|10\).t'
}

all_scripts() {
	printf '%s\n' "$SUITE"/tests/*/*.t
}

# tap_results SCRIPT: by the numbers of its tests; one whose plan does not hold has failed.
tap_results() {
	awk -v script="$1" '
		/^1\.\.[0-9]+/ { plan = substr($1, 4); planned = 1 }
		/^(not )?ok/ {
			count++
			result = /# TODO|# SKIP/ ? "skipped" : /^not/ ? "failed" : "passed"
			print result, script "/" count
			if (result == "failed")
				print script ": " $0 >"/dev/stderr"
		}
		END {
			if (planned && plan == count + 0)
				print "passed", script "/plan"
			else
				print "failed", script "/plan"
		}' "$2"
}

run_suite() {
	local dir=$1 taps=$WORK/taps script name

	rm -rf "$taps"
	mkdir "$taps"
	if [ -n "$full" ]; then all_scripts; else quick_scripts; fi >"$WORK/scripts-to-run"
	# shellcheck disable=SC2016 # for the inner shell
	as_root env -C "$dir" xargs -P 8 -I{} sh -c 'timeout 200 sh "$1" \
		>"$0/$(basename "$(dirname "$1")")-$(basename "$1")" 2>&1' "$taps" {} <"$WORK/scripts-to-run"
	while read -r script; do
		name=$(basename "$(dirname "$script")")-$(basename "$script")
		tap_results "${name%.t}" "$taps/$name"
	done <"$WORK/scripts-to-run"
}

built_suite pjdfstest "$URL" "$COMMIT" build_pjdfstest
# Some ask for the file system's name; the same name, the same tests.
sed -i "s|^#fs=.*|fs=$(df -PT "$WORK" | awk 'END { print toupper($2) }')|" "$SUITE/tests/conf"
# One server, so that it does not take a minute.
[ -n "$full" ] || export VFS_TEST_SERVERS="${VFS_TEST_SERVERS:-$(places | head -n 1)}"
compare_suite pjdfstest
