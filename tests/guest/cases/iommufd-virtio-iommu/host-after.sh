# shellcheck shell=bash
for file in iommufd group; do
	check "sha256 of $file" env -C "$SHARE" sha256sum --status -c "$file.sum"
done
