# shellcheck shell=bash
# shellcheck disable=SC2154 # variables are shared with run.sh
# What the library's checks came to: one row for each environment.

# What an environment is, in a few words of its own.
environment_over() {
	(
		# shellcheck source=/dev/null
		. "$top/tests/library/environments/${1#*/}/env"
		echo "$OVER"
	)
}

# without LOG: the checks that were skipped; where all of a kind were, the kind.
without() {
	sed -n 's/^\(ok\|not ok\|skip\) \([^ :]*\).*/\1 \2/p' "$1" | awk '
		{ name = $NF; kind = name; sub("/.*", "", kind) }
		$1 == "skip" { if (!(kind in here)) order[++n] = kind; here[kind] = here[kind] " " name; next }
		{ some[kind] = 1 }
		END { for (i = 1; i <= n; i++) printf "%s", some[order[i]] ? here[order[i]] : " " order[i] "/*" }'
}

table_row() {
	printf '%-30s %-34s %6s %6s %7s  %s\n' "$@"
}

# environment_row NAME
environment_row() {
	local name=$1 log=$logs/${1//\//-}.log result=${outcome[$1]} note
	local count=()

	if [ "$result" = skip ]; then
		table_row "$name" "$(environment_over "$name")" - - - "skip (${outcome_note[$name]})"
		return
	fi
	mapfile -t count < <(for note in 'ok' 'not ok' 'skip'; do grep -ac "^$note " "$log" || true; done)
	note=$(without "$log")
	table_row "$name" "$(environment_over "$name")" "${count[@]}" "$result${note:+, without$note}"
}

# show_library_table NAME...: of the tests that ran, if any of them is one of the library's.
show_library_table() {
	local name rows=()

	for name; do
		[[ $name != library* ]] || rows+=("$name")
	done
	[ ${#rows[@]} -gt 0 ] || return 0
	printf '\n'
	table_row environment over passed failed skipped result
	for name in "${rows[@]}"; do
		environment_row "$name"
	done
}
