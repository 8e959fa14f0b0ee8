# shellcheck shell=sh
# The library in the window, through VFIO, and Linux's own driver with dax=always in the same one.

device=$(fs_bdf)
window="--device $device --dax always"
load_bridge
bind_vfio || fail "bind"
# shellcheck disable=SC2086 # options are words
{
	for mode in "--cache none" "--cache auto" "--cache always" "--cache auto --writeback"; do
		check "$mode: each behaviour" files $window $mode
		check "$mode: four threads" fsx $window --count 2000 $mode
	done
	# Of 2 MiB, as the kernel has, there are eight.
	check "ranges of 64 KiB: four threads" fsx $window --dax-range 65536 --count 2000
	check "copies by system calls: four threads" fsx $window --dax-faults system-call --count 2000
	check "64 files and 8 ranges" window-pressure $window --count 1500
	check "what is to be compared" fsx $window --count 4000 --seed 77 --keep
}
check "the function goes back to its driver" unbind_vfio
check "mount with the kernel's driver" kernel_mount myfs /kernel dax=always
mkdir /kernel/kernel
check "the kernel: the same" fsx --kernel /kernel/kernel --count 4000 --seed 77 --keep
check "unmount" umount /kernel
kernel_is_content
