# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with run.sh
# What tests there are, and what each needs.

# Tests with threads of their own: these run under ThreadSanitizer too.
concurrent_tests=(dax/guard_threads dax/reclaim dax/threads dax/wait file/data_random file/ranges file/threads
	file/window_cut file/window_faults
	stress/device fuse/edge fuse/forget fuse/hand_over fuse/sync
	fuse/wait device/bridge_window device/notices tools/channel tools/jobs tools/lane_reader
	tools/lanes tools/mapper transport/vhost_user transport/vhost_user_backend virtio/ring_threads)

# Tests of native/ that run in sanitized builds too.
native_asan=(bridge-dax equivalence fsx files lanes window-pressure)
native_tsan=(fsx lanes window-pressure)
# Those that take minutes.
native_full=(suite-stress-ng)

case_is_full() {
	grep -qs '^FULL=1' "$top/tests/guest/cases/$1/env"
}

# guest_is_plain NAME: there is nothing of ours in it, or what counts is how long it takes.
guest_is_plain() {
	[[ $1 == kernel-baseline || $1 == bridge-beside* ]]
}

native_is_full() {
	[[ " ${native_full[*]} " == *" $1 "* ]]
}

# library_environments PLACE: those on this machine (native), or those in a guest.
library_environments() {
	local file

	for file in "$top"/tests/library/environments/*/env; do
		grep -qx "PLACE=$1" "$file" || continue
		if [ -n "$full" ] || ! grep -qx 'FULL=1' "$file"; then
			basename "$(dirname "$file")"
		fi
	done
}

# All names, in the order in which they run: what ends soonest first.
all_tests() {
	local build file name

	printf 'build/%s\n' gcc clang asan tsan
	for build in gcc asan; do
		for file in "$top"/tests/*/test_*.c; do
			[ -e "$file" ] || continue
			name=${file#"$top/tests/"}
			name=${name%.c}
			echo "unit/$build/${name/test_/}"
		done
	done
	printf 'unit/tsan/%s\n' "${concurrent_tests[@]}"
	for file in "$top"/tests/checks/*.sh; do
		echo "check/$(basename "$file" .sh)"
	done
	for file in "$top"/tests/native/*.sh; do
		name=$(basename "$file" .sh)
		[ "$name" = lib ] || { [ -z "$full" ] && native_is_full "$name"; } || echo "native/$name"
	done
	printf 'native-asan/%s\n' "${native_asan[@]}"
	printf 'native-tsan/%s\n' "${native_tsan[@]}"
	for file in "$top"/tests/bench/*.sh; do
		echo "bench/$(basename "$file" .sh)"
	done
	library_environments native | sed 's|^|library/|'
	library_environments native | sed 's|^|library-asan/|'
	library_environments guest | sed 's|^|library/|'
	for file in "$top"/tests/guest/cases/*/; do
		name=$(basename "$file")
		[ -z "$full" ] && case_is_full "$name" || echo "guest/$name"
	done
	[ -z "$full" ] || for file in "$top"/tests/guest/cases/*/; do
		name=$(basename "$file")
		guest_is_plain "$name" || echo "guest-asan/$name"
	done
}

# Which build a test needs: it is made first, and counts as a test when it was asked for.
build_of() {
	case $1 in
	build/* | unit/*) cut -d/ -f2 <<<"$1" ;;
	check/exports | check/dependencies | bench/* | native/* | library/* | guest/*) echo gcc ;;
	guest-asan/* | library-asan/* | native-asan/*) echo asan ;;
	native-tsan/*) echo tsan ;;
	esac
}

# packages_for NAME...
packages_for() {
	local test

	for test; do
		case $test in
		build/clang) echo "$PACKAGES_BUILD $PACKAGES_UNIT $PACKAGES_CLANG" ;;
		build/* | unit/*) echo "$PACKAGES_BUILD $PACKAGES_UNIT" ;;
		check/kernel-doc) echo "$PACKAGES_BUILD $PACKAGES_DOCS" ;;
		check/*) echo "$PACKAGES_BUILD $PACKAGES_UNIT $PACKAGES_LINT $PACKAGES_CLANG" ;;
		bench/*) echo "$PACKAGES_BUILD $PACKAGES_UNIT $PACKAGES_BENCH" ;;
		native/suite-*)
			echo "$PACKAGES_BUILD $PACKAGES_UNIT $PACKAGES_GUEST"
			case $test in
			*-fio) echo fio ;;
			*-stress-ng) echo stress-ng ;;
			*-fsx | *-fsstress) echo "git xfslibs-dev" ;;
			*-ltp) echo "git autoconf automake" ;;
			*-build) ;;
			*) echo git ;;
			esac
			;;
		native*) echo "$PACKAGES_BUILD $PACKAGES_UNIT $PACKAGES_GUEST strace curl" ;;
		guest* | library*) echo "$PACKAGES_BUILD $PACKAGES_UNIT $PACKAGES_GUEST" ;;
		esac
	done | tr ' ' '\n' | sort -u
}
