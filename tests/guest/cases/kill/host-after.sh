# shellcheck shell=bash
for round in 1 2 3; do
	check "copy $round is right" cmp "$SHARE/random" "$SHARE/copy-$round"
done
