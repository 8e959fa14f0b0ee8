# The bridge needs no privilege where the daemon's socket may be opened.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

# as_nobody COMMAND...
as_nobody() {
	as_root setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# fusermount3 mounts for users: it is set-uid root, which no-new-privs would take from it.
as_user() {
	as_root setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
}

start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
as_root chmod 1777 "$SHARE"
as_root chown nobody "$SOCKET" "$MOUNT"
as_root chmod 666 /dev/fuse
ok "connect without any privilege" as_nobody "$BUILD/examples/stat-root" "$SOCKET"

# The daemon serves one connection, and the file of its socket stays.
SOCKET=$WORK/second.sock
start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
as_root chown nobody "$SOCKET"
ok "mount as a user" as_user "$bridge" "$SOCKET" "$MOUNT"
ok "write a file" as_user sh -c "echo hello >'$MOUNT/file'"
ok "the daemon's side has it" grep -q hello "$SHARE/file"
ok "unmount as that user" as_user fusermount3 -u "$MOUNT"
ok "the bridge ends" within 10 no_bridge
