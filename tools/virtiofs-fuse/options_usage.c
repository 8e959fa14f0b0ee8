/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stdio.h>

#include <fuse_lowlevel.h>

#include <vfs/fuse_abi.h>

#include "filter.h"

void options_usage(void)
{
	puts("usage: virtiofs-fuse TAG|BDF|SOCKET DIR [-o opt,...] [-f] [-d] [-h] [-V]\n"
	     "       virtiofs-fuse --list\n"
	     "       virtiofs-fuse --check [TAG|BDF|SOCKET] [-o opt,...]\n"
	     "\n"
	     "Mounts the virtio-fs device with the tag TAG, or at the PCI address BDF, on DIR.\n"
	     "It has to be bound to vfio-pci (virtiofs-inspect bind BDF). SOCKET is the path of a\n"
	     "vhost-user daemon (virtiofsd --socket-path=SOCKET), or vfio-user:PATH of a server.\n"
	     "\n"
	     "  -f                    stay in the foreground\n"
	     "  -d                    stay in the foreground and print each request\n"
	     "  --list                show the functions that there are, and which can be mounted\n"
	     "  --check               mount nothing, say what would be in the way\n"
	     "  -h, -V                print this help, the version\n"
	     "\n"
	     "  -o dma=auto|iova      which addresses the device is given (auto)\n"
	     "  -o vfio=auto|group|iommufd  by which of the kernel's interfaces it is opened "
	     "(auto)\n"
	     "  -o vf_token=UUID      of a virtual function: what its physical function's driver "
	     "set\n"
	     "  -o quirks=NAME[:NAME] what the device does wrong and may, see the manual page\n"
	     "  -o features_off=NAME[:NAME]  features of FUSE that neither side is offered\n"
	     "  -o require=NAME[:NAME]  no mount without these\n"
	     "  -o dax=never|auto|always|inode  read and write files in the device's DAX window "
	     "(never)\n"
	     "  -o dax_range=BYTES    in pieces of this size, a power of 2 (2097152)\n"
	     "  -o max_write=N        largest data of one request in bytes (1048576)\n"
	     "  -o readahead=BYTES    how much the kernel reads ahead (what one request carries)\n"
	     "  -o depth=N            requests that are prepared or under way at once (32)\n"
	     "  -o timeout=SECONDS    how long to wait for the device at start and end (10)\n"
	     "  -o poll=auto|always|never  look for what comes next before sleeping (auto)\n"
	     "  -o lane=auto|uring|readers|single  how the kernel's messages come (auto)\n"
	     "  -o queues=N           request queues to use (one for each CPU)\n"
	     "  -o cpus=LIST          CPUs to work on, as 0-3:6 (all)\n"
	     "  -o request_timeout=SECONDS  how long a request may take, 0: for ever (0)\n"
	     "  -o device_loss=fail|wait|unmount  what becomes of the mount without the device "
	     "(fail)\n"
	     "  -o cache=auto|none|always  how long the kernel keeps what was answered (auto)\n"
	     "  -o hugepages          memory for the device from hugepages only; no_hugepages: "
	     "from "
	     "none\n"
	     "  -o no_posix_acl       do not use the server's access control lists\n"
	     "  -o no_writeback       do not cache writes, even if the server allows it\n"
	     "  -o sandbox=auto|off|on  give up rights and system calls after the start (auto)\n"
	     "  -o ro allow_other allow_root fsname=NAME subtype=NAME max_read=N auto_unmount\n"
	     "     suid dev noexec noatime sync and their opposites: as for any FUSE mount\n"
	     "\n"
	     "fusermount3 -u DIR, umount DIR, SIGINT or SIGTERM end it.");
}

void options_version(void)
{
	char filter[64];

	filter_describe(filter, sizeof(filter));
	printf("virtiofs-fuse %s (FUSE protocol 7.%d, libfuse %s, %s)\n", VIRTIOFS_VERSION,
		VFS_FUSE_MINOR, fuse_pkgversion(), filter);
}
