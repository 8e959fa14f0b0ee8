# shellcheck shell=sh

figures=/tmp/figures
round=

# show WHAT COMMAND...: how long one operation took becomes part of the result, and a line in $figures.
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
		ok "${round:+$round: }$show_what: $((show_ns / 1000)).$((show_ns / 100 % 10)) us"
		echo "$show_what: $show_ns" >>"$figures"
	fi
}

# median WHAT: of all rounds, in ns.
median() {
	sed -n "s/^$1: //p" "$figures" | sort -n >/tmp/sorted
	sed -n "$((($(wc -l </tmp/sorted) + 1) / 2))p" /tmp/sorted
}

# compare WHAT BARE: how much longer the library takes for it than a bare loop. Nobody asserts it.
compare() {
	compare_library=$(median "library, $1")
	compare_bare=$(median "$2")
	if [ -z "$compare_library" ] || [ -z "$compare_bare" ]; then
		fail "library, $1/$2: a figure is missing"
		return
	fi
	compare_percent=$((100 * compare_library / compare_bare))
	compare_hundredths=$((compare_percent % 100 + 100))
	ok "library, $1/$2: $((compare_percent / 100)).${compare_hundredths#1} (medians)"
}

library() {
	virtiofs-bench "$bdf" --op getattr --no-latency "$@"
}

load_bridge
bdf=$(fs_bdf)
give_to "$bdf" vfio-pci
for round in 1 2 3 4 5; do
	show "bare loop, depth 1, polling" bare-loop "$bdf" 5000 1 poll
	show "bare loop with work, depth 1, polling" bare-loop "$bdf" 5000 1 poll 50
	show "library, depth 1, polling" library --count 5000 --depth 1 --poll always
	show "library, depth 1, auto" library --count 5000 --depth 1 --poll auto
	show "bare loop, depth 1, interrupt" bare-loop "$bdf" 2000 1 interrupt
	show "library, depth 1, interrupt" library --count 2000 --depth 1 --poll never
	show "bare loop, depth 32" bare-loop "$bdf" 20000 32 poll
	show "library, depth 32" library --count 20000 --depth 32 --poll always
done
round=
give_to "$bdf" virtio-pci
check "mount with the kernel's driver" kernel_mount myfs /mnt
show "the kernel's driver, statx" statx-loop /mnt 2000
check "unmount" umount /mnt
compare "depth 1, polling" "bare loop, depth 1, polling"
compare "depth 1, polling" "bare loop with work, depth 1, polling"
compare "depth 1, auto" "bare loop, depth 1, polling"
compare "depth 1, auto" "bare loop with work, depth 1, polling"
compare "depth 1, interrupt" "bare loop, depth 1, interrupt"
compare "depth 32" "bare loop, depth 32"
