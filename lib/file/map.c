/* SPDX-License-Identifier: MIT */
/* Parts of files in the DAX window that applications have a pointer to. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "file/cache.h"
#include "file/window.h"

struct vfs_map {
	struct vfs_list link;  /* vfs_window.maps */
	struct vfs_node *node; /* has a reference */
	struct vfs_dax_pin pin;
	uint64_t length;
	bool writable;
};

static int check(const struct vfs_file *file, off_t offset, size_t length, int prot)
{
	off_t end;

	if (!length || offset < 0 || __builtin_add_overflow(offset, length, &end) ||
		!(prot & PROT_READ) || (prot & ~(PROT_READ | PROT_WRITE)))
		return -EINVAL;
	if (file->flags & O_PATH)
		return -EBADF;
	if ((file->flags & O_ACCMODE) == O_WRONLY ||
		((prot & PROT_WRITE) && (file->flags & O_ACCMODE) != O_RDWR))
		return -EACCES;
	return vfs_file_in_window(file) ? 0 : -EOPNOTSUPP;
}

/* Up to where the file may be shown so that these bytes are: some devices show whole units only. */
static int find_limit(struct vfs_file *file, uint64_t end, uint64_t *limit)
{
	const struct vfs_window *window = file->fs->window;
	uint64_t size;
	int r = vfs_data_size(file, file->fs->options.cache != VFS_CACHE_ALWAYS, &size);

	if (r < 0)
		return r;
	if (end > size)
		return -ENXIO;
	*limit = vfs_window_end(window, size);
	if (end > *limit)
		*limit += window->unit;
	return 0;
}

static int hold(struct vfs_file *file, uint64_t offset, uint64_t length, unsigned int what,
	struct vfs_dax_pin *pin)
{
	uint64_t limit;
	int r = find_limit(file, offset + length, &limit);

	return r < 0 ? r : vfs_window_hold(file, offset, length, limit, what, pin);
}

static void add(struct vfs_window *window, struct vfs_map *map)
{
	pthread_mutex_lock(&window->lock);
	vfs_list_add_tail(&window->maps, &map->link);
	pthread_mutex_unlock(&window->lock);
}

static int map_file(struct vfs_file *file, uint64_t offset, size_t length, int prot, void **address)
{
	struct vfs_map *map = calloc(1, sizeof(*map));
	int r;

	if (!map)
		return -ENOMEM;
	map->writable = prot & PROT_WRITE;
	map->length = length;
	r = hold(file, offset, length, map->writable ? VFS_DAX_WRITE : 0, &map->pin);
	if (r < 0) {
		free(map);
		return r;
	}
	map->node = vfs_node_get(file->node);
	*address = map->pin.address;
	add(file->fs->window, map);
	return 0;
}

VFS_EXPORT int vfs_map(struct vfs_file *file, off_t offset, size_t length, int prot, void **address)
{
	struct vfs_call call = vfs_call_begin(file->fs, "map", file->path);
	int r = check(file, offset, length, prot);

	if (r == 0)
		r = map_file(file, (uint64_t)offset, length, prot, address);
	return (int)vfs_call_end(&call, r);
}

/* With the lock. */
static struct vfs_map *find(const struct vfs_window *window, const void *address)
{
	struct vfs_map *map;

	vfs_list_for_each(map, &window->maps, struct vfs_map, link)
	{
		if (map->pin.address == address)
			return map;
	}
	return NULL;
}

static void end(struct vfs_map *map)
{
	vfs_dax_unpin(&map->pin);
	if (map->writable) {
		vfs_window_soiled(map->node);
		vfs_window_tell(map->node, NULL);
	}
	vfs_node_put(map->node);
	free(map);
}

VFS_EXPORT int vfs_unmap(struct vfs_fs *fs, void *address)
{
	struct vfs_call call = vfs_call_begin(fs, "unmap", "");
	struct vfs_window *window = fs->window;
	struct vfs_map *map = NULL;

	if (window) {
		pthread_mutex_lock(&window->lock);
		map = find(window, address);
		if (map)
			vfs_list_del(&map->link);
		pthread_mutex_unlock(&window->lock);
	}
	if (map)
		end(map);
	return (int)vfs_call_end(&call, map ? 0 : -EINVAL);
}

void vfs_maps_end(struct vfs_window *window)
{
	while (!vfs_list_empty(&window->maps)) {
		struct vfs_map *map = vfs_list_first(&window->maps, struct vfs_map, link);

		vfs_list_del(&map->link);
		end(map);
	}
}

VFS_EXPORT int vfs_map_sync(struct vfs_file *file)
{
	if ((file->flags & O_ACCMODE) == O_RDWR && vfs_file_in_window(file))
		vfs_window_soiled(file->node);
	return vfs_fdatasync(file);
}
