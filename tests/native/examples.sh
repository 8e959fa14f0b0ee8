# The examples do what they say, built with nothing but the installed library.
# shellcheck shell=bash
# shellcheck source=tests/native/lib.sh
. "$TOP/tests/native/lib.sh"

command -v curl >/dev/null || skip "no curl"

PREFIX=$WORK/prefix
BIN=$WORK/bin
PORT=$((20000 + RANDOM % 10000))
URL=http://127.0.0.1:$PORT

# ---- building ----

# compile NAME COMPILER SOURCE...: with what pkg-config says.
compile() {
	local name=$1 flags
	shift
	read -ra flags < <(pkg-config --cflags --libs libvirtiofs)
	"$@" -Wall -Wextra -Werror -o "$BIN/$name" "${flags[@]}"
}

build_project() {
	cmake -S "$TOP/examples/cmake" -B "$WORK/project" -DCMAKE_PREFIX_PATH="$PREFIX" &&
		cmake --build "$WORK/project"
} >"$WORK/project.log"

# An API that may be another one is not taken for this one.
next_minor_is_refused() {
	mkdir "$WORK/next"
	printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(next NONE)' \
		'find_package(libvirtiofs 0.2 REQUIRED CONFIG)' >"$WORK/next/CMakeLists.txt"
	! cmake -S "$WORK/next" -B "$WORK/next/build" -DCMAKE_PREFIX_PATH="$PREFIX" >"$WORK/next/log" 2>&1 &&
		grep -q 'not accepted\|requested version "0.2"' "$WORK/next/log"
}

includes_all_headers() {
	diff <(sed -n 's|^#include <vfs/\(.*\)>|\1|p' "$TOP/examples/headers.cc") \
		<(find "$TOP/include/vfs" -name '*.h' -printf '%f\n' | LC_ALL=C sort)
}

# The pieces of code in the guide are one program.
guide_program() {
	awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$TOP/docs/api.md"
}

build_all() {
	local name

	ok "install" cmake --install "$BUILD" --prefix "$PREFIX" >"$WORK/install.log"
	PKG_CONFIG_PATH=$(dirname "$(find "$PREFIX" -name libvirtiofs.pc)")
	export PKG_CONFIG_PATH
	LD_LIBRARY_PATH=$(pkg-config --variable=libdir libvirtiofs)
	export LD_LIBRARY_PATH
	mkdir "$BIN"
	for name in stat-root async-copy; do
		ok "build $name" compile "$name" cc "$TOP/examples/$name.c"
	done
	for name in cat cp ls web; do
		ok "build vfs-$name" compile "vfs-$name" cc "$TOP/examples/$name.c"
	done
	guide_program >"$WORK/read-file.c"
	ok "build the guide's program" compile read-file cc -Wno-unused-function "$WORK/read-file.c"
	ok "headers.cc has all headers" includes_all_headers
	ok "build headers" compile headers c++ -std=c++17 "$TOP/examples/headers.cc"
	ok "build a CMake project" build_project
	ok "another version is not taken" next_minor_is_refused
}

# ---- what is served ----

fill_share() {
	local i

	mkdir -p "$1/many" "$1/sub/deep" "$1/closed"
	head -c 8000001 /dev/urandom >"$1/big"
	head -c 3333333 /dev/urandom >"$1/sub/odd"
	truncate -s 50M "$1/sparse"
	printf middle | dd of="$1/sparse" bs=1M seek=20 conv=notrunc status=none
	: >"$1/empty"
	echo '<p>hello</p>' >"$1/index.html"
	echo below >"$1/sub/index.html"
	echo secret | tee "$1/secret" >"$1/closed/file"
	ln -s /etc/passwd "$1/outside"
	ln -s big "$1/link"
	mkfifo "$1/fifo"
	for i in {1..300}; do echo "$i" >"$1/many/file$i"; done
	chmod 640 "$1/sub/odd"
	chmod 4751 "$1/many/file7"
	chmod 1777 "$1/many"
	chmod 600 "$1/secret"
	chmod 700 "$1/closed"
	touch -d '2001-02-03 04:05:06.789' "$1/sub/odd"
}

# ---- programs ----

cat_is_the_same() {
	"$BIN/vfs-cat" "$SOCKET" big /sub/odd link | cmp - <(cd "$SHARE" && cat big sub/odd link)
}

attributes() {
	stat -c '%a %s %.9Y %.9X' "$1"
}

has_holes() {
	[ $(($(stat -c %b "$1") * 512)) -lt $(($(stat -c %s "$1") / 2)) ]
}

# copies FROM TO THERE: data, permissions and times of the source, which is the local file THERE.
# Reading changes the time of the last access.
copies() {
	local before copy=${2/#:/$SHARE/}

	before=$(attributes "$3")
	"$BIN/vfs-cp" "$SOCKET" "$1" "$2" || return 1
	if [ "$(attributes "$copy")" != "$before" ]; then
		echo "$(attributes "$copy"), and not $before"
		return 1
	fi
	cmp "$3" "$copy"
}

# A line that is written over on a terminal, and nothing elsewhere.
shows_progress() {
	script -qec "'$BIN/vfs-cp' '$SOCKET' :big '$WORK/copy'" /dev/null | grep -q $'\r100 %  7 of 7 MiB' &&
		[ -z "$("$BIN/vfs-cp" "$SOCKET" :big "$WORK/copy" 2>&1)" ]
}

# ls in columns, which are of another width.
lists_as_ls() {
	# shellcheck disable=SC2012 # it is the model
	diff <("$BIN/vfs-ls" "$SOCKET" "$@" | tr -s ' ') \
		<(cd "$SHARE" && LC_ALL=C ls -lnR --time-style=long-iso "${@:-.}" | tr -s ' ')
}

# ---- the web server ----

start_web() {
	"$BIN/vfs-web" -p "$PORT" "$SOCKET" >"$WORK/web.log" 2>&1 &
	WEB=$!
	on_exit "end_process $WEB"
	within 10 grep -q "^$URL/" "$WORK/web.log" || die "vfs-web: $(cat "$WORK/web.log")"
}

get() {
	curl -s --path-as-is --max-time 60 "$@"
}

# status WANTED OPTION...
status() {
	local wanted=$1 got
	shift
	got=$(get -o "$WORK/body" -w '%{http_code}' "$@")
	[ "$got" = "$wanted" ] || { echo "got $got"; return 1; }
}

serves() {
	get "$URL/$1" | cmp - "$SHARE/$2"
}

head_has_length_only() {
	get -I "$URL/big" | grep -iqx $'content-length: 8000001\r' &&
		[ "$(get -I -w '%{size_download}' -o /dev/null "$URL/big")" = 0 ]
}

keeps_connection() {
	[ "$(get -o "$WORK/1" -o "$WORK/2" -o "$WORK/3" -w '%{num_connects} ' \
		"$URL/sub/odd" "$URL/nothing" "$URL/empty")" = "1 0 0 " ]
}

many_at_once() {
	local i pids=()

	for i in {1..50}; do
		get "$URL/big" | sha256sum >"$WORK/sum$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || return 1; done
	[ "$(sort -u "$WORK"/sum*)" = "$(sha256sum <"$SHARE/big")" ]
}

has_descriptors() {
	[ "$(find "/proc/$WEB/fd" -type l | wc -l)" = "$1" ]
}

# Connections that end in the middle leave nothing open.
hung_up_on() {
	local before _

	before=$(find "/proc/$WEB/fd" -type l | wc -l)
	for _ in {1..20}; do
		get --limit-rate 200k --max-time 0.1 -o /dev/null "$URL/big" || true
	done
	within 5 has_descriptors "$before"
}

# State 0A is LISTEN; addresses are as the processor has them.
listens_here_only() {
	local listeners

	listeners=$(awk -v port="$(printf '%04X' "$PORT")" \
		'$4 == "0A" && $2 ~ ":" port "$" { print $2 }' /proc/net/tcp /proc/net/tcp6)
	[ "$listeners" = "0100007F:$(printf '%04X' "$PORT")" ]
}

ends_by_signal() {
	kill -TERM "$WEB" && wait "$WEB"
}

check_web() {
	start_web
	ok "listens on 127.0.0.1 only" listens_here_only
	ok "serves a file" serves big big
	ok "serves one in a directory" serves many/file8 many/file8
	ok "serves an empty one" serves empty empty
	ok "/ is index.html" serves "" index.html
	ok "so is a directory" serves sub sub/index.html
	ok "HEAD" head_has_length_only
	ok "404" status 404 "$URL/nothing"
	ok "404 below a file" status 404 "$URL/big/x"
	ok "403: not readable by everybody" status 403 "$URL/secret"
	ok "403: nor is its directory" status 403 "$URL/closed/file"
	ok "403: a link that leads out" status 403 "$URL/outside"
	ok "403: .." status 403 "$URL/../../etc/passwd"
	ok "403: .. in hexadecimal" status 403 "$URL/sub/%2e%2e/%2e%2e%2fetc/passwd"
	ok "400: NUL" status 400 "$URL/big%00"
	ok "400: larger than its buffer" status 400 "$URL/$(printf '%05000d' 0)"
	ok "405" status 405 -d x "$URL/big"
	ok "keeps the connection" keeps_connection
	ok "50 downloads at once" many_at_once
	ok "clients that hang up" hung_up_on
	ok "still serves" serves sub/ sub/index.html
	ok "ends by a signal" ends_by_signal
}

# ---- the test ----

build_all
fill_share "$SHARE"
SOCKET=$WORK/device.sock
start_device "$SOCKET" "$WORK/device.log" --dir "$SHARE"

ok "headers prints features" grep -q ' writeback_cache' <("$BIN/headers")
ok "stat-root" grep -q 'mode 40755' <("$BIN/stat-root" "$SOCKET")
ok "the guide's program" grep -q '<p>hello' <("$BIN/read-file" "$SOCKET" index.html)
ok "vfs-cat" cat_is_the_same
refuses "no.such" "$BIN/vfs-cat" "$SOCKET" no.such
ok "vfs-ls" lists_as_ls
ok "vfs-ls of a directory" lists_as_ls sub
refuses "no.such" "$BIN/vfs-ls" "$SOCKET" no.such
ok "vfs-cat of the CMake project" cmp "$SHARE/big" <("$WORK/project/vfs-cat" "$SOCKET" big)
ok "vfs-ls of the CMake project" grep -q 'index.html$' <("$WORK/project/vfs-ls" "$SOCKET" sub)
ok "headers of the CMake project" grep -q ' writeback_cache' <("$WORK/project/headers")

ok "vfs-cp from the device" copies :sub/odd "$WORK/odd" "$SHARE/sub/odd"
ok "vfs-cp to the device" copies "$WORK/odd" :odd2 "$WORK/odd"
ok "vfs-cp within it" copies :big :sub/big "$SHARE/big"
ok "vfs-cp over a larger file" copies :sub/odd :sub/big "$SHARE/sub/odd"
ok "vfs-cp of holes" copies :sparse "$WORK/sparse" "$SHARE/sparse"
ok "they stay holes" has_holes "$WORK/sparse"
ok "vfs-cp of holes to the device" copies "$WORK/sparse" :sparse2 "$WORK/sparse"
ok "they stay holes" has_holes "$SHARE/sparse2"
ok "vfs-cp shows progress" shows_progress
refuses "same file" "$BIN/vfs-cp" "$SOCKET" :big :/sub/../big
ok "and the file is as it was" cat_is_the_same
refuses "no.such" "$BIN/vfs-cp" "$SOCKET" :no.such "$WORK/nothing"

for reads in 1 16 100; do
	ok "async-copy with $reads reads" "$BIN/async-copy" "$SOCKET" big "$WORK/copy" "$reads"
	ok "it is the same" cmp "$SHARE/big" "$WORK/copy"
done
ok "async-copy of an empty file" "$BIN/async-copy" "$SOCKET" empty "$WORK/copy"
ok "it is empty" cmp "$SHARE/empty" "$WORK/copy"

check_web

# virtiofsd serves one connection.
for program in vfs-ls vfs-web; do
	SOCKET=$WORK/$program.sock
	start_share "$SHARE" "$SOCKET" "$WORK/daemon.log"
	case $program in
	vfs-ls) ok "vfs-ls on virtiofsd" lists_as_ls ;;
	vfs-web) check_web ;;
	esac
done
