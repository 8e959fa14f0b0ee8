# shellcheck shell=bash
# shellcheck disable=SC2153,SC2154 # variables are from the environment's settings
# An environment on this machine: server and program have no privilege at all.

# as_nobody COMMAND...: a user who may nothing; who is one already stays the same.
as_nobody() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all \
			--bounding-set=-all --no-new-privs "$@"
	else
		"$@"
	fi
}

# for_nobody PROGRAM: its path, or that of a copy with what it needs: the cache may be in a directory
# of root's, and what is fetched has its own loader.
for_nobody() {
	local tree library

	if as_nobody test -x "$1"; then
		echo "$1"
		return
	fi
	tree=$(dirname "$(dirname "$1")")
	mkdir -p "$WORK"/daemon/{start,usr/libexec,usr/lib64,usr/lib/x86_64-linux-gnu}
	cp "$1" "$WORK/daemon/start/"
	cp "$tree/usr/libexec/$(basename "$1")" "$WORK/daemon/usr/libexec/"
	cp -L "$tree"/usr/lib64/ld-linux-x86-64.so.2 "$WORK/daemon/usr/lib64/"
	for library in "$tree"/usr/lib/x86_64-linux-gnu/lib{c,m,gcc_s,seccomp,cap-ng}.so.*; do
		cp "$library" "$WORK/daemon/usr/lib/x86_64-linux-gnu/"
	done
	chmod -R a+rX "$WORK/daemon"
	echo "$WORK/daemon/start/$(basename "$1")"
}

# serve SOCKET COMMAND...: again each time it ends, as long as this script is there.
serve() {
	local socket=$1 pid i
	shift

	# What can be told to end is the shell that a function runs in, and the loop has to end with it.
	# shellcheck disable=SC2016 # for the inner shell
	as_nobody setpriv --pdeathsig TERM sh -c 'while :; do setpriv --pdeathsig TERM "$@"; sleep 0.02; done' sh "$@" \
		>"$WORK/server.log" 2>&1 </dev/null &
	pid=$!
	on_exit "end_process $pid"
	for ((i = 0; i < 200; i++)); do
		[ ! -S "$socket" ] || return 0
		sleep 0.05
	done
	tail -n 5 "$WORK/server.log" >&2
	die "$1 did not start"
}

# in_namespace COMMAND...: the C daemon wants to change its root and to write to /run, which a user
# may in a namespace of his own.
in_namespace() {
	# shellcheck disable=SC2016 # for the inner shell
	set -- unshare --user --mount --map-current-user --keep-caps \
		sh -c 'mount -t tmpfs none /run && exec setpriv --pdeathsig TERM "$@"' sh "$@"
	namespaced=("$@")
}

serve_virtiofsd() {
	local socket=$1 program

	program=$(virtiofsd_program) || skip "no ${VIRTIOFSD_KIND:+$VIRTIOFSD_KIND }virtiofsd to be had"
	if virtiofsd_is_c "$program"; then
		in_namespace true
		as_nobody "${namespaced[@]}" 2>/dev/null || skip "users may not have namespaces here"
		in_namespace "$program" --socket-path="$socket" -o source="$SHARE" -o sandbox=chroot \
			-o xattr -o posix_lock --rlimit-nofile=0
		serve "$socket" "${namespaced[@]}"
	else
		serve "$socket" "$(for_nobody "$program")" --socket-path="$socket" \
			--shared-dir="$SHARE" --sandbox=none --xattr --rlimit-nofile=0
	fi
}

# serve_device SOCKET OPTION...
serve_device() {
	local socket=$1
	shift

	# shellcheck disable=SC2086 # options are words
	serve "$socket" "$BUILD/tests/device/virtiofs-device" "--$FACE" "$socket" "$@" $DEVICE_OPTIONS
}

# A process that locks the file of one check (outside_checks.c), besides the server.
start_lock_holder() {
	as_nobody setpriv --pdeathsig TERM "$BUILD/tests/library/lock-holder" "$SHARE" \
		"$SHARE/locks-are-waited-for-in-time/file" &
	on_exit "end_process $!"
}

run_native_environment() {
	local socket=$WORK/fs.sock device program=$BUILD/tests/library/library-test options=()

	as_nobody test -x "$program" || skip "a user may not start programs in $BUILD"
	SHARE=$WORK/share
	mkdir "$SHARE"
	chmod 755 "$WORK"
	[ "$(id -u)" != 0 ] || chown nobody "$WORK" "$SHARE"
	# Each node that the driver knows is a descriptor of the server's.
	ulimit -n "$(ulimit -Hn)"
	case $DAEMON in
	virtiofsd)
		serve_virtiofsd "$socket"
		options+=(--restarts)
		;;
	device) serve_device "$socket" --dir "$SHARE" ;;
	relay)
		serve_virtiofsd "$socket.behind"
		serve_device "$socket" --relay "$socket.behind"
		;;
	*) die "DAEMON=$DAEMON: only virtiofsd, device and relay exist" ;;
	esac
	start_lock_holder
	device=$socket
	[ "$FACE" != vfio-user ] || device=vfio-user:$socket
	# shellcheck disable=SC2086 # options are words
	run_interruptibly as_nobody "$program" --lock-holder ${LIBRARY_OPTIONS:-} ${LIBRARY_SCALE:-} \
		"${options[@]}" "$device" || {
		local status=$?
		sed 's/^/# server: /' "$WORK/server.log" | tail -n 20
		return $status
	}
	[ -z "$(ls -A "$SHARE")" ] || die "files are left: $(ls "$SHARE")"
}
