# Threads read and write files whose content they know, through the library; the host sees the same.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

count=${FSX_COUNT:-$(count_of 8000 2000 1000000)}
seed=${FSX_SEED:-1}
program=$BUILD/tests/file/fsx

ok "the kernel: $count operations" as_root "$program" --kernel "$SHARE" --count "$count" \
	--seed "$seed"
for kind in $(servers); do
	for mode in "${MODES[@]}"; do
		start_server "$kind" "$SHARE"
		# shellcheck disable=SC2086 # options are words
		ok "$kind $mode: $count operations" as_root "$program" --device "$SOCKET" \
			--direct "$SHARE" "${server_options[@]}" $mode --count "$count" --seed "$seed"
		end_server
	done
done
