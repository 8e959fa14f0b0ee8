# Many threads on virtiofsd, with no guest: every answer is right, and nothing is left open.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

requests=50000
lookups=50000
if [ -n "${VFS_TEST_FULL:-}" ]; then
	requests=1000000
	lookups=1000000
fi
stress=$BUILD/tests/stress/stress-daemon

# The daemon serves one connection. Its number is that of the process that has the files open.
serving() {
	pgrep -n -f -- "--socket-path=$SOCKET"
}

touch "$SHARE/file"
for kind in c rust; do
	VIRTIOFSD_KIND=$kind virtiofsd_program >/dev/null || continue
	for what in mixed lookups; do
		rm -f "$SOCKET" "$SOCKET.pid"
		VIRTIOFSD_KIND=$kind start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
		if [ "$what" = mixed ]; then
			ok "$kind: $requests mixed requests" as_root "$stress" "$SOCKET" mixed "$requests"
		else
			ok "$kind: $lookups lookups leave nothing open" \
				as_root "$stress" "$SOCKET" lookups "$lookups" file "$(serving)"
		fi
	done
	tested=1
done
[ -n "${tested:-}" ] || skip "no virtiofsd to be had"
