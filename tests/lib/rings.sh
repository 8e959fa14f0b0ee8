# shellcheck shell=bash
# Whether the kernel offers FUSE over io_uring is the administrator's to say. After common.sh; for tests
# that are programs there is tests/tools/rings.h.

rings_switch=/sys/module/fuse/parameters/enable_uring
# Held by all who need it, as tests/tools/rings.c does.
rings_lock=/tmp/libvirtiofs-rings.lock

# Have it offered until the script ends, which leaves it as it was unless others need it. Fails where
# the kernel has none.
rings_begin() {
	local before

	before=$(cat "$rings_switch" 2>/dev/null) && [ -w "$rings_switch" ] || return 1
	exec {rings_fd}>>"$rings_lock"
	flock -s "$rings_fd"
	on_exit "rings_end '$before'"
	echo Y >"$rings_switch"
}

# What was started meanwhile has the descriptor too, and may still be there.
rings_end() {
	[ "$1" != N ] || ! flock -n -x "$rings_fd" || echo N >"$rings_switch"
	flock -u "$rings_fd"
	exec {rings_fd}>&-
}
