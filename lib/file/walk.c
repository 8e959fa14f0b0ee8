/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/walk.h"

/* As many as Linux follows. */
#define LINKS_MAX 40u

struct walker {
	struct vfs_fs *fs;
	struct vfs_node *start; /* where RESOLVE_BENEATH and RESOLVE_IN_ROOT end */
	struct vfs_node *at;	/* has a reference */
	unsigned int flags;
	uint64_t resolve;
	bool again; /* believe nothing that is kept */
	char *path; /* that is walked, in memory of ours */
	char *rest; /* of it */
	unsigned int links;
	struct vfs_walk *walk;
};

static void move_to(struct walker *w, struct vfs_node *node)
{
	vfs_node_put(w->at);
	w->at = node;
}

static int go_to_top(struct walker *w)
{
	if (w->resolve & RESOLVE_BENEATH)
		return -EXDEV;
	if ((w->resolve & RESOLVE_IN_ROOT) && !S_ISDIR(w->start->type))
		return -ENOTDIR;
	move_to(w, vfs_node_get(w->resolve & RESOLVE_IN_ROOT ? w->start : w->fs->root));
	return 0;
}

static int go_up(struct walker *w)
{
	struct vfs_node *parent;
	int r;

	if (w->at == w->start && (w->resolve & RESOLVE_BENEATH))
		return -EXDEV;
	if (w->at == w->start && (w->resolve & RESOLVE_IN_ROOT))
		return 0;
	r = vfs_lookup_parent(w->at, &parent);
	if (r == 0)
		move_to(w, parent);
	return r;
}

/* The target of a link, with @rest behind it, is what is walked now. */
static int replace_path(struct walker *w, const char *target, size_t length)
{
	size_t rest = strlen(w->rest);
	char *path = malloc(length + 1 + rest + 1);

	if (!path)
		return vfs_error(-ENOMEM, "out of memory");
	memcpy(path, target, length);
	path[length] = '/';
	memcpy(path + length + 1, w->rest, rest + 1);
	/* Where nothing follows, the slash in between says nothing. */
	if (!rest && !w->walk->slash)
		path[length] = '\0';
	free(w->path);
	w->path = w->rest = path;
	return 0;
}

/* In w->at is a link. Its target is walked from there. */
static int follow(struct walker *w, struct vfs_node *link)
{
	char target[PATH_MAX];
	struct iovec iov = {.iov_base = target, .iov_len = sizeof(target) - 1};
	struct vfs_op op;
	int64_t n;
	int r;

	if ((w->resolve & RESOLVE_NO_SYMLINKS) || ++w->links > LINKS_MAX)
		return -ELOOP;
	if (w->resolve & RESOLVE_CACHED)
		return -EAGAIN;
	vfs_op_readlink(&op, link->id, &iov);
	n = vfs_fuse_call(w->fs->fuse, &op);
	if (n < 0)
		return (int)n;
	r = replace_path(w, target, (size_t)n);
	if (r == 0 && target[0] == '/')
		r = go_to_top(w);
	return r;
}

/* The next component into w->walk->name; 0: there is none. */
static int take_component(struct walker *w)
{
	struct vfs_walk *walk = w->walk;
	size_t copied;
	size_t length;

	w->rest += strspn(w->rest, "/");
	length = strcspn(w->rest, "/");
	/* One that is too long is looked up all the same, in its turn, and refused then. */
	copied = min_size(length, sizeof(walk->name) - 1);
	memcpy(walk->name, w->rest, copied);
	walk->name[copied] = '\0';
	w->rest += length;
	walk->slash = *w->rest == '/';
	w->rest += strspn(w->rest, "/");
	if (!length)
		walk->last = VFS_WALK_ROOT;
	else if (!strcmp(walk->name, "."))
		walk->last = VFS_WALK_DOT;
	else
		walk->last = strcmp(walk->name, "..") ? VFS_WALK_NAME : VFS_WALK_DOT_DOT;
	return (int)length;
}

static bool is_last(const struct walker *w)
{
	return !*w->rest;
}

/* The last component is a name, and what it leads to is not walked through. */
static void end_at_name(struct walker *w, const struct vfs_found *found)
{
	struct vfs_walk *walk = w->walk;

	walk->parent = w->at;
	w->at = NULL;
	if (found) {
		walk->node = found->node;
		walk->asked = found->asked;
		walk->attr = found->attr;
	}
}

static int end_at_missing(struct walker *w, int error)
{
	if (error != -ENOENT || !is_last(w) || !(w->flags & VFS_WALK_MAY_MISS))
		return error;
	if (vfs_was_removed(w->at))
		return error;
	end_at_name(w, NULL);
	return 0;
}

/* A link is followed in the middle of a path, before a slash, and at the end if that is wanted. */
static bool is_to_be_followed(const struct walker *w, const struct vfs_node *node)
{
	return S_ISLNK(node->type) &&
	       (!is_last(w) || w->walk->slash || (w->flags & VFS_WALK_FOLLOW));
}

static int step_to_name(struct walker *w)
{
	struct vfs_found found;
	int r;

	if (is_last(w) && (w->flags & VFS_WALK_PARENT)) {
		end_at_name(w, NULL);
		return 0;
	}
	/* What is to be made by opening it is no directory. */
	if (is_last(w) && w->walk->slash && (w->flags & VFS_WALK_MAY_MISS))
		return -EISDIR;
	r = vfs_lookup(w->at, w->walk->name, w->again, w->resolve & RESOLVE_CACHED, &found);
	if (r < 0)
		return end_at_missing(w, r);
	if (is_to_be_followed(w, found.node)) {
		r = follow(w, found.node);
		vfs_node_put(found.node);
		return r;
	}
	if (is_last(w))
		end_at_name(w, &found);
	else
		move_to(w, found.node);
	return 0;
}

static int step(struct walker *w)
{
	int r = take_component(w);

	if (r <= 0)
		return r;
	if (!S_ISDIR(w->at->type))
		return -ENOTDIR;
	r = vfs_may(w->at, X_OK);
	if (r < 0)
		return r;
	switch (w->walk->last) {
	case VFS_WALK_DOT:
		return 0;
	case VFS_WALK_DOT_DOT:
		/* Who wants the parent is told that the end is no name. */
		return is_last(w) && (w->flags & VFS_WALK_PARENT) ? 0 : go_up(w);
	default:
		return step_to_name(w);
	}
}

/* What was walked to is the end itself, not a name in a directory. */
static int end_here(struct walker *w)
{
	if (w->walk->slash && !S_ISDIR(w->at->type))
		return -ENOTDIR;
	w->walk->node = w->at;
	w->at = NULL;
	return 0;
}

static int check_end(struct walker *w)
{
	const struct vfs_walk *walk = w->walk;

	return walk->slash && walk->node && !S_ISDIR(walk->node->type) ? -ENOTDIR : 0;
}

static int walk_all(struct walker *w)
{
	int r = w->path[0] == '/' ? go_to_top(w) : 0;

	w->walk->last = VFS_WALK_ROOT;
	while (r == 0 && w->at && *w->rest)
		r = step(w);
	if (r == 0 && w->at)
		r = end_here(w);
	return r < 0 ? r : check_end(w);
}

static int check_path(const char *path, unsigned int flags)
{
	if (!path)
		return -EFAULT;
	if (!*path)
		return flags & VFS_WALK_EMPTY ? 0 : -ENOENT;
	return strlen(path) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int begin(struct walker *w, struct vfs_node *start, const char *path)
{
	*w->walk = (struct vfs_walk){0};
	w->path = w->rest = strdup(path);
	if (!w->path)
		return vfs_error(-ENOMEM, "out of memory");
	w->start = start;
	w->at = vfs_node_get(start);
	w->links = 0;
	return 0;
}

static void end(struct walker *w, int r)
{
	vfs_node_put(w->at);
	free(w->path);
	if (r < 0)
		vfs_walk_end(w->walk);
}

static int walk_once(struct walker *w, struct vfs_node *start, const char *path)
{
	int r = begin(w, start, path);

	if (r < 0)
		return r;
	r = *path ? walk_all(w) : end_here(w);
	end(w, r);
	return r;
}

int vfs_walk(struct vfs_fs *fs, struct vfs_file *start, const char *path, unsigned int flags,
	uint64_t resolve, struct vfs_walk *walk)
{
	struct walker w = {.fs = fs, .flags = flags, .resolve = resolve, .walk = walk};
	struct vfs_node *from = start ? start->node : fs->root;
	int r = check_path(path, flags);

	if (r < 0)
		return r;
	if (start && start->fs != fs)
		return -EXDEV;
	r = walk_once(&w, from, path);
	if (r != -ESTALE)
		return r;
	/* What was kept may be long gone. */
	w.again = true;
	return walk_once(&w, from, path);
}

void vfs_walk_end(struct vfs_walk *walk)
{
	vfs_node_put(walk->parent);
	vfs_node_put(walk->node);
	walk->parent = walk->node = NULL;
}
