# shellcheck shell=bash
# The host's side of a shared directory: a virtiofsd, or a device of our own, on a socket.

virtiofsd_is_c() {
	"$1" --help 2>&1 | grep -q -- '-o source=PATH'
}

# first_virtiofsd KIND PROGRAM...: of this kind, or of any if it is empty.
first_virtiofsd() {
	local kind=$1 program
	shift

	for program; do
		[ -x "$program" ] || continue
		case $kind in
		rust) ! virtiofsd_is_c "$program" || continue ;;
		c) virtiofsd_is_c "$program" || continue ;;
		esac
		echo "$program"
		return
	done
	return 1
}

# Rust's first: where both are installed it is the one that is still maintained. It is fetched only
# where a test wants it and no other.
virtiofsd_program() {
	local kind=${VIRTIOFSD_KIND:-}

	# shellcheck disable=SC2086 # a list
	first_virtiofsd "$kind" ${VIRTIOFSD:-/usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd} && return
	[ "$kind" = rust ] && fetched_program virtiofsd
}

# The C daemon names its options differently.
virtiofsd_options() {
	if virtiofsd_is_c "$1"; then
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

	program=$(virtiofsd_program) || skip "no ${VIRTIOFSD_KIND:+$VIRTIOFSD_KIND }virtiofsd to be had"
	options=$(virtiofsd_options "$program" "$dir")
	# shellcheck disable=SC2086 # options are words
	start_daemon "$socket" "$log" "$program" --socket-path="$socket" \
		--socket-group="$(id -gn)" $options
}

# start_device SOCKET LOG OPTION...: our own, with the case's face, options and file of faults.
start_device() {
	local socket=$1 log=$2
	shift 2

	[ ! -e "$WORK/scripts/faults" ] || set -- "$@" --script "$WORK/scripts/faults"
	# shellcheck disable=SC2086 # options are words
	start_daemon "$socket" "$log" "$BUILD/tests/device/virtiofs-device" \
		"--${FACE:-vhost-user}" "$socket" "$@" ${DEVICE_OPTIONS:-}
}

# start_share DIR SOCKET LOG [TAG]: with the case's kind of daemon. virtiofsd leaves the tag to QEMU.
start_share() {
	local dir=$1 socket=$2 log=$3 tag=${4:-myfs}

	case ${DAEMON:-virtiofsd} in
	virtiofsd) start_virtiofsd "$dir" "$socket" "$log" ;;
	device) start_device "$socket" "$log" --tag "$tag" --dir "$dir" ;;
	relay)
		start_virtiofsd "$dir" "$socket.behind" "$log.behind"
		start_device "$socket" "$log" --tag "$tag" --relay "$socket.behind"
		;;
	*) die "DAEMON=$DAEMON: only virtiofsd, device and relay exist" ;;
	esac
}
