# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Completion of virtiofs-inspect for bash.

_virtiofs_inspect() {
	local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]:-} words=''

	if [ "$COMP_CWORD" = 1 ]; then
		words='list show dax bind unbind ps queues ring inflight stats trace help --help --version'
	elif [[ $verb =~ ^(ps|queues|ring|inflight|stats|trace)$ && $word == -* ]]; then
		words=--json
		[ "$verb" != trace ] || words+=' --seconds'
	elif [[ $verb =~ ^(queues|ring|inflight|stats|trace)$ ]]; then
		# The process and the tag, of a command and a device that may have blanks.
		words=$(virtiofs-inspect ps --json 2>/dev/null |
			sed -n 's/.*"pid": \([0-9]*\),.*"tag": "\([^"]*\)".*/\1 \2/p')
	elif [[ $verb =~ ^(show|dax|bind|unbind)$ ]]; then
		words=$(virtiofs-inspect list 2>/dev/null | awk 'NR > 1 { print $1, $2 }')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _virtiofs_inspect virtiofs-inspect
