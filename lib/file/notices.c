/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <vfs/notify.h>

#include "file/data.h"
#include "file/notices.h"
#include "file/tree.h"

static struct vfs_node *find(struct vfs_fs *fs, uint64_t id)
{
	struct vfs_node *node;

	pthread_mutex_lock(&fs->lock);
	node = vfs_node_find(fs, id);
	if (node)
		vfs_node_hold(node);
	pthread_mutex_unlock(&fs->lock);
	return node;
}

static void drop_range(struct vfs_node *node, int64_t offset, int64_t length)
{
	uint64_t end = UINT64_MAX;

	if (offset < 0)
		return;
	if (length > 0)
		end = (uint64_t)offset + (uint64_t)length;
	vfs_data_drop(node, (uint64_t)offset, end);
}

static void node_changed(struct vfs_fs *fs, const struct vfs_notification *n)
{
	struct vfs_node *node = find(fs, n->node);

	if (!node)
		return;
	vfs_attr_expire(node);
	drop_range(node, n->offset, n->length);
	vfs_node_put(node);
}

/* Who is in a directory goes up from there as before. */
static bool only_expires(const struct vfs_notification *n, const struct vfs_name *name)
{
	if (n->code != FUSE_NOTIFY_INVAL_ENTRY)
		return false;
	return (n->flags & FUSE_EXPIRE_ONLY) || (name->node && S_ISDIR(name->node->type));
}

/* @child: only if it leads there; 0: in any case. */
static void name_changed(struct vfs_fs *fs, const struct vfs_notification *n, uint64_t child)
{
	struct vfs_node *parent = find(fs, n->node);
	struct vfs_name *name;

	if (!parent)
		return;
	pthread_mutex_lock(&fs->lock);
	/* Answers that are under way may be older than this. */
	parent->names_version++;
	vfs_attr_expire_locked(parent);
	name = vfs_name_find(parent, n->name);
	if (name && only_expires(n, name))
		name->until_ns = 0;
	else if (name && (!child || !name->node || name->node->id == child))
		vfs_name_drop(name);
	pthread_mutex_unlock(&fs->lock);
	vfs_node_put(parent);
}

static void expire_names(struct vfs_fs *fs)
{
	struct vfs_name *name;
	unsigned int i;

	pthread_mutex_lock(&fs->lock);
	fs->names_epoch++;
	for (i = 0; i < VFS_NAME_BUCKETS; i++)
		for (name = fs->names[i]; name; name = name->hash_next)
			name->until_ns = 0;
	pthread_mutex_unlock(&fs->lock);
}

static void retrieve(struct vfs_fs *fs, const struct vfs_notification *n)
{
	size_t size = min_size((size_t)n->length, fs->max_write);
	struct vfs_node *node = find(fs, n->node);
	void *data = node ? malloc(size) : NULL;
	struct iovec iov = {.iov_base = data};
	struct vfs_op op;

	if (data)
		iov.iov_len = vfs_data_peek(node, (uint64_t)n->offset, data, size);
	vfs_op_notify_reply(
		&op, n->node, n->unique, (uint64_t)n->offset, &iov, iov.iov_len ? 1 : 0);
	(void)vfs_fuse_call(fs->fuse, &op);
	free(data);
	vfs_node_put(node);
}

static void take(struct vfs_fs *fs, const struct vfs_notification *n)
{
	switch (n->code) {
	case FUSE_NOTIFY_INVAL_INODE:
	case FUSE_NOTIFY_STORE: /* it can be asked for as well */
		node_changed(fs, n);
		break;
	case FUSE_NOTIFY_INVAL_ENTRY:
		name_changed(fs, n, 0);
		break;
	case FUSE_NOTIFY_DELETE:
		name_changed(fs, n, n->child);
		break;
	case FUSE_NOTIFY_RETRIEVE:
		retrieve(fs, n);
		break;
	case VFS_FUSE_NOTIFY_INC_EPOCH:
		expire_names(fs);
		break;
	case VFS_FUSE_NOTIFY_PRUNE:
		vfs_nodes_trim(fs, 0);
		break;
	default:
		break;
	}
}

void vfs_notices_take(struct vfs_fs *fs)
{
	struct vfs_notification n;

	if (!fs->options.session.notify_buffers || pthread_mutex_trylock(&fs->notify_lock))
		return;
	while (vfs_notify_next(fs->session, &n) > 0)
		take(fs, &n);
	pthread_mutex_unlock(&fs->notify_lock);
}
