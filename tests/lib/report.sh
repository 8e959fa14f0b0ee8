# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with run.sh
# Running a test, showing the result, counting it.

passed=0 failed=0 skipped=0
bad=()
# By name: ok, FAIL or skip, and what was noted.
declare -A outcome=() outcome_note=()

# One line a test, with the time it took.
show_result() {
	local word=$1 name=$2 start=$3 note=${4:-} end=${EPOCHREALTIME/./}

	printf '%-5s %6d.%d s  %s%s\n' "$word" $(((end - start) / 1000000)) \
		$(((end - start) / 100000 % 10)) "$name" "${note:+  ($note)}"
}

# What a test had to say in a few words: why it was skipped, or how much it looked at.
note_from() {
	local status=$1 name=$2 log=$3

	if [ "$status" = 77 ]; then
		sed -n 's/^\([0-9]*: \)\?skip\(ped\)\?: //p' "$log" | head -n 1
	elif [[ $name == guest* || $name == library* ]]; then
		echo "$(grep -ac '^ok ' "$log") checks"
	fi
}

# Only what is needed to see why, unless more was asked for.
show_log() {
	if [ -n "$verbose" ]; then
		sed 's/^/      /' "$1"
	elif [ "$test_status" != 0 ]; then
		# The checks that failed may be far from the end.
		{ head -n -40 "$1" | grep '^not ok ' || true; tail -n 40 "$1"; } | sed 's/^/      /'
	fi
}

# count_test NAME: runs it, shows it, counts it; its exit status is left in test_status.
count_test() {
	local name=$1 start=${EPOCHREALTIME/./} log missing note
	log=$logs/${1//\//-}.log

	test_status=0
	# shellcheck disable=SC2046 # list of words
	missing=$(missing_packages $(packages_for "$name") | tr '\n' ' ')
	if [ -n "$missing" ]; then
		echo "skip: not installed: $missing" >"$log"
		test_status=77
	else
		run_interruptibly run_test "$name" >"$log" 2>&1 || test_status=$?
		# ctest does not say it by exit status.
		[ "$test_status" != 0 ] || ! grep -q '(Skipped)$' "$log" || test_status=77
	fi
	note=$(note_from "$test_status" "$name" "$log")
	case $test_status in
	0)
		passed=$((passed + 1))
		outcome[$name]=ok
		show_result ok "$name" "$start" "$note"
		show_log "$log"
		;;
	77)
		skip_test "$name" "${note:-no reason given}" "$start"
		;;
	*)
		failed=$((failed + 1))
		outcome[$name]=FAIL
		bad+=("$name")
		show_result FAIL "$name" "$start" "$note"
		show_log "$log"
		;;
	esac
}

# skip_test NAME REASON [START]
skip_test() {
	skipped=$((skipped + 1))
	outcome[$1]=skip outcome_note[$1]=$2
	show_result skip "$1" "${3:-${EPOCHREALTIME/./}}" "$2"
}
