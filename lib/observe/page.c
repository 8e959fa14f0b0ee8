/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"
#include "observe/page.h"
#include "observe/ticks.h"

#define LINE 64u

/* As many as somebody reads. */
#define TEXTS 16u

/* Since Linux 5.1: nobody maps it for writing any more, and who has does go on. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static int failed(const char *what)
{
	return vfs_error(
		-errno, "cannot create the memory that others see (%s): %s", what, strerror(errno));
}

/* NULL, with a message: it cannot be had. */
static void *create(const char *name, const char *device, size_t size, int *fd)
{
	char full[128];
	void *base;

	snprintf(full, sizeof(full), "%s %s", name, device);
	*fd = memfd_create(full, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0) {
		failed("memfd_create");
		return NULL;
	}
	/* All of it now: later there might be none, and no way to say so. */
	if (ftruncate(*fd, (off_t)size) < 0 || fallocate(*fd, 0, 0, (off_t)size) < 0) {
		failed("fallocate");
		return NULL;
	}
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, *fd, 0);
	if (base == MAP_FAILED) {
		failed("mmap");
		return NULL;
	}
	(void)fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	(void)madvise(base, size, MADV_DONTFORK);
	return base;
}

static int begin(struct vfs_page *page)
{
	struct vfs_tick_pair now = vfs_tick_pair();
	struct vfs_observe_page *head = page->head;
	struct vfs_observe_text *texts;
	struct stat stat;

	if (fstat(page->wish_fd, &stat) < 0)
		return failed("fstat");
	(void)vfs_page_alloc(page, 1, sizeof(*head));
	texts = vfs_page_alloc(page, TEXTS, sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	head->version = VFS_OBSERVE_VERSION;
	head->head = sizeof(*head);
	head->size = page->size;
	head->pid = (uint32_t)getpid();
	head->created_ns = now.ns;
	head->created_ticks = now.ticks;
	head->wish_inode = stat.st_ino;
	head->texts = vfs_page_array(page, texts, sizeof(*texts), TEXTS);
	memcpy(head->magic, VFS_OBSERVE_MAGIC, sizeof(head->magic));
	return 0;
}

int vfs_page_create(struct vfs_page *page, const char *device, size_t size)
{
	int r = 0;

	*page = (struct vfs_page){.fd = -1, .wish_fd = -1};
	page->size = size + vfs_page_room(1, sizeof(*page->head)) +
		     vfs_page_room(TEXTS, sizeof(struct vfs_observe_text));
	page->head = create(VFS_OBSERVE_PAGE, device, page->size, &page->fd);
	if (page->head)
		page->wish = create(VFS_OBSERVE_WISH, device, sizeof(*page->wish), &page->wish_fd);
	r = page->wish ? begin(page) : -ENOMEM;
	if (r < 0) {
		vfs_page_destroy(page);
		return r;
	}
	(void)fcntl(page->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
	return 0;
}

static void destroy(void *base, size_t size, int fd)
{
	if (base)
		munmap(base, size);
	if (fd >= 0)
		close(fd);
}

void vfs_page_destroy(struct vfs_page *page)
{
	destroy(page->head, page->size, page->fd);
	destroy(page->wish, sizeof(*page->wish), page->wish_fd);
	*page = (struct vfs_page){.fd = -1, .wish_fd = -1};
}

size_t vfs_page_room(size_t count, size_t size)
{
	return align_up(count * size, LINE);
}

void *vfs_page_alloc(struct vfs_page *page, size_t count, size_t size)
{
	size_t room = vfs_page_room(count, size);
	uint8_t *memory = (uint8_t *)page->head + page->used;

	if (room > page->size - page->used) {
		vfs_error(-ENOMEM, "the memory that others see is too small");
		return NULL;
	}
	page->used += room;
	return memory;
}

uint64_t vfs_page_offset(const struct vfs_page *page, const void *what)
{
	return (uint64_t)((const uint8_t *)what - (const uint8_t *)page->head);
}

struct vfs_observe_array vfs_page_array(
	const struct vfs_page *page, const void *first, size_t stride, size_t count)
{
	return (struct vfs_observe_array){
		.offset = vfs_page_offset(page, first),
		.stride = (uint32_t)stride,
		.count = (uint32_t)count,
	};
}

void vfs_page_text(struct vfs_page *page, const char *text)
{
	struct vfs_observe_page *head = page->head;
	uint64_t number = __atomic_add_fetch(&head->num_texts, 1, __ATOMIC_RELAXED);
	struct vfs_observe_text *place = (void *)((uint8_t *)head + head->texts.offset +
						  (number - 1) % TEXTS *
							  sizeof(struct vfs_observe_text));

	__atomic_store_n(&place->number, 0, __ATOMIC_RELAXED);
	place->at_ns = vfs_now_ns();
	snprintf(place->text, sizeof(place->text), "%s", text);
	__atomic_store_n(&place->number, number, __ATOMIC_RELEASE);
}
