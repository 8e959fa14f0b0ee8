/* SPDX-License-Identifier: MIT */
/*
 * Copies that end where there is nothing behind the window.
 *
 * If a handler catches faults, a copy is memcpy() with a place to jump to from the handler.
 * memcpy() goes through memory in any order, so after a fault it is not known what was copied; then
 * it is all done once more, page by page upwards, which tells exactly.
 *
 * Otherwise a copy is a system call. The window is always its local side, since the kernel accesses
 * that as the process would (copy_from_user()), and faults shorten the copy. Pages of the remote
 * side are pinned instead, which is refused for memory of a PCI function.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/core.h"
#include "dax/guard.h"

/* Pages are this large or a multiple of it. */
#define PAGE ((size_t)4096)

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

/* Others write to the window meanwhile, as they do to any file: no race of the library's. */
#define UNCHECKED __attribute__((noinline, no_sanitize("thread")))

/* What is copied. */
struct piece {
	char *window;
	char *memory;
	size_t size;
	bool into;
};

typedef uint64_t __attribute__((may_alias)) aligned_word;

/* At any address. */
struct any_word {
	uint64_t word;
} __attribute__((packed, may_alias));

/* A copy that the handler may end. */
struct guarded {
	uintptr_t start;
	size_t size;
	struct guarded *outer; /* what this one has interrupted, from a signal handler */
	volatile size_t done;
	sigjmp_buf out;
};

/* Of the initial executable, as others may allocate memory when a handler uses them first. */
static __thread struct {
	struct guarded *active;
	bool unblocked; /* it was seen that faults can be caught */
} thread __attribute__((tls_model("initial-exec")));

/* No handler looks at @active, and memory, before what is above has been done. */
static void set_active(struct guarded *guarded)
{
	atomic_signal_fence(memory_order_seq_cst);
	thread.active = guarded;
	atomic_signal_fence(memory_order_seq_cst);
}

/*
 * Upwards, with aligned accesses to the window: it may be memory of a device, which processors of
 * some kinds access in no other way.
 */
UNCHECKED static void read_upwards(char *to, const volatile char *window, size_t size)
{
	for (; size && (uintptr_t)window % sizeof(uint64_t); size--)
		*to++ = *window++;
	for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t)) {
		((struct any_word *)(void *)to)->word = *(const volatile aligned_word *)window;
		to += sizeof(uint64_t);
		window += sizeof(uint64_t);
	}
	while (size--)
		*to++ = *window++;
}

UNCHECKED static void write_upwards(volatile char *window, const char *from, size_t size)
{
	for (; size && (uintptr_t)window % sizeof(uint64_t); size--)
		*window++ = *from++;
	for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t)) {
		*(volatile aligned_word *)window =
			((const struct any_word *)(const void *)from)->word;
		from += sizeof(uint64_t);
		window += sizeof(uint64_t);
	}
	while (size--)
		*window++ = *from++;
}

static void move(void *to, const void *from, size_t size)
{
#if UNDER_TSAN
	read_upwards(to, from, size);
#else
	memcpy(to, from, size);
#endif
}

static void move_upwards(const struct piece *piece, size_t done, size_t size)
{
	if (piece->into)
		write_upwards(piece->window + done, piece->memory + done, size);
	else
		read_upwards(piece->memory + done, piece->window + done, size);
}

/* To the end of the window's page. */
static size_t rest_of_page(const struct piece *piece, size_t done)
{
	uintptr_t at = (uintptr_t)piece->window + done;

	return min_size(piece->size - done, PAGE - at % PAGE);
}

/* A page is there or not, as a whole. */
static size_t try_pages(const struct piece *piece)
{
	struct guarded guarded;

	guarded.start = (uintptr_t)piece->window;
	guarded.size = piece->size;
	guarded.outer = thread.active;
	guarded.done = 0;
	if (sigsetjmp(guarded.out, 0) == 0) {
		set_active(&guarded);
		while (guarded.done < piece->size) {
			size_t size = rest_of_page(piece, guarded.done);

			move_upwards(piece, guarded.done, size);
			guarded.done += size;
		}
	}
	set_active(guarded.outer);
	return guarded.done;
}

/*
 * The kernel may be content with less than there is, and then has to be asked again. The thread's
 * own id is always one with this memory; that of the process is not, once its first thread has
 * ended.
 */
static ssize_t call(const struct piece *piece)
{
	const struct iovec window = {.iov_base = piece->window, .iov_len = piece->size};
	const struct iovec memory = {.iov_base = piece->memory, .iov_len = piece->size};

	/* Not by the C library: sanitizers take that for accesses of the program. */
	return syscall(piece->into ? SYS_process_vm_readv : SYS_process_vm_writev, gettid(),
		&window, 1UL, &memory, 1UL, 0UL);
}

/*
 * The kernel does not say whose fault it was. Memory that cannot be pinned, as that of another
 * function, is fine, and one that is not there is the caller's fault, which is raised here.
 */
static ssize_t call_by_stack(const struct piece *piece)
{
	char stack[PAGE];
	const struct piece part = {
		.window = piece->window,
		.memory = stack,
		.size = rest_of_page(piece, 0),
		.into = piece->into,
	};
	ssize_t done;

	if (piece->into)
		memcpy(stack, piece->memory, part.size);
	done = call(&part);
	if (!piece->into && done > 0)
		memcpy(piece->memory, stack, (size_t)done);
	return done;
}

static size_t copy_by_calls(const struct piece *piece)
{
	struct piece left = *piece;
	int saved = errno;

	while (left.size) {
		ssize_t done = call(&left);

		if (done <= 0)
			done = call_by_stack(&left);
		if (done <= 0)
			break;
		left.window += done;
		left.memory += done;
		left.size -= (size_t)done;
	}
	errno = saved;
	return piece->size - left.size;
}

int vfs_guard_try_calls(void)
{
	uint64_t window = 0;
	uint64_t memory = 0;
	struct piece piece = {
		.window = (char *)&window,
		.memory = (char *)&memory,
		.size = sizeof(window),
	};

	if (call(&piece) < 0)
		return -errno;
	piece.into = true;
	return call(&piece) < 0 ? -errno : 0;
}

/* A fault that is blocked cannot be caught: it kills. */
static __attribute__((noinline)) bool look_at_mask(void)
{
	sigset_t blocked;

	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	thread.unblocked = !sigismember(&blocked, SIGBUS) && !sigismember(&blocked, SIGSEGV);
	return thread.unblocked;
}

static struct piece piece_of(void *to, const void *from, size_t size, const void *window)
{
	bool into = window == to;
	char *memory = into ? (char *)from : to;

	return (struct piece){
		.window = (char *)window, .memory = memory, .size = size, .into = into};
}

static __attribute__((noinline)) size_t try_again(
	void *to, const void *from, size_t size, const void *window)
{
	const struct piece piece = piece_of(to, from, size, window);

	return try_pages(&piece);
}

/* Few instructions, as they are what most copies cost; what is in memory anyway is taken from
 * there. */
static __attribute__((noinline)) size_t try_at_once(
	void *to, const void *from, size_t size, const void *window)
{
	struct guarded guarded;

	guarded.start = (uintptr_t)window;
	guarded.size = size;
	guarded.outer = thread.active;
	if (sigsetjmp(guarded.out, 0) == 0) {
		set_active(&guarded);
		move(to, from, guarded.size);
		set_active(guarded.outer);
		return guarded.size;
	}
	set_active(guarded.outer);
	return try_again(to, from, guarded.size, (const void *)guarded.start);
}

/* The first copy of a thread, and all if faults cannot be caught. */
static __attribute__((noinline)) size_t look_and_copy(
	void *to, const void *from, size_t size, const void *window)
{
	const struct piece piece = piece_of(to, from, size, window);

	if (atomic_load_explicit(&vfs_guard_catches, memory_order_relaxed) && look_at_mask())
		return try_at_once(to, from, size, window);
	return copy_by_calls(&piece);
}

static bool is_caught(void)
{
	return atomic_load_explicit(&vfs_guard_catches, memory_order_relaxed) && thread.unblocked;
}

VFS_EXPORT size_t vfs_copy_from_map(void *to, const void *map, size_t size)
{
	if (is_caught())
		return try_at_once(to, map, size, map);
	return look_and_copy(to, map, size, map);
}

VFS_EXPORT size_t vfs_copy_to_map(void *map, const void *from, size_t size)
{
	if (is_caught())
		return try_at_once(map, from, size, map);
	return look_and_copy(map, from, size, map);
}

/* Some faults come with the address of the page. Nothing else is in a page of the window. */
static bool is_in(const struct guarded *guarded, uintptr_t address)
{
	uintptr_t first = guarded->start & ~(uintptr_t)(PAGE - 1);

	return address >= first && address - first < guarded->size + (guarded->start - first);
}

/* That of the program's handler is in force, and nothing is returned to that would end it. */
static void restore_mask(const ucontext_t *context)
{
	sigset_t mask;

	/* The kernel's own is shorter than the C library's. */
	sigemptyset(&mask);
	memcpy(&mask, &context->uc_sigmask, _NSIG / 8);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

VFS_EXPORT bool vfs_fault_handle(int signal, const void *info, void *context)
{
	const siginfo_t *fault = info;
	struct guarded *guarded = thread.active;

	if (!guarded || (signal != SIGBUS && signal != SIGSEGV) || fault->si_code <= 0)
		return false;
	if (!is_in(guarded, (uintptr_t)fault->si_addr))
		return false;
	restore_mask(context);
	siglongjmp(guarded->out, 1);
}
