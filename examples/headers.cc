/* SPDX-License-Identifier: MIT */
/*
 * The library from C++: every public header, and what this machine and the protocol have.
 *
 *	headers
 */
#include <iostream>

#include <vfs/caller.h>
#include <vfs/dax.h>
#include <vfs/device.h>
#include <vfs/error.h>
#include <vfs/file.h>
#include <vfs/fuse.h>
#include <vfs/fuse_abi.h>
#include <vfs/log.h>
#include <vfs/memory.h>
#include <vfs/notify.h>
#include <vfs/observe.h>
#include <vfs/quirks.h>
#include <vfs/request.h>
#include <vfs/session.h>
#include <vfs/sync.h>

namespace
{

int print_function(const vfs_function *function, void *)
{
	std::cout << function->bdf << ": "
		  << (function->tag_known ? function->tag : "tag not readable") << "\n";
	return 0;
}

void print_features()
{
	std::cout << "features of FUSE 7." << VFS_FUSE_MINOR << ":";
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (const char *name = vfs_feature_name(bit))
			std::cout << " " << name;
	}
	std::cout << "\n";
}

} // namespace

int main()
{
	if (vfs_device_scan(print_function, nullptr) < 0) {
		std::cerr << "headers: " << vfs_last_error() << "\n";
		return 1;
	}
	print_features();
	return 0;
}
