#!/bin/bash
# From nothing to a mounted directory: see usage below.
set -euo pipefail

top=$(dirname "$(dirname "$(readlink -f "$0")")")
for part in common packages debian share kernel initramfs qemu; do
	# shellcheck source=/dev/null
	. "$top/tests/guest/lib/$part.sh"
done

usage() {
	cat <<-EOF
		usage: examples/quickstart.sh [--shell]

		Shows a directory of this machine to a virtual machine, where libvirtiofs drives the
		virtio-fs device from userspace: the guest's own virtiofs driver is not involved.
		Nothing of this machine's is changed, but that missing Debian packages are installed.

		  --shell  leaves you in the guest, with the directory mounted on /mnt;
		           "exit" switches the guest off, as does Ctrl-a x in an emergency
	EOF
}

shell=''
case ${1:-} in
'') ;;
--shell) shell=1 ;;
-h | --help)
	usage
	exit
	;;
*)
	usage >&2
	exit 2
	;;
esac

build=$top/build-quickstart
tools=$build/tools

step() {
	printf '==> %s\n' "$*"
}

build_tools() {
	local quiet=--quiet

	# On a terminal ninja shows progress in one line.
	[ ! -t 2 ] || quiet=''
	run_interruptibly cmake -G Ninja -S "$top" -B "$build" -DBUILD_TESTING=OFF \
		-DCMAKE_BUILD_TYPE=RelWithDebInfo >"$WORK/cmake.log" 2>&1 || {
		cat "$WORK/cmake.log" >&2
		die "cmake did not succeed"
	}
	# shellcheck disable=SC2086 # perhaps no option
	run_interruptibly ninja $quiet -C "$build" >&2 || die "the build did not succeed"
}

# What the guest says comes line by line, up to the harness's mark for the end.
show_guest() {
	local line

	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		'@@ end') touch "$WORK/ended" ;;
		*) printf '    %s\n' "$line" ;;
		esac
	done
}

boot() {
	local programs

	if [ -n "$shell" ]; then
		stty size >"$WORK/scripts/size" 2>/dev/null || rm -f "$WORK/scripts/size"
		touch "$WORK/scripts/interactive"
	fi
	mapfile -t programs < <(host_programs)
	programs+=("$tools"/virtiofs-{fuse/virtiofs-fuse,inspect/virtiofs-inspect})
	make_initramfs "$WORK/initramfs" "$KERNEL" "$WORK/scripts" "${programs[@]}"
	qemu_devices intel vhost-user myfs
	if [ -n "$shell" ]; then
		qemu_run 0 512M "$KERNEL" "$WORK/initramfs" -serial mon:stdio
	else
		qemu_run 120 512M "$KERNEL" "$WORK/initramfs" -serial "file:$WORK/console" \
			-serial stdio </dev/null > >(show_guest)
	fi
}

end_cleanly
make_workdir

step "Packages: a compiler, QEMU and virtiofsd"
# shellcheck disable=SC2086 # list of words
{ install_packages $PACKAGES_BUILD && install_guest_packages; } || die "packages are missing"

step "Building libvirtiofs in $build"
build_tools

step "A kernel for the guest: Debian's own"
find_kernel || die "no kernel for the guest"

step "Sharing $WORK/share with virtiofsd, as \"myfs\""
mkdir "$WORK/share" "$WORK/scripts"
cp "$top/examples/quickstart/guest.sh" "$WORK/scripts/"
echo "Hello from the host, $(uname -n)." >"$WORK/share/from-the-host.txt"
start_share "$WORK/share" "$WORK/fs0.sock" "$WORK/virtiofsd.log"

step "Booting the guest (emulated, so that it works everywhere: some seconds)"
boot || die "QEMU: exit status $?"

if [ -z "$shell" ]; then
	wait
	[ -e "$WORK/ended" ] || { tail -n 20 "$WORK/console" >&2; die "the guest did not come to its end"; }
	step "Back on the host: cat $WORK/share/from-the-guest.txt"
	sed 's/^/    /' "$WORK/share/from-the-guest.txt"
	step "Done. examples/quickstart.sh --shell lets you try more."
fi
