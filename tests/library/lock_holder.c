/* SPDX-License-Identifier: MIT */
/*
 * A process beside the server that locks a file which it serves. What is to be done is the file's
 * first byte (lock_holder.h), so that whoever sees the file through the server can ask for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lock_holder.h"

static void pause_shortly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* Not one that has been removed. */
static bool says(int fd, char wanted)
{
	struct stat st;
	char byte;

	return fstat(fd, &st) == 0 && st.st_nlink && pread(fd, &byte, 1, 0) == 1 && byte == wanted;
}

static void hold(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (!says(fd, HOLDER_LOCK) || fcntl(fd, F_SETLK, &lock) < 0)
		return;
	if (pwrite(fd, (char[]){HOLDER_LOCKED}, 1, 0) != 1)
		perror("lock-holder");
	while (says(fd, HOLDER_LOCKED))
		pause_shortly();
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 3) {
		fputs("usage: lock-holder DIRECTORY FILE\n"
		      "Locks a file in the directory as its first byte says, until the directory"
		      " is gone.\n",
			stderr);
		return 2;
	}
	while (stat(argv[1], &st) == 0) {
		int fd = open(argv[2], O_RDWR | O_CLOEXEC);

		/* Closing it gives back what is locked. */
		if (fd >= 0) {
			hold(fd);
			close(fd);
		}
		pause_shortly();
	}
	return 0;
}
