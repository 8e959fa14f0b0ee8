# Bridge, daemon and programs that use the mount get SIGKILL, in each order and on each lane: nobody hangs,
# nothing is left, what fsync() had said is there, and the next mount works.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

# A letter for each: b: the bridge, d: the daemon, c: half of the programs.
orders=(b d c bd db bc cb dc cd bdc bcd dbc dcb cbd cdb)
# Milliseconds between two of them: at once, while the others notice, and when they have done so.
gaps=(0 20 300)
find_lanes
rounds=$((${#orders[@]} * ${#LANES[@]}))
[ -z "${VFS_TEST_FULL:-}" ] || rounds=150
rounds=${KILL_ROUNDS:-$rounds}

# The daemons there are; ours goes on when its client has gone.
kinds=(device)
for kind in c rust; do
	! VIRTIOFSD_KIND=$kind virtiofsd_program >/dev/null || kinds+=("$kind")
done

# What programs read: 256 blocks, each of which says its number in each of its words.
perl -e 'print pack("Q<", $_) x 512 for 0 .. 255' >"$SHARE/blocks"
mkdir -p "$SHARE"/tree/{1,2,3,4,5,6}
touch "$SHARE"/tree/{1,2,3,4,5,6}/{a,b,c,d,e,f,g,h}

bridge_pids() {
	pgrep -f "^$bridge $SOCKET"
}

# The bridge, and the process that unmounts.
serving_pids() {
	pgrep -f "^($bridge $SOCKET|virtiofs-umount: $MOUNT\$)"
}

daemon_pids() {
	pgrep -f -- "--(socket-path=|vhost-user )$SOCKET"
}

no_daemon() {
	! daemon_pids >/dev/null
}

# One that is ending and cannot has no command line any more, but is there.
none_of() {
	local pid

	for pid; do
		! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" || return 1
	done
}

# Somebody is at the other end of the daemon's socket.
no_connection() {
	! awk -v path="$SOCKET" '$8 == path && $6 == "03" { found = 1 } END { exit !found }' /proc/net/unix
}

# in_time COMMAND...: so within 5 seconds.
in_time() {
	within 5 "$@" || { pgrep -af "$WORK" >&2; return 1; }
}

# With a name of its own for each daemon.
daemons=0
start_one() {
	daemons=$((daemons + 1))
	daemon_kind=$kind
	SOCKET=$WORK/$daemons.sock
	if [ "$kind" = device ]; then
		DAEMON=device DEVICE_OPTIONS="--queues 3" start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
	else
		VIRTIOFSD_KIND=$kind start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
	fi
}

# Ours of the round before, if it is still there and wanted.
have_daemon() {
	if ! no_daemon; then
		[ "$kind" != "$daemon_kind" ] || return 0
		daemon_pids | as_root xargs kill
		ok "$daemon_kind ends" in_time no_daemon
	fi
	start_one
}

mount_it() {
	as_root timeout 30 "$bridge" "$SOCKET" "$MOUNT" ${options:+-o "$options"} || return
	mapfile -t serving < <(serving_pids)
}

# kill_them ORDER GAP
kill_them() {
	local victims=() i

	for ((i = 0; i < ${#1}; i++)); do
		case ${1:i:1} in
		b) victims+=("bridge:$(bridge_pids | paste -s -d,)") ;;
		d) victims+=("daemon:$(daemon_pids | paste -s -d,)") ;;
		c) victims+=(clients) ;;
		esac
	done
	as_root timeout -k 5 60 "$BUILD/tests/kill/kill-round" "$MOUNT" "$SHARE" "$2" "${victims[@]}" \
		>"$WORK/said"
}

# Who comes now gets an answer too, an error mostly.
nobody_waits() {
	local status=0

	as_root timeout -s KILL 5 stat "$MOUNT/tree" >/dev/null 2>&1 || status=$?
	[ "$status" != 137 ]
}

# A bridge that was killed leaves the mount, unless told otherwise; one that was not stays without its
# daemon, unless told otherwise.
unmount_what_is_left() {
	case $1 in
	c) as_root "${unmount[@]}" "$MOUNT" ;;
	*b*)
		[[ $options != *,auto_unmount ]] || { in_time not_mounted; return; }
		# A daemon that died before it may have been enough.
		not_mounted || as_root "${unmount[@]}" "$MOUNT" || not_mounted
		;;
	*) [[ $options == *,device_loss=unmount* ]] || as_root "${unmount[@]}" "$MOUNT" ;;
	esac
	in_time not_mounted
}

# Only our own daemon does not end with its client.
nobody_is_left() {
	in_time no_bridge && in_time none_of "${serving[@]}" || return
	[ "$kind$1" = "device${1//d/}" ] || in_time no_daemon || return
	in_time no_connection
}

declare -A longest=()
remember() {
	local order=$1 ms

	ms=$(sed -n 's/^free after \([0-9]*\) ms.*/\1/p' "$WORK/said")
	[ "${longest[$order]:--1}" -ge "$ms" ] || longest[$order]=$ms
}

round() {
	local order=$1 gap=$2
	local what="$order, $gap ms, $kind${options:+, $options}, ${unmount[0]}"

	have_daemon
	mount_it || die "$what: does not mount"
	kill_them "$order" "$gap" || die "$what: $(cat "$WORK/said")"
	nobody_waits || die "$what: who looks at the mount afterwards hangs"
	unmount_what_is_left "$order" || die "$what: the mount is left: $(grep " $MOUNT " /proc/self/mounts)"
	nobody_is_left "$order" || die "$what: something is left"
	remember "$order"
	as_root find "$SHARE" -maxdepth 1 -name 'client-*' -exec rm -r {} +
	echo "ok $what: $(cat "$WORK/said")"
}

for ((n = 0; n < rounds; n++)); do
	# Each time around everything else is another one for the same order, and every third time in another
	# combination.
	turn=$((n / ${#orders[@]}))
	i=$((n % ${#orders[@]}))
	kind=${kinds[(i + turn + turn / 3) % ${#kinds[@]}]}
	options=lane=${LANES[(i / 3 + turn) % ${#LANES[@]}]}
	[ $(((i + i / 4 + turn) % 2)) = 0 ] || options+=,device_loss=unmount
	[ $(((i / 2 + turn + turn / 2) % 2)) = 0 ] || options+=,auto_unmount
	unmount=(umount)
	[ $(((i / 4 + turn) % 2)) = 0 ] || unmount=(fusermount3 -u)
	round "${orders[i]}" "${gaps[(i + i / 3 + 2 * turn) % ${#gaps[@]}]}"
done

for order in "${orders[@]}"; do
	[ -z "${longest[$order]:-}" ] || echo "all are free after at most ${longest[$order]} ms: $order"
done
kind=device options=''
have_daemon
ok "the next mount works" mount_it
ok "it serves" cmp "$SHARE/blocks" "$MOUNT/blocks"
ok "unmount" as_root umount "$MOUNT"
ok "the bridge ends" in_time no_bridge
