# shellcheck shell=bash
check "the device had nothing to complain about" device_is_content
