# shellcheck shell=bash
# shellcheck disable=SC2154 # variables are shared with tests/suites/lib.sh
# Some of the Linux Test Project's programs, by its own build, and which of them are run.

LTP=https://github.com/linux-test-project/ltp
# The release of May 2026.
LTP_COMMIT=3a64d78f58bdceba93ed321e91215fb969a047ed

# Folders of testcases/kernel.
LTP_CALLS="access chdir chmod chown chroot close copy_file_range creat dup dup2 faccessat faccessat2 fadvise
	fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock
	fpathconf fremovexattr fsetxattr fstat fstatat fstatfs fsync ftruncate futimesat getcwd getdents getxattr
	inotify lchown lgetxattr link linkat listxattr llistxattr llseek lremovexattr lseek lstat madvise mincore
	mkdir mkdirat mknod mknodat mmap msync name_to_handle_at open openat openat2 open_by_handle_at pathconf
	pread preadv preadv2 pwrite pwritev pwritev2 read readahead readdir readlink readlinkat readv realpath
	removexattr rename renameat renameat2 rmdir sendfile setxattr splice stat statfs statvfs statx symlink
	symlinkat sync_file_range tee truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev"
LTP_FS="doio fs_inod fs_perms ftest inode lftest openfile stream"
LTP_IO="direct_io"

# More than half a second each.
LTP_SLOW="copy_file_range03|creat05|dup06|fchown0[23].*|fcntl(14|17|36)|flock07|fsync02|getcwd04|inode02"
LTP_SLOW+="|inotify(0[569]|1[01])|madvise06|mmap22|open04|rename14|sendfile09"
# Hundreds of thousands of direct writes each.
LTP_HEAVY="dio(1[3-9]|2[0-57-9]|30)"
# These make a file system of their own, on a loop device.
LTP_ELSEWHERE="all_filesystems|needs_device|mount_device|format_device|tst_acquire_device|needs_hugetlbfs"

# shellcheck disable=SC2086 # lists of words
ltp_folders() {
	printf 'syscalls/%s\n' $LTP_CALLS
	printf 'fs/%s\n' $LTP_FS
	printf 'io/%s\n' $LTP_IO
}

# ltp_programs FOLDER: what was built there.
ltp_programs() {
	local program

	find "$1" -maxdepth 1 -type f -perm -100 | while read -r program; do
		grep -Eqs "$LTP_ELSEWHERE" "${program%_64}.c" || echo "$program"
	done
}

make_ltp() {
	local source=$1 bin=$2/testcases/bin folder

	make -C "$source" autotools && env -C "$source" ./configure CFLAGS="-w -O1" LDFLAGS=-s &&
		make -C "$source/lib" -j"$(nproc)" libltp.a || return 1
	# Where its folder is newer everything in it is made.
	touch "$source/lib/libltp.a"
	mkdir -p "$bin"
	while read -r folder; do
		folder=$source/testcases/kernel/$folder
		make -C "$folder" -j"$(nproc)" && ltp_programs "$folder" | xargs -r cp -t "$bin" || return 1
	done < <(ltp_folders)
	cp -r "$source/runtest" "$2/"
}

build_ltp() {
	make_ltp "$@" >"$1/log" 2>&1 || { tail -n 5 "$1/log" >&2; return 1; }
}

# listed_tests LIST...: a name and a command each; those that last for a time have less of it.
listed_tests() {
	local name command program

	(cd "$SUITE/runtest" && grep -h '^[^#]' "$@") |
		sed -E -e 's/ -L [0-9]+ / -L 3 /' -e 's/ -i (60|120)s / -i 3s /' |
		while read -r name command; do
			program=${command##*; }
			[[ $name == *_64 ]] || [ ! -x "$SUITE/testcases/bin/${program%% *}" ] || echo "$name $command"
		done
}

ltp_tests() {
	if [ -n "$full" ]; then
		listed_tests syscalls fs dio fs_perms_simple | grep -Ev "^($LTP_HEAVY) "
	else
		listed_tests syscalls | grep -Ev "^($LTP_SLOW) "
	fi
}

built_ltp() {
	built_suite ltp "$LTP" "$LTP_COMMIT" build_ltp
}
