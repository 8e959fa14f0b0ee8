# shellcheck shell=bash
# The host's side of a shared directory: a virtiofsd, or a device of our own, on a socket.

# Rust's first: where both are installed it is the one that is still maintained.
virtiofsd_program() {
	local program

	for program in ${VIRTIOFSD:-/usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd}; do
		if [ -x "$program" ]; then
			echo "$program"
			return
		fi
	done
	return 1
}

# The C daemon names its options differently.
virtiofsd_options() {
	if "$1" --help 2>&1 | grep -q -- '-o source=PATH'; then
		echo "-o source=$2 -o sandbox=chroot -o xattr"
	else
		echo "--shared-dir=$2 --sandbox=chroot --xattr"
	fi
}

# share_command DIR SOCKET: sets share_command to what serves DIR.
share_command() {
	local program options

	if [ "${DAEMON:-virtiofsd}" = device ]; then
		# shellcheck disable=SC2206 # options are words
		share_command=("$BUILD/tests/device/virtiofs-device" --vhost-user "$2" --dir "$1" $DEVICE_OPTIONS)
		return
	fi
	program=$(virtiofsd_program) || skip "no virtiofsd on this machine"
	options=$(virtiofsd_options "$program" "$1")
	# shellcheck disable=SC2206 # options are words
	share_command=("$program" --socket-path="$2" --socket-group="$(id -gn)" $options)
}

# start_share DIR SOCKET LOG: as root, since a share keeps owners and modes. virtiofsd ends by
# itself when QEMU does; the trap is for a QEMU that never came, and for a device of our own.
start_share() {
	local dir=$1 socket=$2 log=$3 pid i

	share_command "$dir" "$socket"
	as_root "${share_command[@]}" >"$log" 2>&1 </dev/null &
	pid=$!
	on_exit "end_process $pid"
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$socket" ] || return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	tail -n 5 "$log" >&2
	die "${share_command[0]} did not start"
}
