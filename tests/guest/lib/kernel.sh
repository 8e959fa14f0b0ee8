# shellcheck shell=bash
# The guest's kernel: Debian's own or that of another release, unpacked into the cache, never
# installed.

# What a guest may load. fuse, virtiofs and virtio are built in from some version on.
KERNEL_MODULES="virtio_pci virtio_iommu vfio vfio_iommu_type1 vfio-pci fuse virtiofs"

# With another choice of modules a kernel has another name in the cache.
kernel_edition=$(cksum <<<"$KERNEL_MODULES" | cut -d ' ' -f 1)

# The metapackage names the current kernel of the release.
kernel_package() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1
}

# Keeps the modules that are wanted, and what they need, uncompressed, with a new modules.dep.
prune_modules() {
	local tree=$1 version=$2 wanted file
	local dir=$tree/lib/modules/$version

	find "$dir/kernel" -name '*.xz' -exec xz -d {} + || return 1
	find "$dir/kernel" -name '*.zst' -exec zstd -q -d --rm {} + || return 1
	busybox depmod -b "$tree" "$version"
	wanted=$(
		for file in $KERNEL_MODULES; do
			grep -E "(^|/)${file//[-_]/[-_]}\.ko:" "$dir/modules.dep" || true
		done | tr -d ':' | tr ' ' '\n' | sort -u
	)
	find "$dir/kernel" -type f | while read -r file; do
		grep -qxF "${file#"$dir"/}" <<<"$wanted" || rm -f "$file"
	done
	find "$dir" -depth -type d -empty -delete
	busybox depmod -b "$tree" "$version"
}

# download PACKAGE DIR
download() {
	run_interruptibly env -C "$2" apt-get -q download "$1" >"$2/apt.log" 2>&1
}

# keep_kernel TEMP: from TEMP/tree, where the packages are unpacked, to TEMP/whole.
keep_kernel() {
	local tree=$1/tree version image

	# Trixie and later keep modules in /usr/lib, and later ones the kernel beside them.
	if [ ! -d "$tree/lib/modules" ]; then
		mkdir -p "$tree/lib"
		mv "$tree/usr/lib/modules" "$tree/lib/" || return 1
	fi
	# shellcheck disable=SC2012 # plain names
	version=$(ls "$tree/lib/modules" | sort -V | tail -n 1)
	image=$tree/boot/vmlinuz-$version
	[ -e "$image" ] || image=$tree/lib/modules/$version/vmlinuz
	mv "$image" "$1/whole/vmlinuz" || return 1
	prune_modules "$tree" "$version" || return 1
	mkdir "$1/whole/modules" && mv "$tree/lib/modules/$version" "$1/whole/modules/"
}

# unpack_own_kernel PACKAGE TEMP
unpack_own_kernel() {
	local package=$1 temp=$2

	say "Fetching the guest's kernel ($package)"
	# The lists may be older than the archive: then once more with new ones.
	if ! download "$package" "$temp" && ! { update_package_lists && download "$package" "$temp"; }; then
		tail -n 3 "$temp/apt.log" >&2
		return 1
	fi
	dpkg -x "$temp"/*.deb "$temp/tree" && keep_kernel "$temp"
}

# unpack_other_kernel VERSION TEMP
unpack_other_kernel() {
	local version=$1 temp=$2 suites="trixie trixie-backports"

	say "Fetching Linux $version"
	[ "$version" != 6.12 ] || suites=trixie
	unpack_debian "$temp" "$suites" "?name(^linux-image-${version//./\\.}\.[^-]*-cloud-amd64\$)" &&
		keep_kernel "$temp"
}

# The release's own.
find_own_kernel() {
	local package

	package=$(kernel_package)
	if [ -z "$package" ] && can_be_root; then
		update_package_lists || true
		package=$(kernel_package)
	fi
	if [ -n "$package" ]; then
		KERNEL=$CACHE/$package-$kernel_edition
		in_cache "$package-$kernel_edition" unpack_own_kernel "$package"
		return
	fi
	# No package lists and no network: any kernel unpacked earlier will do.
	KERNEL=$(find "$CACHE" -maxdepth 1 -name "linux-image-*-$kernel_edition" 2>/dev/null |
		sort -V | tail -n 1)
	[ -n "$KERNEL" ] || { say "error: no kernel package known; run apt-get update"; return 1; }
}

# find_kernel [VERSION]: sets KERNEL, the directory that holds vmlinuz and modules/VERSION.
find_kernel() {
	case ${1:-} in
	'') find_own_kernel ;;
	6.12 | 7.3)
		KERNEL=$CACHE/linux-$1-$kernel_edition
		in_cache "linux-$1-$kernel_edition" unpack_other_kernel "$1"
		;;
	custom) find_custom_kernel ;;
	*) die "KERNEL_VERSION=$1: only 6.12, 7.3 and custom exist" ;;
	esac
}
