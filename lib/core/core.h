/* SPDX-License-Identifier: MIT */
/* What every layer uses: errors, log, time, small arithmetic. */
#ifndef VFS_CORE_H
#define VFS_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/error.h>
#include <vfs/log.h>

#define VFS_EXPORT __attribute__((visibility("default")))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static inline bool is_power_of_2(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Bytes of a thread's message, its NUL included. */
#define VFS_ERROR_MAX 512

/* Set the thread's message and return @error (negative errno), for `return vfs_error(...)`. */
int vfs_error(int error, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));

/* How many messages this thread has set: whether there was one since. */
unsigned int vfs_error_count(void);

/* Put "<prefix>: " before the thread's message. */
void vfs_error_prefix(const char *format, ...) __attribute__((format(printf, 1, 2)));

void vfs_log(enum vfs_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Monotonic time. */
uint64_t vfs_now_ns(void);

/* A point in time that a bounded wait must not pass. */
struct vfs_deadline {
	uint64_t ns;
};

struct vfs_deadline vfs_deadline_in(unsigned int timeout_ms);
bool vfs_deadline_passed(struct vfs_deadline deadline);

/* Milliseconds left, rounded up, for poll(2). */
int vfs_deadline_left_ms(struct vfs_deadline deadline);

/* Let the processor know that this thread only waits for memory to change. */
static inline void vfs_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* An eventfd that never blocks, or -errno with a message. */
int vfs_eventfd_create(void);

/* Make an eventfd readable. */
void vfs_eventfd_signal(int fd);

/* Empty an eventfd. False: it was empty. */
bool vfs_eventfd_clear(int fd);

#endif
