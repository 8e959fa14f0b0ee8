# Each behaviour of file operations by its name, on each server and with each way of keeping things.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

program=$BUILD/tests/file/files

ok "the kernel" as_root "$program" --kernel "$SHARE"
for kind in $(servers); do
	for mode in "${MODES[@]}" "--cache always --writeback"; do
		start_server "$kind" "$SHARE"
		# shellcheck disable=SC2086 # options are words
		ok "$kind $mode" as_root "$program" --device "$SOCKET" "${server_options[@]}" $mode
		end_server
	done
done
