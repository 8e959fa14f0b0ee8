# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with run.sh
# Showing what a test came to, counting it.

passed=0 failed=0 skipped=0
bad=()
# By name: ok, FAIL or skip, and what was noted.
declare -A outcome=() outcome_note=()

# show_result WORD NAME MICROSECONDS [NOTE]: one line a test.
show_result() {
	printf '%-5s %6d.%d s  %s%s\n' "$1" $(($3 / 1000000)) $(($3 / 100000 % 10)) "$2" "${4:+  ($4)}"
}

# What a test had to say in a few words: why it was skipped, or how much it looked at.
note_from() {
	local status=$1 name=$2 log=$3

	if [ "$status" = 77 ]; then
		sed -n 's/^skip\(ped\)\?: //p' "$log" | head -n 1
	elif [[ $name == guest* || $name == library* ]]; then
		echo "$(grep -ac '^ok ' "$log") checks"
	fi
}

# show_log LOG STATUS: only what is needed to see why, unless more was asked for.
show_log() {
	if [ -n "$verbose" ]; then
		sed 's/^/      /' "$1"
	elif [ "$2" != 0 ]; then
		# The checks that failed may be far from the end.
		{ head -n -40 "$1" | grep '^not ok ' || true; tail -n 40 "$1"; } | sed 's/^/      /'
	fi
}

# report_test NAME STATUS MICROSECONDS
report_test() {
	local name=$1 status=$2 took=$3 log note
	log=$(log_of "$name")

	note=$(note_from "$status" "$name" "$log")
	case $status in
	0)
		passed=$((passed + 1))
		outcome[$name]=ok
		show_result ok "$name" "$took" "$note"
		show_log "$log" 0
		;;
	77)
		skip_test "$name" "${note:-no reason given}" "$took"
		;;
	*)
		failed=$((failed + 1))
		outcome[$name]=FAIL
		bad+=("$name")
		show_result FAIL "$name" "$took" "$note"
		show_log "$log" "$status"
		;;
	esac
	add_time "$name" "$took"
}

# skip_test NAME REASON [MICROSECONDS]
skip_test() {
	skipped=$((skipped + 1))
	outcome[$1]=skip outcome_note[$1]=$2
	show_result skip "$1" "${3:-0}" "$2"
}
