# What the bridge gives up once it has mounted, that it works without, and that it can still unmount.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

"$bridge" -V | grep -q 'libseccomp [0-9]' || skip "built without libseccomp, or with a sanitizer"

# CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH
to_unmount=0000000000200004
nothing=0000000000000000

# Of a user's mount mountpoint(1) learns nothing, not even as root.
is_mounted() {
	grep -q " $MOUNT fuse" /proc/self/mounts
}

isnt_mounted() {
	! is_mounted
}

# start_as USER OPTIONS: in the foreground, with a descriptor that it does not need. Sets pid and helper.
start_as() {
	local user=$1 options=$2 as=()

	[ "$user" = root ] || as=(setpriv --reuid="$user" --regid=nogroup --clear-groups)
	# The number is the bridge's own, not that of a shell or sudo in front of it.
	# shellcheck disable=SC2016 # for the inner shell
	as_root "${as[@]}" sh -c 'exec 7<"$0" && echo $$ && exec "$@"' "$SHARE" "$bridge" -f \
		"$SOCKET" "$MOUNT" -o "$options" >"$WORK/pid" 2>"$WORK/bridge.log" &
	bridge_job=$!
	within 10 is_mounted || die "not mounted: $(cat "$WORK/bridge.log")"
	pid=$(head -n 1 "$WORK/pid")
	within 5 all_threads_are Seccomp 2 || die "no filter: $(cat "$WORK/bridge.log")"
	helper=$(pgrep -P "$pid")
}

# all_threads_are FIELD VALUE
all_threads_are() {
	! as_root sh -c "sed -n 's/^$1:[[:space:]]*//p' /proc/$pid/task/*/status" | grep -qv "^$2\$"
}

# has PID FIELD VALUE
has() {
	as_root grep -q "^$2:[[:space:]]*$3\$" "/proc/$1/status"
}

has_open() {
	[ "$(as_root ls "/proc/$1/fd" | tr '\n' ' ')" = "$2 " ]
}

has_not_open() {
	! as_root sh -c "readlink /proc/$1/fd/*" | grep -qx "$2"
}

gone() {
	! kill -0 "$1" 2>/dev/null && ! kill -0 "$2" 2>/dev/null
}

# ends_with STATUS
ends_with() {
	local status=0

	wait "$bridge_job" || status=$?
	[ "$status" = "$1" ]
}

given_up() {
	ok "no new privileges" all_threads_are NoNewPrivs 1
	ok "no capabilities in any of $(as_root ls "/proc/$pid/task" | wc -l) threads" \
		all_threads_are CapEff "$nothing"
	ok "nor can they be had again" all_threads_are CapPrm "$nothing"
	ok "its user can attach to it" as_root test "$(stat -c %u "/proc/$pid/fd")" = \
		"$(stat -c %u "/proc/$pid")"
	ok "what it has inherited is closed" has_not_open "$pid" "$SHARE"
	ok "what unmounts has nothing open" has_open "$helper" "0 1 2 3"
}

# What the kernel has noted of it, if it does; 0 also if that may not be read. clone3 (435) is never there.
refused_calls() {
	as_root dmesg 2>/dev/null | grep "type=1326 .*exe=\"$bridge\"" |
		grep -cv 'syscall=435 ' || true
}

before=$(refused_calls)
start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
as_root chmod 1777 "$SHARE"

start_as root sandbox=on
given_up
ok "nothing that it could start has some" has "$pid" CapBnd "$nothing"
ok "what unmounts can do that" has "$helper" CapEff "$to_unmount"
ok "workload" run_workload "$MOUNT"
as_root kill -USR1 "$pid"
ok "it says its figures" within 5 grep -q "the kernel asked: " "$WORK/bridge.log"
as_root kill -INT "$helper"
ok "a signal to what unmounts does nothing" kill -0 "$helper"
echo hello >"$MOUNT/hello"
as_root kill -TERM "$pid"
ok "it ends by a signal" ends_with 0
ok "and has unmounted" isnt_mounted
ok "and written back" grep -q hello "$SHARE/hello"
ok "what unmounted is gone" within 5 gone "$pid" "$helper"

# With a window there are more threads, one of them from before the mount.
as_root find "$SHARE" -mindepth 1 -delete
start_server dax "$SHARE"
start_as root sandbox=on,dax=always,dax_range=65536
given_up
ok "workload with a window" run_workload "$MOUNT"
as_root umount "$MOUNT"
ok "it ends when it is unmounted" ends_with 0
end_server

start_server device "$SHARE"
as_root chown nobody "$SOCKET" "$MOUNT"
as_root chmod 666 /dev/fuse
start_as nobody sandbox=on
given_up
ok "write a file as the user" as_root setpriv --reuid=nobody --regid=nogroup --clear-groups \
	sh -c "echo hello >'$MOUNT/file' && cat '$MOUNT/file'"
as_root kill -TERM "$pid"
ok "fusermount3 unmounts at the end" ends_with 0
ok "nothing is mounted" isnt_mounted
end_server

start_server device "$SHARE"
as_root chown nobody "$SOCKET"
start_as nobody sandbox=auto,device_loss=unmount
end_server
ok "it ends when the daemon dies" ends_with 1
ok "nothing is mounted" isnt_mounted

start_server device "$SHARE"
start_as root sandbox=auto
as_root kill -KILL "$pid"
ok "what unmounts does not outlive it" within 5 gone "$pid" "$helper"
ok "the mount stays, so that nobody writes below it" is_mounted
as_root umount -l "$MOUNT"
end_server

start_server device "$SHARE"
ok "it can be off" as_root "$bridge" "$SOCKET" "$MOUNT" -o sandbox=off
pid=$(pgrep -n -f "^$bridge $SOCKET")
ok "then all is as it was" has "$pid" Seccomp 0
ok "privileges too" has "$pid" NoNewPrivs 0
as_root umount "$MOUNT"
ok "the bridge ends" within 10 no_bridge
ok "no system call was refused" test "$(refused_calls)" -le "$before"
