# shellcheck shell=sh
# The library's checks in a guest, with the settings of the environment.
# shellcheck disable=SC1091 # it is there in the guest
. /guest/env

load_bridge
bind_vfio || fail "bind"

# Each line as it comes, so that a hang shows where.
# shellcheck disable=SC2086 # options are words
{
	timeout $((TIMEOUT - 20)) library-test --lock-holder ${LIBRARY_OPTIONS:-} "$(fs_bdf)" 2>/tmp/library.err
	echo $? >/tmp/library.status
} | while read -r line; do
	report "$line"
done
status=$(cat /tmp/library.status)
cat /tmp/library.err
[ "$status" -le 1 ] || fail "library-test: exit status $status: $(tail -n 1 /tmp/library.err)"
kernel_is_content
