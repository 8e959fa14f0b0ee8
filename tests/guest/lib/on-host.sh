# shellcheck shell=bash
# For a case's host-before.sh and host-after.sh: they run as root, with the served directory in
# $SHARE (the first one) and what its daemon said in $LOG, and report as the guest does.

# check DESCRIPTION COMMAND...
check() {
	local what=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "@@ ok host: $what"
	else
		echo "@@ not ok host: $what: $(tail -n 3 <<<"$output" | tr '\n' ' ')"
	fi
}

same_sha256() {
	(cd "$SHARE/keep" && sha256sum --status -c big.sha256)
}

# check_kept_tree [--small|--big]: what workload.c left, looked at by its own verification and by the
# shell's tools.
check_kept_tree() {
	local entries=2000

	case ${1:-} in
	--small) entries=500 ;;
	--big) entries=10000 ;;
	esac
	"$BUILD/tests/guest/guest-workload" --verify "$@" "$SHARE" |
		sed 's/^@@ \(ok\|not ok\) /&host: /'
	check "sha256 of the big file agrees" same_sha256
	check "mode and owner" test "$(stat -c %a:%u:%g "$SHARE/keep/text.x")" = 640:1234:4321
	check "extended attribute" test \
		"$(getfattr --absolute-names --only-values -n user.colour "$SHARE/keep/text.x" 2>&1)" = blue
	check "symbolic link" test "$(readlink "$SHARE/keep/soft")" = text
	check "$entries entries" test "$(find "$SHARE/keep/many" -type f | wc -l)" = $entries
}

# Our device says something only when a driver broke a rule. QEMU does so when it replaces the memory
# of a vfio-user device by that behind an IOMMU, or back.
device_is_content() {
	! grep -v 'are unmapped, and were not mapped like that$' "$LOG"
}
