# shellcheck shell=bash
# One virtual machine with virtio-fs devices.

# Emulated unless asked otherwise: /dev/kvm may open and yet run no stock kernel.
QEMU=${QEMU:-qemu-system-x86_64}
QEMU_ACCEL=${QEMU_ACCEL:-tcg,thread=multi}

# qemu_has_device NAME
qemu_has_device() {
	"$QEMU" -device "$1,help" 2>/dev/null | grep -q options
}

qemu_major() {
	"$QEMU" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\)\..*/\1/p'
}

# find_qemu [VERSION]: sets QEMU to one that is at least so new.
find_qemu() {
	local own

	own=$(qemu_major)
	[ "${1:-0}" -gt "${own:-0}" ] || return 0
	[ "$1" -le 11 ] || die "QEMU_VERSION=$1: 11 is the newest"
	QEMU=$(fetched_program qemu-system-x86_64)
}

# iommu_arguments KIND: the device, and what the guest's kernel is to be told.
iommu_arguments() {
	iommu_kernel_args=''
	case $1 in
	intel)
		qemu_args+=(-device "intel-iommu,intremap=on,caching-mode=on")
		iommu_kernel_args=intel_iommu=on
		;;
	virtio)
		qemu_args+=(-device virtio-iommu-pci)
		# It does not remap interrupts, which vfio accepts only when told to. Its driver is a module:
		# a guest that takes more than 10 s to load it would go on without.
		iommu_kernel_args="vfio_iommu_type1.allow_unsafe_interrupts=1 deferred_probe_timeout=600"
		;;
	none) ;;
	*) die "IOMMU=$1: only intel, virtio and none exist" ;;
	esac
}

# vhost_user_arguments TAG SOCKET ID: a device of QEMU's in front of the daemon.
vhost_user_arguments() {
	local name=${FS_DEVICE:-vhost-user-fs-pci}
	local device=$name,chardev=$3

	qemu_has_device "$name" || skip "this QEMU has no $name"
	# Others have the tag from the daemon.
	[ "$name" != vhost-user-fs-pci ] || device+=,tag=$1
	qemu_args+=(-chardev "socket,id=$3,path=$2" -device "$device${FS_PROPERTIES:+,$FS_PROPERTIES}")
}

# vfio_user_arguments SOCKET: the daemon is the whole function.
vfio_user_arguments() {
	qemu_has_device vfio-user-pci || skip "this QEMU has no vfio-user-pci"
	qemu_args+=(-device
		"{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"$1\"}}")
}

# qemu_devices IOMMU FACE TAG...: sets qemu_args for the tags' devices; socket N serves tag N.
qemu_devices() {
	local face=$2 tag n=0

	qemu_args=()
	iommu_arguments "$1"
	shift 2
	for tag; do
		case $face in
		vhost-user) vhost_user_arguments "$tag" "$WORK/fs$n.sock" "fs$n" ;;
		vfio-user) vfio_user_arguments "$WORK/fs$n.sock" ;;
		*) die "FACE=$face: only vhost-user and vfio-user exist" ;;
		esac
		n=$((n + 1))
	done
}

# qemu_run SECONDS MEMORY KERNEL_DIR INITRAMFS EXTRA...: with qemu_args from qemu_devices.
qemu_run() {
	local seconds=$1 memory=$2 kernel=$3 initramfs=$4
	shift 4

	# no_timer_check: on a busy host an emulated timer is too late for the test of it.
	# --foreground leaves the terminal to an interactive guest.
	run_interruptibly timeout --foreground -k 5 "$seconds" "$QEMU" \
		-nodefaults -no-user-config -no-reboot -display none -vga none -monitor none \
		-machine q35,kernel-irqchip=split -accel "$QEMU_ACCEL" -cpu max -smp 2 -m "$memory" \
		-object "memory-backend-memfd,id=mem,size=$memory,share=on" -numa node,memdev=mem \
		"${qemu_args[@]}" -kernel "$kernel/vmlinuz" -initrd "$initramfs" \
		-append "console=ttyS0 panic=-1 quiet no_timer_check $iommu_kernel_args ${KERNEL_ARGS:-}" "$@"
}
