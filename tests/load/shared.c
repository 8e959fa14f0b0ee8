/* SPDX-License-Identifier: MIT */
/* Processes that wait for each other, and one that is interrupted. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMER_US   300
#define LARGE	   (1u << 20)
#define NUM_BLOCKS 4

/* ---- locks ---- */

static int lock_record(int fd, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLKW, &lock);
}

static void add_one(int fd)
{
	unsigned int number = 0;
	ssize_t n = pread(fd, &number, sizeof(number), 0);

	load_must(n == 0 || n == sizeof(number), "pread");
	number++;
	load_must(pwrite(fd, &number, sizeof(number), 0) == sizeof(number), "pwrite");
}

/* All with this role count in the same two files. */
void load_locks(unsigned int count)
{
	int records = open("../records", O_RDWR | O_CREAT, 0644);
	int whole = open("../whole", O_RDWR | O_CREAT, 0644);

	load_must(records >= 0 && whole >= 0, "open");
	for (count = count / 4; count; count--) {
		load_must(!lock_record(records, F_WRLCK), "F_SETLKW");
		add_one(records);
		load_must(!lock_record(records, F_UNLCK), "F_UNLCK");
		load_must(!flock(whole, LOCK_EX), "flock");
		add_one(whole);
		load_must(!flock(whole, LOCK_UN), "LOCK_UN");
	}
	close(records);
	close(whole);
}

/* ---- signals ---- */

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static void set_timer(suseconds_t us)
{
	const struct itimerval timer = {{.tv_usec = us}, {.tv_usec = us}};
	struct sigaction action = {.sa_handler = count_signal};

	sigaction(SIGALRM, &action, NULL);
	load_must(!setitimer(ITIMER_REAL, &timer, NULL), "setitimer");
}

#define AGAIN(call)                                    \
	({                                             \
		ssize_t result_;                       \
		do                                     \
			result_ = (call);              \
		while (result_ < 0 && errno == EINTR); \
		result_;                               \
	})

/* An interrupted transfer may have done a part. */
static void transfer(int fd, char *data, bool writes, off_t offset)
{
	size_t done = 0;
	ssize_t n;

	while (done < LARGE) {
		if (writes)
			n = AGAIN(pwrite(fd, data + done, LARGE - done, offset + (off_t)done));
		else
			n = AGAIN(pread(fd, data + done, LARGE - done, offset + (off_t)done));
		load_must(n > 0, writes ? "pwrite" : "pread");
		done += (size_t)n;
	}
}

static void large_direct(int fd, char *data, unsigned int block)
{
	int value = 'a' + (int)load_random(26);

	memset(data, value, LARGE);
	transfer(fd, data, true, (off_t)block * LARGE);
	memset(data, 0, LARGE);
	transfer(fd, data, false, (off_t)block * LARGE);
	errno = EILSEQ;
	load_must(data[0] == value && !memcmp(data, data + 1, LARGE - 1), "what was read");
}

static void change_names(unsigned int n)
{
	int fd = (int)AGAIN(open("a", O_WRONLY | O_CREAT, 0600));

	load_must(fd >= 0, "create");
	close(fd);
	load_must(!AGAIN(chmod("a", 0600 + n % 2)), "chmod");
	load_must(!AGAIN(rename("a", "b")), "rename");
	load_must(!AGAIN(truncate("b", n)), "truncate");
}

void load_signals(unsigned int count)
{
	char *data = aligned_alloc(4096, LARGE);
	int fd = open("file", O_RDWR | O_CREAT | O_DIRECT, 0644);
	unsigned int n;

	load_must(data && fd >= 0, "open");
	set_timer(TIMER_US);
	for (n = 0; n < count; n++) {
		if (n % 8 == 0)
			large_direct(fd, data, n / 8 % NUM_BLOCKS);
		change_names(n);
	}
	set_timer(0);
	load_must(signals, "signals");
	load_must(!close(fd), "close");
	free(data);
}
