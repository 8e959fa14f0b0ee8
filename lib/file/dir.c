/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file/open.h"
#include "file/stat.h"
#include "file/tree.h"
#include "file/walk.h"
#include "fuse/fuse.h"

#define BUFFER_SIZE (64u << 10)

struct vfs_dir {
	struct vfs_file *file;
	uint64_t offset;   /* of the next entry */
	struct iovec left; /* of what the server has sent */
	bool plus;	   /* with attributes */
	bool end;
	size_t size;
	char buffer[];
};

static int check_directory(const struct vfs_file *file)
{
	if (file->flags & O_PATH)
		return -EBADF;
	return S_ISDIR(file->node->type) ? 0 : -ENOTDIR;
}

static int make_dir(struct vfs_file *file, struct vfs_dir **result)
{
	size_t size = min_size(BUFFER_SIZE, file->fs->max_read);
	struct vfs_dir *dir;
	int r = check_directory(file);

	if (r < 0)
		return r;
	if (file->dir)
		return -EINVAL;
	dir = malloc(sizeof(*dir) + size);
	if (!dir)
		return vfs_error(-ENOMEM, "out of memory");
	*dir = (struct vfs_dir){.file = file, .size = size};
	file->dir = dir;
	*result = dir;
	return 0;
}

VFS_EXPORT int vfs_fdopendir(struct vfs_file *file, struct vfs_dir **result)
{
	struct vfs_call call = vfs_call_begin(file->fs, "opendir", file->path);

	return (int)vfs_call_end(&call, make_dir(file, result));
}

VFS_EXPORT int vfs_opendir(struct vfs_fs *fs, const char *path, struct vfs_dir **result)
{
	struct vfs_call call = vfs_call_begin(fs, "opendir", path);
	struct vfs_open_how how = {.flags = O_RDONLY | O_DIRECTORY};
	struct vfs_file *file;
	int r = vfs_file_open(fs, NULL, path, &how, &file);

	if (r == 0) {
		r = make_dir(file, result);
		if (r < 0)
			(void)vfs_close(file);
	}
	return (int)vfs_call_end(&call, r);
}

/* ---- what the server sends ---- */

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int enter(struct vfs_node *parent, const struct vfs_dirent *entry,
	const struct vfs_question *question)
{
	struct vfs_fs *fs = parent->fs;
	struct vfs_node *node;
	uint64_t until;
	int r;

	if (!entry->entry.nodeid || is_dots(entry->name))
		return 0;
	r = vfs_node_enter(fs, &entry->entry, question->attr, &node);
	if (r < 0)
		return r;
	until = vfs_valid_until(fs, entry->entry.entry_valid, entry->entry.entry_valid_nsec);
	/* Who opens it asks again, if there was no memory. */
	(void)vfs_names_remember(parent, entry->name, node, until, question);
	vfs_node_put(node);
	return 0;
}

/* One entry; the server is owed what it is a lookup of, also if it is malformed. */
static int enter_next(
	struct vfs_dir *dir, struct iovec *entries, const struct vfs_question *question)
{
	struct vfs_dirent entry;
	int r = vfs_dirent_next(entries, true, &entry);

	if (r < 0)
		vfs_give_lookup_back(dir->file->fs->session, entry.entry.nodeid);
	return r > 0 ? enter(dir->file->node, &entry, question) : r;
}

/*
 * All entries are entered at once, whether or not anybody reads so far. An error of one (no memory)
 * does not keep the others.
 */
static int enter_all(struct vfs_dir *dir, const struct vfs_question *question)
{
	struct iovec entries = dir->left;
	int first = 0;
	size_t before;

	do {
		int r;

		before = entries.iov_len;
		r = enter_next(dir, &entries, question);
		first = first < 0 ? first : r;
	} while (entries.iov_len && entries.iov_len < before);
	return first;
}

static int fill(struct vfs_dir *dir, bool plus)
{
	struct vfs_node *node = dir->file->node;
	struct vfs_question question = vfs_names_ask(node);
	struct iovec iov = {.iov_base = dir->buffer, .iov_len = dir->size};
	struct vfs_op op;
	int64_t n;

	if (plus)
		vfs_op_readdirplus(&op, node->id, dir->file->fh, dir->offset, &iov);
	else
		vfs_op_readdir(&op, node->id, dir->file->fh, dir->offset, &iov);
	n = vfs_fuse_call(node->fs->fuse, &op);
	if (n == -ENOSYS && plus)
		return fill(dir, false);
	if (n < 0)
		return (int)n;
	dir->plus = plus;
	dir->end = n == 0;
	dir->left = (struct iovec){.iov_base = dir->buffer, .iov_len = (size_t)n};
	return plus ? enter_all(dir, &question) : 0;
}

/* Attributes are worth having if somebody wants them now, or may find them kept. */
static bool wants_attributes(const struct vfs_dir *dir, const struct stat *stat)
{
	const struct vfs_fs *fs = dir->file->fs;

	return (fs->init.flags & FUSE_DO_READDIRPLUS) &&
	       (stat || fs->options.cache != VFS_CACHE_NONE);
}

/* ---- what the caller gets ---- */

static void take_entry(const struct vfs_dirent *from, struct dirent *entry)
{
	memset(entry, 0, sizeof(*entry));
	entry->d_ino = from->ino;
	entry->d_off = (off_t)from->offset;
	entry->d_reclen = sizeof(*entry);
	entry->d_type = (unsigned char)from->type;
	memcpy(entry->d_name, from->name, min_size(sizeof(entry->d_name), sizeof(from->name)));
}

/* Whether the server's attributes of an entry are all there is to know. */
static bool has_attributes(const struct vfs_dir *dir, const struct vfs_dirent *entry)
{
	struct vfs_fs *fs = dir->file->fs;
	struct vfs_node *node;
	bool good;

	if (!dir->plus || !entry->entry.nodeid || is_dots(entry->name))
		return false;
	pthread_mutex_lock(&fs->lock);
	node = vfs_node_find(fs, entry->entry.nodeid);
	good = !node || !node->changing;
	pthread_mutex_unlock(&fs->lock);
	return good;
}

static int next(struct vfs_dir *dir, struct dirent *entry, struct stat *stat)
{
	struct vfs_dirent found;
	int r;

	if (!dir->left.iov_len && !dir->end) {
		r = fill(dir, wants_attributes(dir, stat));
		/* It was removed; POSIX wants that to be like any other end. */
		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return r;
	}
	r = vfs_dirent_next(&dir->left, dir->plus, &found);
	if (r <= 0)
		return r;
	dir->offset = found.offset;
	take_entry(&found, entry);
	if (!stat || !has_attributes(dir, &found))
		return 1;
	vfs_stat_from_attr(dir->file->fs, &found.entry.attr, stat);
	return 2;
}

VFS_EXPORT int vfs_readdir(struct vfs_dir *dir, struct dirent *entry, struct stat *stat)
{
	struct vfs_call call = vfs_call_begin(dir->file->fs, "readdir", dir->file->path);

	return (int)vfs_call_end(&call, next(dir, entry, stat));
}

VFS_EXPORT long vfs_telldir(struct vfs_dir *dir)
{
	return (long)dir->offset;
}

VFS_EXPORT void vfs_seekdir(struct vfs_dir *dir, long place)
{
	dir->offset = (uint64_t)place;
	dir->left.iov_len = 0;
	dir->end = false;
}

VFS_EXPORT void vfs_rewinddir(struct vfs_dir *dir)
{
	vfs_seekdir(dir, 0);
}

VFS_EXPORT struct vfs_file *vfs_dirfile(struct vfs_dir *dir)
{
	return dir->file;
}

VFS_EXPORT int vfs_closedir(struct vfs_dir *dir)
{
	return dir ? vfs_close(dir->file) : 0;
}
