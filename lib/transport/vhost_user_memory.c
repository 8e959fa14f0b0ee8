/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/core.h"
#include "transport/vhost_user_memory.h"

static int send_mem_table(struct vfs_vhost_user_memory *memory)
{
	struct vfs_vhost_user_mem_table table = {.count = memory->num_pieces};
	struct vfs_vhost_user_message m = {.request = VHOST_USER_SET_MEM_TABLE,
		.payload = &table,
		.size = offsetof(struct vfs_vhost_user_mem_table, regions) +
			memory->num_pieces * sizeof(table.regions[0]),
		.num_fds = memory->num_pieces};
	int fds[VHOST_USER_REGIONS_MAX];
	unsigned int i;

	for (i = 0; i < memory->num_pieces; i++) {
		table.regions[i] = memory->pieces[i].region;
		fds[i] = memory->pieces[i].fd;
	}
	m.fds = fds;
	return vfs_vhost_user_send(memory->channel, &m);
}

static int send_region(struct vfs_vhost_user_memory *memory, uint32_t request,
	const struct vfs_vhost_user_piece *piece)
{
	struct vfs_vhost_user_mem_reg reg = {.region = piece->region};
	struct vfs_vhost_user_message m = {.request = request,
		.payload = &reg,
		.size = sizeof(reg),
		.fds = &piece->fd,
		.num_fds = request == VHOST_USER_ADD_MEM_REG ? 1 : 0};

	return vfs_vhost_user_send(memory->channel, &m);
}

/*
 * All of it, before the first queue is enabled. Some daemons look their old rings up whenever
 * memory comes or goes, so that it has to be replaced at once, and not piece by piece.
 */
int vfs_vhost_user_memory_send(struct vfs_vhost_user_memory *memory)
{
	int r = memory->due ? send_mem_table(memory) : 0;

	memory->due = r < 0;
	return r;
}

/*
 * A whole table while queues run is never sent: some daemons unmap the old one under requests that
 * they are at work on.
 */
static int tell_change(struct vfs_vhost_user_memory *memory, uint32_t request,
	const struct vfs_vhost_user_piece *piece, bool running)
{
	if (running && memory->slots)
		return send_region(memory, request, piece);
	memory->due = true;
	return 0;
}

static int check_map(
	const struct vfs_vhost_user_memory *memory, const struct vfs_dma_map *map, bool running)
{
	if (map->fd < 0)
		return vfs_error(
			-ENOTSUP, "%s: memory without a descriptor cannot be shared", memory->name);
	if (running && !memory->slots)
		return vfs_error(-ENOTSUP,
			"%s takes memory only as a whole (no CONFIGURE_MEM_SLOTS), which is not "
			"safe while it is at work",
			memory->name);
	if (memory->num_pieces == memory->max_pieces)
		return vfs_error(-ENOMEM, "%s takes no more than %u pieces of memory", memory->name,
			memory->max_pieces);
	return 0;
}

int vfs_vhost_user_memory_add(
	struct vfs_vhost_user_memory *memory, const struct vfs_dma_map *map, bool running)
{
	struct vfs_vhost_user_piece *piece = &memory->pieces[memory->num_pieces];
	int r = check_map(memory, map, running);

	if (r < 0)
		return r;
	*piece = (struct vfs_vhost_user_piece){
		/* Rings are found by the user address, chains by the other: let both be one. */
		.region = {.guest_addr = map->iova,
			.size = map->length,
			.user_addr = map->iova,
			.mmap_offset = map->fd_offset},
		.fd = map->fd,
	};
	memory->num_pieces++;
	r = tell_change(memory, VHOST_USER_ADD_MEM_REG, piece, running);
	if (r < 0)
		memory->num_pieces--;
	return r;
}

static int remove_piece(struct vfs_vhost_user_memory *memory, unsigned int index, bool running)
{
	struct vfs_vhost_user_piece piece = memory->pieces[index];

	memory->pieces[index] = memory->pieces[--memory->num_pieces];
	return tell_change(memory, VHOST_USER_REM_MEM_REG, &piece, running);
}

int vfs_vhost_user_memory_remove(
	struct vfs_vhost_user_memory *memory, uint64_t iova, uint64_t length, bool running)
{
	unsigned int i = 0;
	int r = 0;

	while (i < memory->num_pieces) {
		const struct vfs_vhost_user_region *region = &memory->pieces[i].region;
		int error;

		if (region->guest_addr < iova || region->guest_addr - iova >= length) {
			i++;
			continue;
		}
		error = remove_piece(memory, i, running);
		r = r < 0 ? r : error;
	}
	return r;
}
