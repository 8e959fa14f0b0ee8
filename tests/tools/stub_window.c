/* SPDX-License-Identifier: MIT */
/* The stub's device has no window. */
#include "window.h"

int window_check(const struct vfs_device *device, enum vfs_dax_mode mode)
{
	(void)device;
	(void)mode;
	return 0;
}

int window_start(struct window **window, struct vfs_device *device, struct vfs_session *session,
	const struct window_options *options)
{
	(void)device;
	(void)session;
	(void)options;
	*window = NULL;
	return 0;
}

bool window_answer(
	struct window *window, struct lane_origin *origin, struct vfs_request *slot, size_t length)
{
	(void)window;
	(void)origin;
	(void)slot;
	(void)length;
	return false;
}

void window_before(struct window *window, struct vfs_request *request)
{
	(void)window;
	(void)request;
}

bool window_after(struct window *window, struct vfs_request *request)
{
	(void)window;
	(void)request;
	return false;
}

bool window_forget(struct window *window, const struct fuse_forget_one *one)
{
	(void)window;
	(void)one;
	return false;
}

int window_fd(const struct window *window)
{
	(void)window;
	return -1;
}

void window_figures(const struct window *window, struct window_figures *figures)
{
	(void)window;
	*figures = (struct window_figures){0};
}

void window_woken(struct window *window)
{
	(void)window;
}

bool window_wants_slot(const struct window *window)
{
	(void)window;
	return false;
}

int window_send(struct window *window, struct vfs_request *slot)
{
	(void)window;
	(void)slot;
	return 0;
}

bool window_is_empty(struct window *window)
{
	(void)window;
	return true;
}

void window_abandon(struct window *window)
{
	(void)window;
}

void window_free(struct window *window, bool debug)
{
	(void)window;
	(void)debug;
}
