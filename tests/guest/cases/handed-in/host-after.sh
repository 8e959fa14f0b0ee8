# shellcheck shell=bash
for file in {iommufd,group,group-device}-{0,1,2}; do
	check "contents of $file" grep -qx 'written by descriptors alone' "$SHARE/$file"
done
