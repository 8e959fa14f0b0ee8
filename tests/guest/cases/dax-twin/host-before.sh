# shellcheck shell=bash
mkdir -p "$SHARE/twin"
