/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "transport/vfio_user.h"

#define TYPE_MASK     0xfu
#define TYPE_REPLY    1u
#define FLAG_NO_REPLY (1u << 4)
#define FLAG_ERROR    (1u << 5)

#define ERRNO_MAX 4095u

#define VERSION_MAJOR 0
#define VERSION_MINOR 1

static int broken(struct vfs_vfio_user_channel *c, const char *how)
{
	vfs_socket_give_up(&c->socket);
	return vfs_error(-EPROTO, "the vfio-user server behind %s %s", c->socket.path, how);
}

static int send_command(struct vfs_vfio_user_channel *c, const struct vfs_vfio_user_call *call)
{
	struct vfs_vfio_user_header header = {
		.id = ++c->next_id,
		.command = call->command,
		.size = sizeof(header),
		.flags = call->posted ? FLAG_NO_REPLY : 0,
	};
	struct iovec iov[VFIO_USER_IOV_MAX + 1];
	unsigned int i;

	iov[0] = (struct iovec){.iov_base = &header, .iov_len = sizeof(header)};
	for (i = 0; i < call->num_request; i++) {
		iov[i + 1] = call->request[i];
		header.size += (uint32_t)call->request[i].iov_len;
	}
	return vfs_socket_send(&c->socket, iov, call->num_request + 1, call->fds, call->num_fds);
}

static int check_reply(struct vfs_vfio_user_channel *c, const struct vfs_vfio_user_call *call,
	const struct vfs_vfio_user_header *header)
{
	if (header->size < sizeof(*header) || header->size > VFIO_USER_REPLY_MAX)
		return broken(c, "sends a message of an impossible size");
	/* It may ask for DMA of memory that it could not map; all of ours comes with descriptors.
	 */
	if ((header->flags & TYPE_MASK) != TYPE_REPLY || header->id != c->next_id ||
		header->command != call->command)
		return broken(c, "does not answer what it was asked");
	if (!(header->flags & FLAG_ERROR))
		return 0;
	if (header->error == 0 || header->error > ERRNO_MAX || header->size != sizeof(*header))
		return broken(c, "answers with an error that is none");
	return vfs_error(-(int)header->error,
		"the vfio-user server behind %s refuses command %u: %s", c->socket.path,
		call->command, strerror((int)header->error));
}

static int receive_body(struct vfs_vfio_user_channel *c, const struct vfs_vfio_user_call *call,
	size_t size, struct vfs_deadline deadline)
{
	if (size < call->reply_min || size > call->reply_max)
		return broken(c, "answers with too little or too much");
	return size ? vfs_socket_receive(&c->socket, call->reply, size, deadline, call->reply_fds)
		    : 0;
}

static int call_locked(struct vfs_vfio_user_channel *c, const struct vfs_vfio_user_call *call)
{
	struct vfs_deadline deadline = vfs_deadline_in(c->socket.timeout_ms);
	struct vfs_vfio_user_header header;
	int r = send_command(c, call);

	if (r < 0 || call->posted)
		return r;
	r = vfs_socket_receive(&c->socket, &header, sizeof(header), deadline, call->reply_fds);
	if (r == 0)
		r = check_reply(c, call, &header);
	if (r == 0)
		r = receive_body(c, call, header.size - sizeof(header), deadline);
	return r;
}

int vfs_vfio_user_call(struct vfs_vfio_user_channel *c, const struct vfs_vfio_user_call *call)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = call_locked(c, call);
	pthread_mutex_unlock(&c->lock);
	return r;
}

bool vfs_vfio_user_alive(struct vfs_vfio_user_channel *c)
{
	bool alive;

	pthread_mutex_lock(&c->lock);
	alive = vfs_socket_alive(&c->socket);
	pthread_mutex_unlock(&c->lock);
	return alive;
}

/* JSON as a server of ours or another's makes it: a name, a colon, a number. */
static unsigned long read_number(const char *json, const char *name, unsigned long otherwise)
{
	const char *at = strstr(json, name);
	unsigned long value;
	char *end;

	if (!at)
		return otherwise;
	at += strlen(name);
	at += strspn(at, " \t\r\n");
	if (*at++ != ':')
		return otherwise;
	value = strtoul(at, &end, 10);
	return end == at ? otherwise : value;
}

static void learn_capabilities(struct vfs_vfio_user_channel *c, const char *json)
{
	unsigned long fds = read_number(json, "\"max_msg_fds\"", 1);

	c->max_fds = fds < 1			? 1
		     : fds > VFS_SOCKET_FDS_MAX ? VFS_SOCKET_FDS_MAX
						: (unsigned int)fds;
}

int vfs_vfio_user_negotiate(struct vfs_vfio_user_channel *c)
{
	static const char capabilities[] =
		"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}";
	uint16_t version[2] = {VERSION_MAJOR, VERSION_MINOR};
	struct iovec request[] = {
		{.iov_base = version, .iov_len = sizeof(version)},
		{.iov_base = (void *)(uintptr_t)capabilities, .iov_len = sizeof(capabilities)},
	};
	struct {
		uint16_t version[2];
		char capabilities[1024];
	} reply = {0};
	struct vfs_vfio_user_call call = {
		.command = VFIO_USER_VERSION,
		.request = request,
		.num_request = ARRAY_SIZE(request),
		.reply = &reply,
		.reply_min = sizeof(version),
		/* There is a NUL behind it, whatever the server sends. */
		.reply_max = sizeof(reply) - 1,
	};
	int r = vfs_vfio_user_call(c, &call);

	if (r < 0)
		return r;
	if (reply.version[0] != VERSION_MAJOR)
		return vfs_error(-EPROTONOSUPPORT,
			"the vfio-user server behind %s speaks version %u of the protocol, this "
			"library 0",
			c->socket.path, reply.version[0]);
	learn_capabilities(c, reply.capabilities);
	return 0;
}
