/* SPDX-License-Identifier: MIT */
#include "interrupts.h"

#include <string.h>

#include <vfs/request.h>

static void pass_on_first(struct interrupts *interrupts)
{
	struct vfs_request *target = vfs_queue_find(interrupts->queue, interrupts->kept[0].unique);

	if (target)
		(void)vfs_request_cancel(target);
	interrupts->num--;
	memmove(&interrupts->kept[0], &interrupts->kept[1],
		interrupts->num * sizeof(interrupts->kept[0]));
}

void interrupts_keep(struct interrupts *interrupts, uint64_t unique, int64_t now_ms)
{
	if (interrupts->num == INTERRUPTS_KEPT)
		pass_on_first(interrupts);
	interrupts->kept[interrupts->num++] = (struct interrupt){
		.unique = unique,
		.due_ms = now_ms + INTERRUPTS_KEPT_MS,
	};
}

void interrupts_pass_on(struct interrupts *interrupts, int64_t now_ms)
{
	while (interrupts->num && interrupts->kept[0].due_ms <= now_ms)
		pass_on_first(interrupts);
}

int interrupts_left_ms(const struct interrupts *interrupts, int64_t now_ms)
{
	int64_t left;

	if (!interrupts->num)
		return -1;
	left = interrupts->kept[0].due_ms - now_ms;
	return left > 0 ? (int)left : 0;
}
