# What options agree on with a real daemon, and what they insist on.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

hugepages=/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages

# asked OPTIONS REGEX: what the kernel has asked for, in words, when a directory was listed.
asked() {
	local pid status=0

	start_server device "$SHARE"
	"$bridge" -f "$SOCKET" "$MOUNT" -o "$1" 2>"$WORK/bridge.log" &
	pid=$!
	within 10 mountpoint -q "$MOUNT" || return 1
	ls -l "$MOUNT" >/dev/null
	kill -USR1 "$pid"
	within 5 grep -q "the kernel asked: " "$WORK/bridge.log" || return 1
	umount "$MOUNT"
	wait "$pid" || status=$?
	end_server
	[ "$status" = 0 ] && grep "the kernel asked: " "$WORK/bridge.log" | grep -Eq "$2"
}

as_root touch "$SHARE/file"
ok "a feature that is there" asked require=do_readdirplus 'READDIRPLUS'
ok "a feature that is off" asked features_off=do_readdirplus 'READDIR [0-9]'
ok "hugepages can be left alone" asked no_hugepages 'READDIRPLUS'

start_server device "$SHARE"
refuses "neither this kernel nor virtiofs-fuse offers the server what is required: submounts" \
	"$bridge" "$SOCKET" "$MOUNT" -o require=submounts
end_server
start_server device "$SHARE"
refuses "the server has not got what is required: posix_acl" \
	"$bridge" "$SOCKET" "$MOUNT" -o require=posix_acl
end_server
refuses "off and required at once: posix_acl" \
	"$bridge" "$SOCKET" "$MOUNT" -o require=posix_acl,features_off=posix_acl
ok "nothing is mounted" not_mounted

# Where there are some, the test of the library's session says the rest.
if [ "$(cat "$hugepages" 2>/dev/null)" = 0 ]; then
	start_server device "$SHARE"
	refuses "hugepages, and [0-9]+ of 2 MiB are not free" \
		"$bridge" "$SOCKET" "$MOUNT" -o hugepages
fi
