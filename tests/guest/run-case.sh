#!/bin/bash
# run-case.sh NAME|DIR [BUILD]: boots one case, prints its results; 0 if all of them are good.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
for part in common packages debian share kernel custom-kernel initramfs qemu case; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done

case_dir=$here/cases/$1
[ -d "$case_dir" ] || case_dir=$1
[ -e "$case_dir/guest.sh" ] || die "no case $1 in $here/cases"
build=$(readlink -f "${2:-$here/../../build}")

end_cleanly
make_workdir
case_settings "$case_dir"
results=$WORK/results.all
console=$WORK/console
touch "$results" "$console"
run_case "$case_dir" "$build" "$results" "$console"

sed -n 's/^@@ \(ok\|not ok\|skip\) /\1 /p' "$results"
[ -z "${KEEP_CONSOLE:-}" ] || cp "$console" "$KEEP_CONSOLE"
if ! grep -q '^@@ end$' "$results"; then
	echo "not ok the guest never came to its end; the last lines of its console:"
	tail -n 40 "$console" | tr -d '\r'
	exit 1
fi
if ! grep -q '^@@ ok ' "$results"; then
	echo "not ok the case checked nothing"
	exit 1
fi
if grep -q '^@@ not ok ' "$results"; then
	exit 1
fi
