# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this
# One case: its directory served, one boot, results collected from both sides.

# case_settings DIR: the defaults, overridden by the case's own env file.
case_settings() {
	IOMMU=intel TAGS=myfs MEM=512M TIMEOUT=120 EXTRA='' KERNEL_ARGS='' NEEDS_BRIDGE=1 FULL=''
	QEMU_VERSION='' KERNEL_VERSION='' FACE=vhost-user FS_DEVICE=vhost-user-fs-pci FS_PROPERTIES=''
	DAEMON=virtiofsd VIRTIOFSD_KIND='' DEVICE_OPTIONS='' PROGRAMS='' NESTED='' SAME=''
	# shellcheck disable=SC1091 # each case has its own
	[ ! -e "$1/env" ] || . "$1/env"
}

# The programs that go into the guest; a case with NEEDS_BRIDGE= runs without ours. PROGRAMS has more.
case_programs() {
	local build=$1 program

	host_programs
	for program in $PROGRAMS; do
		echo "$build/$program"
	done
	echo "$build/tests/guest/guest-workload"
	[ -z "$NEEDS_BRIDGE" ] ||
		printf '%s\n' "$build"/tools/virtiofs-{fuse/virtiofs-fuse,inspect/virtiofs-inspect}
}

# host_script NAME: the case's own check or preparation on the host, as the share's owner.
host_script() {
	[ -e "$CASE/$1" ] || return 0
	# shellcheck disable=SC2016 # expanded by the inner shell
	as_root env SHARE="$SHARE" LOG="$WORK/virtiofsd0.log" BUILD="$BUILD" \
		bash -c '. "$0"; . "$1"' "$GUEST_LIB/on-host.sh" "$CASE/$1"
}

# run_case DIR BUILD RESULTS CONSOLE: fills the two files.
run_case() {
	local programs n=0 tag dir
	CASE=$1 BUILD=$2

	find_kernel "$KERNEL_VERSION" || skip "no kernel ${KERNEL_VERSION:+$KERNEL_VERSION }for the guest"
	find_qemu "$QEMU_VERSION" || skip "no QEMU $QEMU_VERSION to be had"
	mapfile -t programs < <(case_programs "$BUILD")
	mkdir "$WORK/scripts"
	cp "$CASE"/* "$WORK/scripts/"
	make_initramfs "$WORK/initramfs" "$KERNEL" "$WORK/scripts" "${programs[@]}"

	SHARE=$WORK/share0
	for tag in $TAGS; do
		dir=$WORK/share$n
		[ -z "$NESTED" ] || [ "$n" = 0 ] || dir=$SHARE/$tag
		[ -z "$SAME" ] || dir=$SHARE
		mkdir -p "$dir"
		start_share "$dir" "$WORK/fs$n.sock" "$WORK/virtiofsd$n.log" "$tag"
		n=$((n + 1))
	done
	host_script host-before.sh >>"$3" || die "host-before.sh failed"

	# shellcheck disable=SC2086 # lists of words
	qemu_devices "$IOMMU" "$FACE" $TAGS
	# shellcheck disable=SC2086
	qemu_run "$TIMEOUT" "$MEM" "$KERNEL" "$WORK/initramfs" -serial "file:$4" \
		-serial "file:$WORK/results" $EXTRA </dev/null || say "QEMU: exit status $?"
	tr -d '\r' <"$WORK/results" >>"$3"
	host_script host-after.sh >>"$3" || echo "@@ not ok host-after.sh: exit status $?" >>"$3"
}

# wants_of DIR...: what else than the machine's own these cases run on, one line each.
wants_of() {
	local dir

	for dir; do
		(
			case_settings "$dir"
			echo "${KERNEL_VERSION:--} ${QEMU_VERSION:-0} ${VIRTIOFSD_KIND:--}"
		)
	done | sort -u
}

# fetch_for_cases DIR...: what these cases want and the machine does not have, so that this is seen
# to happen. What cannot be had is a reason to skip, later.
fetch_for_cases() {
	local version qemu

	while read -r version qemu VIRTIOFSD_KIND; do
		(
			end_cleanly
			find_kernel "${version#-}"
		) || true
		(find_qemu "$qemu") || true
		[ "$VIRTIOFSD_KIND" != rust ] || virtiofsd_program >/dev/null || true
	done < <(wants_of "$@")
	unset VIRTIOFSD_KIND
}
