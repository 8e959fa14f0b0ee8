# A mixed load on each lane of the bridge, on a device with one request queue and with two: processes find
# what they wrote and what a plain directory has them find, and the same files are there in the end.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the files below
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

count=${LANES_COUNT:-$(count_of 400 100 4000)}
PLAIN=$WORK/plain
mkdir "$PLAIN"
# There attributes may be large.
for dir in "$SHARE" "$PLAIN"; do
	! as_root mount -t tmpfs -o mode=755 none "$dir" || on_exit "as_root umount -l '$dir'"
done

# tree DIR: all but times, and sizes of directories.
tree() {
	as_root env -C "$1" find . -mindepth 1 \( -type d -printf '%P %y %m %U:%G\n' -o \
		-printf '%P %y %m %U:%G %n %s %l\n' \) | sort
	as_root env -C "$1" find . -type f -exec cksum {} + | sort
	as_root env -C "$1" getfattr -d -m - xattrs-0/file xattrs-1/file | cksum
}

# load DIR: what it said is in $WORK/said.
load() {
	mkdir -p "$WORK/said"
	as_root timeout -s KILL 300 "$BUILD/tests/load/mixed-load" "$1" "$WORK/said" "$count"
}

as_plain() {
	diff -r "$WORK/said-plain" "$WORK/said" >&2
}

same_tree() {
	tree "$1" | diff "$WORK/tree-plain" - >&2
}

# In the foreground: its status says what a sanitizer had to say.
mount_it() {
	as_root "$bridge" -f "$SOCKET" "$MOUNT" -o "$1" 2>"$WORK/bridge.log" &
	served=$!
	within 20 mountpoint -q "$MOUNT"
}

bridge_ended_well() {
	local status=0

	wait "$served" || status=$?
	cat "$WORK/bridge.log" >&2
	[ "$status" = 0 ] && [ ! -s "$WORK/bridge.log" ]
}

# on_lane LANE QUEUES
on_lane() {
	local what="lane=$1,queues=$2"

	start_server device "$SHARE"
	ok "$what: mount" mount_it "$what"
	ok "$what: each finds what it wrote" load "$MOUNT"
	ok "$what: all end as in a plain directory" as_plain
	ok "$what: the mount has the same files" same_tree "$MOUNT"
	ok "$what: unmount" as_root umount "$MOUNT"
	ok "$what: the bridge ends" within 20 no_bridge
	ok "$what: it has nothing to say" bridge_ended_well
	ok "$what: the served directory has them" same_tree "$SHARE"
	end_server
	as_root find "$SHARE" -mindepth 1 -delete
}

ok "a plain directory" load "$PLAIN"
mv "$WORK/said" "$WORK/said-plain"
tree "$PLAIN" >"$WORK/tree-plain"
find_lanes
for lane in "${LANES[@]}"; do
	for queues in 1 2; do
		on_lane "$lane" $queues
	done
done
