/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "iotlb.h"
#include "memory.h"

/* How long a translation may take to come. The other side may be an emulated machine. */
#define MISS_SECONDS 10

struct mapped_region {
	struct memory_region region;
	char *host;
	size_t mapped; /* from the start of the page that holds host */
};

struct memory {
	pthread_rwlock_t lock;
	uint64_t generation;		/* of everything below; 0 is never a generation */
	struct mapped_region **regions; /* by bus address; they do not overlap */
	size_t num_regions;
	size_t room;
	struct iotlb iotlb;

	pthread_mutex_t miss_lock;
	pthread_cond_t miss_answered;
	memory_miss miss;
	void *miss_opaque;
	uint64_t answers; /* counts changes that a waiting thread may want to look at */
	uint64_t refused; /* the address that was refused last, if has_refused */
	bool has_refused;
	bool cancelled;
};

struct memory *memory_create(void)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	pthread_rwlock_init(&m->lock, NULL);
	pthread_mutex_init(&m->miss_lock, NULL);
	pthread_cond_init(&m->miss_answered, NULL);
	m->generation = 1;
	return m;
}

static size_t page_offset(uint64_t offset)
{
	return (size_t)(offset & ((uint64_t)sysconf(_SC_PAGESIZE) - 1));
}

static void free_region(struct mapped_region *r)
{
	if (r->host)
		munmap(r->host - page_offset(r->region.offset), r->mapped);
	free(r);
}

void memory_destroy(struct memory *m)
{
	if (!m)
		return;
	memory_clear_regions(m);
	free(m->regions);
	iotlb_clear(&m->iotlb);
	pthread_cond_destroy(&m->miss_answered);
	pthread_mutex_destroy(&m->miss_lock);
	pthread_rwlock_destroy(&m->lock);
	free(m);
}

static void change_begin(struct memory *m)
{
	pthread_rwlock_wrlock(&m->lock);
	m->generation++;
}

static void change_end(struct memory *m)
{
	pthread_rwlock_unlock(&m->lock);
	pthread_mutex_lock(&m->miss_lock);
	m->answers++;
	pthread_cond_broadcast(&m->miss_answered);
	pthread_mutex_unlock(&m->miss_lock);
}

static int map_region(struct mapped_region *r, int fd)
{
	size_t lead = page_offset(r->region.offset);
	int protection = PROT_READ | (r->region.access & ACCESS_WRITE ? PROT_WRITE : 0);
	void *host;

	if (r->region.size == 0 || r->region.bus + r->region.size < r->region.bus ||
		r->region.user + r->region.size < r->region.user ||
		r->region.size > SIZE_MAX - lead || (fd < 0 && r->region.access))
		return -EINVAL;
	if (fd < 0)
		return 0;
	r->mapped = (size_t)r->region.size + lead;
	host = mmap(NULL, r->mapped, protection, MAP_SHARED, fd, (off_t)(r->region.offset - lead));
	if (host == MAP_FAILED)
		return -errno;
	r->host = (char *)host + lead;
	return 0;
}

/* How many regions end before @bus: behind an IOMMU there may be one for each page. */
static size_t regions_before(const struct memory *m, uint64_t bus)
{
	size_t low = 0, high = m->num_regions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct memory_region *r = &m->regions[middle]->region;

		if (r->bus + (r->size - 1) < bus)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool overlap(const struct memory_region *r, uint64_t bus, uint64_t size)
{
	return bus < r->bus ? r->bus - bus < size : bus - r->bus < r->size;
}

static bool lies_in(const struct memory_region *r, uint64_t bus, uint64_t size)
{
	return r->bus >= bus && r->size <= size && r->bus - bus <= size - r->size;
}

static int make_room(struct memory *m)
{
	size_t room = m->room ? m->room * 2 : 64;
	struct mapped_region **regions;

	if (m->num_regions < m->room)
		return 0;
	regions = realloc(m->regions, room * sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	m->regions = regions;
	m->room = room;
	return 0;
}

static int insert(struct memory *m, struct mapped_region *mapped)
{
	size_t i = regions_before(m, mapped->region.bus);
	int r;

	if (i < m->num_regions &&
		overlap(&m->regions[i]->region, mapped->region.bus, mapped->region.size))
		return -EEXIST;
	r = make_room(m);
	if (r < 0)
		return r;
	memmove(&m->regions[i + 1], &m->regions[i], (m->num_regions - i) * sizeof(*m->regions));
	m->regions[i] = mapped;
	m->num_regions++;
	return 0;
}

int memory_add(struct memory *m, const struct memory_region *region, int fd)
{
	struct mapped_region *mapped = calloc(1, sizeof(*mapped));
	int r;

	if (!mapped)
		return -ENOMEM;
	mapped->region = *region;
	r = map_region(mapped, fd);
	if (r == 0) {
		change_begin(m);
		r = insert(m, mapped);
		change_end(m);
	}
	if (r < 0)
		free_region(mapped);
	return r;
}

bool memory_overlaps(struct memory *m, uint64_t bus, uint64_t size)
{
	bool overlaps;
	size_t i;

	pthread_rwlock_rdlock(&m->lock);
	i = regions_before(m, bus);
	overlaps = i < m->num_regions && overlap(&m->regions[i]->region, bus, size);
	pthread_rwlock_unlock(&m->lock);
	return overlaps;
}

/* @count of them from the one at @first on. */
static void remove_regions(struct memory *m, size_t first, size_t count)
{
	size_t i;

	for (i = first; i < first + count; i++)
		free_region(m->regions[i]);
	memmove(&m->regions[first], &m->regions[first + count],
		(m->num_regions - first - count) * sizeof(*m->regions));
	m->num_regions -= count;
}

int memory_remove_inside(struct memory *m, uint64_t bus, uint64_t size)
{
	size_t first, end;
	int r = 0;

	change_begin(m);
	first = regions_before(m, bus);
	if (first < m->num_regions && m->regions[first]->region.bus < bus &&
		overlap(&m->regions[first]->region, bus, size)) {
		r = -EINVAL;
		first++;
	}
	end = first;
	while (end < m->num_regions && lies_in(&m->regions[end]->region, bus, size))
		end++;
	if (end < m->num_regions && overlap(&m->regions[end]->region, bus, size))
		r = -EINVAL;
	remove_regions(m, first, end - first);
	change_end(m);
	return r;
}

int memory_remove(struct memory *m, uint64_t bus, uint64_t size)
{
	const struct memory_region *region;
	int r = -ENOENT;
	size_t i;

	change_begin(m);
	i = regions_before(m, bus);
	region = i < m->num_regions ? &m->regions[i]->region : NULL;
	if (region && region->bus == bus && region->size == size) {
		remove_regions(m, i, 1);
		r = 0;
	}
	change_end(m);
	return r;
}

void memory_clear_regions(struct memory *m)
{
	size_t i;

	change_begin(m);
	for (i = 0; i < m->num_regions; i++)
		free_region(m->regions[i]);
	m->num_regions = 0;
	change_end(m);
}

void memory_use_iotlb(struct memory *m, memory_miss miss, void *opaque)
{
	change_begin(m);
	iotlb_clear(&m->iotlb);
	pthread_mutex_lock(&m->miss_lock);
	m->miss = miss;
	m->miss_opaque = opaque;
	pthread_mutex_unlock(&m->miss_lock);
	change_end(m);
}

int memory_translate(
	struct memory *m, uint64_t bus, uint64_t user, uint64_t size, enum access access)
{
	int r;

	change_begin(m);
	r = iotlb_add(&m->iotlb, bus, user, size, access);
	change_end(m);
	return r;
}

void memory_invalidate(struct memory *m, uint64_t bus, uint64_t size)
{
	change_begin(m);
	iotlb_remove(&m->iotlb, bus, size);
	change_end(m);
}

void memory_refuse(struct memory *m, uint64_t bus)
{
	pthread_mutex_lock(&m->miss_lock);
	m->refused = bus;
	m->has_refused = true;
	m->answers++;
	pthread_cond_broadcast(&m->miss_answered);
	pthread_mutex_unlock(&m->miss_lock);
}

void memory_cancel(struct memory *m, bool on)
{
	pthread_mutex_lock(&m->miss_lock);
	m->cancelled = on;
	m->answers++;
	pthread_cond_broadcast(&m->miss_answered);
	pthread_mutex_unlock(&m->miss_lock);
}

void view_begin(struct view *view)
{
	pthread_rwlock_rdlock(&view->memory->lock);
}

void view_end(struct view *view)
{
	pthread_rwlock_unlock(&view->memory->lock);
}

/* Whether the region has @address, and the window on it from there to its end. */
static bool look_into(const struct mapped_region *mapped, uint64_t start, uint64_t address,
	enum access access, struct window *window)
{
	const struct memory_region *r = &mapped->region;

	if (address < start || address - start >= r->size || (access & ~r->access))
		return false;
	window->start = address;
	window->size = (size_t)(r->size - (address - start));
	window->host = mapped->host + (address - start);
	return true;
}

static bool find_bus(struct memory *m, uint64_t address, enum access access, struct window *window)
{
	size_t i = regions_before(m, address);

	return i < m->num_regions &&
	       look_into(m->regions[i], m->regions[i]->region.bus, address, access, window);
}

/* Of regions with such addresses there are but a few. */
static bool find_user(struct memory *m, uint64_t address, enum access access, struct window *window)
{
	size_t i;

	for (i = 0; i < m->num_regions; i++)
		if (look_into(m->regions[i], m->regions[i]->region.user, address, access, window))
			return true;
	return false;
}

static bool find(struct view *view, enum space space, uint64_t address, enum access access,
	struct window *window)
{
	struct memory *m = view->memory;
	const struct iotlb_entry *entry;
	uint64_t inside;

	if (space == SPACE_USER)
		return find_user(m, address, access, window);
	if (!m->miss)
		return find_bus(m, address, access, window);
	entry = iotlb_find(&m->iotlb, address, access);
	if (!entry)
		return false;
	inside = address - entry->bus;
	if (!find_user(m, entry->user + inside, access, window))
		return false;
	window->start = address;
	if (window->size > entry->size - inside)
		window->size = (size_t)(entry->size - inside);
	return true;
}

static bool inside(const struct window *window, uint64_t address, size_t size)
{
	return address >= window->start && address - window->start <= window->size &&
	       size <= window->size - (address - window->start);
}

/* A piece of at least one byte; false, and the view remembers the address, if there is none. */
static bool look_up(struct view *view, struct window *window, enum space space, uint64_t address,
	enum access access)
{
	if (find(view, space, address, access, window)) {
		window->generation = view->memory->generation;
		return true;
	}
	window->generation = 0;
	view->missed = address;
	view->missed_access = access;
	return false;
}

void *view_at(struct view *view, struct window *window, enum space space, uint64_t address,
	size_t size, enum access access)
{
	if (window->generation != view->memory->generation || !inside(window, address, size)) {
		if (!look_up(view, window, space, address, access))
			return NULL;
		/* What lies across a border between two pieces cannot be had as one. */
		if (!inside(window, address, size)) {
			look_up(view, window, space, address + window->size, access);
			return NULL;
		}
	}
	return window->host + (address - window->start);
}

static int copy(struct view *view, uint64_t address, char *buffer, size_t size, enum access access)
{
	struct window window;

	while (size) {
		size_t n;

		if (!look_up(view, &window, SPACE_BUS, address, access))
			return -EFAULT;
		n = window.size < size ? window.size : size;
		if (access == ACCESS_READ)
			memcpy(buffer, window.host, n);
		else
			memcpy(window.host, buffer, n);
		address += n;
		buffer += n;
		size -= n;
	}
	return 0;
}

int view_read(struct view *view, uint64_t address, void *buffer, size_t size)
{
	return copy(view, address, buffer, size, ACCESS_READ);
}

int view_write(struct view *view, uint64_t address, const void *buffer, size_t size)
{
	return copy(view, address, (char *)(uintptr_t)buffer, size, ACCESS_WRITE);
}

static bool is_there(struct view *view)
{
	struct window window;
	bool there;

	view_begin(view);
	there = find(view, SPACE_BUS, view->missed, view->missed_access, &window);
	view_end(view);
	return there;
}

/* With miss_lock held: until something has changed since @seen. */
static int wait_for_answer(struct memory *m, uint64_t seen, const struct timespec *until)
{
	int r = 0;

	while (m->answers == seen && !m->cancelled && r == 0)
		r = pthread_cond_timedwait(&m->miss_answered, &m->miss_lock, until);
	if (m->cancelled)
		return -ECANCELED;
	return r ? -EFAULT : 0;
}

int view_resolve(struct view *view)
{
	struct memory *m = view->memory;
	struct timespec until;
	uint64_t seen;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += MISS_SECONDS;
	pthread_mutex_lock(&m->miss_lock);
	if (!m->miss)
		r = -EFAULT;
	if (m->has_refused && m->refused == view->missed)
		m->has_refused = false;
	pthread_mutex_unlock(&m->miss_lock);
	if (r == 0)
		r = m->miss(m->miss_opaque, view->missed, view->missed_access);
	while (r == 0) {
		pthread_mutex_lock(&m->miss_lock);
		seen = m->answers;
		if (m->has_refused && m->refused == view->missed)
			r = -EFAULT;
		pthread_mutex_unlock(&m->miss_lock);
		if (r < 0 || is_there(view))
			break;
		pthread_mutex_lock(&m->miss_lock);
		r = wait_for_answer(m, seen, &until);
		pthread_mutex_unlock(&m->miss_lock);
	}
	return r;
}
