# shellcheck shell=bash
# What both mounts showed of the content is what is there.
same_content() {
	(cd "$SHARE" && grep -E '^[0-9a-f]{64}  ' listing | sha256sum --status -c)
}

check "the host has the same files" same_content
