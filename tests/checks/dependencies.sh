# shellcheck shell=bash
# The library needs the C library and nothing else: libpci and libfuse are for the tools.
set -euo pipefail

needed=$(readelf -d "$BUILD/lib/libvirtiofs.so.0" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
others=$(grep -Ev '^(libc|libm|libpthread|ld-linux[a-z0-9_-]*)\.so\.' <<<"$needed" || true)
if [ -n "$others" ]; then
	echo "the library depends on: $others"
	exit 1
fi
