/* SPDX-License-Identifier: MIT */
/*
 * Files of a device, to the standard output.
 *
 *	vfs-cat DEVICE FILE...
 */
#include <stdio.h>

#include <vfs/error.h>
#include <vfs/file.h>

static int failed(void)
{
	fprintf(stderr, "vfs-cat: %s\n", vfs_last_error());
	return -1;
}

static int copy(struct vfs_file *file)
{
	static char data[256 << 10];
	ssize_t length;

	while ((length = vfs_read(file, data, sizeof(data))) > 0) {
		if (fwrite(data, 1, (size_t)length, stdout) != (size_t)length) {
			perror("vfs-cat: standard output");
			return -1;
		}
	}
	return length < 0 ? failed() : 0;
}

static int cat(struct vfs_fs *fs, const char *path)
{
	struct vfs_file *file;
	int r;

	if (vfs_open(fs, path, O_RDONLY, 0, &file) < 0)
		return failed();
	r = copy(file);
	vfs_close(file);
	return r;
}

int main(int argc, char **argv)
{
	struct vfs_mount_options options = {.readonly = true};
	struct vfs_fs *fs;
	int r = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: vfs-cat DEVICE FILE...\n");
		return 2;
	}
	if (vfs_mount(argv[1], &options, &fs) < 0) {
		failed();
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		if (cat(fs, argv[i]) < 0)
			r = -1;
	}
	if (fflush(stdout) != 0) {
		perror("vfs-cat: standard output");
		r = -1;
	}
	vfs_umount(fs);
	return r < 0 ? 1 : 0;
}
