/* SPDX-License-Identifier: MIT */
/* The DAX window of a mount: whether it is used, and how files come into it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "dax/guard.h"
#include "file/data.h"
#include "file/window.h"

/* ---- what the manager asks for ---- */

static int map(void *ctx, void *owner, const struct vfs_dax_mapping *mapping, bool *unknown)
{
	const struct vfs_node *node = owner;
	struct vfs_window *window = ctx;
	struct vfs_op op;

	vfs_dax_op_map(&op, node->id, mapping);
	(void)vfs_fuse_call(window->fs->fuse, &op);
	/* Whether it was done is known only if the server has answered, or was not asked. */
	*unknown = op.result < 0 && op.begun && !op.answered;
	return (int)op.result;
}

static int unmap(void *ctx, void *owner, const struct vfs_dax_mapping *mappings, unsigned int count)
{
	struct fuse_removemapping_one ones[VFS_DAX_BATCH_MAX];
	const struct vfs_node *node = owner;
	struct vfs_window *window = ctx;
	struct vfs_op op;

	vfs_dax_op_unmap(&op, node ? node->id : 0, mappings, count, ones);
	return (int)vfs_fuse_call(window->fs->fuse, &op);
}

static const struct vfs_dax_ops ops = {.map = map, .unmap = unmap};

/* ---- whether it is used ---- */

static int check(struct vfs_fs *fs)
{
	int r = vfs_dax_check(fs->device, &fs->init, fs->options.dax);
	struct vfs_op op;

	if (r < 0)
		return r;
	vfs_dax_op_probe(&op);
	(void)vfs_fuse_call(fs->fuse, &op);
	return vfs_dax_probed(fs->device, &op);
}

static int create(struct vfs_fs *fs, struct vfs_window *window)
{
	struct vfs_dax_config config = {
		.window = vfs_device_window(fs->device),
		.length = vfs_device_info(fs->device)->dax_window,
		.range = fs->options.dax_range,
		.unit = vfs_dax_unit(&fs->init),
		.batch = VFS_DAX_BATCH_MAX,
	};
	int r = vfs_dax_default_range(&config, vfs_device_info(fs->device)->name);

	if (r < 0)
		return r;
	window->fs = fs;
	window->unit = config.unit;
	window->range = config.range;
	pthread_mutex_init(&window->lock, NULL);
	vfs_list_init(&window->maps);
	window->guard = vfs_guard_acquire(fs->options.dax_faults);
	if (window->guard < 0)
		return window->guard;
	vfs_dax_show(fs->session, &config);
	r = vfs_dax_create(&config, &ops, window, &window->dax);
	if (r < 0)
		vfs_guard_release(window->guard);
	return r;
}

static int start(struct vfs_fs *fs)
{
	struct vfs_window *window;
	int r = check(fs);

	if (r < 0)
		return r;
	window = calloc(1, sizeof(*window));
	r = window ? create(fs, window) : vfs_error(-ENOMEM, "out of memory");
	if (r < 0)
		free(window);
	else
		fs->window = window;
	return r;
}

int vfs_window_create(struct vfs_fs *fs)
{
	int r = 0;

	if (fs->options.dax != VFS_DAX_NEVER)
		r = start(fs);
	if (r < 0 && fs->options.dax != VFS_DAX_ALWAYS && r != -EINVAL) {
		vfs_log(VFS_LOG_INFO, "files are not accessed through a window: %s",
			vfs_last_error());
		r = 0;
	}
	return r;
}

void vfs_window_destroy(struct vfs_fs *fs)
{
	struct vfs_window *window = fs->window;

	if (!window)
		return;
	vfs_dax_destroy(window->dax);
	vfs_guard_release(window->guard);
	pthread_mutex_destroy(&window->lock);
	free(window);
	fs->window = NULL;
}

/* ---- which files ---- */

static bool wants(const struct vfs_file *file)
{
	return file->fs->options.dax != VFS_DAX_INODE || (file->node->attr.flags & FUSE_ATTR_DAX);
}

/* With the tree's lock: nobody else relies on what is kept of it. */
static bool may_begin(const struct vfs_file *file)
{
	const struct vfs_node *node = file->node;

	return !atomic_load(&node->dax) && wants(file) && node->files.next == &file->of_node &&
	       node->files.prev == &file->of_node;
}

static void begin(struct vfs_window *window, struct vfs_file *file)
{
	struct vfs_node *node = file->node;
	struct vfs_dax_inode *inode = vfs_dax_inode_create(window->dax, node);
	struct vfs_dax_inode *none = NULL;
	bool used = false;

	if (!inode)
		return;
	pthread_mutex_lock(&file->fs->lock);
	if (may_begin(file))
		used = atomic_compare_exchange_strong(&node->dax, &none, inode);
	pthread_mutex_unlock(&file->fs->lock);
	if (used)
		vfs_data_drop(node, 0, UINT64_MAX);
	else
		vfs_dax_inode_destroy(inode);
}

void vfs_window_open(struct vfs_file *file)
{
	struct vfs_window *window = file->fs->window;
	bool may;

	if (!window || atomic_load(&window->off) || !file->has_handle)
		return;
	pthread_mutex_lock(&file->fs->lock);
	may = may_begin(file);
	pthread_mutex_unlock(&file->fs->lock);
	if (may)
		begin(window, file);
}

bool vfs_file_in_window(const struct vfs_file *file)
{
	return atomic_load_explicit(&file->node->dax, memory_order_acquire) &&
	       !atomic_load_explicit(&file->fs->window->off, memory_order_relaxed) &&
	       !(file->open_flags & FOPEN_DIRECT_IO);
}

/* ---- what kind of memory it is ---- */

static void look(struct vfs_window *window, const struct vfs_dax_pin *pin)
{
	bool automatic = window->fs->options.dax == VFS_DAX_AUTO;

	window->memory = vfs_dax_look_at_memory(
		pin, vfs_device_info(window->fs->device)->name, automatic);
	if (automatic && window->memory.type == VFS_MEMORY_UNCACHED)
		atomic_store(&window->off, true);
}

/* The first one looks, before anybody has used it. */
static void look_once(struct vfs_window *window, const struct vfs_dax_pin *pin)
{
	if (atomic_load_explicit(&window->looked, memory_order_acquire))
		return;
	pthread_mutex_lock(&window->lock);
	if (!atomic_load(&window->looked)) {
		look(window, pin);
		atomic_store(&window->looked, true);
	}
	pthread_mutex_unlock(&window->lock);
}

/* The first access of all may find out that it is not worth it. */
static int is_worth_it(struct vfs_window *window, struct vfs_dax_pin *pin)
{
	look_once(window, pin);
	if (!atomic_load_explicit(&window->off, memory_order_relaxed))
		return 0;
	vfs_dax_unpin(pin);
	return -EOPNOTSUPP;
}

int vfs_window_pin(struct vfs_file *file, uint64_t offset, uint64_t limit, unsigned int what,
	struct vfs_dax_pin *pin)
{
	int r = vfs_dax_pin(atomic_load(&file->node->dax), offset, limit, what, pin);

	return r < 0 ? r : is_worth_it(file->fs->window, pin);
}

int vfs_window_hold(struct vfs_file *file, uint64_t offset, uint64_t length, uint64_t limit,
	unsigned int what, struct vfs_dax_pin *pin)
{
	int r = vfs_dax_pin_span(atomic_load(&file->node->dax), offset, length, limit, what, pin);

	return r < 0 ? r : is_worth_it(file->fs->window, pin);
}

/* ---- what others have to know ---- */

void vfs_window_cut(struct vfs_node *node, uint64_t size)
{
	struct vfs_dax_inode *inode = atomic_load(&node->dax);

	if (inode)
		vfs_dax_trim(inode, size);
}

void vfs_window_soiled(struct vfs_node *node)
{
	if (!atomic_load_explicit(&node->dax_written, memory_order_relaxed))
		atomic_store(&node->dax_written, true);
}

void vfs_window_tell(struct vfs_node *node, const struct vfs_file *file)
{
	static const struct vfs_caller server;
	struct fuse_setattr_in in = {.valid = FATTR_MTIME | FATTR_MTIME_NOW};
	struct vfs_op op;

	if (!atomic_load(&node->dax_written) || !atomic_exchange(&node->dax_written, false))
		return;
	if (file && file->has_handle && (file->sent_flags & O_ACCMODE) != O_RDONLY) {
		in.valid |= FATTR_FH;
		in.fh = file->fh;
	}
	vfs_op_setattr(&op, node->id, &in);
	/* Whoever asks now need not be one who may. */
	op.caller = &server;
	/* Whoever asks next tells it once more. */
	if (vfs_fuse_call(node->fs->fuse, &op) < 0 && !op.answered)
		vfs_window_soiled(node);
	vfs_attr_expire(node);
}

/* ---- figures ---- */

VFS_EXPORT void vfs_fs_dax_stats(struct vfs_fs *fs, struct vfs_dax_stats *stats)
{
	struct vfs_window *window = fs->window;
	unsigned int i;

	*stats = (struct vfs_dax_stats){0};
	if (!window)
		return;
	vfs_dax_stats(window->dax, stats);
	pthread_mutex_lock(&window->lock);
	stats->memory = window->memory.type;
	stats->speed = window->memory.speed;
	pthread_mutex_unlock(&window->lock);
	for (i = 0; i < VFS_WINDOW_STRIPES; i++) {
		stats->misfits += atomic_load(&window->counters[i].misfits);
		stats->faults += atomic_load(&window->counters[i].faults);
		stats->read_bytes += atomic_load(&window->counters[i].read_bytes);
		stats->written_bytes += atomic_load(&window->counters[i].written_bytes);
	}
}
