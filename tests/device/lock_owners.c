/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock_owners.h"

struct owner {
	dev_t device;
	ino_t inode;
	uint64_t number;
	uint64_t handle; /* that it used last */
	int fd;
	struct owner *next;
};

struct lock_owners {
	pthread_mutex_t lock; /* of: */
	struct owner *all;
};

struct lock_owners *lock_owners_create(void)
{
	struct lock_owners *owners = calloc(1, sizeof(*owners));

	if (owners)
		pthread_mutex_init(&owners->lock, NULL);
	return owners;
}

void lock_owners_destroy(struct lock_owners *owners)
{
	if (!owners)
		return;
	lock_owners_clear(owners);
	pthread_mutex_destroy(&owners->lock);
	free(owners);
}

/* Someone may wait for a lock with a copy still. */
static void drop(struct owner **p)
{
	const struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
	struct owner *gone = *p;

	*p = gone->next;
	fcntl(gone->fd, F_OFD_SETLK, &all);
	close(gone->fd);
	free(gone);
}

void lock_owners_clear(struct lock_owners *owners)
{
	pthread_mutex_lock(&owners->lock);
	while (owners->all)
		drop(&owners->all);
	pthread_mutex_unlock(&owners->lock);
}

/* With the lock held: where it is, or where it would be added. */
static struct owner **find(struct lock_owners *owners, const struct stat *file, uint64_t number)
{
	struct owner **p = &owners->all;

	while (*p && ((*p)->number != number || (*p)->inode != file->st_ino ||
			     (*p)->device != file->st_dev))
		p = &(*p)->next;
	return p;
}

/* For locks of both kinds, if that is allowed. */
static int open_again(int fd)
{
	char path[40];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again < 0)
		again = open(path, O_RDONLY | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

/* With the lock held: at the list's end. */
static int add(struct owner **end, int fd, const struct stat *file, uint64_t number)
{
	struct owner *owner = calloc(1, sizeof(*owner));
	int r = owner ? open_again(fd) : -ENOMEM;

	if (r < 0) {
		free(owner);
		return r;
	}
	*owner = (struct owner){
		.device = file->st_dev, .inode = file->st_ino, .number = number, .fd = r};
	*end = owner;
	return 0;
}

int lock_owners_open(struct lock_owners *owners, int fd, uint64_t handle, uint64_t owner)
{
	struct owner **found;
	struct stat file;
	int r = 0;

	if (fstat(fd, &file) < 0)
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EINVAL;
	pthread_mutex_lock(&owners->lock);
	found = find(owners, &file, owner);
	if (!*found)
		r = add(found, fd, &file, owner);
	if (r == 0) {
		(*found)->handle = handle;
		r = fcntl((*found)->fd, F_DUPFD_CLOEXEC, 0);
		r = r < 0 ? -errno : r;
	}
	pthread_mutex_unlock(&owners->lock);
	return r;
}

void lock_owners_drop(struct lock_owners *owners, int fd, uint64_t owner)
{
	struct owner **found;
	struct stat file;

	if (fstat(fd, &file) < 0)
		return;
	pthread_mutex_lock(&owners->lock);
	found = find(owners, &file, owner);
	if (*found)
		drop(found);
	pthread_mutex_unlock(&owners->lock);
}

void lock_owners_release(struct lock_owners *owners, uint64_t handle)
{
	struct owner **p = &owners->all;

	pthread_mutex_lock(&owners->lock);
	while (*p) {
		if ((*p)->handle == handle)
			drop(p);
		else
			p = &(*p)->next;
	}
	pthread_mutex_unlock(&owners->lock);
}
