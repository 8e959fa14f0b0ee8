# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this
# What every host-side script here needs: messages, root, and an orderly end.

# The status of a pipeline is that of whatever failed in it.
set -o pipefail

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "error: $*"
	exit 1
}

# For what a machine lacks: run.sh reports it as skipped, not as failed.
skip() {
	say "skip: $*"
	exit 77
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root, and sudo is not installed: $*"
	fi
}

can_be_root() {
	[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }
}

# Commands to run at the end, last one first, however the script ends.
exit_commands=()

on_exit() {
	exit_commands+=("$1")
}

run_exit_commands() {
	local i

	trap - EXIT
	trap '' INT TERM HUP
	for ((i = ${#exit_commands[@]} - 1; i >= 0; i--)); do
		eval "${exit_commands[i]}" || true
	done
}

# Starts anew in a subshell, which must not undo what its parent did.
end_cleanly() {
	exit_commands=()
	trap 'run_exit_commands' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# A directory of this run alone, in $WORK. A daemon that ran as root may leave files of
# root's in it.
make_workdir() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/libvirtiofs.XXXXXX")
	on_exit "rm -rf '$WORK' 2>/dev/null || as_root rm -rf '$WORK'"
}

# Traps run only between commands, so anything that takes long is waited for this way.
run_interruptibly() {
	local status=0 pid

	# bash gives a background command no input unless told.
	"$@" <&0 &
	pid=$!
	on_exit "end_process $pid"
	wait $pid || status=$?
	return $status
}

# Only children, so that a number that was given to somebody else is never killed.
end_process() {
	jobs -p | grep -qx "$1" || return 0
	kill "$1" 2>/dev/null || as_root kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
