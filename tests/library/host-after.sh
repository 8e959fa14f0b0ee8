# shellcheck shell=bash
check "no files are left" test -z "$(ls -A "$SHARE")"
