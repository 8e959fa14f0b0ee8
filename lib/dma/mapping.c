/* SPDX-License-Identifier: MIT */
/* Memory of this process made visible to the device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "dma/dma.h"

/* Pages move at most once, when they are pinned; more often means something else is wrong. */
#define PIN_TRIES 8

/* A stretch that is in one piece on the bus and has one kind of access. */
struct run {
	size_t offset;
	size_t length;
};

/* Where the access changes, or the mapping ends. */
static size_t access_end(const struct vfs_mapping *m, size_t offset)
{
	return offset < m->readable ? m->readable : m->size;
}

static int map_run(struct vfs_mapping *m, const struct run *run, uint64_t address)
{
	struct vfs_transport *t = m->space->transport;
	bool written = run->offset >= m->readable;
	struct vfs_dma_map map = {
		.vaddr = m->base + run->offset,
		.iova = address,
		.length = run->length,
		.access = VFS_DMA_DEVICE_READS | (written ? VFS_DMA_DEVICE_WRITES : 0),
		.fd = m->fd,
		.fd_offset = m->fd_offset + run->offset,
	};

	return t->ops->dma_map(t, &map);
}

static int map_iova(struct vfs_mapping *m)
{
	struct vfs_transport *t = m->space->transport;
	struct run run = {0};
	int r = vfs_iova_alloc(m->space, m->size, VFS_HUGE_PAGE_SIZE, &m->iova);

	if (r < 0)
		return r;
	for (; run.offset < m->size && r == 0; run.offset += run.length) {
		run.length = access_end(m, run.offset) - run.offset;
		r = map_run(m, &run, m->iova + run.offset);
		if (r < 0)
			break;
	}
	if (r < 0) {
		if (run.offset > 0)
			(void)t->ops->dma_unmap(t, m->iova, run.offset);
		vfs_iova_free(m->space, m->iova);
		m->iova = 0;
	}
	return r;
}

static uint64_t physical(const struct vfs_mapping *m, size_t offset)
{
	return m->pages[offset / m->page_size] + offset % m->page_size;
}

static bool next_run(const struct vfs_mapping *m, size_t offset, struct run *run)
{
	size_t end;

	if (offset >= m->size)
		return false;
	*run = (struct run){.offset = offset};
	end = access_end(m, offset);
	do {
		size_t page_end = (offset / m->page_size + 1) * m->page_size;

		offset = min_size(page_end, end);
	} while (offset < end &&
		 physical(m, offset) == physical(m, run->offset) + (offset - run->offset));
	run->length = offset - run->offset;
	return true;
}

static bool in_ranges(const struct vfs_dma_limits *limits, uint64_t start, uint64_t length)
{
	unsigned int i;

	for (i = 0; i < limits->num_ranges; i++) {
		const struct vfs_iova_range *range = &limits->ranges[i];

		if (start >= range->start && start <= range->last &&
			length - 1 <= range->last - start)
			return true;
	}
	return false;
}

static void unmap_runs(struct vfs_mapping *m, size_t end)
{
	struct vfs_transport *t = m->space->transport;
	struct run run = {0};

	while (run.offset + run.length < end && next_run(m, run.offset + run.length, &run))
		(void)t->ops->dma_unmap(t, physical(m, run.offset), run.length);
	m->space->num_entries -= m->num_entries;
	m->num_entries = 0;
}

static int map_physical_run(struct vfs_mapping *m, const struct run *run)
{
	struct vfs_transport *t = m->space->transport;
	uint64_t address = physical(m, run->offset);
	int r;

	if (!in_ranges(&t->limits, address, run->length))
		return vfs_error(-EPERM,
			"%s: physical address 0x%llx is outside what its IOMMU can map", t->name,
			(unsigned long long)address);
	if (m->space->num_entries >= t->limits.max_entries)
		return vfs_error(-ENOMEM,
			"%s: memory is in more pieces than VFIO maps (%u): use hugepages", t->name,
			t->limits.max_entries);
	r = map_run(m, run, address);
	if (r == 0) {
		m->num_entries++;
		m->space->num_entries++;
	}
	return r;
}

static int map_runs(struct vfs_mapping *m)
{
	struct run run = {0};

	while (next_run(m, run.offset + run.length, &run)) {
		int r = map_physical_run(m, &run);

		if (r < 0) {
			unmap_runs(m, run.offset);
			return r;
		}
	}
	return 0;
}

void vfs_mapping_find_runs(struct vfs_mapping *m)
{
	size_t page = m->size / m->page_size;

	m->page_shift = (unsigned int)__builtin_ctzll(m->page_size);
	while (page-- > 0) {
		bool goes_on = (page + 1) * m->page_size < m->size &&
			       m->pages[page + 1] == m->pages[page] + m->page_size;

		m->runs[page] = m->page_size + (goes_on ? m->runs[page + 1] : 0);
	}
}

/* Mapping pins the pages, and pinning may move them first: look again afterwards. */
static int map_where_they_are(struct vfs_mapping *m, uint64_t *again, size_t count)
{
	vfs_pagemap_fn pagemap = m->space->pagemap;
	int r = pagemap(m->base, m->page_size, count, m->pages);
	int tries;

	for (tries = 0; r == 0; tries++) {
		r = map_runs(m);
		if (r < 0)
			break;
		r = pagemap(m->base, m->page_size, count, again);
		if (r == 0 && memcmp(again, m->pages, count * sizeof(*again)) == 0)
			break;
		unmap_runs(m, m->size);
		memcpy(m->pages, again, count * sizeof(*again));
		if (r == 0 && tries == PIN_TRIES)
			r = vfs_error(-EIO, "%s: pages for the device do not keep their place",
				m->space->transport->name);
	}
	return r;
}

static void free_pages(struct vfs_mapping *m)
{
	free(m->pages);
	free(m->runs);
	m->pages = NULL;
	m->runs = NULL;
}

static int map_physical(struct vfs_mapping *m)
{
	size_t count = m->size / m->page_size;
	uint64_t *again = calloc(count, sizeof(*again));
	int r = -ENOMEM;

	m->pages = calloc(count, sizeof(*m->pages));
	m->runs = calloc(count, sizeof(*m->runs));
	if (again && m->pages && m->runs)
		r = map_where_they_are(m, again, count);
	else
		vfs_error(r, "out of memory");
	free(again);
	if (r < 0)
		free_pages(m);
	else
		vfs_mapping_find_runs(m);
	return r;
}

int vfs_mapping_create(struct vfs_address_space *space, struct vfs_mapping *m)
{
	m->space = space;
	return space->addressing == VFS_ADDRESSING_IOVA ? map_iova(m) : map_physical(m);
}

void vfs_mapping_destroy(struct vfs_mapping *m)
{
	struct vfs_transport *t = m->space->transport;

	if (m->pages) {
		unmap_runs(m, m->size);
		free_pages(m);
	} else {
		(void)t->ops->dma_unmap(t, m->iova, m->size);
		vfs_iova_free(m->space, m->iova);
	}
}
