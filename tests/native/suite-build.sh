# The kernel's headers are unpacked and searched, and a project is configured, compiled and run.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the files below
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/guest/lib/kernel.sh
. "$TOP/tests/guest/lib/kernel.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"
# shellcheck source=tests/suites/lib.sh
. "$TOP/tests/suites/lib.sh"
# shellcheck source=tests/suites/build.sh
. "$TOP/tests/suites/build.sh"

# step NAME COMMAND...
step() {
	local name=$1
	shift

	"$@" >&2 && echo "passed $name" || echo "failed $name"
}

# same NAME COMMAND...: what it prints is what it printed in the plain directory, which is the first.
same() {
	local name=$1
	shift

	"$@" >"$WORK/$name" || { echo "failed $name"; return; }
	[ -e "$WORK/$name-plain" ] || cp "$WORK/$name" "$WORK/$name-plain"
	step "$name" diff -q "$WORK/$name-plain" "$WORK/$name"
}

# tree DIR TIME: names, kinds, modes, owners, and of all but directories targets, sizes, TIME (a directive of
# find's) and contents. tar makes some links when it has set the times of their directories.
tree() {
	as_root env -C "$1" find . -mindepth 1 \( -type d -printf "%P %y %m %U:%G\n" -o \
		-printf "%P %y %m %U:%G %n %s %l $2\n" \) | sort
	as_root env -C "$1" find . -type f -exec cksum {} + | sort
}

search() {
	as_root env -C "$1" grep -r -c -w -e inode -e dentry . | sort
}

# What configure logs has the time of day in it.
project() {
	# shellcheck disable=SC2016 # for the inner shell
	as_root sh -c 'cd "$0" && timeout 300 ./configure && rm configure.log && timeout 300 make -j2 example minigzip' "$1"
}

# To compress and back, by the programs that were just linked.
run_project() {
	# shellcheck disable=SC2016 # for the inner shell
	# shellcheck disable=SC2016 # for the inner shell
	as_root sh -c 'cd "$0" && ./example && ./minigzip <zlib.h >header.gz && ./minigzip -d <header.gz | cmp - zlib.h' \
		"$1"
}

# A part of them, unless everything is wanted.
unpack() {
	if [ -n "$full" ]; then
		as_root dpkg-deb -x "$HEADERS" "$1"
	else
		mkdir "$1"
		dpkg-deb --fsys-tarfile "$HEADERS" | as_root tar -x -C "$1" --strip-components=5 --wildcards \
			--no-wildcards-match-slash './usr/src/*/include/linux'
	fi
}

# What the server's side unpacks are names and data that the mount has not seen before. Each kind is removed
# before the next: a server has a descriptor for each file that the mount knows.
run_suite() {
	local dir=$1

	step unpack unpack "$dir/headers"
	same unpacked tree "$dir/headers" %T@
	same served tree "$HOST/headers" ''
	step remove as_root rm -r "$dir/headers"
	unpack "$HOST/others"
	same searched search "$dir/others"
	same seen tree "$dir/others" %T@
	step remove-others as_root rm -r "$dir/others"
	step copy as_root cp -r "$SOURCE" "$dir/project"
	step build project "$dir/project"
	step run run_project "$dir/project"
	same built tree "$HOST/project" ''
	step remove-project as_root rm -r "$dir/project"
}

fetched_build
# One server, so that it does not take a minute.
[ -n "$full" ] || export VFS_TEST_SERVERS="${VFS_TEST_SERVERS:-device}"
compare_suite build
