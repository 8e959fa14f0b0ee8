# shellcheck shell=dash
# What quickstart.sh does inside the guest.

[ ! -e /guest/interactive ] || RESULTS=/dev/console

tell() {
	echo "$*" >"$RESULTS"
}

# Shows a command, runs it, shows what it prints. The first that fails is the end of the tour.
try() {
	tell "guest# $*"
	if ! sh -c "$*" >/tmp/out 2>&1; then
		cat /tmp/out >"$RESULTS"
		tell "That was not meant to happen."
		poweroff -f
	fi
	cat /tmp/out >"$RESULTS"
}

load_bridge
bdf=$(fs_bdf)

if virtiofs_not_loaded; then
	tell "This is Linux $(uname -r); its own virtiofs driver is not loaded."
fi
try virtiofs-inspect list
tell "Now VFIO gets the device, so that a program can drive it:"
try virtiofs-inspect bind "$bdf"
try virtiofs-fuse myfs /mnt
try "grep /mnt /proc/mounts"

if [ -e /guest/interactive ]; then
	stty rows "$(cut -d" " -f1 /guest/size)" cols "$(cut -d" " -f2 /guest/size)" 2>/dev/null
	tell "The host's directory is on /mnt. Try: ls /mnt; virtiofs-inspect show $bdf; exit"
	cd /mnt && PS1='guest:\w# ' sh -i
	cd /
else
	tell "What the host wrote, read here:"
	try ls -l /mnt
	try cat /mnt/from-the-host.txt
	tell "And the other way:"
	try "echo Hello from the guest, through VFIO. >/mnt/from-the-guest.txt"
fi

tell "Everything is put back:"
try fusermount3 -u /mnt
wait_for 10 no_bridge
try virtiofs-inspect unbind "$bdf"
