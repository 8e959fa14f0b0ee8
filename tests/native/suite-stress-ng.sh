# stress-ng's file system stressors, each for a second.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the files below
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"
# shellcheck source=tests/suites/lib.sh
. "$TOP/tests/suites/lib.sh"

command -v stress-ng >/dev/null || skip "stress-ng is not installed"

# These are not about the directory that they are given.
ELSEWHERE="binderfs bind-mount procfs fanotify eventfd ioprio"

stressors() {
	local name

	for name in $(stress-ng --class 'filesystem?' 2>&1 | sed -n "s/^class 'filesystem' stressors: //p"); do
		[[ " $ELSEWHERE " == *" $name "* ]] || echo "$name"
	done
}

run_suite() {
	local name status

	for name in $(stressors); do
		status=0
		as_root timeout 120 stress-ng "--$name" 1 --timeout 1 --verify --temp-path "$1" >&2 || status=$?
		case $status in
		0) echo "passed $name" ;;
		3 | 4) echo "skipped $name" ;; # no resources, not on this machine
		*) echo "failed $name" ;;
		esac
	done
	# chattr leaves files that nobody can remove.
	as_root chattr -R -f -i -a "$1" || true
}

compare_suite stress-ng
