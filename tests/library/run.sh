#!/bin/bash
# run.sh ENVIRONMENT [BUILD]: the library's checks in one environment; 0 if none is bad.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
for part in common packages debian share kernel case; do
	# shellcheck source=/dev/null
	. "$here/../guest/lib/$part.sh"
done
# shellcheck source=/dev/null
. "$here/native.sh"

environment=$here/environments/$1
[ -e "$environment/env" ] || die "no environment $1 in $here/environments"
BUILD=$(readlink -f "${2:-$here/../../build}")

end_cleanly
make_workdir
# As a guest's case: its settings, and what its guest does.
mkdir "$WORK/case"
cp "$environment"/* "$here/guest.sh" "$here"/host-{before,after}.sh "$WORK/case/"
case_settings "$WORK/case"

case $PLACE in
native) run_native_environment ;;
guest) run_interruptibly bash "$here/../guest/run-case.sh" "$WORK/case" "$BUILD" ;;
*) die "PLACE=$PLACE: only native and guest exist" ;;
esac
