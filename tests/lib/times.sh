# shellcheck shell=bash
# How long each kind of test took, to keep an eye on it.

kinds=()
declare -A kind_time=() kind_tests=()

kind_of() {
	case $1 in
	unit/*) cut -d/ -f1,2 <<<"$1" ;;
	*) cut -d/ -f1 <<<"$1" ;;
	esac
}

# add_time NAME MICROSECONDS
add_time() {
	local kind

	kind=$(kind_of "$1")
	[ -n "${kind_tests[$kind]:-}" ] || kinds+=("$kind")
	kind_tests[$kind]=$((${kind_tests[$kind]:-0} + 1))
	kind_time[$kind]=$((${kind_time[$kind]:-0} + $2))
}

# Where tests ran at the same time the sum is more than the run took, which is the last line.
show_times() {
	local kind

	[ ${#kinds[@]} -gt 0 ] || return 0
	printf '\n%-14s %5s %8s\n' kind tests seconds
	for kind in "${kinds[@]}"; do
		printf '%-14s %5d %8d\n' "$kind" "${kind_tests[$kind]}" $((kind_time[$kind] / 1000000))
	done
	printf '%-14s %5s %8d\n' "the whole run" '' "$SECONDS"
}
