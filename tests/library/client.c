/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "fuse.h"

#define RETRY_MS 20

int client_open(struct client *client)
{
	const struct settings *settings = client->settings;
	unsigned int waited = 0;
	int r;

	for (;;) {
		r = vfs_device_open(settings->device, &settings->options, &client->device);
		/* The last server may be going while the next one is not there yet. */
		if (r != -ENODEV || !settings->restarts || waited >= PATIENCE_MS)
			return r;
		poll(NULL, 0, RETRY_MS);
		waited += RETRY_MS;
	}
}

int client_start(struct client *client, const struct vfs_session_options *options)
{
	struct vfs_init want = {.flags = WANTED_FLAGS, .max_readahead = 128 << 10};
	int r = vfs_session_create(client->device, options, &client->session);

	if (r < 0)
		return r;
	client->queue = vfs_session_queue(client->session, 0);
	return vfs_session_init(client->session, &want, &client->init);
}

int client_make_directory(struct client *client)
{
	struct fuse_entry_out entry;
	int r = fuse_mkdir(client, FUSE_ROOT_ID, client->name, &entry);

	/* A check that failed may have left it. */
	if (r == -EEXIST) {
		r = remove_tree(client, FUSE_ROOT_ID, client->name);
		if (r == 0)
			r = fuse_mkdir(client, FUSE_ROOT_ID, client->name, &entry);
	}
	if (r == 0)
		client->directory = entry.nodeid;
	return r;
}

static bool is_idle(struct client *client)
{
	unsigned int i;

	for (i = 0; i < vfs_session_num_queues(client->session); i++)
		if (vfs_queue_in_flight(vfs_session_queue(client->session, i)))
			return false;
	return true;
}

void client_stop(struct client *client)
{
	if (client->session && !is_idle(client))
		vfs_session_abort(client->session);
	vfs_session_destroy(client->session);
	client->session = NULL;
	client->queue = NULL;
	client->directory = 0;
}

int client_restart(struct client *client, const struct vfs_session_options *options)
{
	struct fuse_entry_out entry;
	int r;

	client_stop(client);
	r = client_start(client, options);
	if (r == 0)
		r = fuse_lookup(client, FUSE_ROOT_ID, client->name, &entry);
	if (r == 0)
		client->directory = entry.nodeid;
	return r;
}

int client_remove_directory(struct client *client)
{
	if (!client->directory || !is_idle(client))
		return 0;
	client->directory = 0;
	return remove_tree(client, FUSE_ROOT_ID, client->name);
}

void client_close(struct client *client)
{
	client_stop(client);
	vfs_device_close(client->device);
	client->device = NULL;
	free(client->scratch);
	client->scratch = NULL;
}

void *client_scratch(struct client *client, size_t size)
{
	free(client->scratch);
	client->scratch = calloc(1, size);
	if (!client->scratch)
		abort();
	return client->scratch;
}

bool client_is_pci(const struct client *client)
{
	return !strchr(client->settings->device, '/');
}
