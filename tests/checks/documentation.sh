# shellcheck shell=bash
# The C code in the guides compiles. The pieces of a guide make up one program.
set -euo pipefail

# code_in FILE: with the lines that it has there.
code_in() {
	case $1 in
	*.md) awk '/^```c$/ { on = 1; print "#line " NR + 1; next } /^```$/ { on = 0 } on' "$1" ;;
	*) awk '/^#include/ && !on { on = 1; print "#line " NR } /^\.Ed/ { on = 0 } on' "$1" | sed 's/\\e/\\/g' ;;
	esac
}

# Unused functions show something, and nothing more.
warnings="-Wall -Wextra -Wconversion -Werror -Wno-unused-function"
cd "$TOP"
status=0
for guide in docs/api.md docs/testing.md docs/man/libvirtiofs.7; do
	# shellcheck disable=SC2086 # options are words
	if ! code_in "$guide" | gcc -x c -std=c11 -D_GNU_SOURCE $warnings -fsyntax-only -Iinclude -Ilib -; then
		echo "$guide: the code in it does not compile"
		status=1
	fi
done
exit $status
