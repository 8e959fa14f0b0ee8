# shellcheck shell=sh

bdf=$(fs_bdf)

# ends_by DESCRIPTION COMMAND...: a bridge in the foreground, ended by the command, says 0.
ends_by() {
	what=$1
	shift
	virtiofs-fuse myfs /mnt -f >/tmp/bridge.out 2>&1 &
	bridge=$!
	if ! wait_for 10 mounted /mnt; then
		kill -9 $bridge
		wait $bridge
		fail "$what: no mount: $(cat /tmp/bridge.out)"
		return
	fi
	check "$what: write" sh -c "echo '$what' >/mnt/file"
	"$@"
	(sleep 10 && kill -9 $bridge) 2>/dev/null &
	watchdog=$!
	wait $bridge
	status=$?
	kill $watchdog
	check "$what: exit status 0" [ $status = 0 ]
	check "$what: said nothing" [ ! -s /tmp/bridge.out ]
	check "$what: unmounted" not_mounted /mnt
	check "$what: the device is in reset" in_reset "$bdf"
}

signal_bridge() {
	kill "-$1" $bridge
}

load_bridge
bind_vfio || fail "bind"
ends_by SIGINT signal_bridge INT
ends_by SIGTERM signal_bridge TERM
ends_by SIGHUP signal_bridge HUP
ends_by "fusermount3 -u" fusermount3 -u /mnt
ends_by umount umount /mnt
kernel_is_content
