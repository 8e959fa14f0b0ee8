# The unit for systemd: systemd reads it without complaint, and its command mounts.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

command -v systemd-analyze >/dev/null || skip "no systemd-analyze on this machine"

# The unit as it is built, with what is built instead of what would be installed.
unit=$WORK/virtiofs-fuse@.service
sed -e "s|=[^ ]*/virtiofs-fuse -f|=$bridge -f|" -e "s|/etc/virtiofs-fuse|$WORK|" \
	"$BUILD/tools/virtiofs-fuse/virtiofs-fuse@.service" >"$unit"

# What the manager makes of a line, in words.
# shellcheck disable=SC2016 # it is the manager's to expand
command_of() {
	local instance=$1 line
	# shellcheck disable=SC1090 # the configuration of the instance
	. "$WORK/$(systemd-escape "$instance").conf"
	line=$(sed -n 's/^ExecStart=//p' "$unit")
	line=${line//%I/$instance}
	line=${line//'${DIR}'/$DIR}
	echo "${line//'${OPTIONS}'/$OPTIONS}"
}

complaints=$(systemd-analyze verify --man=no "$WORK/virtiofs-fuse@myfs.service" 2>&1 |
	grep -F "virtiofs-fuse@" || true)
ok "systemd has nothing to say [$complaints]" test -z "$complaints"
ok "it knows when it is ready" grep -qx Type=notify "$unit"

start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
printf 'DIR=%s\nOPTIONS=ro,depth=4\n' "$MOUNT" >"$WORK/$(systemd-escape "$SOCKET").conf"
read -ra command < <(command_of "$SOCKET")
as_root "${command[@]}" 2>"$WORK/bridge.log" &
ok "its command mounts" within 10 mountpoint -q "$MOUNT"
ok "as the configuration says" grep -q " $MOUNT fuse.virtiofs ro," /proc/mounts
ok "unmount" as_root umount "$MOUNT"
ok "the command ends with 0" wait $!
