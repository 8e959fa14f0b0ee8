# shellcheck shell=bash
# The shared library offers the functions of its headers, and nothing else.
set -euo pipefail

# Absolute symbols name the versions.
others=$(nm -D --defined-only "$BUILD/lib/libvirtiofs.so.0" | awk '$2 != "A" && $3 !~ /^vfs_/ { print $3 }')
if [ -n "$others" ]; then
	echo "exported, but not vfs_*: $others"
	exit 1
fi
