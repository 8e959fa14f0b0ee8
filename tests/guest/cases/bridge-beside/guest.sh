# shellcheck shell=sh
# Both mounts do the same in turns; what is printed are medians over the rounds, and the best. No figure is
# asserted, but that both have the same files afterwards.

rounds=9
# On a slow machine there are fewer.
seconds=240
least=3
directories=20
files=50 # in each of them

figures=/tmp/figures
tree=/tmp/tree

kernel_dir=/kernel
bridge_dir=/bridge

# Those of bridge-client, how often in a round, and which of its figures counts: the median says most on a
# machine that has other things to do, but not where one of many has to wait for what the others have left.
operations="getattr:300:p50_ns stat:3000:p50_ns create:150:p50_ns unlink:150:p50_ns
	random-read-4k-direct:300:p50_ns random-read-4k:300:p50_ns random-write-4k-direct:300:p50_ns
	random-write-4k-fsync:300:ns_per_op read-1m-direct:32:p50_ns read-1m:32:ns_per_op
	write-1m-direct:32:p50_ns write-1m-fsync:32:ns_per_op"
trees="untar find read-all remove"

# Nothing is kept back from the servers, so there is nothing to be written before.
drop_caches() {
	echo 3 >/proc/sys/vm/drop_caches
}

# Small files in many directories.
make_tree() {
	mkdir "$1"
	for directory in $(seq $directories); do
		mkdir "$1/$directory"
		for file in $(seq $files); do
			seq "$directory" $((directory + 5 * file)) >"$1/$directory/$file"
		done
	done
}

seconds_up() {
	cut -d. -f1 /proc/uptime
}

# Of a second, since the start.
hundredths() {
	sed 's/\.\([0-9]*\) .*/\1/' /proc/uptime
}

# took COMMAND...: sets took, in hundredths of a second.
took() {
	took_from=$(hundredths)
	"$@" >/tmp/took.out 2>&1 || fail "$*: $(tail -n 3 /tmp/took.out | tr '\n' ' ')"
	took=$(($(hundredths) - took_from))
	[ $took -gt 0 ] || took=1
}

# keep WHAT WHERE NS: one figure of a round.
keep() {
	echo "$3" >>"$figures/$1,$2"
}

# operation WHAT COUNT FIGURE WHERE
operation() {
	if bridge-client "/$4/$4" "$1" 1 "$2" >/tmp/operation.out 2>&1; then
		keep "$1" "$4" "$(sed -n "s/.*$3=\([0-9]*\).*/\1/p" /tmp/operation.out)"
	else
		fail "$1 on $4: $(cat /tmp/operation.out)"
	fi
}

# on_tree WHAT WHERE: what is done with all files of a tree, one after the other.
on_tree() {
	case $1 in
	untar) took tar -x -f /tmp/tree.tar -C "/$2/$2" ;;
	find) took find "/$2/$2" -newer /tmp/tree.tar ;;
	read-all) took sh -c "find /$2/$2/tree -type f | xargs cat" ;;
	remove) took rm -r "/$2/$2/tree" ;;
	esac
	keep "$1" "$2" $((took * 10000000 / (directories * files)))
}

# one_round: each is done on one mount and then on the other, and the first is not always the same.
one_round() {
	if [ $(($1 % 2)) = 0 ]; then set -- kernel bridge; else set -- bridge kernel; fi
	for item in $operations; do
		for where; do
			# shellcheck disable=SC2046 # three words
			operation $(echo "$item" | tr : ' ') "$where"
		done
	done
	for item in $trees; do
		for where; do
			drop_caches
			on_tree "$item" "$where"
		done
	done
}

# ratio BRIDGE KERNEL
ratio() {
	ratio_percent=$((100 * $1 / $2))
	ratio_part=$((ratio_percent % 100 + 100))
	echo "$((ratio_percent / 100)).${ratio_part#1}"
}

# figures_of WHAT WHERE: the median and the least.
figures_of() {
	sort -n "$figures/$1,$2" >/tmp/sorted
	sed -n -e "$((($(wc -l </tmp/sorted) + 1) / 2))p" -e '1p' /tmp/sorted | sort -n -r
}

# row CPUS WHAT: what is least says more than the median where others disturb.
row() {
	# shellcheck disable=SC2046 # numbers
	set -- "$1" "$2" $(figures_of "$2" kernel) $(figures_of "$2" bridge)
	if [ $# != 6 ]; then
		fail "$2: a figure is missing"
		return
	fi
	ok "$1 processors, $2: kernel $(($3 / 1000)) us, bridge $(($5 / 1000)) us, ratio $(ratio "$5" "$3");" \
		"at best $(($4 / 1000)) and $(($6 / 1000)) us, $(ratio "$6" "$4")"
}

# compare CPUS
compare() {
	rm -rf "$figures"
	mkdir "$figures"
	compare_end=$(($(seconds_up) + seconds))
	round=0
	while [ $round -lt $rounds ] && { [ $round -lt $least ] || [ "$(seconds_up)" -lt $compare_end ]; }; do
		one_round $round
		round=$((round + 1))
	done
	ok "$1 processors, rounds: $round"
	for item in $operations $trees; do
		row "$1" "${item%%:*}"
	done
}

# listing DIR: names, kinds, rights, owners, sizes, times and contents.
listing() {
	drop_caches
	(cd "$1" && find . | sort | xargs stat -c '%n %f %u:%g %h %s %Y' && find . -type f | sort | xargs sha256sum)
}

same_files() {
	listing $kernel_dir >/tmp/listing.kernel && listing $bridge_dir >/tmp/listing.bridge &&
		cmp /tmp/listing.kernel /tmp/listing.bridge && grep -c . /tmp/listing.bridge
}

make_tree $tree
tar -c -f /tmp/tree.tar -C /tmp tree
load_bridge
bind_vfio "$(fs_bdf 2)" || fail "bind"
check "mount with the kernel's driver" kernel_mount kernelfs $kernel_dir
check "mount with the bridge" bridge_mount myfs $bridge_dir
# Each has a directory of its own, so that neither makes the other's caches stale.
for where in kernel bridge; do
	mkdir /$where/$where
	dd if=/dev/urandom of=/$where/$where/file-0 bs=1M count=64 2>/tmp/dd.err
done
compare 2
echo 0 >/sys/devices/system/cpu/cpu1/online
check "one processor" test "$(nproc)" = 1
compare 1
check "untar for the comparison" tar -x -f /tmp/tree.tar -C $kernel_dir/kernel
check "untar for the comparison, on the bridge" tar -x -f /tmp/tree.tar -C $bridge_dir/bridge
check "both have the same files" same_files
cp /tmp/listing.bridge $bridge_dir/listing
check "unmount" umount $kernel_dir
check "unmount the bridge" bridge_umount $bridge_dir
kernel_is_content
