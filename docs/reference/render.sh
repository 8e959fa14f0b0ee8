#!/bin/bash
# Renders the kernel-doc of the public headers as HTML. A warning is an error.
#
#	docs/reference/render.sh DIRECTORY
#
# DIRECTORY/html/index.html is the result, DIRECTORY/rst what it was made from. It wants Linux's
# script kernel-doc ($KERNEL_DOC, or from Debian's linux-kbuild-*) and python3-sphinx.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
headers=$(dirname "$(dirname "$here")")/include/vfs
out=${1:?usage: render.sh DIRECTORY}

newest_kernel_doc() {
	find /usr/lib/linux-kbuild-*/scripts -name kernel-doc 2>/dev/null | sort -V | tail -n 1
}

kernel_doc=${KERNEL_DOC:-$(newest_kernel_doc)}
if [ ! -e "$kernel_doc" ]; then
	echo "no kernel-doc: install linux-kbuild-*, or say where it is with KERNEL_DOC" >&2
	exit 1
fi
sphinx=$(sphinx-build --version)

# Newer versions of the script warn of what has no description with -Wall, older ones with -v.
describe=-v
! grep -q -e -Wreturn "$kernel_doc" || describe=-Wall

# render_header NAME: its rst, below a title. Fails if there is a warning.
render_header() {
	local title="<vfs/$1.h>" status=0

	printf '%s\n%s\n\n' "$title" "${title//?/=}"
	perl "$kernel_doc" -rst -Werror "$describe" -sphinx-version "${sphinx##* }" "$headers/$1.h" \
		2>"$out/messages" || status=1
	grep -v ': info: ' "$out/messages" >&2 || true
	return $status
}

rm -rf "$out"
mkdir -p "$out/rst"
cp "$here/index.rst" "$out/rst"
failed=''
for header in "$headers"/*.h; do
	name=$(basename "$header" .h)
	render_header "$name" >"$out/rst/$name.rst" || failed=1
done
[ -z "$failed" ] || exit 1
sphinx-build -q -W --keep-going -c "$here" "$out/rst" "$out/html"
