# shellcheck shell=sh

bdf=$(fs_bdf)

# Once the bridge has mounted: some I/O, then the command, and SIGKILL if that does not end it.
end_soon() {
	wait_for 10 mounted /mnt && echo data >/mnt/file && touch /tmp/written && "$@"
	wait_for 10 no_bridge || kill -9 "$(bridge_pid)"
}

# ends_by DESCRIPTION COMMAND...: a bridge, ended by the command, exits with 0. It is the bridge
# that is in the foreground, since a shell lets its background commands ignore SIGINT.
ends_by() {
	what=$1
	shift
	rm -f /tmp/written
	end_soon "$@" 2>/dev/null &
	virtiofs-fuse myfs /mnt -f >/tmp/bridge.out 2>&1
	status=$?
	wait
	check "$what: exit status 0" test $status = 0
	check "$what: was mounted and used" [ -e /tmp/written ]
	check "$what: said nothing" sh -c '! grep . /tmp/bridge.out'
	check "$what: unmounted" not_mounted /mnt
	check "$what: the device is in reset" in_reset "$bdf"
}

signal_bridge() {
	kill "-$1" "$(bridge_pid)"
}

load_bridge
bind_vfio || fail "bind"
ends_by SIGINT signal_bridge INT
ends_by SIGTERM signal_bridge TERM
ends_by SIGHUP signal_bridge HUP
ends_by "fusermount3 -u" fusermount3 -u /mnt
ends_by umount umount /mnt

# A build without libseccomp, or with a sanitizer, has no filter.
filtered() {
	virtiofs-fuse -V | grep 'libseccomp [0-9]' || return 0
	grep '^Seccomp:.*2' "/proc/$(bridge_pid)/status"
}

# clone3 (435) is never allowed, so that the C library takes clone.
none_refused() {
	! dmesg | grep 'type=1326 ' | grep -v 'syscall=435 '
}

check "mount once more" bridge_mount myfs /mnt
check "it has no capabilities" \
	grep '^CapPrm:.*0000000000000000' "/proc/$(bridge_pid)/status"
check "few system calls are left" filtered
check "unmount" bridge_umount /mnt
check "the device is in reset" in_reset "$bdf"
check "none of the system calls for that was refused" none_refused
kernel_is_content
