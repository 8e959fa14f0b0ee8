# shellcheck shell=bash
same_files() {
	local file

	for file in fsx-0 fsx-1 fsx-2 fsx-3; do
		[ -s "$SHARE/$file" ] && cmp "$SHARE/$file" "$SHARE/kernel/$file" || return
	done
}

check "the library and the kernel have left the same files" same_files
check "the device had nothing to complain about" device_is_content
