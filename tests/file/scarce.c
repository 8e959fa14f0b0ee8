/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "scarce.h"

static atomic_bool armed;
static atomic_bool happened;
static atomic_uint left; /* until one fails */
static bool all_fail;
static atomic_long in_use;

void scarce_begin(unsigned int nth, bool all)
{
	atomic_store(&happened, false);
	atomic_store(&left, nth);
	all_fail = all;
	atomic_store(&armed, true);
}

bool scarce_end(void)
{
	atomic_store(&armed, false);
	return atomic_load(&happened);
}

bool scarce_happened(void)
{
	return atomic_load(&happened);
}

long scarce_in_use(void)
{
	return atomic_load(&in_use);
}

static bool fails(void)
{
	bool now;

	if (!atomic_load(&armed))
		return false;
	now = atomic_load(&happened) ? all_fail : atomic_fetch_sub(&left, 1) == 1;
	if (now)
		atomic_store(&happened, true);
	errno = now ? ENOMEM : errno;
	return now;
}

static void *counted(void *memory)
{
	if (memory)
		atomic_fetch_add(&in_use, 1);
	return memory;
}

/* The names are the linker's, and those with a 64 what offsets of 64 bits make of them. */
#define REAL(type, name, ...)            \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

REAL(void *, malloc, size_t size)
{
	return fails() ? NULL : counted(__real_malloc(size));
}

REAL(void *, calloc, size_t count, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(count, size));
}

REAL(void *, aligned_alloc, size_t alignment, size_t size)
{
	return fails() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

REAL(char *, strdup, const char *text)
{
	return fails() ? NULL : counted(__real_strdup(text));
}

static void *resized(void *old, void *new)
{
	return old ? new : counted(new);
}

REAL(void *, realloc, void *old, size_t size)
{
	return fails() ? NULL : resized(old, __real_realloc(old, size));
}

REAL(void *, reallocarray, void *old, size_t count, size_t size)
{
	return fails() ? NULL : resized(old, __real_reallocarray(old, count, size));
}

REAL(void, free, void *memory)
{
	if (memory)
		atomic_fetch_sub(&in_use, 1);
	__real_free(memory);
}

REAL(void *, mmap64, void *where, size_t size, int rights, int flags, int fd, off_t offset)
{
	return fails() ? MAP_FAILED : __real_mmap64(where, size, rights, flags, fd, offset);
}

REAL(int, memfd_create, const char *name, unsigned int flags)
{
	return fails() ? -1 : __real_memfd_create(name, flags);
}

REAL(FILE *, fopen64, const char *path, const char *mode)
{
	return fails() ? NULL : __real_fopen64(path, mode);
}
