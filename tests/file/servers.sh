# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with tests/native
# What serves a directory for the programs of this folder: each virtiofsd there is, and our device,
# with and without a DAX window.

MODES=("--cache none" "--cache auto" "--cache always" "--cache auto --writeback")

# How much is done in a run, with sanitizers too; NORMAL, SANITIZED, EVERYTHING (with --full).
count_of() {
	if [ -n "${VFS_TEST_FULL:-}" ]; then
		echo "$3"
	elif [[ $BUILD == *-?san ]]; then
		echo "$2"
	else
		echo "$1"
	fi
}

# servers: the kinds that this machine has, or those of $VFS_TEST_SERVERS; dax is our device with a window
# that has few ranges.
servers() {
	local kind

	if [ -n "${VFS_TEST_SERVERS:-}" ]; then
		tr ' ' '\n' <<<"$VFS_TEST_SERVERS"
		return
	fi
	for kind in c rust; do
		VIRTIOFSD_KIND=$kind virtiofsd_program >/dev/null && echo "$kind"
	done
	printf '%s\n' device dax
}

# serve SOCKET COMMAND...: again each time it ends, as a virtiofsd does with its client.
serve() {
	local socket=$1
	shift

	rm -f "$socket"
	# shellcheck disable=SC2016 # for the inner shell
	as_root setpriv --pdeathsig TERM sh -c 'while :; do setpriv --pdeathsig TERM "$@"; sleep 0.02; done' sh "$@" \
		>"$WORK/server.log" 2>&1 </dev/null &
	server=$!
	on_exit "end_process $server"
	within 10 test -S "$socket" || die "$1 did not start: $(tail -n 3 "$WORK/server.log")"
}

serve_virtiofsd() {
	local dir=$1 program options

	program=$(virtiofsd_program)
	options=$(virtiofsd_options "$program" "$dir")
	! virtiofsd_is_c "$program" || options+=" -o posix_lock -o flock"
	# shellcheck disable=SC2086 # options are words
	serve "$SOCKET" "$program" --socket-path="$SOCKET" $options
	# The newest is the one that has the files open.
	server_options=(--daemon "$(pgrep -n -f -- "--socket-path=$SOCKET")")
}

# serve_device DIR OPTION...
serve_device() {
	local dir=$1
	shift

	serve "$SOCKET" "$BUILD/tests/device/virtiofs-device" --vhost-user "$SOCKET" --dir "$dir" \
		--queues 3 --control "$SOCKET.control" "$@"
	server_options=(--control "$SOCKET.control")
	may_lack=tmpfile,shift
}

# start_server KIND DIR: at SOCKET, which nobody had before. What a program has to be told of it is in
# server_options, and what it need not have in may_lack.
servers_started=0
start_server() {
	local kind=$1 dir=$2

	servers_started=$((servers_started + 1))
	SOCKET=$WORK/$servers_started.sock
	case $kind in
	device) serve_device "$dir" ;;
	dax)
		serve_device "$dir" --dax 1
		server_options+=(--dax always --dax-range 65536)
		;;
	*)
		VIRTIOFSD_KIND=$kind serve_virtiofsd "$dir"
		may_lack=tmpfile,shift
		[ "$kind" = c ] || may_lack+=,posix-locks,flock
		;;
	esac
}

end_server() {
	end_process "$server" || true
}
