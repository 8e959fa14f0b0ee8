# shellcheck shell=sh

bdf=$(fs_bdf)

# Once the bridge has mounted: some I/O, then the command, and SIGKILL if that does not end it.
end_soon() {
	wait_for 10 mounted /mnt && echo data >/mnt/file && touch /tmp/written && "$@"
	wait_for 10 no_bridge || kill -9 "$(pidof virtiofs-fuse)"
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
	kill "-$1" "$(pidof virtiofs-fuse)"
}

load_bridge
bind_vfio || fail "bind"
ends_by SIGINT signal_bridge INT
ends_by SIGTERM signal_bridge TERM
ends_by SIGHUP signal_bridge HUP
ends_by "fusermount3 -u" fusermount3 -u /mnt
ends_by umount umount /mnt
kernel_is_content
