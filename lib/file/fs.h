/* SPDX-License-Identifier: MIT */
/*
 * Mounts from the inside: nodes, names, open files. What is kept of a file's data is in data.h.
 *
 * Locks, from the outside inwards: that of a file's position, that of a node's data (data.h), that
 * of the tree (vfs_fs.lock). The last is held for moments, never while anybody waits for the
 * server.
 */
#ifndef VFS_FS_H
#define VFS_FS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vfs/file.h>
#include <vfs/fuse.h>

#include "core/core.h"
#include "core/list.h"

struct vfs_node_data;
struct vfs_pool;
struct vfs_window;
struct vfs_dax_inode;
struct vfs_name;

/* ---- nodes ---- */

/*
 * A node that the server has told us of. It lives while somebody uses it, a name that is known
 * leads to a child of it, or for as long as there is room; then its lookups are given back.
 */
struct vfs_node {
	struct vfs_fs *fs;
	uint64_t id;
	uint64_t generation;
	mode_t type; /* S_IFMT bits, never change */

	/* With the tree's lock: */
	uint64_t lookups;   /* owed to the server */
	unsigned int users; /* references */
	struct vfs_node *hash_next;
	struct vfs_list lru;	      /* nobody uses it */
	struct vfs_list names;	      /* vfs_name.of_node: what leads here */
	struct vfs_list children;     /* vfs_name.of_parent: what is known of a directory */
	struct vfs_list files;	      /* vfs_file.of_node */
	struct vfs_node *last_parent; /* of a directory without a name; has a reference */
	bool removed;		      /* a directory that this client has removed */
	uint64_t names_version;	      /* of a directory: changed by this client */
	bool names_changing;
	uint64_t names_asked; /* how that was when this client began to change it */

	/* Attributes, with the tree's lock; see attr.c. */
	struct fuse_attr attr;
	uint64_t attr_until_ns; /* believed until then; 0: not */
	uint64_t attr_version;	/* answers to older questions do not count */
	unsigned int
		changing; /* changes of data by this client that are under way, or not sent yet */
	uint64_t size;	  /* as this client knows it, what is not sent yet included */
	bool data_seen;	  /* the attributes belong to the data that is kept */
	bool data_stale;  /* somebody else has changed the data */

	/* See data.h. */
	pthread_rwlock_t writers;
	_Atomic(struct vfs_node_data *) data; /* NULL until there is any */

	/* See window.h. */
	_Atomic(struct vfs_dax_inode *) dax; /* NULL: not accessed through the window */
	atomic_bool dax_written;	     /* the server was not told that it has changed */
};

/* ---- names ---- */

/* A name in a directory, and the node that it leads to, or NULL: there is none. */
struct vfs_name {
	struct vfs_node *parent; /* has a reference */
	struct vfs_node *node;
	struct vfs_name *hash_next;
	struct vfs_list of_parent;
	struct vfs_list of_node;
	struct vfs_list lru; /* if there is no node */
	uint64_t until_ns;
	uint32_t hash;
	char text[];
};

/* ---- open files ---- */

struct vfs_file {
	struct vfs_fs *fs;
	struct vfs_node *node; /* has a reference */
	int flags;	       /* O_*, as the caller said */
	int sent_flags;	       /* as the server was told */
	uint64_t fh;
	uint32_t open_flags; /* FOPEN_* */
	bool has_handle;     /* not with O_PATH */
	bool unreleased;     /* the server does without OPEN, so there is no RELEASE */
	bool direct;	     /* past what is kept */
	atomic_bool posix_locked;
	atomic_bool ofd_locked;
	atomic_bool flocked;
	struct vfs_list of_fs;
	struct vfs_list of_node;
	pthread_mutex_t position_lock;
	off_t position;
	char *path;	     /* for messages */
	struct vfs_dir *dir; /* whose it is, if it was opened to be listed; ends with it */

	/* data.h */
	uint64_t error_seen;  /* of the node's errors of writing back */
	uint64_t next_offset; /* where a sequential reader would go on */
	uint32_t readahead;   /* bytes, as it has been worth it */
};

/* ---- mounts ---- */

#define VFS_NODE_BUCKETS 4096u
#define VFS_NAME_BUCKETS 8192u

/* Of the tree, for those who want to see how it does; with its lock. */
struct vfs_tree_counts {
	uint64_t nodes;
	uint64_t name_hits;
	uint64_t name_misses;
};

struct vfs_fs {
	struct vfs_device *device;
	struct vfs_session *session;
	struct vfs_fuse *fuse;
	struct vfs_mount_options options;
	struct vfs_init init;
	dev_t number;	   /* st_dev, as two mounts are two file systems */
	uint32_t max_read; /* bytes of one READ */
	uint32_t max_write;

	pthread_mutex_t lock; /* of the tree: */
	pthread_cond_t names_changed;
	struct vfs_node *root;
	struct vfs_node *nodes[VFS_NODE_BUCKETS];
	struct vfs_name *names[VFS_NAME_BUCKETS];
	struct vfs_list unused_nodes; /* longest first */
	struct vfs_list
		owed_nodes; /* in no table any more, to be given back when there is memory */
	struct vfs_list unused_names; /* those that lead nowhere */
	struct vfs_list files;
	unsigned int num_unused;
	unsigned int num_negative;
	uint64_t version;     /* of attributes, counted up by changes */
	uint64_t names_epoch; /* all names were changed by the server */
	struct vfs_tree_counts *counts;

	pthread_mutex_t notify_lock; /* of taking notifications */
	struct vfs_pool *pool;	     /* of data, see data.h */
	struct vfs_window *window;   /* see window.h; NULL: it is not used */
};

/* ---- calls of the API (call.c) ---- */

/* What a function of the API was asked, for the message if it fails. */
struct vfs_call {
	struct vfs_fs *fs;
	const char *what;
	const char *path;
	unsigned int errors; /* said by this thread before */
};

/* Takes the notifications that have come. */
struct vfs_call vfs_call_begin(struct vfs_fs *fs, const char *what, const char *path);

/* Returns @r. If it is an error the thread's message says what failed, on which path and device. */
int64_t vfs_call_end(const struct vfs_call *call, int64_t r);

/* ---- nodes (node.c) ---- */

/*
 * The node of an entry, of which one lookup more is owed, with a reference for the caller. On error
 * (-ENOMEM; -EIO: it has become something else) the lookup has been given back. @asked is
 * vfs_attr_version() before the question.
 */
int vfs_node_enter(struct vfs_fs *fs, const struct fuse_entry_out *entry, uint64_t asked,
	struct vfs_node **node);

struct vfs_node *vfs_node_get(struct vfs_node *node);
/* NULL is fine. */
void vfs_node_put(struct vfs_node *node);

/* Give back what nobody uses, until @keep nodes are left that nobody uses. */
void vfs_nodes_trim(struct vfs_fs *fs, unsigned int keep);

/* ---- attributes (attr.c) ---- */

/* Before a question whose answer has attributes. */
uint64_t vfs_attr_version(struct vfs_fs *fs);

/* Attributes have come. They are kept unless this client has changed something since the question.
 */
void vfs_attr_store(struct vfs_node *node, const struct fuse_attr *attr, uint64_t valid_s,
	uint32_t valid_ns, uint64_t asked);

/* This client has changed something: what is known is believed no longer. */
void vfs_attr_expire(struct vfs_node *node);

/*
 * Attributes as the cache mode wants them: what is kept if it is believed still, otherwise GETATTR,
 * by @file's handle if not NULL. @fresh: ask in any case. Does not write back; see
 * vfs_data_flush().
 */
int vfs_attr_get(struct vfs_node *node, struct vfs_file *file, bool fresh, struct fuse_attr *attr);

/* This client begins to change data of a node, or has changes that are not sent yet. */
void vfs_attr_begin_change(struct vfs_node *node);

/* It is done. @size: the file is at least so long now, 0: nothing is known of that. */
void vfs_attr_end_change(struct vfs_node *node, uint64_t size);

/* The size as this client knows it. */
uint64_t vfs_attr_size(struct vfs_node *node);

/* The same if nobody has to be asked, and what is kept of its data holds. @fresh: see
 * vfs_attr_get(). */
bool vfs_attr_known_size(struct vfs_node *node, bool fresh, uint64_t *size);

/* It is longer than it was. */
void vfs_attr_grow(struct vfs_node *node, uint64_t size);

/* This client has given it this size, also while it changes data by other means. */
void vfs_attr_resize(struct vfs_node *node, uint64_t size);

/* ---- open files (open.c) ---- */

/* 0 if the file may be read (O_RDONLY, O_RDWR), written; -EBADF, -EISDIR */
int vfs_file_check_read(const struct vfs_file *file);
int vfs_file_check_write(const struct vfs_file *file);

/* Which of its set-ID bits a file loses when this caller changes it. */
mode_t vfs_privileges(const struct fuse_attr *attr, const struct vfs_caller *caller);

/* Nobody else's set-user-ID program is changed (privileges.c). @file: may be NULL. */
int vfs_node_remove_privileges(struct vfs_node *node, struct vfs_file *file);

/* Whose POSIX locks, and reads and writes under them, these are. */
uint64_t vfs_lock_owner(const struct vfs_fs *fs);

#endif
