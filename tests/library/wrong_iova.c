/* SPDX-License-Identifier: MIT */
/*
 * A driver that programs addresses where its memory is not: what it maps for the device it maps
 * elsewhere. The same process then uses the device as it should.
 *
 *	wrong-iova BDF
 *
 * Prints lines as library-test does.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/vfio.h>

#include "client.h"
#include "fuse.h"

/* Far from where the library's own addresses are, and in reach of every IOMMU. */
#define ELSEWHERE (1ULL << 36)

#define TIMEOUT_MS 5000

/* The library gives up by itself; this only tells a hang from a slow machine. */
#define BOUND_S 60

static bool wrong;

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);

/* Of the library, which is linked in for that. */
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_iommu_type1_dma_map map;

	if (wrong && request == VFIO_IOMMU_MAP_DMA) {
		memcpy(&map, argument, sizeof(map));
		map.iova += ELSEWHERE;
		return __real_ioctl(fd, request, &map);
	}
	if (wrong && request == VFIO_IOMMU_UNMAP_DMA) {
		memcpy(&unmap, argument, sizeof(unmap));
		unmap.iova += ELSEWHERE;
		return __real_ioctl(fd, request, &unmap);
	}
	return __real_ioctl(fd, request, argument);
}

static bool check(bool good, const char *what, const char *why)
{
	if (good)
		printf("ok %s [%s]\n", what, why);
	else
		printf("not ok %s: %s\n", what, why);
	fflush(stdout);
	return good;
}

/* Where it ends is not laid down; how is: by an error, and soon. */
static bool fails_by_wrong_addresses(struct client *client)
{
	const struct vfs_session_options options = {.depth = 2, .timeout_ms = TIMEOUT_MS};
	time_t start = time(NULL);
	bool good;
	int r = client_open(client);

	if (!check(r == 0, "open", r ? vfs_last_error() : "wrong addresses"))
		return false;
	wrong = true;
	r = client_start(client, &options);
	good = check(r == -EIO || r == -ETIMEDOUT || r == -ENODEV, "it ends with an error",
		r ? vfs_last_error() : "none");
	good = check(strstr(vfs_last_error(), "IOMMU"), "the error says what to look for",
		       vfs_last_error()) &&
	       good;
	client_close(client);
	wrong = false;
	return check(time(NULL) - start < BOUND_S, "it ends soon", "the device is closed") && good;
}

static bool works_by_right_addresses(struct client *client)
{
	struct fuse_attr attr;
	int r = client_open(client);

	if (r == 0)
		r = client_start(client, NULL);
	if (!check(r == 0, "the same process starts it", r ? vfs_last_error() : "right addresses"))
		return false;
	r = fuse_getattr(client, FUSE_ROOT_ID, &attr);
	client_close(client);
	return check(r == 0, "it answers", strerror(-r));
}

int main(int argc, char **argv)
{
	struct settings settings = {.device = argv[argc - 1]};
	struct client client = {.settings = &settings, .name = "wrong-iova"};

	if (argc != 2) {
		fputs("usage: wrong-iova BDF\n", stderr);
		return 2;
	}
	return fails_by_wrong_addresses(&client) && works_by_right_addresses(&client) ? 0 : 1;
}
