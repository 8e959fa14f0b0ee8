# Two clients of one directory see of each other what the way of keeping things promises.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

for kind in $(servers) dax-and-without; do
	for mode in "${MODES[@]}" "--cache always --writeback"; do
		more=()
		[ "$kind" != dax-and-without ] || more=(--one-dax)
		start_server "${kind%-and-*}" "$SHARE"
		second=$SOCKET other=$server
		start_server "${kind%-and-*}" "$SHARE"
		# shellcheck disable=SC2086 # options are words
		ok "$kind $mode" as_root "$BUILD/tests/file/two-clients" --device "$SOCKET" \
			--second "$second" "${server_options[@]}" "${more[@]}" $mode
		end_server
		server=$other
		end_server
	done
done
