# Random operations through the library and through the kernel agree, on each server and with each way of
# keeping things; so do the trees that they leave, and the server is left with nothing.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"

count=${EQUIVALENCE_COUNT:-$(count_of 6000 1500 200000)}
seed=${EQUIVALENCE_SEED:-1}
program=$BUILD/tests/equivalence/equivalence
twin=$WORK/twin
mkdir "$twin" "$WORK/other"

# Who judges is judged first.
ok "the kernel and itself: $count operations" as_root "$program" --kernel "$WORK/other" --twin "$twin" \
	--count "$count" --seed "$seed"
for kind in $(servers); do
	for mode in "${MODES[@]}"; do
		start_server "$kind" "$SHARE"
		# shellcheck disable=SC2086 # options are words
		ok "$kind $mode: $count operations" as_root "$program" --device "$SOCKET" \
			--twin "$twin" --direct "$SHARE" --may-lack "$may_lack" "${server_options[@]}" \
			$mode --count "$count" --seed "$seed"
		end_server
		seed=$((seed + 1))
	done
done
