# The first command of the README does what it says, and leaves nothing running.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

no_daemon() {
	! pgrep -f -- "--socket-path=${shared%share}"
}

status=0
run_interruptibly "$TOP/examples/quickstart.sh" >"$WORK/quickstart" 2>&1 || status=$?
cat "$WORK/quickstart"
ok "exit status 0" test "$status" = 0
ok "it mounts" grep -q 'fuse.virtiofs' "$WORK/quickstart"
ok "the guest reads what the host wrote" grep -q '^ *Hello from the host' "$WORK/quickstart"
ok "the host reads what the guest wrote" grep -q '^ *Hello from the guest, through VFIO' "$WORK/quickstart"
ok "the kernel's driver is not involved" grep -q "the kernel's virtiofs driver has no part" "$WORK/quickstart"
ok "the device is given back" grep -q 'is bound to virtio-pci now' "$WORK/quickstart"
shared=$(sed -n 's/^==> Sharing \([^ ]*\) .*/\1/p' "$WORK/quickstart")
ok "nothing is left of $shared" test ! -e "$shared"
ok "no daemon is left" no_daemon
