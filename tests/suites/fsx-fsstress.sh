# shellcheck shell=bash
# fsx and fsstress of xfstests, by the compiler alone: its own build wants much more than these do.

XFSTESTS=https://github.com/kdave/xfstests
XFSTESTS_COMMIT=63a29724a85f1999e49bf0a9bf0d22643b6116e5

XFSTESTS_HEADERS="XFS_XFS_H SYS_TYPES_H SYS_STAT_H SYS_STATVFS_H SYS_TIME_H SYS_IOCTL_H SYS_WAIT_H MALLOC_H
	DIRENT_H STDLIB_H UNISTD_H ERRNO_H STRING_H SYS_FCNTL_H TIME_H WAIT_H SYS_PARAM_H LIBGEN_H ASSERT_H
	STRINGS_H LINUX_FALLOC_H SYS_MMAN_H ERR_H SYS_PRCTL_H LINUX_FIEMAP_H RENAMEAT2 COPY_FILE_RANGE
	FALLOCATE"

build_xfstests() {
	local source=$1 result=$2 name program

	: >"$source/config.h"
	for name in $XFSTESTS_HEADERS; do
		echo "#define HAVE_$name 1" >>"$source/config.h"
	done
	for program in fsx fsstress; do
		gcc -w -O1 -std=gnu11 -D_GNU_SOURCE -DSTDC_HEADERS -DVERSION='"0"' -include getopt.h \
			-include time.h -I"$source" -I"$source/src" -I"$source/include" \
			-o "$result/$program" "$source/ltp/$program.c" -lm || return 1
	done
}

built_xfstests() {
	built_suite xfstests "$XFSTESTS" "$XFSTESTS_COMMIT" build_xfstests
}
