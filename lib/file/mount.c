/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "file/data.h"
#include "file/open.h"
#include "file/tree.h"
#include "file/window.h"

#define CACHE_BYTES_DEFAULT (64u << 20)
#define CACHE_NODES_DEFAULT 16384u
#define READAHEAD_DEFAULT   (128 << 10)

/* How long dropping what is kept waits for FORGETs to be taken, and how often it looks. */
#define FORGETS_MS	 1000
#define FORGETS_PAUSE_MS 10

static atomic_uint mounts;

static int check_options(const struct vfs_mount_options *options)
{
	if (options->writeback && options->cache == VFS_CACHE_NONE)
		return vfs_error(
			-EINVAL, "nothing can be written back where nothing is kept (cache none)");
	return 0;
}

static struct vfs_mount_options with_defaults(const struct vfs_mount_options *given)
{
	struct vfs_mount_options options = given ? *given : (struct vfs_mount_options){0};

	if (!options.cache_bytes)
		options.cache_bytes = CACHE_BYTES_DEFAULT;
	if (!options.cache_nodes)
		options.cache_nodes = CACHE_NODES_DEFAULT;
	if (!options.readahead)
		options.readahead = READAHEAD_DEFAULT;
	if (options.dax == VFS_DAX_INODE)
		options.fuse.allow |= FUSE_HAS_INODE_DAX;
	return options;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void learn_limits(struct vfs_fs *fs)
{
	struct vfs_session_info info;
	uint32_t payload;

	vfs_session_info(fs->session, &info);
	fs->init = info.init;
	payload = (uint32_t)info.max_payload;
	fs->max_write = min32(info.init.max_write, payload);
	/* What a READ may ask for is said in pages, whatever the pages here are. */
	fs->max_read = min32(payload, (uint32_t)info.init.max_pages << 12);
	if (fs->options.readahead > 0 && info.init.max_readahead < (uint32_t)fs->options.readahead)
		fs->options.readahead = (int)info.init.max_readahead;
}

static int start(struct vfs_fs *fs, const char *device)
{
	struct fuse_attr attr;
	int r = vfs_device_open(device, &fs->options.device, &fs->device);

	if (r == 0)
		r = vfs_session_create(fs->device, &fs->options.session, &fs->session);
	if (r == 0)
		r = vfs_fuse_connect(fs->session, &fs->options.fuse, &fs->fuse);
	if (r < 0)
		return r;
	learn_limits(fs);
	r = vfs_tree_create(fs);
	if (r == 0)
		r = vfs_pool_create(fs);
	if (r == 0)
		r = vfs_window_create(fs);
	return r < 0 ? r : vfs_attr_get(fs->root, NULL, true, &attr);
}

static void stop(struct vfs_fs *fs)
{
	if (fs->window)
		vfs_maps_end(fs->window);
	vfs_tree_destroy(fs);
	vfs_window_destroy(fs);
	/* Callbacks may still give back what they have used. */
	vfs_fuse_disconnect(fs->fuse);
	vfs_pool_destroy(fs);
	vfs_session_destroy(fs->session);
	vfs_device_close(fs->device);
	pthread_mutex_destroy(&fs->notify_lock);
	pthread_cond_destroy(&fs->names_changed);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}

VFS_EXPORT int vfs_mount(
	const char *device, const struct vfs_mount_options *given, struct vfs_fs **result)
{
	struct vfs_mount_options options = with_defaults(given);
	struct vfs_fs *fs;
	int r = check_options(&options);

	if (r < 0)
		return r;
	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return vfs_error(-ENOMEM, "out of memory");
	fs->options = options;
	fs->number = atomic_fetch_add(&mounts, 1) + 1;
	vfs_list_init(&fs->files);
	pthread_mutex_init(&fs->lock, NULL);
	pthread_cond_init(&fs->names_changed, NULL);
	pthread_mutex_init(&fs->notify_lock, NULL);
	r = start(fs, device);
	if (r < 0)
		stop(fs);
	else
		*result = fs;
	return r;
}

VFS_EXPORT int vfs_umount(struct vfs_fs *fs)
{
	int r = 0;

	if (!fs)
		return 0;
	while (!vfs_list_empty(&fs->files)) {
		struct vfs_file *file = vfs_list_first(&fs->files, struct vfs_file, of_fs);
		int error = vfs_close(file);

		r = r < 0 ? r : error;
	}
	stop(fs);
	return r;
}

VFS_EXPORT struct vfs_fuse *vfs_fs_fuse(struct vfs_fs *fs)
{
	return fs->fuse;
}

VFS_EXPORT struct vfs_session *vfs_fs_session(struct vfs_fs *fs)
{
	return fs->session;
}

VFS_EXPORT struct vfs_device *vfs_fs_device(struct vfs_fs *fs)
{
	return fs->device;
}

/* What finds no room goes out with later calls, but there may be none for long. */
static void send_forgets(struct vfs_fs *fs)
{
	struct pollfd room = {.fd = vfs_session_hiprio_fd(fs->session), .events = POLLIN};
	struct vfs_deadline deadline = vfs_deadline_in(FORGETS_MS);

	while (vfs_session_progress(fs->session) > 0 && !vfs_deadline_passed(deadline))
		(void)poll(&room, room.fd >= 0, FORGETS_PAUSE_MS);
}

VFS_EXPORT int vfs_drop_caches(struct vfs_fs *fs)
{
	struct vfs_call call = vfs_call_begin(fs, "drop caches", "");
	/* The error of each file stays to be told by its own fsync or close. */
	int r = vfs_pool_flush(fs);

	vfs_pool_trim(fs, 0);
	if (fs->window)
		vfs_dax_drop(fs->window->dax);
	pthread_mutex_lock(&fs->lock);
	vfs_names_trim(fs, 0);
	pthread_mutex_unlock(&fs->lock);
	vfs_nodes_trim(fs, 0);
	send_forgets(fs);
	return (int)vfs_call_end(&call, r);
}

VFS_EXPORT void vfs_fs_cache_stats(struct vfs_fs *fs, struct vfs_cache_stats *stats)
{
	*stats = (struct vfs_cache_stats){0};
	vfs_pool_stats(fs, stats);
	pthread_mutex_lock(&fs->lock);
	stats->nodes = fs->counts->nodes;
	stats->name_hits = fs->counts->name_hits;
	stats->name_misses = fs->counts->name_misses;
	pthread_mutex_unlock(&fs->lock);
}
