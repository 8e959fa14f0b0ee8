# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this
# Debian packages: which are missing, and installing only those.

PACKAGES_BUILD="build-essential cmake ninja-build pkg-config libfuse3-dev fuse3 libpci-dev liburing-dev libseccomp-dev"
PACKAGES_UNIT="libcmocka-dev"
PACKAGES_CLANG="clang"
PACKAGES_LINT="clang-format shellcheck"
PACKAGES_BENCH="valgrind strace"
PACKAGES_DOCS="python3-sphinx"
PACKAGES_GUEST="qemu-system-x86 busybox-static cpio fuse3 mount attr"

# The daemon is part of QEMU's packages in Debian 12, and a package of its own afterwards.
virtiofsd_package() {
	if apt-cache show virtiofsd >/dev/null 2>&1; then
		echo virtiofsd
	else
		echo qemu-system-common
	fi
}

# missing_packages NAME...: those of them that are not installed.
missing_packages() {
	local name

	for name; do
		dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q ' installed$' || echo "$name"
	done
}

# Reads apt's status lines; keeps one line of progress on a terminal.
show_apt_progress() {
	local kind rest percent

	while IFS=: read -r kind rest; do
		[ -t 2 ] || continue
		percent=${rest#*:}
		percent=${percent%%[.:]*}
		printf '\r\033[K  %3s%% %.60s' "$percent" "${rest##*:}" >&2
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

# The status lines go to descriptor 3, which is opened here since sudo would close it. It must not
# be 1: apt closes it for dpkg, and packages' own scripts fail without an output.
apt_get() {
	local dir status=0

	dir=$(mktemp -d)
	# shellcheck disable=SC2016 # expanded by the inner shell
	as_root env DEBIAN_FRONTEND=noninteractive sh -c 'exec apt-get "$@" 3>&1 >"$0" 2>&1' \
		"$dir/log" -y -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" \
		</dev/null | show_apt_progress || status=1
	[ "$status" = 0 ] || { grep -E '^E: |^Err|rror processing' "$dir/log" || tail -n 5 "$dir/log"; } >&2
	rm -rf "$dir" 2>/dev/null || as_root rm -rf "$dir"
	return $status
}

# Once a run: a fresh machine or container has no package lists at all, or old ones.
update_package_lists() {
	[ -z "${package_lists_updated:-}" ] || return 0
	say "Updating the package lists"
	apt_get update || return 1
	package_lists_updated=1
}

# install_packages NAME...: returns non-zero, having said why, if it cannot.
install_packages() {
	local missing

	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		say "error: not a Debian machine; install what corresponds to: ${missing[*]}"
		return 1
	fi
	if ! can_be_root; then
		say "error: installing needs root or sudo; missing: ${missing[*]}"
		return 1
	fi
	update_package_lists || return 1
	say "Installing ${missing[*]}"
	if ! apt_get install --no-install-recommends "${missing[@]}"; then
		say "error: apt-get could not install: ${missing[*]}"
		return 1
	fi
}

# The daemon's package is known only once there are package lists.
install_guest_packages() {
	virtiofsd_program >/dev/null || [ -n "$(apt-cache search -n '^virtiofsd$|^qemu-system-common$')" ] ||
		update_package_lists || return 1
	# shellcheck disable=SC2046,SC2086 # lists of words
	install_packages $PACKAGES_GUEST $(virtiofsd_program >/dev/null || virtiofsd_package)
}
