/* SPDX-License-Identifier: MIT */
/* Lists whose links are in what they hold. A head is a link too; empty, it points to itself. */
#ifndef VFS_LIST_H
#define VFS_LIST_H

#include <stdbool.h>

#include "core/core.h"

struct vfs_list {
	struct vfs_list *next;
	struct vfs_list *prev;
};

static inline void vfs_list_init(struct vfs_list *list)
{
	list->next = list->prev = list;
}

static inline bool vfs_list_empty(const struct vfs_list *list)
{
	return list->next == list;
}

static inline void vfs_list_add_tail(struct vfs_list *list, struct vfs_list *link)
{
	link->next = list;
	link->prev = list->prev;
	list->prev->next = link;
	list->prev = link;
}

/* It is in no list then, and may be removed again. */
static inline void vfs_list_del(struct vfs_list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	vfs_list_init(link);
}

#define vfs_list_first(list, type, member) container_of((list)->next, type, member)

#define vfs_list_for_each(at, list, type, member)                              \
	for (at = vfs_list_first(list, type, member); &(at)->member != (list); \
		at = container_of((at)->member.next, type, member))

#endif
