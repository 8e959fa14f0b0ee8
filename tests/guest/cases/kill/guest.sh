# shellcheck shell=sh

# Four writers and a reader, which end when the file system under them does.
start_io() {
	for n in 1 2 3 4; do
		(while dd if=/dev/zero of="/mnt/written-$n" bs=256k count=64; do :; done) 2>/dev/null &
	done
	(while dd if=/mnt/random of=/dev/null bs=64k; do :; done) 2>/dev/null &
}

bridge_killed() {
	kill -9 "$(bridge_pid)" && wait_for 10 no_bridge
}

# A program that waits for an answer which never comes would wait for ever.
io_ended() {
	wait_for 20 sh -c '! pidof dd'
}

same_content() {
	cp /mnt/random "/mnt/copy-$1" && cmp /mnt/random /tmp/random && cmp "/mnt/copy-$1" /tmp/random
}

load_bridge
bind_vfio || fail "bind"
head -c 8M /dev/urandom >/tmp/random
check "mount" bridge_mount myfs /mnt
cp /tmp/random /mnt/random

for round in 1 2 3; do
	start_io
	sleep 1
	check "round $round: I/O goes on" pidof dd
	check "round $round: SIGKILL" bridge_killed
	check "round $round: programs get an error and end" io_ended
	wait
	check "round $round: unmount what is left" fusermount3 -u /mnt
	check "round $round: a new bridge mounts" bridge_mount myfs /mnt
	check "round $round: content is right" same_content "$round"
done

check "unmount" bridge_umount /mnt
check "the device is in reset" in_reset "$(fs_bdf)"
kernel_is_content
