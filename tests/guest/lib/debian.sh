# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this
# What the machine's own release does not have: packages of a newer Debian, unpacked into the cache
# and never installed. The programs among them are started by their own loader.

CACHE=${LIBVIRTIOFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/libvirtiofs}

# "MIRROR RELEASE" in the machine's own apt sources, however they are written.
debian_source() {
	# shellcheck disable=SC2016 # for apt-get
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sed -n 's|^\([^ ]* [^-/]*\) main$|\1|p' | head -n 1
}

debian_mirror() {
	debian_source | cut -d ' ' -f 1
}

debian_release() {
	debian_source | cut -d ' ' -f 2
}

# in_cache NAME COMMAND...: COMMAND... TEMP fills TEMP/whole, which gets its name only then. Runs at
# the same time do not disturb each other: the first result is as good as another.
in_cache() {
	local dir=$CACHE/$1 temp status=1
	shift

	[ ! -d "$dir" ] || return 0
	mkdir -p "$CACHE" && temp=$(mktemp -d "$CACHE/.unpack.XXXXXX") || return 1
	on_exit "rm -rf '$temp'"
	mkdir "$temp/whole"
	if "$@" "$temp"; then
		status=0
		mv -T "$temp/whole" "$dir" 2>/dev/null || [ -d "$dir" ] || status=1
	fi
	rm -rf "$temp"
	return $status
}

# show_lines LOG: keeps what it reads, and the last line of it on a terminal.
show_lines() {
	local line

	while read -r line; do
		echo "$line"
		[ ! -t 2 ] || printf '\r\033[K  %.70s' "$line" >&2
	done >"$1"
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

# unpack_debian DIR SUITES PACKAGES: the packages (a list with commas, or a pattern of apt's) and all
# that they need, with a directory for temporary files. The last one of the suites is preferred.
unpack_debian() {
	local temp=$1 suites=$2 packages=$3 mirror suite reader status=0 sources=()

	mirror=$(debian_mirror)
	[ -n "$mirror" ] || { say "error: no Debian mirror in apt's sources"; return 1; }
	for suite in $suites; do
		sources+=("deb $mirror $suite main")
	done
	command -v mmdebstrap >/dev/null || install_packages mmdebstrap || return 1
	exec 4> >(show_lines "$temp/log")
	reader=$!
	# mmdebstrap ends, and cleans up, when those that it started end: timeout tells them all.
	run_interruptibly as_root setpriv --pdeathsig TERM timeout -k 60 900 mmdebstrap \
		--variant=extract --skip=output/dev \
		--aptopt="APT::Default-Release \"${suites##* }\"" --include="$packages" \
		"" "$temp/tree.tar" "${sources[@]}" >&4 2>&1 || status=$?
	exec 4>&-
	wait $reader || true
	if [ "$status" = 0 ]; then
		mkdir "$temp/tree" && tar -x -f "$temp/tree.tar" -C "$temp/tree" --no-same-owner
	else
		grep '^E: ' "$temp/log" | head -n 2 >&2
		return 1
	fi
}

# add_starter TREE PROGRAM OPTION...: a script in TREE/start that runs it from wherever it is.
add_starter() {
	local tree=$1 program=$2
	shift 2

	mkdir -p "$tree/start"
	cat >"$tree/start/$(basename "$program")" <<-EOF
		#!/bin/sh
		top=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
		export QEMU_MODULE_DIR="\$top/usr/lib/x86_64-linux-gnu/qemu"
		exec "\$top/usr/lib64/ld-linux-x86-64.so.2" --library-path "\$top/usr/lib/x86_64-linux-gnu" \\
			"\$top/$program" $* "\$@"
	EOF
	chmod 755 "$tree/start/$(basename "$program")"
}

unpack_programs() {
	say "Fetching QEMU 11 and the Rust virtiofsd"
	unpack_debian "$1" "trixie trixie-backports" qemu-system-x86,virtiofsd || return 1
	rmdir "$1/whole" && mv "$1/tree" "$1/whole" || return 1
	# shellcheck disable=SC2016 # expanded when it is started
	add_starter "$1/whole" usr/bin/qemu-system-x86_64 -L '"$top/usr/share/qemu"' \
		-L '"$top/usr/share/seabios"'
	add_starter "$1/whole" usr/libexec/virtiofsd
	"$1/whole/start/qemu-system-x86_64" --version >/dev/null &&
		"$1/whole/start/virtiofsd" --version >/dev/null
}

# fetched_program NAME: its path, fetched if need be. In a process of its own, where it is called for
# its output, so that it cleans up itself.
fetched_program() (
	end_cleanly
	in_cache qemu-11-virtiofsd-1 unpack_programs >&2 &&
		echo "$CACHE/qemu-11-virtiofsd-1/start/$1"
)
