/* SPDX-License-Identifier: MIT */
#include "stub_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_CAPACITY (8U << 20)
#define FIRST_N	      1000

enum { ROOT = 1, FILE_NODE, SLOW, HANG, DEAD, DENIED, REFUSED, NUM_NAMED };

static const char *const names[NUM_NAMED] = {
	[FILE_NODE] = "file",
	[SLOW] = "slow",
	[HANG] = "hang",
	[DEAD] = "dead",
	[DENIED] = "denied",
	[REFUSED] = "refused",
};

struct stub_server stub_server;

static char content[FILE_CAPACITY];

static const void *arguments(const struct fuse_in_header *in)
{
	return in + 1;
}

static uint64_t find(const char *name)
{
	uint64_t node;

	for (node = FILE_NODE; node < NUM_NAMED; node++) {
		if (!strcmp(name, names[node]))
			return node;
	}
	if (name[0] == 'n' && name[1])
		return FIRST_N + strtoul(name + 1, NULL, 10);
	return 0;
}

static void fill_attr(uint64_t node, struct fuse_attr *attr)
{
	*attr = (struct fuse_attr){
		.ino = node,
		.mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0666,
		.nlink = 1,
		.blksize = 4096,
	};
	if (node == FILE_NODE)
		attr->size = stub_server.file_size;
	else if (node > FILE_NODE && node < NUM_NAMED)
		attr->size = 4096;
}

static int lookup(const struct fuse_in_header *in, void *payload, size_t *length)
{
	struct fuse_entry_out *out = payload;
	uint64_t node = find(arguments(in));

	if (!node)
		return -ENOENT;
	*out = (struct fuse_entry_out){.nodeid = node, .entry_valid = 1000, .attr_valid = 1000};
	fill_attr(node, &out->attr);
	stub_server.lookups++;
	*length = sizeof(*out);
	return 0;
}

static int attributes(const struct fuse_in_header *in, void *payload, size_t *length)
{
	struct fuse_attr_out *out = payload;

	*out = (struct fuse_attr_out){.attr_valid = 1000};
	fill_attr(in->nodeid, &out->attr);
	*length = sizeof(*out);
	return 0;
}

static int set_attributes(const struct fuse_in_header *in, void *payload, size_t *length)
{
	const struct fuse_setattr_in *args = arguments(in);

	if (in->nodeid == FILE_NODE && (args->valid & FATTR_SIZE)) {
		if (args->size > FILE_CAPACITY)
			return -EFBIG;
		stub_server.file_size = args->size;
	}
	return attributes(in, payload, length);
}

static int open_node(void *payload, size_t *length)
{
	*(struct fuse_open_out *)payload = (struct fuse_open_out){.fh = 7};
	*length = sizeof(struct fuse_open_out);
	return 0;
}

static void read_file(
	const struct fuse_read_in *args, void *payload, size_t room, struct stub_answer *answer)
{
	size_t size = args->size;

	if (args->offset >= stub_server.file_size)
		size = 0;
	else if (size > stub_server.file_size - args->offset)
		size = stub_server.file_size - args->offset;
	if (size > room)
		size = room;
	memcpy(payload, content + args->offset, size);
	answer->length = size;
}

static void read_node(
	const struct fuse_in_header *in, void *payload, size_t room, struct stub_answer *answer)
{
	answer->device_dies = in->nodeid == DEAD;
	switch (in->nodeid) {
	case FILE_NODE:
		read_file(arguments(in), payload, room, answer);
		break;
	case SLOW:
		answer->delay_ms = STUB_SLOW_MS;
		memset(payload, 's', 4096);
		answer->length = 4096;
		break;
	case DENIED:
		answer->error = -EACCES;
		break;
	case REFUSED:
		answer->error = -600;
		break;
	default:
		break;
	}
}

static int write_node(const struct fuse_in_header *in, void *payload, size_t *length)
{
	const struct fuse_write_in *args = arguments(in);
	uint64_t end = args->offset + args->size;

	if (in->nodeid != FILE_NODE || end > FILE_CAPACITY)
		return -EFBIG;
	memcpy(content + args->offset, args + 1, args->size);
	if (end > stub_server.file_size)
		stub_server.file_size = end;
	stub_server.last_byte = (uint8_t)content[stub_server.file_size - 1];
	*(struct fuse_write_out *)payload = (struct fuse_write_out){.size = args->size};
	*length = sizeof(struct fuse_write_out);
	return 0;
}

static int read_directory(const struct fuse_in_header *in, void *payload, size_t *length)
{
	const struct fuse_read_in *args = arguments(in);
	char *out = payload;
	uint64_t node;

	for (node = FILE_NODE + args->offset; node < NUM_NAMED; node++) {
		struct fuse_dirent *entry = (struct fuse_dirent *)(out + *length);
		size_t name = strlen(names[node]);
		size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name);

		if (*length + size > args->size)
			break;
		memset(entry, 0, size);
		entry->ino = node;
		entry->off = node - FILE_NODE + 1;
		entry->namelen = (uint32_t)name;
		entry->type = S_IFREG >> 12;
		memcpy(entry->name, names[node], name);
		*length += size;
	}
	return 0;
}

static int file_system(void *payload, size_t *length)
{
	struct fuse_statfs_out *out = payload;

	*out = (struct fuse_statfs_out){.st = {.blocks = 4242, .bsize = 4096, .namelen = 255}};
	*length = sizeof(*out);
	return 0;
}

static int unlink_node(const struct fuse_in_header *in)
{
	return find(arguments(in)) >= FIRST_N ? 0 : -EPERM;
}

static int serve(const struct fuse_in_header *in, void *payload, size_t *length)
{
	switch (in->opcode) {
	case FUSE_LOOKUP:
		return lookup(in, payload, length);
	case FUSE_GETATTR:
		return attributes(in, payload, length);
	case FUSE_SETATTR:
		return set_attributes(in, payload, length);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return open_node(payload, length);
	case FUSE_WRITE:
		return write_node(in, payload, length);
	case FUSE_READDIR:
		return read_directory(in, payload, length);
	case FUSE_STATFS:
		return file_system(payload, length);
	case FUSE_UNLINK:
		return unlink_node(in);
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_ACCESS:
		return 0;
	default:
		return -ENOSYS;
	}
}

void stub_serve(
	const struct fuse_in_header *in, void *payload, size_t room, struct stub_answer *answer)
{
	*answer = (struct stub_answer){
		.never = in->nodeid == HANG &&
			 (in->opcode == FUSE_READ || in->opcode == FUSE_SETATTR),
	};
	if (in->opcode == FUSE_READ)
		read_node(in, payload, room, answer);
	else
		answer->error = serve(in, payload, &answer->length);
	if (answer->error)
		answer->length = 0;
}
