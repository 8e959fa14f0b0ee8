/* SPDX-License-Identifier: MIT */
/* A client of the device: what is open, and how it is opened. */
#ifndef LIBRARY_CLIENT_H
#define LIBRARY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/device.h>
#include <vfs/error.h>
#include <vfs/log.h>
#include <vfs/request.h>
#include <vfs/session.h>

/* Far more than anything takes: what does not come by then never comes. */
#define PATIENCE_MS 60000

/* What the checks of a session offer to the server. */
#define WANTED_FLAGS                                                                             \
	(FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_ATOMIC_O_TRUNC |           \
		FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | \
		FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_MAP_ALIGNMENT)

struct settings {
	const char *device;
	struct vfs_device_options options;
	unsigned int entries; /* of a large directory */
	unsigned int lookups; /* to be forgotten */
	bool restarts;	      /* what serves ends with its client, and is started again */
	bool blocking_locks;  /* the server answers others while one waits for a lock */
	bool fixed_memory;    /* the device's cannot change while it runs */
	bool lock_holder;     /* lock-holder runs beside the server */
};

struct client {
	const struct settings *settings;
	const char *name; /* of its directory */
	struct vfs_device *device;
	struct vfs_session *session;
	struct vfs_queue *queue; /* the first one for requests */
	struct vfs_init init;
	uint64_t directory; /* the node of its directory, 0 if there is none */
	void *scratch;
};

int client_open(struct client *client);

/* A session and its INIT; NULL: the default options. */
int client_start(struct client *client, const struct vfs_session_options *options);

/* An empty directory in the root, and the end of it if there is a session to do it with. */
int client_make_directory(struct client *client);
int client_remove_directory(struct client *client);

void client_stop(struct client *client);

/* The next session after one that had a directory, which is looked up. */
int client_restart(struct client *client, const struct vfs_session_options *options);

/* With the session if there is one. */
void client_close(struct client *client);

/* Memory until the client is closed or asks again. */
void *client_scratch(struct client *client, size_t size);

bool client_is_pci(const struct client *client);

#endif
