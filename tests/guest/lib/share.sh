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

# start_daemon SOCKET LOG PROGRAM OPTION...: as root, since a share keeps owners and modes. It ends
# with the shell or the sudo that started it, which is what can be told to end.
start_daemon() {
	local socket=$1 log=$2 pid i
	shift 2

	as_root setpriv --pdeathsig TERM "$@" >"$log" 2>&1 </dev/null &
	pid=$!
	on_exit "end_process $pid"
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$socket" ] || return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	tail -n 5 "$log" >&2
	die "$1 did not start"
}

start_virtiofsd() {
	local dir=$1 socket=$2 log=$3 program options

	program=$(virtiofsd_program) || skip "no virtiofsd on this machine"
	options=$(virtiofsd_options "$program" "$dir")
	# shellcheck disable=SC2086 # options are words
	start_daemon "$socket" "$log" "$program" --socket-path="$socket" \
		--socket-group="$(id -gn)" $options
}

# start_device SOCKET LOG OPTION...: our own, with the case's options.
start_device() {
	local socket=$1 log=$2
	shift 2

	# shellcheck disable=SC2086 # options are words
	start_daemon "$socket" "$log" "$BUILD/tests/device/virtiofs-device" \
		--vhost-user "$socket" "$@" ${DEVICE_OPTIONS:-}
}

# start_share DIR SOCKET LOG: with the case's kind of daemon.
start_share() {
	case ${DAEMON:-virtiofsd} in
	virtiofsd) start_virtiofsd "$1" "$2" "$3" ;;
	device) start_device "$2" "$3" --dir "$1" ;;
	relay)
		start_virtiofsd "$1" "$2.behind" "$3.behind"
		start_device "$2" "$3" --relay "$2.behind"
		;;
	*) die "DAEMON=$DAEMON: only virtiofsd, device and relay exist" ;;
	esac
}
