# shellcheck shell=bash
# C sources are as .clang-format has them.
set -euo pipefail

cd "$TOP"
find lib include tools tests examples -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
