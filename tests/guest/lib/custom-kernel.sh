# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this
# A kernel with what none of Debian's has (no-IOMMU groups, iommufd): Debian's source, built with the
# options of kernel.config, once for each version and set of options.

CUSTOM_SOURCE=linux-source-6.12
CUSTOM_CONFIG=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")/kernel.config
PACKAGES_KERNEL="build-essential flex bison bc libelf-dev xz-utils"

# make_kernel DIR ARGUMENT...: with what it does on the terminal.
make_kernel() {
	local dir=$1 status=0 reader
	shift

	exec 4> >(show_lines "$dir.log")
	reader=$!
	run_interruptibly nice make -C "$dir" -j"$(nproc)" "$@" >&4 2>&1 || status=$?
	exec 4>&-
	wait $reader || true
	[ "$status" = 0 ] || { grep -m 3 -E 'rror|\*\*\*' "$dir.log" || tail -n 3 "$dir.log"; } >&2
	return $status
}

# What was asked for and is not there would be missed in the middle of a test.
check_config() {
	local line missing=0

	while read -r line; do
		grep -qxF "$line" "$1" || { say "error: no $line in this kernel"; missing=1; }
	done < <(grep '=y$' "$CUSTOM_CONFIG")
	return $missing
}

# build_kernel TEMP: all of it is built in; modules.builtin is for modprobe.
build_kernel() {
	local temp=$1 source=$1/$CUSTOM_SOURCE modules

	# shellcheck disable=SC2086 # a list of words
	install_packages $PACKAGES_KERNEL || return 1
	say "Fetching $CUSTOM_SOURCE"
	unpack_debian "$temp" trixie "$CUSTOM_SOURCE" || return 1
	tar -x -f "$temp/tree/usr/src/$CUSTOM_SOURCE.tar.xz" -C "$temp" || return 1
	say "Building a kernel for the guest, which takes some minutes"
	make_kernel "$source" KCONFIG_ALLCONFIG="$CUSTOM_CONFIG" allnoconfig || return 1
	check_config "$source/.config" || return 1
	make_kernel "$source" bzImage || return 1
	modules=$temp/whole/modules/$(cat "$source/include/config/kernel.release")
	mkdir -p "$modules" && touch "$modules/modules.dep" || return 1
	cp "$source"/modules.builtin* "$modules/" &&
		cp "$source/arch/x86/boot/bzImage" "$temp/whole/vmlinuz"
}

# Sets KERNEL.
find_custom_kernel() {
	local name

	name=$CUSTOM_SOURCE-$(cksum <"$CUSTOM_CONFIG" | cut -d ' ' -f 1)
	KERNEL=$CACHE/$name
	in_cache "$name" build_kernel
}
