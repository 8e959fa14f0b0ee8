# shellcheck shell=bash
# One virtual machine with virtio-fs devices.

# Emulated unless asked otherwise: /dev/kvm may open and yet run no stock kernel.
QEMU=${QEMU:-qemu-system-x86_64}
QEMU_ACCEL=${QEMU_ACCEL:-tcg,thread=multi}

# qemu_has_device NAME
qemu_has_device() {
	"$QEMU" -device "$1,help" 2>/dev/null | grep -q options
}

# qemu_devices IOMMU TAG...: sets qemu_args for the tags' devices; socket N serves tag N.
qemu_devices() {
	local iommu=$1 tag n=0 device name=${FS_DEVICE:-vhost-user-fs-pci}
	shift

	qemu_has_device "$name" || skip "this QEMU has no $name"

	qemu_args=()
	case $iommu in
	intel) qemu_args+=(-device "intel-iommu,intremap=on,caching-mode=on") ;;
	none) ;;
	*) die "IOMMU=$iommu: only intel and none exist" ;;
	esac
	for tag; do
		qemu_args+=(-chardev "socket,id=fs$n,path=$WORK/fs$n.sock")
		device=$name,chardev=fs$n
		# Others have the tag from the daemon.
		[ "$name" != vhost-user-fs-pci ] || device+=,tag=$tag
		qemu_args+=(-device "$device${FS_PROPERTIES:+,$FS_PROPERTIES}")
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
		-append "console=ttyS0 panic=-1 quiet no_timer_check intel_iommu=on ${KERNEL_ARGS:-}" "$@"
}
