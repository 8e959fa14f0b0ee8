# shellcheck shell=bash
# What was written last, by mmap() or by a pointer, and by WRITE.
last_words() {
	[ "$(head -c 7 "$SHARE/myfs/beside")" = "by mmap" ] &&
		[ "$(tail -c +2101249 "$SHARE/myfs/beside" | head -c 5)" = other ]
}

check "the file that both have written to" last_words
check "the device had nothing to complain about" device_is_content
