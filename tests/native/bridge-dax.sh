# The bridge reads and writes files in a DAX window that is smaller than they are.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

count=$(count_of 4000 1000 200000)
control=''
devices=0

# new_device OPTION...: at a socket of its own. Sets SOCKET and control.
new_device() {
	devices=$((devices + 1))
	SOCKET=$WORK/device$devices.sock
	control=$WORK/device$devices.control
	start_device "$SOCKET" "$WORK/device.log" --dir "$SHARE" --control "$control" "$@"
	as_root chmod 666 "$control"
}

device_says() {
	"$BUILD/tests/device/virtiofs-device-ask" "$control" "$1"
}

nothing_is_held() {
	[ "$(device_says held)" = "nodes=0 lookups=0 open=0" ]
}

# How many READs it was sent.
reads() {
	device_says counts | tr ' ' '\n' | sed -n 's/^15=//p'
}

# Reads the whole file from the server, not from the kernel's page cache.
read_afresh() {
	dd if="$1" of=/dev/null iflag=nocache count=0 2>/dev/null
	cmp "$1" "$2"
}

# Until it takes no request.
read_with_no_request() {
	local before

	for _ in {1..50}; do
		before=$(reads)
		read_afresh "$1" "$2" || return 1
		[ "$(reads)" != "$before" ] || return 0
	done
	return 1
}

unmount() {
	ok "unmount" fusermount3 -u "$MOUNT"
	ok "the bridge ends" within 20 no_bridge
	ok "the server holds nothing any more" nothing_is_held
}

use_the_mount() {
	ok "$count operations of fsx" as_root "$BUILD/tests/file/fsx" --kernel "$MOUNT" \
		--count "$count"
	as_root cp "$WORK/random" "$SHARE/large"
	ok "a file of the host" read_afresh "$MOUNT/large" "$WORK/random"
	ok "once more" read_afresh "$MOUNT/large" "$WORK/random"
	as_root dd if="$WORK/other" of="$MOUNT/large" bs=1M conv=notrunc,fsync 2>/dev/null
	ok "it was overwritten for the host" cmp "$SHARE/large" "$WORK/other"
	ok "and is read like that" read_afresh "$MOUNT/large" "$WORK/other"
	as_root rm "$MOUNT/large"
}

head -c 24M /dev/urandom >"$WORK/random"
head -c 24M /dev/urandom >"$WORK/other"

for options in "" --writeback; do
	# shellcheck disable=SC2086 # options are words
	new_device --dax 16 $options
	ok "mount with a window of 16 MiB $options" as_root "$bridge" "$SOCKET" \
		"$MOUNT" -o dax=always,dax_range=262144
	use_the_mount
	# It takes a while, and this is the mode in which all of it goes through the window.
	[ -z "$options" ] || ok "workload" run_workload "$MOUNT"
	unmount
	[ -z "$options" ] || ok "the server's side agrees" run_workload --verify "$SHARE"
	as_root find "$SHARE" -mindepth 1 -delete
done

new_device --dax 64
head -c 8M /dev/urandom | as_root tee "$SHARE/file" >/dev/null
for mode in auto always; do
	ok "mount with dax=$mode" as_root "$bridge" "$SOCKET" "$MOUNT" -o "dax=$mode"
	ok "what is mapped needs no request" read_with_no_request "$MOUNT/file" "$SHARE/file"
	unmount
done

as_root "$bridge" "$SOCKET" "$MOUNT" -f -o dax=always 2>"$WORK/figures" &
ok "mount in the foreground" within 10 mountpoint -q "$MOUNT"
ok "what is mapped needs no request" read_with_no_request "$MOUNT/file" "$SHARE/file"
as_root pkill -USR1 -f "^$bridge $SOCKET"
ok "asked, it says what the window did" within 10 \
	grep -q 'the DAX window answered: READ [1-9][0-9]* of [1-9][0-9]* bytes' "$WORK/figures"
ok "and what the kernel asked" grep -q 'the kernel asked: .*READ [1-9]' "$WORK/figures"
unmount

ok "mount with dax=inode" as_root "$bridge" "$SOCKET" "$MOUNT" -o dax=inode
ok "a server that marks no files is asked" read_afresh "$MOUNT/file" "$SHARE/file"
unmount

# Those with the sticky bit are marked.
new_device --dax 64 --mark
as_root cp "$SHARE/file" "$SHARE/marked"
as_root chmod 1644 "$SHARE/marked"
ok "mount with dax=inode, of a server that marks files" as_root "$bridge" "$SOCKET" "$MOUNT" -o dax=inode
ok "one that is marked needs no request" read_with_no_request "$MOUNT/marked" "$SHARE/file"
before=$(reads)
ok "one that is not is read" read_afresh "$MOUNT/file" "$SHARE/file"
ok "from the server" test "$(reads)" -gt "$before"
unmount
new_device --dax 64

ok "mount once more" as_root "$bridge" "$SOCKET" "$MOUNT" -o dax=always
ok "a file is mapped" read_with_no_request "$MOUNT/file" "$SHARE/file"
as_root pkill -KILL -f "^$bridge $SOCKET"
ok "it is killed" within 10 no_bridge
as_root umount -l "$MOUNT"
ok "another one mounts" as_root "$bridge" "$SOCKET" "$MOUNT" -o dax=always
ok "and reads the file" read_afresh "$MOUNT/file" "$SHARE/file"
unmount

# SETUPMAPPING, REMOVEMAPPING: all else goes on, and the end waits for no more than its time limit.
for opcode in 48 49; do
	ok "mount on a device that does not answer $opcode" as_root "$bridge" "$SOCKET" "$MOUNT" \
		-o dax=always,dax_range=65536,timeout=2
	device_says "never opcode=$opcode"
	ok "reading goes on" read_afresh "$MOUNT/file" "$SHARE/file"
	ok "unmount" fusermount3 -u "$MOUNT"
	ok "the bridge ends" within 20 no_bridge
	device_says clear
done

refuses "no ranges of 134217728 bytes" "$bridge" "$SOCKET" "$MOUNT" -o dax=always,dax_range=134217728
ok "nothing is mounted" not_mounted

new_device
refuses "has no DAX window" "$bridge" "$SOCKET" "$MOUNT" -o dax=always
ok "nothing is mounted" not_mounted
ok "without a window auto does without" as_root "$bridge" "$SOCKET" "$MOUNT" -o dax=auto
ok "it reads the file" read_afresh "$MOUNT/file" "$SHARE/file"
unmount

if program=$(virtiofsd_program); then
	SOCKET=$WORK/virtiofsd.sock
	start_virtiofsd "$SHARE" "$SOCKET" "$WORK/daemon.log"
	refuses "has no DAX window" "$bridge" "$SOCKET" "$MOUNT" -o dax=always
	ok "nothing is mounted by $program" not_mounted
fi
