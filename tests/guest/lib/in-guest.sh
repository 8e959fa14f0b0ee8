# shellcheck shell=sh
# shellcheck disable=SC2119,SC2120 # arguments have defaults
# For a case's guest.sh: reporting, devices, the bridge. Runs under busybox sh.

RESULTS=${RESULTS:-/dev/ttyS1}

# Results: one line each. The console gets them too, to be read among the kernel's messages.
report() {
	echo "@@ $*" >"$RESULTS"
	echo "@@ $*"
}

ok() {
	report "ok $*"
}

fail() {
	report "not ok $*"
	return 1
}

skip() {
	report "skip $*"
}

# check DESCRIPTION COMMAND...
check() {
	check_what=$1
	shift
	if "$@" >/tmp/check.out 2>&1; then
		ok "$check_what"
	else
		fail "$check_what: $* exited $?: $(tail -n 3 /tmp/check.out | tr '\n' ' ')"
	fi
}

# fails_with DESCRIPTION REGEX COMMAND...: it ends by itself, not with 0, and says why in one line.
fails_with() {
	fails_what=$1
	fails_regex=$2
	shift 2
	timeout 30 "$@" >/tmp/fails.out 2>/tmp/fails.err
	fails_status=$?
	fails_lines=$(grep -c '' /tmp/fails.err)
	if [ "$fails_status" = 0 ]; then
		fail "$fails_what: succeeded"
	elif [ "$fails_status" -ge 124 ]; then
		fail "$fails_what: exit status $fails_status: $(head -n 1 /tmp/fails.err)"
	elif [ "$fails_lines" != 1 ] || [ -s /tmp/fails.out ]; then
		fail "$fails_what: not one line: $(cat /tmp/fails.out /tmp/fails.err | tr '\n' '|')"
	elif ! grep -Eqi "$fails_regex" /tmp/fails.err; then
		fail "$fails_what: wants '$fails_regex': $(cat /tmp/fails.err)"
	else
		ok "$fails_what [$(cat /tmp/fails.err)]"
	fi
}

# refuses DESCRIPTION REGEX COMMAND...: fails_with, and has left nothing behind.
refuses() {
	refuses_before=$(drivers)
	fails_with "$@" || return
	if ! nothing_mounted >/tmp/refuses.out; then
		fail "$1: left a mount: $(cat /tmp/refuses.out)"
	elif bridge_running; then
		fail "$1: left a process"
	elif [ "$(drivers)" != "$refuses_before" ]; then
		fail "$1: changed a driver: $refuses_before -> $(drivers)"
	fi
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	wait_tries=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		wait_tries=$((wait_tries - 1))
		[ "$wait_tries" -gt 0 ] || return 1
		usleep 100000
	done
}

# fs_bdf [N]: the N-th virtio-fs function, by address.
fs_bdf() {
	grep -lx 0x105a /sys/bus/pci/devices/*/device | sed -n "${1:-1} s|.*/\(.*\)/device|\1|p"
}

driver_of() {
	[ ! -e "/sys/bus/pci/devices/$1/driver" ] ||
		basename "$(readlink "/sys/bus/pci/devices/$1/driver")"
}

# Of all virtio-fs functions, to compare.
drivers() {
	for function in $(fs_bdf '1,$'); do
		echo "$function=$(driver_of "$function")"
	done
}

driver_is() {
	[ "$(driver_of "$1")" = "$2" ]
}

iommu_group_of() {
	basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")"
}

load() {
	for module; do
		modprobe "$module" || return
	done
}

# What a guest has at boot: a driver for the function, but none for what is behind it.
load_virtio() {
	load virtio_pci
}

load_bridge() {
	load virtio_pci vfio_iommu_type1 vfio-pci fuse && chmod 666 /dev/fuse
}

# give_to BDF DRIVER: by sysfs alone, so that cases do not depend on the tool they may test.
give_to() {
	[ "$(driver_of "$1")" != "$2" ] || return 0
	echo "$2" >"/sys/bus/pci/devices/$1/driver_override"
	[ ! -e "/sys/bus/pci/devices/$1/driver" ] || echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
	echo "$1" >/sys/bus/pci/drivers_probe
	driver_is "$1" "$2"
}

# config_byte BDF OFFSET [OCTAL]: reads it, or sets it.
config_byte() {
	if [ $# = 3 ]; then
		printf %b "\\0$3" | dd of="/sys/bus/pci/devices/$1/config" bs=1 seek="$2" conv=notrunc 2>/dev/null
	else
		hexdump -s "$2" -n 1 -e '"%d"' "/sys/bus/pci/devices/$1/config"
	fi
}

# The device status of a function that nobody has open: QEMU has it in BAR 4, at 0x14. The function
# may sleep, and answers only with memory decoding switched on.
device_status() {
	echo on >"/sys/bus/pci/devices/$1/power/control"
	bar4=$(sed -n '5s/ .*//p' "/sys/bus/pci/devices/$1/resource")
	command=$(printf %03o "$(config_byte "$1" 4)")
	config_byte "$1" 4 002
	devmem $((bar4 + 0x14)) 8
	config_byte "$1" 4 "$command"
	echo auto >"/sys/bus/pci/devices/$1/power/control"
}

# in_reset BDF: reset, and no longer allowed to reach memory.
in_reset() {
	[ $(($(config_byte "$1" 4) & 4)) = 0 ] || { echo "still a bus master"; return 1; }
	in_reset_status=$(device_status "$1")
	[ $((in_reset_status)) = 0 ] || { echo "device status $in_reset_status"; return 1; }
}

bind_vfio() {
	give_to "${1:-$(fs_bdf)}" vfio-pci
}

unbind_vfio() {
	give_to "${1:-$(fs_bdf)}" virtio-pci || return
	echo >"/sys/bus/pci/devices/${1:-$(fs_bdf)}/driver_override"
}

mounted() {
	grep -q " $1 " /proc/mounts
}

nothing_mounted() {
	! grep -E '^[^ ]+ [^ ]+ (fuse|virtiofs)' /proc/mounts
}

not_mounted() {
	! mounted "$1"
}

# bridge_mount TAG|BDF DIR [OPTION...]
bridge_mount() {
	mkdir -p "$2"
	virtiofs-fuse "$@" && mounted "$2"
}

# Not of the process that unmounts, which is the same program.
bridge_pid() {
	for pid in $(pidof virtiofs-fuse); do
		! grep -x virtiofs-fuse "/proc/$pid/comm" >/dev/null || echo "$pid"
	done
}

bridge_running() {
	pidof virtiofs-fuse
}

no_bridge() {
	! bridge_running
}

# bridge_umount DIR: gone from the mount table, and the process gone too.
bridge_umount() {
	fusermount3 -u "$1" && wait_for 10 no_bridge && not_mounted "$1"
}

# known_to_kernel TAG: its driver has probed the device. Older kernels do not list the tags.
known_to_kernel() {
	[ ! -d /sys/fs/virtiofs ] || grep -qx "$1" /sys/fs/virtiofs/*/tag
}

# kernel_mount TAG DIR [OPTIONS]: with the kernel's own driver, the one thing most cases must not
# load. A driver that finds no DAX window mounts all the same. A device that had to wait for a
# virtio-iommu is probed in the background, and has a driver in /sys long before that is over: mount
# says EINVAL until then.
kernel_mount() {
	mkdir -p "$2"
	load virtiofs && wait_for 30 known_to_kernel "$1" &&
		mount -t virtiofs -o "${3:-rw}" "$1" "$2" && grep " $2 .*${3:-rw}" /proc/mounts
}

# translated BDF: its driver agreed to VIRTIO_F_ACCESS_PLATFORM, feature 33, and the IOMMU does not
# just let it pass.
translated() {
	[ "$(cut -c 34 /sys/bus/pci/devices/"$1"/virtio*/features)" = 1 ] &&
		grep '^DMA' "/sys/bus/pci/devices/$1/iommu_group/type"
}

# not_translated BDF
not_translated() {
	[ "$(cut -c 34 /sys/bus/pci/devices/"$1"/virtio*/features)" = 0 ]
}

# From some version on Debian's kernels have it built in.
virtiofs_built_in() {
	[ -d /sys/bus/virtio/drivers/virtiofs ] && ! grep -q '^virtiofs ' /proc/modules
}

# The kernel's driver is not loaded, or it has no device.
virtiofs_unused() {
	! grep '^virtiofs ' /proc/modules && ! ls -d /sys/bus/virtio/drivers/virtiofs/virtio* 2>/dev/null
}

# run_workload DIR [OPTION...]: its lines go straight to the results, so a hang shows where.
run_workload() {
	timeout 500 guest-workload "$@" >"$RESULTS" 2>/tmp/workload.err ||
		fail "workload: exit status $?: $(tail -n 1 /tmp/workload.err)"
}

# kernel_is_content: no IOMMU fault, and nothing that the kernel would complain about.
kernel_is_content() {
	dmesg | grep -E 'DMAR.*[Ff]ault|WARNING:|Oops|BUG:|Call Trace|lockup|blocked for more' >/tmp/bad
	if [ -s /tmp/bad ]; then
		cat /tmp/bad
		fail "kernel log: $(head -n 1 /tmp/bad)"
	else
		ok "no DMAR fault, warning or oops in the kernel's log"
	fi
}

no_sanitizer_report() {
	for file in /tmp/sanitizer.*; do
		[ -e "$file" ] || return 0
		cat "$file"
		fail "sanitizer: $(grep -m 1 -E 'ERROR|runtime error' "$file")"
	done
}
