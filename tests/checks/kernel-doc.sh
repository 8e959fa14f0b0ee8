# shellcheck shell=bash
# Every public symbol is described in full, and the descriptions render without a warning.
set -euo pipefail

for part in common packages debian; do
	# shellcheck source=/dev/null
	. "$TOP/tests/guest/lib/$part.sh"
done

# The script of the release's own kernel. The package is not installed: it would want the headers of
# its very version.
# shellcheck disable=SC2317 # called by in_cache
unpack_kernel_doc() {
	local package

	package=$(apt-cache search -n '^linux-kbuild-[0-9]' | sort -V | tail -n 1 | cut -d ' ' -f 1)
	(cd "$1" && apt-get -qq download "$package" 2>/dev/null) || return 1
	dpkg-deb --fsys-tarfile "$1"/*.deb | tar -x -C "$1/whole" --strip-components=5 --wildcards \
		'*/scripts/kernel-doc'
}

# The names that one header declares or defines.
public_names() {
	gcc -fsyntax-only -I "$TOP/include" -aux-info "$WORK/functions" -x c - <<<"#include <vfs/$1>"
	sed -En "s|^/\* [^ ]*/include/vfs/$1:[^ ]* \*/ [^(]*[ *](vfs_[a-z0-9_]*) \(.*|\1|p" "$WORK/functions"
	sed -En -e 's/^(struct|union|enum) (vfs_[a-z0-9_]*) \{.*/\2/p' \
		-e 's/^typedef [^(]*[ *](vfs_[a-z0-9_]*_fn)[()].*/\1/p' \
		-e 's/^typedef [^(]*\(\*(vfs_[a-z0-9_]*)\).*/\1/p' \
		-e 's/^#define (VFS_[A-Z0-9_]*)[( \t].*/\1/p' "$TOP/include/vfs/$1"
}

documented_names() {
	sed -En -e 's/^\.\. c:function:: [^(]*[ *](\w+) \(.*/\1/p' \
		-e 's/^\.\. c:(struct|union|enum|macro):: (\w+).*/\2/p' "$1"
}

# kernel-doc itself does not mind descriptions of members that a structure does not have.
described_members() {
	awk '/^ \* (struct|union) vfs_/ { name = $3 }
		/^ \*\// { name = "" }
		name && /^ \* @[a-z0-9_]*:/ { print name "." substr($2, 2, length($2) - 2) }' "$1"
}

actual_members() {
	awk '/^\.\. c:/ { name = $3 }
		/^ *``[a-z0-9_]*``$/ { print name "." substr($1, 3, length($1) - 4) }' "$1"
}

# What begins in the first column is not of that section any more.
lists_outside_of_return() {
	awk '/^ \* Return:/ { on = 1 }
		/^ \*\// { on = 0 }
		on && /^ \* \* / { print FILENAME ":" FNR ": a list of what is returned wants two more blanks" }' "$@"
}

# lacks WHAT WANTED THERE: says which lines of the one are not in the other.
lacks() {
	local names

	names=$(comm -23 <(sort -u <<<"$2") <(sort -u <<<"$3"))
	[ -n "$names" ] && echo "$1: ${names//$'\n'/ }"
}

end_cleanly
make_workdir
command -v sphinx-build >/dev/null || skip "no sphinx-build (python3-sphinx)"
in_cache kernel-doc-1 unpack_kernel_doc || skip "no kernel-doc (linux-kbuild-*)"
export KERNEL_DOC=$CACHE/kernel-doc-1/kernel-doc

"$TOP/docs/reference/render.sh" "$WORK/docs" || die "the reference does not render"
[ -z "$(lists_outside_of_return "$TOP"/include/vfs/*.h | tee /dev/stderr)" ] || exit 1
status=0
for header in "$TOP"/include/vfs/*.h; do
	name=$(basename "$header" .h)
	rst=$WORK/docs/rst/$name.rst
	! lacks "vfs/$name.h: not described" "$(public_names "$name.h")" "$(documented_names "$rst")" ||
		status=1
	! lacks "vfs/$name.h: described, but not there" "$(described_members "$header")" \
		"$(actual_members "$rst")" || status=1
done
exit $status
