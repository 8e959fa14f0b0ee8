# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with tests/native
# Suites that others wrote, on a plain directory and on the bridge. For tests/native/suite-*.sh, after
# tests/native/lib.sh and tests/file/servers.sh.
#
# A suite is a function: run_suite DIR prints one line for each of its tests, "passed NAME",
# "failed NAME" or "skipped NAME"; what else it has to say goes to standard error.

full=${VFS_TEST_FULL:-}
DIFFERENCES=$TOP/tests/suites/differences

# fetch_commit URL COMMIT DIR
fetch_commit() {
	git init -q "$3" &&
		GIT_TERMINAL_PROMPT=0 timeout 60 git -C "$3" fetch -q --depth 1 "$1" "$2" &&
		git -C "$3" -c advice.detachedHead=false checkout -q FETCH_HEAD
}

# fetch_and_build URL COMMIT COMMAND TEMP: COMMAND SOURCE RESULT
fetch_and_build() {
	local url=$1 commit=$2 build=$3 temp=$4

	say "Fetching $url"
	fetch_commit "$url" "$commit" "$temp/source" && "$build" "$temp/source" "$temp/whole"
}

# built_suite NAME URL COMMIT COMMAND: sets SUITE to the directory that COMMAND SOURCE RESULT filled, in
# the cache of what tests fetch.
built_suite() {
	local name=$1-${3:0:12}-1

	SUITE=$CACHE/$name
	in_cache "$name" fetch_and_build "$2" "$3" "$4" ||
		skip "$1 $3 cannot be fetched from $2 and built"
	# Programs of the suite run as other users too.
	cp -r "$SUITE" "$WORK/suite"
	SUITE=$WORK/suite
	chmod -R a+rX "$SUITE"
}

count_results() {
	grep -c "^$1 " "$2" || true
}

# as_expected PLACE RESULTS: whether all that failed there failed in the plain directory too, or is listed.
as_expected() {
	local place=$1 results=$2

	awk -v suite="$suite" -v place="$place" '
		FILENAME == ARGV[1] { bad[$0] = $1 == "failed"; next }
		FILENAME == ARGV[2] { if ($1 == suite && $2 == place) may["failed " $3] = $0; next }
		$1 == "failed" && !bad[$0] && !($0 in may) { print "not ok " $0; wrong = 1 }
		$1 == "failed" && ($0 in may) { print "expected: " may[$0]; delete may[$0] }
		END { exit wrong }' "$WORK/reference" "$DIFFERENCES" "$results"
}

# on_place PLACE DIR: runs the suite in DIR and compares with what it did in the plain directory.
on_place() {
	local place=$1 dir=$2 start=${EPOCHREALTIME/./} took

	run_suite "$dir" >"$WORK/results" 2>"$WORK/said" || die "$place: the suite did not come to its end:
$(tail -n 20 "$WORK/said")"
	took=$(((${EPOCHREALTIME/./} - start) / 100000))
	sort -u "$WORK/results" >"$WORK/$place"
	[ "$(count_results passed "$WORK/$place")" -gt 0 ] || die "$place: nothing passed: $(cat "$WORK/said")"
	printf '%-10s %5d passed %3d failed %3d skipped %5d.%d s\n' "$place" \
		"$(count_results passed "$WORK/$place")" "$(count_results failed "$WORK/$place")" \
		"$(count_results skipped "$WORK/$place")" $((took / 10)) $((took % 10))
	ok "$suite on $place fails nothing but what the plain directory does" \
		as_expected "$place" "$WORK/$place"
}

# same_tests A B: what ran there, however it ended. A suite that looks at the file system's name may
# leave something out without a word.
same_tests() {
	diff <(cut -d ' ' -f 2- "$WORK/$1" | sort) <(cut -d ' ' -f 2- "$WORK/$2" | sort)
}

mount_place() {
	local kind=$1 options=suid,dev${VFS_TEST_LANE:+,lane=$VFS_TEST_LANE}

	start_server "$kind" "$SHARE"
	[ "$kind" != dax ] || options+=,dax=always,dax_range=65536
	ok "mount $kind" as_root "$bridge" "$SOCKET" "$MOUNT" -o "$options"
}

unmount_place() {
	ok "the bridge is still there" mountpoint -q "$MOUNT"
	# It has been seen busy for a moment after all that used it had ended.
	ok "unmount" within 10 as_root fusermount3 -u "$MOUNT"
	ok "the bridge ends" within 20 no_bridge
	end_server
	as_root find "$SHARE" -mindepth 1 -delete
}

# places: kinds of servers; only those that differ most, unless everything is wanted.
places() {
	if [ -n "$full" ] || [ -n "${VFS_TEST_SERVERS:-}" ]; then
		servers
	else
		VIRTIOFSD_KIND=c virtiofsd_program >/dev/null && echo c
		echo device
	fi
}

# compare_suite NAME: with its own directory on each place.
compare_suite() {
	local kind

	suite=$1
	mkdir -p "$WORK/plain/dir"
	chmod 755 "$WORK/plain" "$WORK/plain/dir"
	HOST=$WORK/plain/dir
	on_place reference "$WORK/plain/dir"
	for kind in $(places); do
		mount_place "$kind"
		mkdir "$MOUNT/dir"
		HOST=$SHARE/dir
		on_place "$kind" "$MOUNT/dir"
		ok "the same tests were run" same_tests reference "$kind"
		unmount_place
	done
}
