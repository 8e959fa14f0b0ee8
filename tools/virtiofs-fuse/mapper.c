/* SPDX-License-Identifier: MIT */
#include "mapper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <vfs/fuse.h>

#include "core/core.h"
#include "core/thread.h"
#include "dax/guard.h"

/* The bridge asks for itself. */
static const struct vfs_caller bridge;

/* ---- what the manager of the window asks for ---- */

static int map(void *ctx, void *owner, const struct vfs_dax_mapping *mapping, bool *unknown)
{
	const struct shown *shown = owner;
	struct mapper *mapper = ctx;
	struct vfs_op op;

	vfs_dax_op_map(&op, shown->node, mapping);
	op.caller = &bridge;
	(void)jobs_call(mapper->jobs, &op);
	/* Whether it was done is known only if the server has answered. */
	*unknown = op.result < 0 && !op.answered && op.result != -ECANCELED;
	return (int)op.result;
}

static int unmap(void *ctx, void *owner, const struct vfs_dax_mapping *mappings, unsigned int count)
{
	struct fuse_removemapping_one ones[VFS_DAX_BATCH_MAX];
	const struct shown *shown = owner;
	struct mapper *mapper = ctx;
	struct vfs_op op;
	int64_t r;

	vfs_dax_op_unmap(&op, shown ? shown->node : 0, mappings, count, ones);
	op.caller = &bridge;
	r = jobs_call(mapper->jobs, &op);
	/* The relay has ended: so will the session, and all mappings with it. */
	return r == -ECANCELED ? 0 : (int)r;
}

static const struct vfs_dax_ops ops = {.map = map, .unmap = unmap};

/* ---- what kind of memory it is ---- */

static void look(struct mapper *mapper, const struct vfs_dax_pin *pin)
{
	bool automatic = mapper->options.mode == VFS_DAX_AUTO;

	mapper->memory = vfs_dax_look_at_memory(pin, mapper->options.name, automatic);
	if (automatic && mapper->memory.type == VFS_MEMORY_UNCACHED)
		atomic_store(&mapper->off, true);
	atomic_store(&mapper->looked, true);
}

/* ---- showing files ---- */

static void refuse(struct mapper *mapper, struct shown *shown, int64_t error)
{
	atomic_store(&shown->refused, true);
	if (error != -ENOSYS && error != -EOPNOTSUPP)
		return;
	if (!atomic_exchange(&mapper->off, true))
		vfs_log(VFS_LOG_WARNING,
			"the server of %s does not map files into its DAX window: it is not used",
			mapper->options.name);
}

/* How much of the file can be shown: what it has in whole units. 0: nothing, now or ever. */
static uint64_t ask_end(struct mapper *mapper, struct shown *shown)
{
	const struct fuse_attr *attr;
	struct vfs_op op;
	uint64_t end;
	int64_t r;

	vfs_op_getattr(&op, shown->node);
	op.caller = &bridge;
	r = jobs_call(mapper->jobs, &op);
	attr = &op.answer.attr.attr;
	if (r < 0 || !S_ISREG(attr->mode) ||
		(mapper->options.mode == VFS_DAX_INODE && !(attr->flags & FUSE_ATTR_DAX))) {
		refuse(mapper, shown, 0);
		return 0;
	}
	end = attr->size & ~(mapper->options.unit - 1);
	atomic_store(&shown->end, end);
	return end;
}

static void fulfil(struct mapper *mapper, const struct want *want)
{
	struct shown *shown = want->shown;
	struct vfs_dax_pin pin;
	uint64_t end;
	int r;

	if (atomic_load(&mapper->off) || atomic_load(&shown->refused))
		return;
	end = ask_end(mapper, shown);
	if (want->offset >= end || want->length > end - want->offset)
		return;
	r = vfs_dax_pin(shown->inode, want->offset, end, want->write ? VFS_DAX_WRITE : 0, &pin);
	if (r == 0) {
		if (!atomic_load(&mapper->looked))
			look(mapper, &pin);
		vfs_dax_unpin(&pin);
	} else if (want->write && r != -EBUSY) {
		atomic_store(&shown->read_only, true);
	} else if (r != -EBUSY) {
		refuse(mapper, shown, r);
	}
}

static void let_go(struct mapper *mapper, struct shown *shown)
{
	const struct fuse_forget_one forget = {.nodeid = shown->node, .nlookup = shown->lookups};

	/* The server can use the number for another file from then on, so not before. */
	vfs_dax_inode_destroy(shown->inode);
	if (forget.nlookup) {
		(void)vfs_forget(mapper->session, &forget, 1);
		/* What has found no room goes out when the relay comes by. */
		jobs_wake(mapper->jobs);
	}
	free(shown);
}

/* ---- the thread ---- */

static struct want take_want(struct mapper *mapper)
{
	struct want want = mapper->wants[0];

	mapper->num_wants--;
	memmove(mapper->wants, mapper->wants + 1, mapper->num_wants * sizeof(want));
	return want;
}

static struct shown *take_going(struct mapper *mapper)
{
	struct shown *shown = mapper->going;

	mapper->going = shown->next;
	return shown;
}

/* With the lock, which it lets go of meanwhile. False: there is nothing to do. */
static bool do_one(struct mapper *mapper)
{
	struct shown *going = NULL;
	struct want want;

	if (mapper->going)
		going = take_going(mapper);
	else if (mapper->num_wants)
		want = take_want(mapper);
	else
		return false;
	mapper->busy = true;
	pthread_mutex_unlock(&mapper->lock);
	if (going)
		let_go(mapper, going);
	else
		fulfil(mapper, &want);
	pthread_mutex_lock(&mapper->lock);
	mapper->busy = false;
	return true;
}

/* Where they are blocked, a copy is a system call, which the sandbox refuses. */
static void let_faults_in(void)
{
	sigset_t faults;

	sigemptyset(&faults);
	sigaddset(&faults, SIGBUS);
	sigaddset(&faults, SIGSEGV);
	pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
}

static void *serve(void *arg)
{
	struct mapper *mapper = arg;

	let_faults_in();
	pthread_mutex_lock(&mapper->lock);
	for (;;) {
		if (do_one(mapper))
			continue;
		if (mapper->stop)
			break;
		pthread_cond_wait(&mapper->work, &mapper->lock);
	}
	pthread_mutex_unlock(&mapper->lock);
	/* Here, as there may be something left to be taken out, which takes requests. */
	vfs_dax_stats(mapper->dax, &mapper->stats);
	vfs_dax_destroy(mapper->dax);
	atomic_store(&mapper->ended, true);
	jobs_wake(mapper->jobs);
	return NULL;
}

static int create_dax(struct mapper *mapper)
{
	struct vfs_dax_config config = {
		.window = mapper->options.window,
		.length = mapper->options.length,
		.range = mapper->options.range,
		.unit = mapper->options.unit,
		.batch = VFS_DAX_BATCH_MAX,
	};
	int r = vfs_dax_default_range(&config, mapper->options.name);

	if (r < 0)
		return r;
	mapper->options.range = config.range;
	vfs_dax_show(mapper->session, &config);
	return vfs_dax_create(&config, &ops, mapper, &mapper->dax);
}

int mapper_start(struct mapper *mapper, struct vfs_session *session, struct jobs *jobs,
	const struct mapper_options *options)
{
	int r;

	*mapper = (struct mapper){
		.session = session,
		.jobs = jobs,
		.options = *options,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.work = PTHREAD_COND_INITIALIZER,
	};
	mapper->guard = vfs_guard_acquire(VFS_FAULTS_AUTO);
	if (mapper->guard < 0)
		return mapper->guard;
	r = create_dax(mapper);
	if (r == 0)
		r = vfs_thread_start(&mapper->thread, 0, serve, mapper);
	if (r < 0) {
		vfs_dax_destroy(mapper->dax);
		vfs_guard_release(mapper->guard);
	}
	return r;
}

/* ---- the relay's side ---- */

struct shown *mapper_show(struct mapper *mapper, uint64_t node)
{
	struct shown *shown = calloc(1, sizeof(*shown));

	if (!shown)
		return NULL;
	shown->node = node;
	atomic_init(&shown->end, UINT64_MAX);
	shown->inode = vfs_dax_inode_create(mapper->dax, shown);
	if (shown->inode)
		return shown;
	free(shown);
	return NULL;
}

/* With the lock: the same part is wanted already. */
static struct want *find_want(struct mapper *mapper, const struct want *want)
{
	uint64_t range = mapper->options.range;
	unsigned int i;

	for (i = 0; i < mapper->num_wants; i++) {
		struct want *other = &mapper->wants[i];

		if (other->shown == want->shown && other->offset / range == want->offset / range)
			return other;
	}
	return NULL;
}

void mapper_want(struct mapper *mapper, const struct want *want)
{
	struct want *other;

	pthread_mutex_lock(&mapper->lock);
	other = find_want(mapper, want);
	if (other) {
		other->write = other->write || want->write;
	} else if (mapper->num_wants < MAPPER_WANTS) {
		mapper->wants[mapper->num_wants++] = *want;
		pthread_cond_signal(&mapper->work);
	}
	pthread_mutex_unlock(&mapper->lock);
}

/* With the lock. Nothing of it is wanted any more. */
static void strike_out(struct mapper *mapper, const struct shown *shown)
{
	unsigned int i, left = 0;

	for (i = 0; i < mapper->num_wants; i++) {
		if (mapper->wants[i].shown != shown)
			mapper->wants[left++] = mapper->wants[i];
	}
	mapper->num_wants = left;
}

void mapper_drop(struct mapper *mapper, struct shown *shown, uint64_t lookups)
{
	pthread_mutex_lock(&mapper->lock);
	strike_out(mapper, shown);
	shown->lookups = lookups;
	shown->next = mapper->going;
	mapper->going = shown;
	pthread_cond_signal(&mapper->work);
	pthread_mutex_unlock(&mapper->lock);
}

void mapper_stop(struct mapper *mapper)
{
	pthread_mutex_lock(&mapper->lock);
	mapper->stop = true;
	pthread_cond_signal(&mapper->work);
	pthread_mutex_unlock(&mapper->lock);
}

void mapper_join(struct mapper *mapper)
{
	pthread_join(mapper->thread, NULL);
	vfs_guard_release(mapper->guard);
	pthread_cond_destroy(&mapper->work);
	pthread_mutex_destroy(&mapper->lock);
}
