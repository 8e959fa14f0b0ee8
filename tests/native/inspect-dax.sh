# virtiofs-inspect dax: what it says of a device with a window, and that it refuses others.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

inspect=$BUILD/tools/virtiofs-inspect/virtiofs-inspect

# says REGEX: in what was printed last.
says() {
	grep -Eq -- "$1" "$WORK/printed" || die "wants '$1': $(cat "$WORK/printed")"
	echo "ok it says: $(grep -E -m 1 -- "$1" "$WORK/printed")"
}

look_at() {
	"$inspect" dax "$@" >"$WORK/printed"
}

start_device "$SOCKET" "$WORK/device.log" --dir "$SHARE" --dax 16 --tag looked-at
ok "a window with nothing to map" look_at "$SOCKET"
says '^DAX window of vhost-user .*"looked-at"'
says '^ *Size +16 MiB$'
says '^ *Ranges +8 of 2 MiB$'
says '^ *Alignment +4 KiB \(2\^12\)$'
says 'large enough'

echo small >"$SHARE/small"
mkdir "$SHARE/directory"
head -c 3M /dev/zero >"$SHARE/data"
ok "the file that is large enough" look_at "$SOCKET"
says '^ *File +data$'
says '^ *Memory +cached: read at [0-9]+ %'
says '^ *SETUPMAPPING +[0-9.]+ us at least, [0-9.]+ us in the middle, of 32$'
says '^ *REMOVEMAPPING +[0-9.]+ us at least'
says '^ *mapped +33$'
says '^ *unmapped +33$'
says '^ *not usable +0$'
head -c 9M /dev/zero >"$SHARE/directory/another"
ok "another one by its path" look_at "$SOCKET" directory/another
says '^ *File +directory/another$'
refuses "small cannot be mapped: .*4096 bytes" "$inspect" dax "$SOCKET" small
refuses "directory cannot be mapped" "$inspect" dax "$SOCKET" directory
refuses "missing cannot be mapped: .*No such file" "$inspect" dax "$SOCKET" missing

SOCKET=$WORK/vfio-user.sock
FACE=vfio-user start_device "$SOCKET" "$WORK/vfio-user.log" --access-platform --dir "$SHARE" --dax 16
ok "a vfio-user server" look_at "vfio-user:$SOCKET" data
says '^ *Place +a BAR of the vfio-user server$'
says '^ *mapped +33$'

SOCKET=$WORK/none.sock
start_device "$SOCKET" "$WORK/none.log" --dir "$SHARE"
refuses "has no DAX window" "$inspect" dax "$SOCKET"
if program=$(virtiofsd_program); then
	SOCKET=$WORK/virtiofsd.sock
	start_virtiofsd "$SHARE" "$SOCKET" "$WORK/daemon.log"
	echo "with $program"
	refuses "has no DAX window" "$inspect" dax "$SOCKET"
fi
refuses "nothing listens|No such file" "$inspect" dax "$SOCKET.not"
