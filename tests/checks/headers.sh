# shellcheck shell=bash
# Each public header stands alone, in C11, C++11 and C++17.
set -euo pipefail

warnings="-Wall -Wextra -Wconversion -Werror -fsyntax-only"
for header in "$TOP"/include/vfs/*.h; do
	line="#include <vfs/$(basename "$header")>"
	for compiler in "gcc -x c -std=c11" "clang -x c -std=c11" "g++ -x c++ -std=c++11" \
		"g++ -x c++ -std=c++17" "clang++ -x c++ -std=c++17"; do
		# shellcheck disable=SC2086 # options are words
		if ! $compiler $warnings -I "$TOP/include" - <<<"$line"; then
			echo "$compiler: $header does not compile alone"
			exit 1
		fi
	done
done
