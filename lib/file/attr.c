/* SPDX-License-Identifier: MIT */
/*
 * Attributes are believed for as long as the server said, and not beyond a change by this client.
 * An answer to a question that was asked before such a change may be from before it: it does not
 * count.
 */
#include <errno.h>
#include <sys/stat.h>

#include "file/tree.h"

#define NS_PER_S 1000000000ull

uint64_t vfs_valid_until(const struct vfs_fs *fs, uint64_t seconds, uint32_t nanoseconds)
{
	switch (fs->options.cache) {
	case VFS_CACHE_NONE:
		return 0;
	case VFS_CACHE_ALWAYS:
		return UINT64_MAX;
	default:
		break;
	}
	if (!seconds && !nanoseconds)
		return 0;
	if (seconds > UINT64_MAX / NS_PER_S / 2)
		return UINT64_MAX;
	return vfs_now_ns() + seconds * NS_PER_S + nanoseconds;
}

uint64_t vfs_attr_version(struct vfs_fs *fs)
{
	uint64_t version;

	pthread_mutex_lock(&fs->lock);
	version = fs->version;
	pthread_mutex_unlock(&fs->lock);
	return version;
}

static bool data_is_as_before(const struct vfs_node *node, const struct fuse_attr *attr)
{
	return attr->mtime == node->attr.mtime && attr->mtimensec == node->attr.mtimensec &&
	       attr->size == node->size;
}

void vfs_attr_store_locked(
	struct vfs_node *node, const struct fuse_attr *attr, uint64_t until_ns, uint64_t asked)
{
	if (node->attr_version > asked || node->changing)
		return;
	if (node->data_seen && node->fs->options.cache == VFS_CACHE_AUTO &&
		!data_is_as_before(node, attr))
		node->data_stale = true;
	node->data_seen = true;
	node->attr = *attr;
	node->size = attr->size;
	node->attr_until_ns = until_ns;
}

void vfs_attr_store(struct vfs_node *node, const struct fuse_attr *attr, uint64_t valid_s,
	uint32_t valid_ns, uint64_t asked)
{
	pthread_mutex_lock(&node->fs->lock);
	vfs_attr_store_locked(node, attr, vfs_valid_until(node->fs, valid_s, valid_ns), asked);
	pthread_mutex_unlock(&node->fs->lock);
}

void vfs_attr_expire_locked(struct vfs_node *node)
{
	node->attr_version = ++node->fs->version;
	node->attr_until_ns = 0;
}

void vfs_attr_expire(struct vfs_node *node)
{
	pthread_mutex_lock(&node->fs->lock);
	vfs_attr_expire_locked(node);
	pthread_mutex_unlock(&node->fs->lock);
}

void vfs_attr_begin_change(struct vfs_node *node)
{
	pthread_mutex_lock(&node->fs->lock);
	node->changing++;
	vfs_attr_expire_locked(node);
	pthread_mutex_unlock(&node->fs->lock);
}

void vfs_attr_end_change(struct vfs_node *node, uint64_t size)
{
	pthread_mutex_lock(&node->fs->lock);
	node->changing--;
	/* What the server says of times next is this client's doing. */
	node->data_seen = false;
	if (size > node->size)
		node->size = size;
	vfs_attr_expire_locked(node);
	pthread_mutex_unlock(&node->fs->lock);
}

uint64_t vfs_attr_size(struct vfs_node *node)
{
	uint64_t size;

	pthread_mutex_lock(&node->fs->lock);
	size = node->size;
	pthread_mutex_unlock(&node->fs->lock);
	return size;
}

void vfs_attr_grow(struct vfs_node *node, uint64_t size)
{
	pthread_mutex_lock(&node->fs->lock);
	if (size > node->size)
		node->size = size;
	pthread_mutex_unlock(&node->fs->lock);
}

void vfs_attr_resize(struct vfs_node *node, uint64_t size)
{
	pthread_mutex_lock(&node->fs->lock);
	node->size = size;
	pthread_mutex_unlock(&node->fs->lock);
}

/* With the tree's lock. */
static bool is_believed(const struct vfs_node *node)
{
	return node->attr_until_ns == UINT64_MAX ||
	       (node->attr_until_ns && vfs_now_ns() < node->attr_until_ns);
}

bool vfs_attr_known_size(struct vfs_node *node, bool fresh, uint64_t *size)
{
	bool known;

	pthread_mutex_lock(&node->fs->lock);
	known = node->changing || (!fresh && is_believed(node));
	if (node->data_stale && atomic_load(&node->data))
		known = false;
	if (known)
		*size = node->size;
	pthread_mutex_unlock(&node->fs->lock);
	return known;
}

static bool get_kept(struct vfs_node *node, struct fuse_attr *attr)
{
	bool believed;

	pthread_mutex_lock(&node->fs->lock);
	believed = is_believed(node);
	if (believed) {
		*attr = node->attr;
		attr->size = node->size;
	}
	pthread_mutex_unlock(&node->fs->lock);
	return believed;
}

static int check_type(const struct vfs_node *node, const struct fuse_attr *attr)
{
	if ((attr->mode & S_IFMT) == node->type)
		return 0;
	return vfs_error(
		-EIO, "node %llu has become a file of another type", (unsigned long long)node->id);
}

int vfs_attr_get(struct vfs_node *node, struct vfs_file *file, bool fresh, struct fuse_attr *attr)
{
	uint64_t asked = vfs_attr_version(node->fs);
	struct vfs_op op;
	int64_t r;

	if (!fresh && get_kept(node, attr))
		return 0;
	vfs_op_getattr(&op, node->id);
	/* Servers take every handle here for one of a file. */
	if (file && file->has_handle && S_ISREG(node->type)) {
		op.args.getattr.getattr_flags = FUSE_GETATTR_FH;
		op.args.getattr.fh = file->fh;
	}
	r = vfs_fuse_call(node->fs->fuse, &op);
	if (r == 0)
		r = check_type(node, &op.answer.attr.attr);
	if (r < 0)
		return (int)r;
	*attr = op.answer.attr.attr;
	vfs_attr_store(
		node, attr, op.answer.attr.attr_valid, op.answer.attr.attr_valid_nsec, asked);
	/* While there is something that the server was not told yet, it does not know the size. */
	pthread_mutex_lock(&node->fs->lock);
	if (node->changing && node->size > attr->size)
		attr->size = node->size;
	pthread_mutex_unlock(&node->fs->lock);
	return 0;
}
