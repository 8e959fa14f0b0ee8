# shellcheck shell=sh
# The library's files through VFIO, on QEMU's device, compared with the guest's kernel on a tmpfs.

# What a tmpfs has not, or has in another way than what is served.
other=holes,shift,xattr,tmpfile,whiteout,huge

load_bridge
bind_vfio || fail "bind"
device=$(fs_bdf)
mkdir /tmp/twin
mount -t tmpfs none /tmp/twin
for mode in "--cache none" "--cache auto" "--cache always" "--cache auto --writeback"; do
	# shellcheck disable=SC2086 # options are words
	check "$mode: random operations" equivalence --device "$device" --twin /tmp/twin \
		--may-lack posix-locks,flock --without $other --count 1500 --no-shrink $mode
	# shellcheck disable=SC2086
	check "$mode: four threads" fsx --device "$device" --count 2000 $mode
	# shellcheck disable=SC2086
	check "$mode: each behaviour" files --device "$device" $mode
done
kernel_is_content
