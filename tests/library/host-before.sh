# shellcheck shell=bash
# Ends with the directory.
"$BUILD/tests/library/lock-holder" "$SHARE" "$SHARE/locks-are-waited-for-in-time/file" &
