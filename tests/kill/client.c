/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* At the top of what is mounted: blocks that have their numbers, and some directories of files. */
#define READ_BLOCKS 256
#define READ_FILE   "../blocks"
#define TREE	    "../tree"

bool client_did(struct client *c, bool well)
{
	if (!well) {
		atomic_store(&c->error, errno ? errno : EIO);
		return false;
	}
	atomic_fetch_add(&c->done, 1);
	return !atomic_load(c->stop);
}

/* A pass may take a while on a busy machine, but not what it is made of. */
static void goes_on(struct client *c)
{
	atomic_fetch_add(&c->done, 1);
}

/* Each second time what is read is not kept by the kernel. */
static bool read_all(struct client *c, uint64_t *block, int flags)
{
	int fd = open(READ_FILE, O_RDONLY | flags);
	bool well = fd >= 0;
	uint64_t n;

	for (n = 0; well && n < READ_BLOCKS; n++) {
		well = pread(fd, block, CLIENT_BLOCK, (off_t)n * CLIENT_BLOCK) == CLIENT_BLOCK;
		if (well && !block_is(block, n))
			atomic_store(&c->wrong, true);
		goes_on(c);
	}
	if (fd >= 0)
		close(fd);
	return well;
}

static void read_run(struct client *c)
{
	uint64_t *block = aligned_alloc(CLIENT_BLOCK, CLIENT_BLOCK);
	bool well = block;
	unsigned int n;

	for (n = 0; client_did(c, well); n++)
		well = read_all(c, block, n % 2 ? O_DIRECT : 0);
	free(block);
}

static bool ask_for(int dir, const char *name)
{
	struct statx stx;

	return !statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, STATX_ALL, &stx);
}

static bool walk_dir(struct client *c, int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool well = dir;

	errno = dir ? 0 : errno;
	while (well && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		well = ask_for(fd, entry->d_name) &&
		       (entry->d_type != DT_DIR || walk_dir(c, fd, entry->d_name));
		goes_on(c);
	}
	well = well && !errno;
	if (dir)
		closedir(dir);
	return well;
}

static void walk_run(struct client *c)
{
	bool well = true;

	while (client_did(c, well))
		well = walk_dir(c, AT_FDCWD, TREE);
}

static bool make_and_remove(void)
{
	int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return !rename("a", "b") && !link("b", "c") && !unlink("b") && !unlink("c") &&
	       !symlink("a", "d") && !unlink("d") && !mkdir("e", 0700) && !rmdir("e");
}

static void names_run(struct client *c)
{
	bool well = true;

	while (client_did(c, well))
		well = make_and_remove();
}

/* Those with this role wait for each other. The kernel may keep the lock without the server. */
static void lock_run(struct client *c)
{
	int fd = open(READ_FILE, O_RDONLY);
	bool well = fd >= 0;

	while (client_did(c, well)) {
		well = !flock(fd, LOCK_EX) && ask_for(AT_FDCWD, READ_FILE);
		usleep(1000);
		well = well && !flock(fd, LOCK_UN);
	}
}

const struct role roles[] = {
	{"append", append_run, append_is_kept},
	{"replace", replace_run, replace_is_kept},
	{"map", map_run, map_is_kept},
	{"read", read_run, NULL},
	{"walk", walk_run, NULL},
	{"names", names_run, NULL},
	{"lock", lock_run, NULL},
};
const unsigned int num_roles = sizeof(roles) / sizeof(roles[0]);

/* All names are relative, so that nothing is made below the mount when it is gone. */
_Noreturn void client_run(struct client *c, const char *mount)
{
	if (chdir(mount) || mkdir(c->dir, 0755) || chdir(c->dir))
		client_did(c, false);
	else
		c->role->run(c);
	_exit(EXIT_SUCCESS);
}
