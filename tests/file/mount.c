/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <vfs/error.h>

#include "mount.h"
#include "shared_memory.h"

#define TRIES  100
#define TRY_US 50000

/* -1: it is none of them */
static int find_name(const char *name, const char *const *names, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return (int)i;
	return -1;
}

static bool parse_cache(const char *name, enum vfs_cache *cache)
{
	static const char *const names[] = {[VFS_CACHE_AUTO] = "auto",
		[VFS_CACHE_NONE] = "none",
		[VFS_CACHE_ALWAYS] = "always"};
	int found = find_name(name, names, 3);

	*cache = (enum vfs_cache)found;
	return found >= 0;
}

static bool parse_dax(const char *name, enum vfs_dax_mode *dax)
{
	static const char *const names[] = {[VFS_DAX_NEVER] = "never",
		[VFS_DAX_AUTO] = "auto",
		[VFS_DAX_ALWAYS] = "always",
		[VFS_DAX_INODE] = "inode"};
	int found = find_name(name, names, 4);

	*dax = (enum vfs_dax_mode)found;
	return found >= 0;
}

static bool parse_faults(const char *name, enum vfs_faults *faults)
{
	static const char *const names[] = {[VFS_FAULTS_AUTO] = "auto",
		[VFS_FAULTS_HANDLER] = "handler",
		[VFS_FAULTS_SYSTEM_CALL] = "system-call"};
	int found = find_name(name, names, 3);

	*faults = (enum vfs_faults)found;
	return found >= 0;
}

bool mount_option(int option, const char *value, struct mount_settings *settings)
{
	switch (option) {
	case 'D':
		settings->device = value;
		return true;
	case 'K':
		settings->directory = value;
		return true;
	case 'C':
		return parse_cache(value, &settings->cache);
	case 'W':
		settings->writeback = true;
		return true;
	case 'X':
		return parse_dax(value, &settings->dax);
	case 'R':
		settings->dax_range = strtoull(value, NULL, 0);
		return settings->dax_range > 0;
	case 'F':
		return parse_faults(value, &settings->dax_faults);
	case 'O':
		settings->control = value;
		return true;
	case 'P':
		settings->daemon = atoi(value);
		return settings->daemon > 0;
	default:
		return false;
	}
}

bool run_option(int option, const char *value, struct run_settings *settings)
{
	switch (option) {
	case 'd':
		settings->direct = value;
		return true;
	case 's':
		settings->seed = strtoull(value, NULL, 0);
		return true;
	case 'n':
		settings->count = strtoull(value, NULL, 0);
		return settings->count > 0;
	default:
		return false;
	}
}

bool mount_settings_good(const struct mount_settings *settings)
{
	return !settings->device != !settings->directory;
}

/* A daemon that ends with its client may be about to be started again. */
static int mount_patiently(const struct mount_settings *settings, struct vfs_fs **fs)
{
	const struct vfs_mount_options options = {.cache = settings->cache,
		.writeback = settings->writeback,
		.dax = settings->dax,
		.dax_range = settings->dax_range,
		.dax_faults = settings->dax_faults};
	int r = 0;

	for (unsigned int i = 0; i < TRIES; i++) {
		r = vfs_mount(settings->device, &options, fs);
		if (r != -ENOENT && r != -ECONNREFUSED && r != -EBUSY && r != -ENODEV)
			break;
		usleep(TRY_US);
	}
	if (r < 0)
		fprintf(stderr, "%s: %s (%s)\n", settings->device, strerror(-r), vfs_last_error());
	return r;
}

static unsigned int descriptors_of(pid_t pid)
{
	unsigned int count = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

int mount_start(const struct mount_settings *settings, struct mounted *mounted)
{
	struct stat stat;
	int r;

	*mounted = (struct mounted){.settings = settings, .calls = &kernel_calls};
	if (!settings->device) {
		r = calls_enter(settings->directory);
		if (r < 0)
			fprintf(stderr, "%s: %s\n", settings->directory, strerror(-r));
		return r;
	}
	mounted->calls = &library_calls;
	r = mount_patiently(settings, &mounted->fs);
	/* What the daemon opens once and keeps is open then. */
	if (r == 0 && settings->daemon) {
		r = vfs_stat(mounted->fs, "/", &stat);
		mounted->descriptors = descriptors_of(settings->daemon);
	}
	return r;
}

/* Nodes beside the root that virtiofs-device holds; -errno */
static long nodes_held(const char *control)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[256] = "";
	long nodes = -EPROTO;
	ssize_t n = -1;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", control);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
		dprintf(fd, "held\n") > 0)
		n = recv(fd, answer, sizeof(answer) - 1, 0);
	close(fd);
	if (n <= 0 || sscanf(answer, "ok nodes=%ld", &nodes) != 1)
		return -EPROTO;
	return nodes;
}

static bool is_balanced(const struct mounted *mounted, long *held)
{
	const struct mount_settings *settings = mounted->settings;

	if (settings->control)
		*held = nodes_held(settings->control);
	else
		*held = (long)descriptors_of(settings->daemon) - (long)mounted->descriptors;
	return *held == 0;
}

/* With all caches dropped and nothing pinned. */
static int window_is_in_order(struct vfs_fs *fs)
{
	struct vfs_dax_stats s;

	vfs_fs_dax_stats(fs, &s);
	if (s.window)
		printf("window: %llu ranges mapped, %llu again, %llu needed for others; %llu "
		       "accesses "
		       "found theirs, %llu waited, %llu went by request, %llu faults\n",
			(unsigned long long)s.maps, (unsigned long long)s.upgrades,
			(unsigned long long)s.reclaims, (unsigned long long)s.hits,
			(unsigned long long)s.stalls, (unsigned long long)s.misfits,
			(unsigned long long)s.faults);
	if (s.free == s.ranges && s.maps == s.unmaps && !s.held)
		return 0;
	fprintf(stderr, "%llu of %llu ranges are free, %llu were mapped and %llu unmapped\n",
		(unsigned long long)s.free, (unsigned long long)s.ranges,
		(unsigned long long)s.maps, (unsigned long long)s.unmaps);
	return -EBUSY;
}

int mount_balanced(const struct mounted *mounted)
{
	const struct mount_settings *settings = mounted->settings;
	long held = 0;
	int r = mounted->fs ? vfs_drop_caches(mounted->fs) : 0;

	if (r < 0)
		fprintf(stderr, "vfs_drop_caches: %s (%s)\n", strerror(-r), vfs_last_error());
	if (r == 0 && mounted->fs)
		r = window_is_in_order(mounted->fs);
	if (r < 0 || (!settings->control && !settings->daemon))
		return r;
	/* Nobody waits for FORGET. */
	for (unsigned int i = 0; i < TRIES && !is_balanced(mounted, &held); i++)
		usleep(TRY_US);
	if (held)
		fprintf(stderr, "the server holds %ld nodes that the library has dropped\n", held);
	return held ? -EBUSY : 0;
}

int mount_end(struct mounted *mounted)
{
	int r = mounted->fs ? vfs_umount(mounted->fs) : 0;

	if (r < 0)
		fprintf(stderr, "vfs_umount: %s (%s)\n", strerror(-r), vfs_last_error());
	mounted->fs = NULL;
	return r;
}
