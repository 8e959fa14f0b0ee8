# shellcheck shell=bash
# C sources are as .clang-format has them.
set -euo pipefail

# Versions disagree about some lines, so one of them has to be the judge: that of Debian 12.
version=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
if [ "$version" != 14 ]; then
	echo "skip: clang-format $version, and the sources are formatted with 14"
	exit 77
fi

cd "$TOP"
find lib include tools tests examples -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
