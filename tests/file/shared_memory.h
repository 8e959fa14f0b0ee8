/* SPDX-License-Identifier: MIT */
/*
 * To be included once in a program whose threads read and write the same files in the DAX window:
 * as with read(2) and write(2) nothing orders that, and ThreadSanitizer is not to mind.
 */
#ifndef FILE_SHARED_MEMORY_H
#define FILE_SHARED_MEMORY_H

#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);

__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void)
{
	return "race:vfs_copy_from_map\nrace:vfs_copy_to_map\n";
}
#endif

#endif
