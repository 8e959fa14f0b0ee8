# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with tests/native
# Debian's packages of the kernel's headers, and a small project's source: what to build is known to be good.

PROJECT=zlib

headers_package() {
	apt-cache search --names-only '^linux-headers-[0-9.-]*-common$' | cut -d ' ' -f 1 | sort -V | tail -n 1
}

# fetch_headers PACKAGE TEMP
fetch_headers() {
	say "Fetching $1"
	download "$1" "$2" && mv "$2/$1"_*.deb "$2/whole/headers.deb"
}

# With lists of its own, as hardly any machine has those of sources.
fetch_source() {
	local name=$1 temp=$2
	local options=(-q -o "Dir::Etc::sourcelist=$temp/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$temp/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)

	say "Fetching the source of $name"
	mkdir -p "$temp/lists/partial" "$temp/source"
	echo "deb-src $(debian_mirror) $(debian_release) main" >"$temp/sources.list"
	run_interruptibly timeout 120 apt-get "${options[@]}" update >"$temp/log" 2>&1 &&
		run_interruptibly env -C "$temp/source" timeout 120 apt-get "${options[@]}" source --download-only \
			"$name" >>"$temp/log" 2>&1 &&
		tar -x -f "$(find "$temp/source" -name '*.orig.tar.*' ! -name '*.asc')" -C "$temp/whole" \
			--strip-components=1 --no-same-owner
}

# Sets HEADERS to a package, and SOURCE to a directory.
fetched_build() {
	local package
	package=$(headers_package)

	[ -n "$package" ] || skip "no package of the kernel's headers is known"
	in_cache "$package-1" fetch_headers "$package" || skip "$package cannot be fetched"
	in_cache "$PROJECT-$(debian_release)-1" fetch_source "$PROJECT" ||
		skip "the source of $PROJECT cannot be fetched"
	HEADERS=$CACHE/$package-1/headers.deb
	SOURCE=$CACHE/$PROJECT-$(debian_release)-1
}
