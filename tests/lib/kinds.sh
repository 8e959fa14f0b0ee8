# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with run.sh
# How each kind of test is run.

build_root=${BUILD_ROOT:-$top}
declare -A build_dir=(
	[gcc]=$build_root/build [clang]=$build_root/build-clang [asan]=$build_root/build-asan
	[tsan]=$build_root/build-tsan)
# clang's is for its warnings, which do not depend on this; it is not run.
# clang's is for its warnings, which do not depend on this; it is not run.
declare -A build_options=(
	[gcc]="-DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=RelWithDebInfo"
	[clang]="-DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0"
	[asan]="-DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DVFS_SANITIZE=address,undefined"
	[tsan]="-DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=RelWithDebInfo -DVFS_SANITIZE=thread")
# What is built; everything if nothing is said.
declare -A build_targets=([tsan]="$(printf 'test-%s ' "${concurrent_tests[@]//\//-}") virtiofs-device virtiofs-fuse
	fsx mixed-load window-pressure")
logs=${build_dir[gcc]}/test-logs

# What each kind of test does: 0 passed, 77 skipped, anything else failed.

run_build() {
	local dir=${build_dir[$1]}

	# shellcheck disable=SC2086 # options are words
	run_interruptibly cmake -G Ninja -S "$top" -B "$dir" ${build_options[$1]} &&
		run_interruptibly ninja -C "$dir" ${build_targets[$1]:-}
}

# Not by ctest, which writes to the same files each time: two of them would disturb each other.
run_unit() {
	local build=${1%%/*} name=${1#*/} limit=${full:+900} status=0

	limit=${limit:-300}
	run_interruptibly env VFS_TEST_FULL="$full" timeout -k 5 "$limit" \
		"${build_dir[$build]}/tests/${name%/*}/test-${name//\//-}" || status=$?
	[ "$status" != 124 ] || echo "not over after $limit s"
	return $status
}

run_check() {
	run_interruptibly env TOP="$top" BUILD="${build_dir[gcc]}" bash "$top/tests/checks/$1.sh"
}

run_bench() {
	run_interruptibly env TOP="$top" BUILD="${build_dir[gcc]}" VFS_TEST_FULL="$full" \
		bash "$top/tests/bench/$1.sh"
}

run_native() {
	run_interruptibly env TOP="$top" BUILD="${build_dir[$(build_of "$1")]}" \
		VFS_TEST_FULL="$full" bash "$top/tests/native/${1#*/}.sh"
}

run_guest() {
	run_interruptibly env KEEP_CONSOLE="$logs/${1//\//-}.console" \
		bash "$top/tests/guest/run-case.sh" "${1#*/}" "${build_dir[$(build_of "$1")]}"
}

run_library() {
	local scale=''

	# What takes time is shown without sanitizers.
	[[ $1 != library-asan/* ]] || scale="--entries 1000 --lookups 2000"
	run_interruptibly env KEEP_CONSOLE="$logs/${1//\//-}.console" LIBRARY_SCALE="$scale" \
		bash "$top/tests/library/run.sh" "${1#*/}" "${build_dir[$(build_of "$1")]}"
}

# run_test NAME: in the background, so that its exit commands are its own. It is that process itself
# that can be told to end, and not one between.
run_test() {
	end_cleanly
	case $1 in
	build/*) run_build "${1#*/}" ;;
	unit/*) run_unit "${1#*/}" ;;
	check/*) run_check "${1#*/}" ;;
	bench/*) run_bench "${1#*/}" ;;
	native*) run_native "$1" ;;
	library*) run_library "$1" ;;
	guest*) run_guest "$1" ;;
	esac
}
