/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dax.h"

#define ALIGNED(n) (((n) & ((1u << DAX_ALIGNMENT) - 1)) == 0)

/* Mappings do not overlap. Each has a descriptor, since it may have to be cut and shown again. */
struct shown {
	struct dax_mapping mapping;
	int fd;
	dev_t device;
	ino_t inode;
	struct shown *next;
};

struct dax {
	uint64_t size;
	pthread_mutex_t lock; /* of: */
	struct dax_view view;
	struct shown *shown;
};

struct dax *dax_create(uint64_t size)
{
	struct dax *dax = calloc(1, sizeof(*dax));

	if (!dax)
		return NULL;
	dax->size = size;
	pthread_mutex_init(&dax->lock, NULL);
	return dax;
}

void dax_destroy(struct dax *dax)
{
	if (!dax)
		return;
	dax_attach(dax, NULL);
	pthread_mutex_destroy(&dax->lock);
	free(dax);
}

uint64_t dax_size(const struct dax *dax)
{
	return dax->size;
}

static void forget(struct shown **p)
{
	struct shown *gone = *p;

	*p = gone->next;
	close(gone->fd);
	free(gone);
}

void dax_attach(struct dax *dax, const struct dax_view *view)
{
	pthread_mutex_lock(&dax->lock);
	while (dax->shown)
		forget(&dax->shown);
	dax->view = view ? *view : (struct dax_view){0};
	pthread_mutex_unlock(&dax->lock);
}

static bool fits(const struct dax *dax, uint64_t offset, uint64_t size)
{
	return size && ALIGNED(offset) && ALIGNED(size) && offset <= dax->size &&
	       size <= dax->size - offset;
}

/* With the lock held, as all below: show it where nothing is. */
static int show(struct dax *dax, int fd, const struct dax_mapping *mapping)
{
	struct shown *shown = malloc(sizeof(*shown));
	struct stat stat;
	int r;

	if (!shown)
		return -ENOMEM;
	if (fstat(fd, &stat) < 0) {
		free(shown);
		return -errno;
	}
	*shown = (struct shown){.mapping = *mapping,
		.device = stat.st_dev,
		.inode = stat.st_ino,
		.next = dax->shown};
	shown->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	r = shown->fd < 0 ? -errno : dax->view.map(dax->view.opaque, shown->fd, mapping);
	dax->shown = shown;
	if (r < 0)
		forget(&dax->shown);
	return r;
}

/* What is left of @m before and behind the hole is shown again. */
static int show_rest(
	struct dax *dax, int fd, const struct dax_mapping *m, uint64_t hole, uint64_t hole_end)
{
	uint64_t end = m->window_offset + m->size;
	struct dax_mapping before = *m, behind = *m;
	int r = 0;

	if (m->window_offset < hole) {
		before.size = hole - m->window_offset;
		r = show(dax, fd, &before);
	}
	if (r == 0 && end > hole_end) {
		behind.window_offset = hole_end;
		behind.file_offset += hole_end - m->window_offset;
		behind.size = end - hole_end;
		r = show(dax, fd, &behind);
	}
	return r;
}

/* One mapping that overlaps the hole, or NULL. */
static struct shown **find(struct dax *dax, uint64_t hole, uint64_t hole_end)
{
	struct shown **p;

	for (p = &dax->shown; *p; p = &(*p)->next) {
		const struct dax_mapping *m = &(*p)->mapping;

		if (m->window_offset < hole_end && m->window_offset + m->size > hole)
			return p;
	}
	return NULL;
}

static int collect(struct dax *dax, const struct shown *shown)
{
	if (!dax->view.collect || !shown->mapping.writable)
		return 0;
	return dax->view.collect(dax->view.opaque, shown->fd, &shown->mapping);
}

static int make_hole(struct dax *dax, uint64_t hole, uint64_t hole_end)
{
	struct shown **p;
	int r = 0;

	while (r == 0 && (p = find(dax, hole, hole_end)) != NULL) {
		struct shown *cut = *p;

		r = collect(dax, cut);
		if (r == 0)
			r = dax->view.unmap(
				dax->view.opaque, cut->mapping.window_offset, cut->mapping.size);
		if (r < 0)
			break;
		*p = cut->next;
		r = show_rest(dax, cut->fd, &cut->mapping, hole, hole_end);
		forget(&cut);
	}
	return r;
}

int dax_map(struct dax *dax, int fd, const struct dax_mapping *mapping)
{
	int r;

	if (!fits(dax, mapping->window_offset, mapping->size) || !ALIGNED(mapping->file_offset))
		return -EINVAL;
	pthread_mutex_lock(&dax->lock);
	r = dax->view.map
		    ? make_hole(dax, mapping->window_offset, mapping->window_offset + mapping->size)
		    : -ENXIO;
	if (r == 0)
		r = show(dax, fd, mapping);
	pthread_mutex_unlock(&dax->lock);
	return r;
}

int dax_unmap(struct dax *dax, uint64_t offset, uint64_t size)
{
	int r;

	if (!fits(dax, offset, size))
		return -EINVAL;
	pthread_mutex_lock(&dax->lock);
	r = make_hole(dax, offset, offset + size);
	pthread_mutex_unlock(&dax->lock);
	return r;
}

int dax_unmap_all(struct dax *dax)
{
	return dax_unmap(dax, 0, dax->size);
}

bool dax_copies(struct dax *dax)
{
	bool copies;

	pthread_mutex_lock(&dax->lock);
	copies = dax->view.collect != NULL;
	pthread_mutex_unlock(&dax->lock);
	return copies;
}

/* Also another descriptor is of the same file. */
static bool shows(const struct shown *shown, const struct stat *file)
{
	return shown->inode == file->st_ino && shown->device == file->st_dev;
}

int dax_collect(struct dax *dax, int fd)
{
	const struct shown *shown;
	struct stat file;
	int r = 0;

	if (fd >= 0 && fstat(fd, &file) < 0)
		return -errno;
	pthread_mutex_lock(&dax->lock);
	for (shown = dax->shown; shown && r == 0; shown = shown->next)
		if (fd < 0 || shows(shown, &file))
			r = collect(dax, shown);
	pthread_mutex_unlock(&dax->lock);
	return r;
}

/* What of @from to @to the mapping has; false: nothing. */
static bool cut_out(
	const struct dax_mapping *m, uint64_t from, uint64_t to, struct dax_mapping *part)
{
	uint64_t end = m->file_offset + m->size;

	*part = *m;
	if (from > m->file_offset)
		part->file_offset = from;
	if (to < end)
		end = to;
	if (part->file_offset >= end)
		return false;
	part->window_offset += part->file_offset - m->file_offset;
	part->size = end - part->file_offset;
	return true;
}

int dax_refresh(struct dax *dax, int fd, uint64_t from, uint64_t to, bool all)
{
	const struct shown *shown;
	struct dax_mapping part;
	struct stat file;
	int r = 0;

	if (fstat(fd, &file) < 0)
		return -errno;
	pthread_mutex_lock(&dax->lock);
	for (shown = dax->view.refresh ? dax->shown : NULL; shown && r == 0; shown = shown->next)
		if (shows(shown, &file) && cut_out(&shown->mapping, from, to, &part))
			r = dax->view.refresh(dax->view.opaque, shown->fd, &part, all);
	pthread_mutex_unlock(&dax->lock);
	return r;
}
