# A DAX window needs no virtual machine, and no privilege.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

# as_nobody COMMAND...
as_nobody() {
	as_root setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# It starts the device itself, as the same user.
ok "files in the window of a process without privilege" as_nobody \
	"$BUILD/tests/device/test-device-window"
