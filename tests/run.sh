#!/bin/bash
# Builds and tests everything; see usage below.
# shellcheck disable=SC2034,SC2154 # variables are shared with the parts below
set -euo pipefail

top=$(dirname "$(dirname "$(readlink -f "$0")")")
for part in guest/lib/{common,packages,debian,share,kernel,custom-kernel,qemu,case} \
	lib/{names,kinds,report,times,jobs,table}; do
	# shellcheck source=/dev/null
	. "$top/tests/$part.sh"
done

usage() {
	cat <<-EOF
		usage: tests/run.sh [-k PATTERN] [--full] [--list] [-v]

		  -k PATTERN  only tests whose name matches this regular expression
		  --full      also what takes longer, as guests with a sanitized bridge
		  --list      print the names and stop
		  -v          show what each test printed, not only when it failed

		Installs the Debian packages that are missing. Builds are in build/, build-clang/,
		build-asan/ and build-tsan/, or under \$BUILD_ROOT; what tests printed is in build/test-logs/.
	EOF
}

pattern=. full='' list='' verbose=''
while [ $# -gt 0 ]; do
	case $1 in
	-k)
		[ $# -ge 2 ] || die "-k wants a pattern"
		pattern=$2
		shift
		;;
	--full) full=1 ;;
	--list) list=1 ;;
	-v) verbose=1 ;;
	-h | --help)
		usage
		exit
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done

mapfile -t tests < <(all_tests | grep -E -- "$pattern")
[ ${#tests[@]} -gt 0 ] || die "no test matches $pattern"
if [ -n "$list" ]; then
	printf '%s\n' "${tests[@]}"
	exit
fi

# The directories of the guest cases and of the library's environments among these tests.
case_dirs() {
	printf '%s\n' "$@" | sed -n -e "s|^guest[^/]*/|$top/tests/guest/cases/|p" \
		-e "s|^library[^/]*/|$top/tests/library/environments/|p" | sort -u
}

# Nothing here ends the run: what is still missing then is a reason to skip.
install_for_tests() {
	local names

	mapfile -t names < <(packages_for "${tests[@]}")
	install_packages "${names[@]}" || true
	case " ${tests[*]}" in
	*" guest"* | *" native"* | *" library"*) install_guest_packages || true ;;
	esac
	mapfile -t names < <(case_dirs "${tests[@]}")
	fetch_for_cases "${names[@]}"
}

# have_build NAME: builds when the first test wants it, and remembers how that ended.
declare -A build_status=()
have_build() {
	if [ -z "${build_status[$1]:-}" ]; then
		do_test "build/$1"
		build_status[$1]=${job_status[build/$1]}
	fi
	[ "${build_status[$1]}" = 0 ]
}

end_cleanly
on_exit end_jobs
install_for_tests
mkdir -p "$logs"
for name in "${tests[@]}"; do
	build=$(build_of "$name")
	if [ -n "$build" ] && ! have_build "$build"; then
		finish_jobs
		[[ $name == build/* ]] || skip_test "$name" "build/$build did not succeed"
	elif [[ $name != build/* ]]; then
		do_test "$name"
	fi
done
finish_jobs

show_library_table "${tests[@]}"
show_times
[ ${#bad[@]} = 0 ] || printf '\nfailed: %s\n' "${bad[*]}"
printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
