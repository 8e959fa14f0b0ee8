# The Linux Test Project's tests of system calls on files, and of file systems.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the files below
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"
# shellcheck source=tests/file/servers.sh
. "$TOP/tests/file/servers.sh"
# shellcheck source=tests/suites/lib.sh
. "$TOP/tests/suites/lib.sh"
# shellcheck source=tests/suites/ltp.sh
. "$TOP/tests/suites/ltp.sh"

# A test's own directory, and what it said. A test that opens as many files as it may shall not find out how
# many the server may open.
# shellcheck disable=SC2016 # for the inner shell
RUN_ONE='name=${1%% *} command=${1#* }
ulimit -n 1024
mkdir "$DIR/$name" && cd "$DIR/$name" || exit 255
TMPDIR=$PWD timeout -k 5 300 sh -c "$command" >"$SAID/$name" 2>&1
echo "$? $name" >>"$SAID.status"'

# The status has a bit for each kind of result: 32 is that something is not there to be tested.
results() {
	awk '{ print $1 == 0 ? "passed" : $1 == 32 ? "skipped" : "failed", $2 }' "$1"
}

say_failures() {
	local name

	results "$1.status" | sed -n 's/^failed //p' | while read -r name; do
		echo "$name:"
		grep -E 'TFAIL|TBROK|TWARN|FAIL|rror' "$1/$name" | head -n 5 || true
	done
}

run_suite() {
	local said=$WORK/ltp-said

	rm -rf "$said" "$said.status"
	mkdir "$said"
	# Others than root look there for what they execute, and make files.
	chmod 777 "$1"
	tr '\n' '\0' <"$WORK/tests-to-run" |
		as_root env PATH="$SUITE/testcases/bin:$PATH" LTPROOT="$SUITE" LTP_TIMEOUT_MUL=3 LTP_RUNTIME_MUL=0.05 \
			LTP_COLORIZE_OUTPUT=0 DIR="$1" SAID="$said" xargs -0 -P 4 -n 1 sh -c "$RUN_ONE" sh || true
	results "$said.status"
	say_failures "$said" >&2
}

built_ltp
# One server, so that it does not take a minute.
[ -n "$full" ] || export VFS_TEST_SERVERS="${VFS_TEST_SERVERS:-device}"
ltp_tests >"$WORK/tests-to-run"
compare_suite ltp
