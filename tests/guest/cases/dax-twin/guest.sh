# shellcheck shell=sh
# The kernel's driver sees what the library leaves, too: its server's directory has the other one's in it.

# What the kernel's side has not, or has in another way; see the case equivalence. And in the window it
# leaves set-ID bits to files that somebody else writes to.
other=holes,shift,xattr,tmpfile,whiteout,huge,set-id

device=$(fs_bdf 2)
load_bridge
bind_vfio "$device" || fail "bind"
check "mount with the kernel's driver and the window" kernel_mount kernelfs /kernel dax=always
check "random operations" equivalence --device "$device" --dax always --twin /kernel/twin \
	--direct /kernel/myfs --may-lack posix-locks,flock --without $other --count 3000 --no-shrink
cat /tmp/check.out
check "unmount" umount /kernel
kernel_is_content
