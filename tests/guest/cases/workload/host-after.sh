# shellcheck shell=bash
check_kept_tree --big
