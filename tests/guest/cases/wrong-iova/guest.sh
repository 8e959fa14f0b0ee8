# shellcheck shell=sh

faults() {
	dmesg | grep -E 'DMAR:.*fault addr'
}

load_bridge
bind_vfio || fail "bind"
check "no fault before" sh -c '! dmesg | grep -E "DMAR:.*fault addr"'
timeout 90 wrong-iova "$(fs_bdf)" >/tmp/wrong.out 2>/tmp/wrong.err
status=$?
while read -r line; do
	report "$line"
done </tmp/wrong.out
cat /tmp/wrong.err
[ "$status" = 0 ] || fail "wrong-iova: exit status $status: $(tail -n 1 /tmp/wrong.err)"
check "the IOMMU has refused it" faults
