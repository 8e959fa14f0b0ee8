# shellcheck shell=bash
# A layer includes only itself and those below it.
set -euo pipefail

below=""
status=0
for layer in core observe transport dma virtio discovery fuse ops dax file; do
	[ -d "$TOP/lib/$layer" ] || continue
	below+="${below:+|}$layer"
	if grep -Ern '^#include "[a-z]+/' "$TOP/lib/$layer" | grep -Ev "#include \"($below)/"; then
		echo "$layer includes a layer above it"
		status=1
	fi
done
exit $status
