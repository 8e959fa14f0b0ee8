# Many more requests at once than the ring has room for: who waits for room is woken, and never
# sleeps for a while to try again.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

command -v strace >/dev/null || skip "no strace"

# A sleep for a time, or giving the processor away, in any form.
never_sleeps() {
	! grep -E 'nanosleep|sched_yield|select|pause' "$WORK/calls"
}

start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
ok "512 requests at a ring of 8 entries" as_root strace -f -c -o "$WORK/calls" \
	"$BUILD/tests/stress/stress-daemon" "$SOCKET" burst 512
ok "system calls were counted" grep -q 'total$' "$WORK/calls"
ok "it waits by poll()" grep -Eq ' p?poll$' "$WORK/calls"
ok "it never sleeps to try again" never_sleeps
