# A PCI function on a socket is mounted: the PCI transport with no guest and no VFIO.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

# as_nobody COMMAND...
as_nobody() {
	as_root setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# The server says what a client does that it should not.
nothing_said() {
	[ ! -s "$WORK/server.log" ] || die "the server: $(cat "$WORK/server.log")"
}

start_vfio_user "$SHARE" "$SOCKET" "$WORK/server.log" --queues 3 --dax 64 --access-platform
path=$SOCKET
SOCKET=vfio-user:$path
ok "mount the function" "$bridge" "$SOCKET" "$MOUNT"
ok "workload through the bridge" run_workload "$MOUNT"
ok "unmount" fusermount3 -u "$MOUNT"
ok "the bridge ends" within 10 no_bridge
ok "the server's side agrees" run_workload --verify "$SHARE"
ok "the next client gets a device as new" "$BUILD/examples/stat-root" "$SOCKET"
as_root chown nobody "$path"
ok "connect without any privilege" as_nobody "$BUILD/examples/stat-root" "$SOCKET"
ok "the server has nothing to complain of" nothing_said

refuses "nothing listens" "$bridge" "$SOCKET.not" "$MOUNT"
as_root kill -STOP "$SERVER"
refuses "did not answer within" "$bridge" "$SOCKET" "$MOUNT"
as_root kill -CONT "$SERVER"
ok "nothing is mounted" not_mounted
