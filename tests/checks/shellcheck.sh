# shellcheck shell=bash
# Shell scripts, in bash for the host and sh for the guest.
set -euo pipefail

cd "$TOP"
find tests examples docs -name '*.sh' -print0 |
	xargs -0 shellcheck -x -P SCRIPTDIR .ci/run tests/guest/lib/init
