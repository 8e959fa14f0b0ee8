/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"
#include "files.h"
#include "text.h"

/* What is looked for, and what was found. */
struct search {
	const char *target;
	int (*visit)(struct attached *session, void *ctx);
	void *ctx;
	unsigned int found;
	unsigned int denied; /* processes that could not be looked at */
	/* Pages that were seen already: a child has what its parent had open. */
	ino_t seen[64];
	unsigned int num_seen;
};

/* Memory of a process, by the beginning of its name; @inode: this one only, 0: any. */
static int open_memory(int dir, const char *entry, const char *name, ino_t inode, int flags)
{
	char target[PATH_MAX];
	struct stat stat;
	ssize_t n = readlinkat(dir, entry, target, sizeof(target) - 1);
	int fd;

	if (n <= 0)
		return -1;
	target[n] = '\0';
	if (strncmp(target, "/memfd:", 7) != 0 || strncmp(target + 7, name, strlen(name)) != 0)
		return -1;
	fd = openat(dir, entry, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && (!inode || stat.st_ino == inode))
		return fd;
	close(fd);
	return -1;
}

static int find_memory(int dir, const char *name, ino_t inode, int flags)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int fd = -1;

	if (!entries) {
		if (copy >= 0)
			close(copy);
		return -1;
	}
	while (fd < 0 && (entry = readdir(entries)))
		fd = open_memory(dir, entry->d_name, name, inode, flags);
	closedir(entries);
	return fd;
}

/*
 * Read and not mapped: whoever it belongs to may cut it, which must not kill us, and what is judged
 * must not change.
 */
static bool read_all(int fd, uint64_t offset, void *bytes, size_t length)
{
	size_t done = 0;

	if (offset > INT64_MAX - length)
		return false;
	while (done < length) {
		ssize_t n = pread(fd, (char *)bytes + done, length - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static int take_snapshot(int fd, struct snapshot *snapshot)
{
	struct stat stat;
	uint8_t *bytes;
	size_t size;

	if (fstat(fd, &stat) < 0)
		return vfs_error(-errno, "fstat: %s", strerror(errno));
	if (stat.st_size <= 0 || stat.st_size > (off_t)SNAPSHOT_SIZE_MAX)
		return vfs_error(-EPROTO, "the page of a session does not have %jd bytes",
			(intmax_t)stat.st_size);
	size = (size_t)stat.st_size;
	bytes = malloc(size);
	if (!bytes)
		return vfs_error(-ENOMEM, "no memory for a page of %zu bytes", size);
	if (!read_all(fd, 0, bytes, size)) {
		free(bytes);
		return vfs_error(-EIO, "the page of a session cannot be read");
	}
	return snapshot_init(snapshot, bytes, size);
}

int attach_again(struct attached *session)
{
	char path[PATH_MAX];
	struct snapshot snapshot;
	int r;

	snprintf(path, sizeof(path), "%s/%d", inspect_proc_root, session->pid);
	if (access(path, F_OK) < 0)
		return vfs_error(-ESRCH, "process %d has ended", session->pid);
	r = take_snapshot(session->page_fd, &snapshot);
	if (r < 0)
		return r;
	snapshot_free(&session->snapshot);
	session->snapshot = snapshot;
	return 0;
}

bool attach_read(const struct attached *session, uint64_t offset, void *bytes, size_t length)
{
	uint64_t size = session->snapshot.head.arena_size;

	return session->arena_fd >= 0 && offset <= size && length <= size - offset &&
	       read_all(session->arena_fd, offset, bytes, length);
}

char attach_process_state(const struct attached *session)
{
	char path[PATH_MAX];
	char line[512];
	const char *end;

	snprintf(path, sizeof(path), "%s/%d/stat", inspect_proc_root, session->pid);
	if (file_read(path, line, sizeof(line)) < 0)
		return '?';
	/* The name is in brackets, and may have some of its own. */
	end = strrchr(line, ')');
	return end && end[1] == ' ' && end[2] ? end[2] : '?';
}

static void describe(struct attached *session)
{
	const struct vfs_observe_page *head = &session->snapshot.head;
	char path[PATH_MAX];
	char command[64];

	snprintf(path, sizeof(path), "%s/%d/comm", inspect_proc_root, session->pid);
	if (file_read(path, command, sizeof(command)) < 0)
		snprintf(command, sizeof(command), "?");
	text_escape(command, strlen(command), session->command, sizeof(session->command));
	text_escape(head->device, strnlen(head->device, sizeof(head->device)), session->device,
		sizeof(session->device));
	text_escape(head->tag, strnlen(head->tag, sizeof(head->tag)), session->tag,
		sizeof(session->tag));
}

static bool is_wanted(const struct attached *session, const char *target)
{
	char *end;
	long pid;

	if (!target)
		return true;
	pid = strtol(target, &end, 10);
	if (*target && !*end && pid == session->pid)
		return true;
	return strcmp(target, session->tag) == 0 || strcmp(target, session->device) == 0;
}

static bool is_new(struct search *search, int fd)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return false;
	for (unsigned int i = 0; i < search->num_seen; i++)
		if (search->seen[i] == stat.st_ino)
			return false;
	if (search->num_seen < ARRAY_SIZE(search->seen))
		search->seen[search->num_seen++] = stat.st_ino;
	return true;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int attach(struct search *search, int dir, pid_t pid, int page_fd)
{
	struct attached session = {.pid = pid, .page_fd = page_fd, .arena_fd = -1, .wish_fd = -1};
	int r = take_snapshot(page_fd, &session.snapshot);

	/* Of somebody who has a file of that name; or it has only begun. */
	if (r < 0)
		return 0;
	describe(&session);
	if (is_wanted(&session, search->target)) {
		search->found++;
		session.arena_fd = find_memory(
			dir, "libvirtiofs ", session.snapshot.head.arena_inode, O_RDONLY);
		session.wish_fd = find_memory(
			dir, VFS_OBSERVE_WISH, session.snapshot.head.wish_inode, O_RDWR);
		r = search->visit(&session, search->ctx);
	}
	close_fd(session.arena_fd);
	close_fd(session.wish_fd);
	snapshot_free(&session.snapshot);
	return r;
}

static int look_at_process(struct search *search, const char *process)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s/fd", inspect_proc_root, process);
	dir = opendir(path);
	if (!dir) {
		search->denied += errno == EACCES || errno == EPERM;
		return 0;
	}
	while (r == 0 && (entry = readdir(dir))) {
		int fd = open_memory(dirfd(dir), entry->d_name, VFS_OBSERVE_PAGE, 0, O_RDONLY);

		if (fd < 0)
			continue;
		if (is_new(search, fd))
			r = attach(search, dirfd(dir), (pid_t)atoi(process), fd);
		close(fd);
	}
	closedir(dir);
	return r;
}

static int is_process(const struct dirent *entry)
{
	return strspn(entry->d_name, "0123456789") == strlen(entry->d_name);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int nobody(const struct search *search)
{
	if (!search->target && !search->denied)
		return 0;
	if (search->denied)
		return vfs_error(-EACCES,
			"no session was found%s%s among the processes of this user; those of "
			"others "
			"want root",
			search->target ? " for " : "", search->target ? search->target : "");
	return vfs_error(-ESRCH, "there is no session of a process, a device or a tag \"%s\"",
		search->target);
}

int attach_each(const char *target, int (*visit)(struct attached *session, void *ctx), void *ctx)
{
	struct search search = {.target = target, .visit = visit, .ctx = ctx};
	struct dirent **processes;
	int count = scandir(inspect_proc_root, &processes, is_process, by_number);
	int r = 0;

	if (count < 0)
		return vfs_error(-errno, "%s: %s", inspect_proc_root, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = look_at_process(&search, processes[i]->d_name);
		free(processes[i]);
	}
	free(processes);
	return r == 0 && !search.found ? nobody(&search) : r;
}
