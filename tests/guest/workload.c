/* SPDX-License-Identifier: MIT */
/*
 * guest-workload [--verify|--dax] [--small|--big] DIR: what programs do to a file system, checked
 * as it is done.
 *
 * Every step prints one line for the harness. The directory DIR/keep is left behind in a known
 * state; --verify checks it again, through another driver or on the host itself. With --small it
 * has fewer entries and less data, with --big more of both. --dax only asks whether files are
 * read through a DAX window.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define MIB	((size_t)1 << 20)
#define MANY	10000 /* at most */
#define THREADS 4
#define REGION	(64 * (size_t)1024)
#define REGIONS 128 /* of one file, dealt out to the threads in turn */

/* How much is kept. */
static struct amount {
	unsigned int entries;
	size_t big_size;
} amount = {.entries = 2000, .big_size = 32 * MIB};

static char why[512];

static int failed(int line, const char *what)
{
	int error = errno;

	snprintf(why, sizeof(why), "line %d: %s (errno: %s)", line, what, strerror(error));
	return -1;
}

/* In a step: go on only if this holds. */
#define MUST(cond)                                      \
	do {                                            \
		errno = 0;                              \
		if (!(cond))                            \
			return failed(__LINE__, #cond); \
	} while (0)

#define MUST_FAIL(call, code) MUST((call) == -1 && errno == (code))

/* Content that is a function of seed and offset: any part can be checked on its own. */
static uint64_t pattern_word(uint64_t seed, uint64_t index)
{
	uint64_t z = (seed << 40) + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* offset and size are multiples of 8. */
static void pattern_fill(void *buf, size_t size, uint64_t seed, uint64_t offset)
{
	uint64_t *words = buf;

	for (size_t i = 0; i < size / 8; i++)
		words[i] = pattern_word(seed, offset / 8 + i);
}

static bool pattern_holds(const void *buf, size_t size, uint64_t seed, uint64_t offset)
{
	const uint64_t *words = buf;

	for (size_t i = 0; i < size / 8; i++) {
		if (words[i] != pattern_word(seed, offset / 8 + i))
			return false;
	}
	return true;
}

static bool write_at(int fd, const void *buf, size_t size, uint64_t offset)
{
	return pwrite(fd, buf, size, (off_t)offset) == (ssize_t)size;
}

static bool read_at(int fd, void *buf, size_t size, uint64_t offset)
{
	return pread(fd, buf, size, (off_t)offset) == (ssize_t)size;
}

static int make_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	bool done;

	if (fd < 0)
		return -1;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	return close(fd) == 0 && done ? 0 : -1;
}

static bool file_is(const char *path, const char *text)
{
	char buf[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static int step_create(void)
{
	struct stat st;
	int fd;

	MUST((fd = open("created", O_CREAT | O_EXCL | O_RDWR, 0600)) >= 0);
	MUST(fstat(fd, &st) == 0 && st.st_size == 0 && (st.st_mode & 07777) == 0600);
	MUST_FAIL(open("created", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	MUST(close(fd) == 0);
	MUST(unlink("created") == 0);
	MUST_FAIL(stat("created", &st), ENOENT);
	return 0;
}

static int step_write(void)
{
	static const size_t sizes[] = {8, 4096, 4104, 65536, 131080, MIB, 3 * MIB + 8};
	char *buf = malloc(4 * MIB);
	int fd;

	MUST(buf);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		MUST((fd = open("written", O_CREAT | O_TRUNC | O_RDWR, 0644)) >= 0);
		pattern_fill(buf, sizes[i], i, 0);
		MUST(write_at(fd, buf, sizes[i], 0));
		memset(buf, 0, sizes[i]);
		/* Drop what is cached: the answer has to come from the host. */
		MUST(fsync(fd) == 0);
		MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
		MUST(read_at(fd, buf, sizes[i], 0));
		MUST(pattern_holds(buf, sizes[i], i, 0));
		MUST(read(fd, buf, 8) == 8 && pread(fd, buf, 8, (off_t)sizes[i]) == 0);
		MUST(close(fd) == 0);
	}
	free(buf);
	return 0;
}

static int step_direct(void)
{
	const size_t size = 2 * MIB;
	void *buf;
	int fd;

	MUST(posix_memalign(&buf, 4096, size) == 0);
	MUST((fd = open("direct", O_CREAT | O_RDWR | O_DIRECT, 0644)) >= 0);
	pattern_fill(buf, size, 5, 0);
	MUST(write_at(fd, buf, size, 0));
	memset(buf, 0, size);
	MUST(read_at(fd, buf, size, 0));
	MUST(pattern_holds(buf, size, 5, 0));
	MUST(close(fd) == 0);
	free(buf);
	return 0;
}

static int step_append(void)
{
	int one, two;

	MUST(make_file("appended", "first ") == 0);
	MUST((one = open("appended", O_WRONLY | O_APPEND)) >= 0);
	MUST((two = open("appended", O_WRONLY | O_APPEND)) >= 0);
	MUST(write(one, "second ", 7) == 7);
	MUST(write(two, "third ", 6) == 6);
	MUST(write(one, "fourth", 6) == 6);
	MUST(close(one) == 0 && close(two) == 0);
	MUST(file_is("appended", "first second third fourth"));
	return 0;
}

static int step_truncate(void)
{
	int fd;

	MUST(make_file("cut", "0123456789") == 0);
	MUST(truncate("cut", 4) == 0 && file_is("cut", "0123"));
	MUST((fd = open("cut", O_RDWR)) >= 0);
	MUST(ftruncate(fd, 5) == 0 && size_of("cut") == 5);
	MUST(ftruncate(fd, 100000) == 0 && size_of("cut") == 100000);
	char end[4];
	MUST(read_at(fd, end, 4, 99996) && memcmp(end, "\0\0\0\0", 4) == 0);
	MUST(read_at(fd, end, 4, 2) && memcmp(end, "23\0\0", 4) == 0);
	MUST(close(fd) == 0);
	MUST((fd = open("cut", O_WRONLY | O_TRUNC)) >= 0);
	MUST(close(fd) == 0 && size_of("cut") == 0);
	return 0;
}

static int step_rename(void)
{
	MUST(make_file("old", "old") == 0);
	MUST(rename("old", "new") == 0);
	MUST_FAIL(access("old", F_OK), ENOENT);
	MUST(file_is("new", "new") == false && file_is("new", "old"));
	MUST(make_file("other", "other") == 0);
	MUST(rename("new", "other") == 0 && file_is("other", "old"));
	MUST(mkdir("from", 0755) == 0 && mkdir("to", 0755) == 0);
	MUST(make_file("from/file", "moved") == 0);
	MUST(rename("from/file", "to/file") == 0 && file_is("to/file", "moved"));
	MUST(rename("to", "from") == 0 && file_is("from/file", "moved"));
	MUST_FAIL(rename("from", "from/inside"), EINVAL);
	return 0;
}

static int step_rename_flags(void)
{
	MUST(make_file("a", "a") == 0 && make_file("b", "b") == 0);
	MUST_FAIL(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
	MUST(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE) == 0);
	MUST(file_is("a", "b") && file_is("b", "a"));
	MUST(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE) == 0 && file_is("c", "b"));
	return 0;
}

static int step_links(void)
{
	struct stat one, two;
	char target[64];

	MUST(make_file("file", "linked") == 0);
	MUST(link("file", "hard") == 0);
	MUST(stat("file", &one) == 0 && stat("hard", &two) == 0);
	MUST(one.st_ino == two.st_ino && one.st_nlink == 2);
	MUST(unlink("file") == 0 && file_is("hard", "linked"));
	MUST(stat("hard", &two) == 0 && two.st_nlink == 1);
	MUST(symlink("hard", "soft") == 0 && file_is("soft", "linked"));
	MUST(readlink("soft", target, sizeof(target)) == 4 && memcmp(target, "hard", 4) == 0);
	MUST(lstat("soft", &one) == 0 && S_ISLNK(one.st_mode) && one.st_size == 4);
	MUST(symlink("nowhere", "dangling") == 0);
	MUST_FAIL(open("dangling", O_RDONLY), ENOENT);
	return 0;
}

static int step_attributes(void)
{
	static const struct timespec times[2] = {
		{.tv_sec = 1000000000, .tv_nsec = 123456789}, {.tv_sec = 2000000000, .tv_nsec = 1}};
	struct stat st;

	MUST(make_file("attr", "") == 0);
	MUST(chmod("attr", 04711) == 0);
	MUST(stat("attr", &st) == 0 && (st.st_mode & 07777) == 04711);
	MUST(chown("attr", 1001, 2002) == 0);
	MUST(stat("attr", &st) == 0 && st.st_uid == 1001 && st.st_gid == 2002);
	/* A new owner takes the set-user-ID bit away. */
	MUST((st.st_mode & 07777) == 0711);
	MUST(utimensat(AT_FDCWD, "attr", times, 0) == 0);
	MUST(stat("attr", &st) == 0);
	MUST(st.st_atim.tv_sec == 1000000000 && st.st_atim.tv_nsec == 123456789);
	MUST(st.st_mtim.tv_sec == 2000000000 && st.st_mtim.tv_nsec == 1);
	return 0;
}

static int step_xattr(void)
{
	char buf[256], large[3000];

	MUST(make_file("x", "") == 0);
	MUST_FAIL(getxattr("x", "user.none", buf, sizeof(buf)), ENODATA);
	MUST(setxattr("x", "user.one", "1", 1, XATTR_CREATE) == 0);
	MUST_FAIL(setxattr("x", "user.one", "1", 1, XATTR_CREATE), EEXIST);
	MUST(setxattr("x", "user.one", "eins", 4, XATTR_REPLACE) == 0);
	MUST(getxattr("x", "user.one", NULL, 0) == 4);
	MUST(getxattr("x", "user.one", buf, sizeof(buf)) == 4 && memcmp(buf, "eins", 4) == 0);
	MUST_FAIL(getxattr("x", "user.one", buf, 2), ERANGE);
	memset(large, 'x', sizeof(large));
	MUST(setxattr("x", "user.two", large, sizeof(large), 0) == 0);
	MUST(getxattr("x", "user.two", NULL, 0) == (ssize_t)sizeof(large));
	ssize_t n;
	MUST((n = listxattr("x", buf, sizeof(buf))) == 18);
	MUST(memmem(buf, (size_t)n, "user.one", 9) && memmem(buf, (size_t)n, "user.two", 9));
	MUST(removexattr("x", "user.one") == 0);
	MUST_FAIL(removexattr("x", "user.one"), ENODATA);
	MUST(listxattr("x", NULL, 0) == 9);
	return 0;
}

static int step_special(void)
{
	struct stat st;

	MUST(mkfifo("fifo", 0600) == 0 && stat("fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	MUST(mknod("sock", S_IFSOCK | 0600, 0) == 0);
	MUST(stat("sock", &st) == 0 && S_ISSOCK(st.st_mode));
	return 0;
}

static int step_unlinked(void)
{
	char buf[8];
	struct stat st;
	int fd;

	MUST((fd = open("gone", O_CREAT | O_RDWR, 0600)) >= 0);
	MUST(write_at(fd, "still", 5, 0) && unlink("gone") == 0);
	MUST(read_at(fd, buf, 5, 0) && memcmp(buf, "still", 5) == 0);
	MUST(ftruncate(fd, 2) == 0 && fstat(fd, &st) == 0 && st.st_size == 2);
	MUST(close(fd) == 0);
	return 0;
}

static int step_sparse(void)
{
	struct stat st;
	int fd;

	MUST((fd = open("sparse", O_CREAT | O_RDWR, 0600)) >= 0);
	MUST(write_at(fd, "end.....", 8, 16 * MIB) && fsync(fd) == 0);
	MUST(fstat(fd, &st) == 0 && st.st_size == (off_t)(16 * MIB + 8));
	MUST((size_t)st.st_blocks * 512 < MIB);
	MUST(lseek(fd, 0, SEEK_HOLE) == 0);
	MUST(lseek(fd, 0, SEEK_DATA) == (off_t)(16 * MIB));
	MUST_FAIL(lseek(fd, st.st_size, SEEK_DATA), ENXIO);
	MUST(fallocate(fd, 0, 0, (off_t)MIB) == 0);
	MUST(fstat(fd, &st) == 0 && (size_t)st.st_blocks * 512 >= MIB);
	MUST(close(fd) == 0);
	return 0;
}

static int step_copy_range(void)
{
	char buf[16];
	int in, out;

	MUST(make_file("source", "0123456789") == 0);
	MUST((in = open("source", O_RDONLY)) >= 0);
	MUST((out = open("copy", O_CREAT | O_RDWR, 0600)) >= 0);
	MUST(copy_file_range(in, NULL, out, NULL, 10, 0) == 10);
	MUST(read_at(out, buf, 10, 0) && memcmp(buf, "0123456789", 10) == 0);
	MUST(close(in) == 0 && close(out) == 0);
	return 0;
}

static int step_mmap(void)
{
	const size_t size = 4 * MIB;
	char *buf = malloc(size);
	char *shared, *private;
	int fd;

	MUST(buf && (fd = open("mapped", O_CREAT | O_RDWR, 0600)) >= 0);
	pattern_fill(buf, size, 9, 0);
	MUST(write_at(fd, buf, size, 0) && fsync(fd) == 0);
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	MUST(shared != MAP_FAILED && private != MAP_FAILED);
	MUST(memcmp(shared, buf, size) == 0 && memcmp(private, buf, size) == 0);
	/* A shared mapping writes to the file, a private one does not. */
	memcpy(shared + MIB, "shared", 6);
	memcpy(private + 2 * MIB, "private", 7);
	MUST(msync(shared, size, MS_SYNC) == 0);
	MUST(munmap(shared, size) == 0 && munmap(private, size) == 0);
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	memcpy(buf + MIB, "shared", 6);
	char *again = malloc(size);
	MUST(again && read_at(fd, again, size, 0) && memcmp(again, buf, size) == 0);
	MUST(close(fd) == 0);
	free(again);
	free(buf);
	return 0;
}

static int step_statfs(void)
{
	struct statvfs fs;

	MUST(statvfs(".", &fs) == 0);
	MUST(fs.f_bsize >= 512 && fs.f_blocks > 0 && fs.f_bfree <= fs.f_blocks);
	MUST(fs.f_namemax >= 255);
	return 0;
}

static int step_fsync(void)
{
	int fd, dir;

	MUST((fd = open("synced", O_CREAT | O_WRONLY, 0600)) >= 0);
	MUST(write_at(fd, "data", 4, 0) && fsync(fd) == 0 && fdatasync(fd) == 0);
	MUST((dir = open(".", O_RDONLY | O_DIRECTORY)) >= 0);
	MUST(fsync(dir) == 0 && close(dir) == 0 && close(fd) == 0);
	return 0;
}

static int step_locks(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
	int one, two;

	MUST((one = open("locked", O_CREAT | O_RDWR, 0600)) >= 0);
	MUST((two = open("locked", O_RDWR)) >= 0);
	MUST(flock(one, LOCK_EX | LOCK_NB) == 0);
	MUST_FAIL(flock(two, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	MUST(flock(one, LOCK_UN) == 0 && flock(two, LOCK_EX | LOCK_NB) == 0);
	MUST(flock(two, LOCK_UN) == 0);
	MUST(fcntl(one, F_OFD_SETLK, &lock) == 0);
	MUST_FAIL(fcntl(two, F_OFD_SETLK, &lock), EAGAIN);
	MUST(close(one) == 0 && fcntl(two, F_OFD_SETLK, &lock) == 0 && close(two) == 0);
	return 0;
}

static int step_errors(void)
{
	char name[257];
	struct stat st;

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	MUST_FAIL(open("missing", O_RDONLY), ENOENT);
	MUST_FAIL(unlink("missing"), ENOENT);
	MUST_FAIL(stat("missing/file", &st), ENOENT);
	MUST(make_file("plain", "") == 0);
	MUST_FAIL(stat("plain/file", &st), ENOTDIR);
	MUST_FAIL(rmdir("plain"), ENOTDIR);
	MUST(mkdir("dir", 0755) == 0);
	MUST_FAIL(mkdir("dir", 0755), EEXIST);
	MUST_FAIL(open("dir", O_WRONLY), EISDIR);
	MUST(make_file("dir/file", "") == 0);
	MUST_FAIL(rmdir("dir"), ENOTEMPTY);
	MUST(symlink("loop", "loop") == 0);
	MUST_FAIL(open("loop", O_RDONLY), ELOOP);
	MUST_FAIL(open(name, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
	name[255] = '\0';
	MUST(make_file(name, "longest") == 0 && file_is(name, "longest") && unlink(name) == 0);
	return 0;
}

/* Each entry 0..count-1 exactly once, and nothing else. */
static int check_many(const char *path, unsigned int count)
{
	static unsigned char seen[MANY];
	struct dirent *entry;
	unsigned int found = 0, number;
	DIR *dir;

	memset(seen, 0, sizeof(seen));
	MUST((dir = opendir(path)));
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		MUST(sscanf(entry->d_name, "entry-%5u", &number) == 1 && number < count);
		MUST(seen[number]++ == 0);
		found++;
	}
	MUST(closedir(dir) == 0);
	MUST(found == count);
	return 0;
}

/* mknod, since it is two requests where open and close are four. */
static int make_many(const char *path, unsigned int first, unsigned int count)
{
	char name[64];

	for (unsigned int i = first; i < first + count; i++) {
		snprintf(name, sizeof(name), "%s/entry-%05u", path, i);
		MUST(mknod(name, S_IFREG | 0644, 0) == 0);
	}
	return 0;
}

struct writer {
	pthread_t thread;
	unsigned int number;
	int shared;
	bool good;
};

/* Regions number, number + THREADS, ... of one shared file, and a whole file of its own. */
static bool write_regions(const struct writer *writer, void *buf)
{
	char name[32];
	bool good = true;
	int fd;

	snprintf(name, sizeof(name), "own-%u", writer->number);
	fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	for (uint64_t i = writer->number; good && i < REGIONS; i += THREADS) {
		pattern_fill(buf, REGION, 7, i * REGION);
		good = write_at(writer->shared, buf, REGION, i * REGION) &&
		       write_at(fd, buf, REGION, i / THREADS * REGION);
	}
	for (uint64_t i = writer->number; good && i < REGIONS; i += THREADS)
		good = read_at(fd, buf, REGION, i / THREADS * REGION) &&
		       pattern_holds(buf, REGION, 7, i * REGION);
	return close(fd) == 0 && good;
}

static void *run_writer(void *arg)
{
	struct writer *writer = arg;
	void *buf = malloc(REGION);

	writer->good = buf && write_regions(writer, buf);
	free(buf);
	return NULL;
}

static int step_concurrent(void)
{
	struct writer writers[THREADS];
	char *buf = malloc(REGION);
	int fd;

	MUST(buf && (fd = open("together", O_CREAT | O_RDWR, 0600)) >= 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){.number = i, .shared = fd};
		MUST(pthread_create(&writers[i].thread, NULL, run_writer, &writers[i]) == 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		MUST(pthread_join(writers[i].thread, NULL) == 0);
	for (unsigned int i = 0; i < THREADS; i++)
		MUST(writers[i].good);
	MUST(fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	for (uint64_t i = 0; i < REGIONS; i++)
		MUST(read_at(fd, buf, REGION, i * REGION) &&
			pattern_holds(buf, REGION, 7, i * REGION));
	MUST(close(fd) == 0);
	free(buf);
	return 0;
}

/* What stays, in DIR/keep. */
static const struct timespec kept_times[2] = {
	{.tv_sec = 1111111111, .tv_nsec = 111111111}, {.tv_sec = 1234567890, .tv_nsec = 123456789}};

static int keep_tree(void)
{
	int fd;

	MUST(make_file("text", "kept by the workload\n") == 0);
	MUST(make_file("text.x", "attributes\n") == 0);
	MUST(setxattr("text.x", "user.colour", "blue", 4, 0) == 0);
	MUST(chown("text.x", 1234, 4321) == 0 && chmod("text.x", 0640) == 0);
	MUST(utimensat(AT_FDCWD, "text.x", kept_times, 0) == 0);
	MUST(link("text", "hard") == 0 && symlink("text", "soft") == 0);
	MUST(mkdir("dir", 0755) == 0 && chmod("dir", 01777) == 0);
	MUST(mkfifo("fifo", 0600) == 0);
	MUST((fd = open("sparse", O_CREAT | O_RDWR, 0600)) >= 0);
	MUST(write_at(fd, "end.....", 8, MIB) && close(fd) == 0);
	return 0;
}

static int keep_many(void)
{
	const unsigned int all = amount.entries, less = all - all / 10;
	char name[64];

	MUST(mkdir("many", 0755) == 0);
	if (make_many("many", 0, all) || check_many("many", all))
		return -1;
	for (unsigned int i = less; i < all; i++) {
		snprintf(name, sizeof(name), "many/entry-%05u", i);
		MUST(unlink(name) == 0);
	}
	if (check_many("many", less))
		return -1;
	return make_many("many", less, all - less);
}

static int verify_tree(void)
{
	struct stat st;
	char buf[16];

	MUST(file_is("text", "kept by the workload\n") &&
		file_is("hard", "kept by the workload\n"));
	MUST(stat("hard", &st) == 0 && st.st_nlink == 2);
	MUST(readlink("soft", buf, sizeof(buf)) == 4 && memcmp(buf, "text", 4) == 0);
	MUST(stat("text.x", &st) == 0 && (st.st_mode & 07777) == 0640);
	MUST(st.st_uid == 1234 && st.st_gid == 4321);
	MUST(st.st_mtim.tv_sec == kept_times[1].tv_sec &&
		st.st_mtim.tv_nsec == kept_times[1].tv_nsec);
	MUST(getxattr("text.x", "user.colour", buf, sizeof(buf)) == 4 && !memcmp(buf, "blue", 4));
	MUST(stat("dir", &st) == 0 && (st.st_mode & 07777) == 01777 && S_ISDIR(st.st_mode));
	MUST(stat("fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	MUST(size_of("sparse") == (off_t)MIB + 8);
	return 0;
}

static int verify_many(void)
{
	return check_many("many", amount.entries);
}

static int keep_big(void)
{
	char *buf = malloc(MIB);
	int fd;

	MUST(buf && (fd = open("big", O_CREAT | O_WRONLY, 0644)) >= 0);
	for (uint64_t offset = 0; offset < amount.big_size; offset += MIB) {
		pattern_fill(buf, MIB, 1, offset);
		MUST(write_at(fd, buf, MIB, offset));
	}
	MUST(fsync(fd) == 0 && close(fd) == 0);
	free(buf);
	return 0;
}

static int verify_big(void)
{
	char *buf = malloc(MIB);
	int fd;

	MUST(size_of("big") == (off_t)amount.big_size);
	MUST(buf && (fd = open("big", O_RDONLY)) >= 0);
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	for (uint64_t offset = 0; offset < amount.big_size; offset += MIB)
		MUST(read_at(fd, buf, MIB, offset) && pattern_holds(buf, MIB, 1, offset));
	MUST(close(fd) == 0);
	free(buf);
	return 0;
}

/* What the driver says of a file: its pages are the window's. */
static int step_dax(void)
{
	struct statx st;

	MUST(make_file("in-window", "") == 0);
	MUST(statx(AT_FDCWD, "in-window", 0, STATX_BASIC_STATS, &st) == 0);
	MUST(st.stx_attributes_mask & STATX_ATTR_DAX);
	MUST(st.stx_attributes & STATX_ATTR_DAX);
	return 0;
}

struct step {
	const char *name;
	int (*run)(void);
};

static const struct step steps[] = {
	{"create, exclusive create, unlink", step_create},
	{"write and read back, 8 bytes to 3 MiB", step_write},
	{"direct I/O", step_direct},
	{"append", step_append},
	{"truncate: shrink, grow, O_TRUNC", step_truncate},
	{"rename files and directories", step_rename},
	{"rename: NOREPLACE and EXCHANGE", step_rename_flags},
	{"hard and symbolic links", step_links},
	{"chmod, chown, utimens", step_attributes},
	{"extended attributes", step_xattr},
	{"fifo and socket", step_special},
	{"unlinked but open", step_unlinked},
	{"sparse file: hole, data, fallocate", step_sparse},
	{"copy_file_range", step_copy_range},
	{"mmap, shared and private", step_mmap},
	{"statfs", step_statfs},
	{"fsync of file and directory", step_fsync},
	{"flock and file locks", step_locks},
	{"error codes", step_errors},
	{"concurrent writers", step_concurrent},
};

static const struct step keep_steps[] = {
	{"write the tree that stays", keep_tree},
	{"directory of many entries: each once, delete some, list again", keep_many},
	{"write a big file", keep_big},
	{"read the big file back", verify_big},
};

static const struct step verify_steps[] = {
	{"verify the tree that stays", verify_tree},
	{"verify the directory of many entries", verify_many},
	{"verify the big file", verify_big},
};

static const struct step dax_steps[] = {
	{"files are in the DAX window", step_dax},
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Each step in a new directory of its own, unless they are to share one. */
static int run_steps(const struct step *list, size_t count, const char *base, const char *shared)
{
	char dir[4096];
	int failures = 0;

	for (size_t i = 0; i < count; i++) {
		double start = seconds();

		if (shared)
			snprintf(dir, sizeof(dir), "%s/%s", base, shared);
		else
			snprintf(dir, sizeof(dir), "%s/step-%zu", base, i + 1);
		if ((mkdir(dir, 0755) != 0 && errno != EEXIST) || chdir(dir) != 0)
			failed(__LINE__, "a directory for the step");
		else if (list[i].run() == 0) {
			printf("@@ ok %s (%.1f s)\n", list[i].name, seconds() - start);
			continue;
		}
		printf("@@ not ok %s: %s\n", list[i].name, why);
		failures++;
	}
	return failures;
}

#define RUN(list, base, shared) run_steps(list, sizeof(list) / sizeof((list)[0]), base, shared)

static int run_all(const char *base)
{
	return RUN(steps, base, NULL) + RUN(keep_steps, base, "keep");
}

static int run_verify(const char *base)
{
	return RUN(verify_steps, base, "keep");
}

static int run_dax(const char *base)
{
	return RUN(dax_steps, base, "dax");
}

int main(int argc, char **argv)
{
	int (*run)(const char *base) = run_all;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--verify") == 0)
			run = run_verify;
		else if (strcmp(argv[i], "--dax") == 0)
			run = run_dax;
		else if (strcmp(argv[i], "--small") == 0)
			amount = (struct amount){.entries = 500, .big_size = 8 * MIB};
		else if (strcmp(argv[i], "--big") == 0)
			amount = (struct amount){.entries = MANY, .big_size = 256 * MIB};
		else
			break;
	}
	if (i != argc - 1 || argv[i][0] != '/') {
		fprintf(stderr,
			"usage: %s [--verify|--dax] [--small|--big] DIR, an absolute path\n",
			argv[0]);
		return 2;
	}
	umask(022);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run(argv[i]) ? 1 : 0;
}
