# shellcheck shell=bash
check_kept_tree --small
check "the device had nothing to complain about" device_is_content
