# shellcheck shell=bash
# The guest's root file system: busybox, modules, programs of the host with their libraries.

GUEST_LIB=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# copy_file ROOT FILE: to the same path, so that run paths and interpreters still hold.
copy_file() {
	[ -e "$1$2" ] || install -D -m "$(stat -L -c %a "$2")" "$2" "$1$2"
}

# The shared libraries and the loader of a program; nothing for a static one.
libraries_of() {
	ldd "$1" 2>/dev/null | sed -n -e 's/.*=> \(\/[^ ]*\) (.*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'
}

# copy_program ROOT FILE: with its libraries, and found by name in /bin.
copy_program() {
	local root=$1 file=$2 library

	copy_file "$root" "$file"
	libraries_of "$file" | while read -r library; do
		copy_file "$root" "$library"
	done
	[ -e "$root/bin/$(basename "$file")" ] || ln -s "$file" "$root/bin/"
}

# What libfuse starts in order to mount and unmount, and to be another user; busybox's do not have
# all the options. Its shell starts its own where a name has no path.
host_programs() {
	command -v fusermount3 mount umount setpriv
}

make_skeleton() {
	local root=$1 dir

	chmod 755 "$root"
	mkdir -p "$root"/{dev,proc,sys,run,tmp,mnt,root,etc,guest,usr/bin,usr/sbin,usr/lib,usr/lib64}
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$root/$dir"
	done
	chmod 1777 "$root/tmp"
	ln -s /proc/self/mounts "$root/etc/mtab"
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$root/etc/group"
}

# make_initramfs OUTPUT KERNEL_DIR SCRIPT_DIR PROGRAM...
# SCRIPT_DIR becomes /guest; /guest/guest.sh is what the guest runs.
make_initramfs() {
	local output=$1 kernel=$2 scripts=$3 root program
	shift 3

	root=$(mktemp -d "$WORK/root.XXXXXX")
	make_skeleton "$root"
	cp -a "$kernel/modules" "$root/usr/lib/"
	install -m 755 "$(command -v busybox)" "$root/bin/busybox"
	for program; do
		copy_program "$root" "$program"
	done
	# What the host lent is not to be hidden by an applet of the same name.
	busybox --list | while read -r program; do
		[ -e "$root/bin/$program" ] || ln -s busybox "$root/bin/$program"
	done
	cp -a "$scripts/." "$root/guest/"
	install -m 644 "$GUEST_LIB/in-guest.sh" "$root/guest/in-guest.sh"
	install -m 755 "$GUEST_LIB/init" "$root/init"
	(cd "$root" && find . -print0 | cpio --quiet -0 -o -H newc -R 0:0) >"$output"
	rm -rf "$root"
}
