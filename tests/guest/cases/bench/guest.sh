# shellcheck shell=sh

# show DESCRIPTION COMMAND...: how long one operation took becomes part of the result.
show() {
	show_what=$1
	shift
	if ! "$@" >/tmp/show.out 2>&1; then
		fail "$show_what: $* exited $?: $(tail -n 3 /tmp/show.out | tr '\n' ' ')"
		return
	fi
	show_ns=$(sed -n 's/.*ns_per_op=\([0-9]*\).*/\1/p' /tmp/show.out)
	show_rate=$(sed -n 's/.*ops_per_s=\([0-9]*\).*/\1/p' /tmp/show.out)
	[ -z "$show_rate" ] || show_ns=$((1000000000 / show_rate))
	if [ -z "$show_ns" ]; then
		fail "$show_what: said nothing: $(cat /tmp/show.out)"
	else
		ok "$show_what: $((show_ns / 1000)).$((show_ns / 100 % 10)) us"
	fi
}

load_bridge
bdf=$(fs_bdf)
give_to "$bdf" vfio-pci
for round in 1 2 3; do
	show "$round: bare loop, depth 1, polling" bare-loop "$bdf" 5000 1 poll
	show "$round: library, depth 1, polling" virtiofs-bench "$bdf" --op getattr --count 5000 --depth 1 --poll always
	show "$round: bare loop, depth 1, interrupt" bare-loop "$bdf" 2000 1 interrupt
	show "$round: library, depth 1, interrupt" virtiofs-bench "$bdf" --op getattr --count 2000 --depth 1 --poll never
	show "$round: library, depth 1, auto" virtiofs-bench "$bdf" --op getattr --count 5000 --depth 1 --poll auto
	show "$round: bare loop, depth 32" bare-loop "$bdf" 20000 32 poll
	show "$round: library, depth 32" virtiofs-bench "$bdf" --op getattr --count 20000 --depth 32 --poll always
done
give_to "$bdf" virtio-pci
check "mount with the kernel's driver" kernel_mount myfs /mnt
show "the kernel's driver, statx" statx-loop /mnt 2000
check "unmount" umount /mnt
