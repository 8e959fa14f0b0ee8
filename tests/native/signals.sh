# A process with a timer, whose signals come while requests are under way, gets its answers, and
# leaves the daemon and the bridge alive. QEMU's virtiofsd does not survive each INTERRUPT.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

# shellcheck disable=SC2016 # for perl
program='$SIG{ALRM} = sub { $n++ }; ualarm(200, 200);
	for (1 .. 20000) { chmod(0600 + $_ % 2, $ARGV[0]) or die "chmod $_: $!" }
	ualarm(0); die "no signals" unless $n; print "$n signals\n"'

for kind in $(servers); do
	[ "$kind" != dax ] || continue
	start_server "$kind" "$SHARE"
	ok "mount $kind" as_root "$bridge" "$SOCKET" "$MOUNT"
	as_root touch "$MOUNT/file"
	ok "$kind: each request is answered" as_root timeout 60 perl -MTime::HiRes=ualarm -e "$program" \
		"$MOUNT/file"
	ok "unmount" as_root fusermount3 -u "$MOUNT"
	ok "the bridge ends" within 20 no_bridge
	end_server
done
