/* SPDX-License-Identifier: MIT */
/*
 * Data of files from the inside; what others may know of it is in data.h.
 *
 * Data is kept in blocks. Of a block one range of bytes is known, and one range of these is dirty:
 * the server was not told yet. A block is busy while a request reads into it or writes it: what is
 * known of it may be read then, but nobody changes or frees it.
 *
 * Locks, from the outside inwards:
 *
 * vfs_node.writers: held exclusively by who writes to what is kept or changes the file by other
 * means, shared by who writes past what is kept. Held while the server is asked.
 *
 * vfs_node_data.lock: of the blocks of a node; shared for copying from them. Held for moments.
 *
 * vfs_pool.lock: of the memory of all blocks, and vfs_fs.lock. Held for moments.
 *
 * Who holds the pool's lock may only try a lock of data, never wait for it.
 */
#ifndef VFS_CACHE_H
#define VFS_CACHE_H

#include "file/data.h"
#include "file/iter.h"

#define VFS_BLOCK_SIZE	  16384u
#define VFS_DATA_BUCKETS  8u  /* as long as there are few blocks */
#define VFS_POOL_RUNS	  32u /* requests under way in the background */
#define VFS_OFFSET_MAX	  ((uint64_t)INT64_MAX)
#define VFS_DATA_KILLPRIV (FUSE_HANDLE_KILLPRIV | FUSE_HANDLE_KILLPRIV_V2)

struct vfs_run;

/* ---- blocks ---- */

enum vfs_block_busy { VFS_BLOCK_IDLE, VFS_BLOCK_FILLING, VFS_BLOCK_WRITING };

struct vfs_block {
	struct vfs_node_data *data;
	uint64_t index; /* in units of VFS_BLOCK_SIZE */
	char *memory;
	struct vfs_block *hash_next;
	struct vfs_list of_data; /* vfs_node_data.dirty */
	struct vfs_list of_pool; /* with the pool's lock */
	uint32_t from, to;	 /* what is known */
	uint32_t dirty_from, dirty_to;
	uint64_t dirty_since;  /* see vfs_node_data.dirty_clock */
	struct vfs_file *file; /* wrote what is dirty; it is not closed before that is written */
	enum vfs_block_busy busy;
	bool doomed;	  /* what is being read or written may be old already */
	atomic_bool used; /* since it was looked at for replacement */
};

static inline bool vfs_block_dirty(const struct vfs_block *block)
{
	return block->dirty_from < block->dirty_to;
}

static inline uint64_t vfs_block_offset(const struct vfs_block *block)
{
	return block->index * VFS_BLOCK_SIZE;
}

/* ---- of a node ---- */

struct vfs_node_data {
	struct vfs_node *node;
	struct vfs_pool *pool;
	atomic_uint users; /* the node, and requests in the background */
	pthread_rwlock_t lock;
	struct vfs_block **buckets;
	struct vfs_block *few[VFS_DATA_BUCKETS];
	size_t num_buckets;
	size_t num_blocks;
	struct vfs_list dirty; /* blocks, what was written first in front */
	uint64_t dirty_clock;  /* counts blocks that became dirty */
	atomic_size_t num_dirty;
	struct vfs_list of_pool; /* if there are dirty blocks; with the pool's lock */
	struct vfs_list runs;	 /* in the background */
	uint64_t drops;		 /* counts vfs_data_drop(): somebody may have changed the file */
	uint64_t errors;	 /* of writing back, counted */
	int error;		 /* the last one */

	/* Waiting: on one queue, so that who waits can collect the answers. */
	unsigned int queue;
	_Atomic uint32_t events; /* something is not busy any more */
	atomic_uint waiting;
};

/* What is kept of a node, from now on; NULL: no memory. */
struct vfs_node_data *vfs_data_of(struct vfs_node *node);
void vfs_data_hold(struct vfs_node_data *data);
void vfs_data_release(struct vfs_node_data *data);

/* With its lock: something is not busy any more. */
void vfs_data_changed(struct vfs_node_data *data);

/* Without locks: wait until something is not busy any more, since events was @events. */
void vfs_data_wait(struct vfs_node_data *data, uint32_t events);

/* The size of the file, asked if need be. What somebody else has changed is dropped. */
int vfs_data_size(struct vfs_file *file, bool fresh, uint64_t *size);

/* ---- blocks of a node, with its lock (blocks.c) ---- */

struct vfs_block *vfs_block_find(const struct vfs_node_data *data, uint64_t index);
void vfs_block_insert(struct vfs_node_data *data, struct vfs_block *block, uint64_t index);

/* What is there, or one of these spares; NULL: there is none. */
struct vfs_block *vfs_block_take(
	struct vfs_node_data *data, uint64_t index, struct vfs_list *spares);

/* It is idle and clean. */
void vfs_block_unhash(struct vfs_node_data *data, struct vfs_block *block);

/* The same, and puts it into a list for vfs_pool_give(). */
void vfs_block_remove(
	struct vfs_node_data *data, struct vfs_block *block, struct vfs_list *removed);

/* Is there something unknown between what is known and this range? */
bool vfs_block_apart(const struct vfs_block *block, uint32_t from, uint32_t to);

/* This range is known now. */
void vfs_block_know(struct vfs_block *block, uint32_t from, uint32_t to);

/* It was written to, or all is written now. */
void vfs_block_soil(struct vfs_block *block, uint32_t from, uint32_t to, struct vfs_file *file);
void vfs_block_clean(struct vfs_block *block);

/* Drop what is clean of a range. */
void vfs_blocks_drop(
	struct vfs_node_data *data, uint64_t from, uint64_t to, struct vfs_list *removed);

/* How many blocks from one on, @max at most, are not there. */
unsigned int vfs_blocks_missing(const struct vfs_node_data *data, uint64_t index, unsigned int max);

/* ---- memory of a mount (pool.c) ---- */

struct vfs_pool {
	struct vfs_fs *fs;
	pthread_mutex_t lock;
	size_t max_blocks;
	size_t num_blocks;
	struct vfs_list blocks; /* those of nodes, what was used last at the end */
	struct vfs_list dirty;	/* vfs_node_data, first dirty first */
	struct vfs_list runs;	/* free */
	struct vfs_run *all_runs;
	atomic_size_t num_dirty;
	_Atomic uint64_t hits;
	_Atomic uint64_t misses;
	pthread_mutex_t threads_lock; /* of starting them */
	atomic_uint num_aios;	      /* that were created */
};

/* Up to @count blocks into a list, from what is free or replaced. Returns how many. */
unsigned int vfs_pool_take(struct vfs_pool *pool, unsigned int count, struct vfs_list *blocks);
void vfs_pool_give(struct vfs_pool *pool, struct vfs_list *blocks);

/* Out of a list that vfs_pool_take() has filled; NULL: empty. */
struct vfs_block *vfs_block_pop(struct vfs_list *blocks);

/* ---- one READ or WRITE under way (run.c) ---- */

typedef void vfs_run_done_fn(struct vfs_run *run, int64_t result);

struct vfs_run {
	struct vfs_op op;
	struct vfs_file *file;
	vfs_run_done_fn *done;
	struct vfs_list link; /* vfs_pool.runs if it is free, vfs_node_data.runs */
	uint64_t offset;
	size_t size;
	unsigned int count;
	struct iovec iov[VFS_REQUEST_DATA_MAX];

	struct vfs_node_data *data;			/* neighbouring blocks of a node */
	struct vfs_block *blocks[VFS_REQUEST_DATA_MAX]; /* iov is in their memory */

	struct vfs_transfer *transfer; /* or memory of a caller */
	size_t start;		       /* in the transfer */
};

/* One for the background; NULL: they are all in use. */
struct vfs_run *vfs_run_get(struct vfs_pool *pool);
void vfs_run_put(struct vfs_pool *pool, struct vfs_run *run);

/* Send it, and wait. */
int64_t vfs_run_read(struct vfs_run *run);
int64_t vfs_run_write(struct vfs_run *run, uint32_t flags);

/* Send it on a queue; run->done is called when it is answered, here if it cannot be sent. */
void vfs_run_submit_read(struct vfs_run *run, unsigned int queue);
void vfs_run_submit_write(struct vfs_run *run, unsigned int queue, uint32_t flags);

/* FUSE_WRITE_* of a write by this thread. */
uint32_t vfs_write_flags(const struct vfs_fs *fs);

/* ---- past what is kept (transfer.c) ---- */

/* A read or write between memory of a caller and the server, of any length. */
struct vfs_transfer {
	struct vfs_file *file;
	bool write;
	bool in_order; /* one request after the other */
	unsigned int queue;
	uint64_t offset;
	struct vfs_run
		*first; /* to be used for the first request, which is not waited for; or NULL */
	void (*complete)(struct vfs_transfer *transfer); /* if nobody waits */

	_Atomic uint32_t pending; /* requests, and who sends them */
	size_t end;		  /* bytes before the first that failed */
	int error;		  /* and its error */
};

/* Bytes that were read, or written, or an error. */
ssize_t vfs_read_past(struct vfs_file *file, struct vfs_iter *to, uint64_t offset);
ssize_t vfs_write_past(
	struct vfs_file *file, const struct vfs_iter *from, uint64_t offset, bool in_order);

/* Begin one that is not waited for. */
void vfs_transfer_begin(struct vfs_transfer *transfer, struct vfs_iter *iter);
ssize_t vfs_transfer_result(const struct vfs_transfer *transfer);

/* ---- reading into blocks (fill.c) ---- */

/*
 * Make bytes from @offset on known, as far as one READ goes, @end at most. @zero_to: what the
 * server has not got up to there is zeros.
 *
 * Return: 0, 1: the server has fewer bytes; an error; -EAGAIN: look again, -ENOBUFS: no block is
 * free
 */
int vfs_fill(struct vfs_node_data *data, struct vfs_file *file, uint64_t offset, uint64_t end,
	uint64_t zero_to);

/* The same for what is not known in one block between @from and @to. The block becomes busy;
 * with its lock, which is given up. */
int vfs_fill_gap(struct vfs_block *block, struct vfs_file *file, uint32_t from, uint32_t to);

/* Begin to read what is missing in a range. */
void vfs_read_ahead(
	struct vfs_node_data *data, struct vfs_file *file, uint64_t offset, uint64_t end);

/* ---- writing back (writeback.c) ---- */

/* Not too much is dirty when it returns. */
void vfs_pool_throttle(struct vfs_pool *pool);

/* ---- an open file, past the system calls (read.c, write.c, fsync.c) ---- */

/* Does it go past what is kept? */
bool vfs_file_is_direct(const struct vfs_file *file);

ssize_t vfs_file_read(struct vfs_file *file, struct vfs_iter *to, uint64_t offset);

/* @offset: where to, or with O_APPEND where it was; @append: at the end. */
ssize_t vfs_file_write(struct vfs_file *file, struct vfs_iter *from, uint64_t *offset, bool append);

void vfs_file_encode_fsync(const struct vfs_file *file, struct vfs_op *op, bool data_only);

/* May it be written to for now without telling the server? */
bool vfs_may_write_unseen(struct vfs_file *file);

/* Nobody else's set-user-ID program is changed. */
int vfs_remove_privileges(struct vfs_file *file);

#endif
