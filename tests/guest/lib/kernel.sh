# shellcheck shell=bash
# The guest's kernel: Debian's own, unpacked into a cache, never installed.

CACHE=${LIBVIRTIOFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/libvirtiofs}

# What a guest may load. fuse, virtiofs and virtio are built in from some version on.
KERNEL_MODULES="virtio_pci vfio vfio_iommu_type1 vfio-pci fuse virtiofs"

# The metapackage names the current kernel of the release.
kernel_package() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1
}

# Keeps the modules that are wanted, and what they need, uncompressed, with a new modules.dep.
prune_modules() {
	local tree=$1 version=$2 wanted file
	local dir=$tree/lib/modules/$version

	busybox depmod -b "$tree" "$version"
	wanted=$(
		for file in $KERNEL_MODULES; do
			grep -E "(^|/)${file//[-_]/[-_]}\.ko(\.xz)?:" "$dir/modules.dep" || true
		done | tr -d ':' | tr ' ' '\n' | sort -u
	)
	find "$dir/kernel" -type f | while read -r file; do
		grep -qxF "${file#"$dir"/}" <<<"$wanted" || rm -f "$file"
	done
	find "$dir/kernel" -name '*.xz' -exec xz -d {} +
	find "$dir" -depth -type d -empty -delete
	busybox depmod -b "$tree" "$version"
}

# download PACKAGE DIR
download() {
	run_interruptibly env -C "$2" apt-get -q download "$1" >"$2/apt.log" 2>&1
}

# unpack_kernel PACKAGE DIR: download, unpack, and only then give it its name.
unpack_kernel() {
	local package=$1 dir=$2 temp version

	mkdir -p "$CACHE" || return 1
	temp=$(mktemp -d "$CACHE/.unpack.XXXXXX") || return 1
	on_exit "rm -rf '$temp'"
	say "Fetching the guest's kernel ($package)"
	# The lists may be older than the archive: then once more with new ones.
	if ! download "$package" "$temp" && ! { update_package_lists && download "$package" "$temp"; }; then
		tail -n 3 "$temp/apt.log" >&2
		return 1
	fi
	dpkg -x "$temp"/*.deb "$temp/tree" || return 1
	version=$(basename "$temp"/tree/boot/vmlinuz-*)
	version=${version#vmlinuz-}
	# Trixie and later keep modules in /usr/lib.
	if [ ! -d "$temp/tree/lib/modules" ]; then
		mkdir -p "$temp/tree/lib"
		mv "$temp/tree/usr/lib/modules" "$temp/tree/lib/"
	fi
	prune_modules "$temp/tree" "$version"
	mkdir "$temp/kernel"
	mv "$temp/tree/boot/vmlinuz-$version" "$temp/kernel/vmlinuz"
	mv "$temp/tree/lib/modules" "$temp/kernel/modules"
	# A parallel run may have been faster: then its result is as good.
	mv -T "$temp/kernel" "$dir" 2>/dev/null || [ -e "$dir/vmlinuz" ] || return 1
	rm -rf "$temp"
}

# Sets KERNEL, the directory that holds vmlinuz and modules/VERSION.
find_kernel() {
	local package

	package=$(kernel_package)
	if [ -z "$package" ] && can_be_root; then
		update_package_lists || true
		package=$(kernel_package)
	fi
	if [ -n "$package" ]; then
		KERNEL=$CACHE/$package
		[ -e "$KERNEL/vmlinuz" ] || unpack_kernel "$package" "$KERNEL"
		return
	fi
	# No package lists and no network: any kernel unpacked earlier will do.
	KERNEL=$(find "$CACHE" -maxdepth 1 -name 'linux-image-*' 2>/dev/null | sort -V | tail -n 1)
	if [ -z "$KERNEL" ]; then
		say "error: no kernel package known; run apt-get update"
		return 1
	fi
}
