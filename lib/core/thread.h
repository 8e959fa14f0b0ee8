/* SPDX-License-Identifier: MIT */
/* Threads of the library's own. */
#ifndef VFS_THREAD_H
#define VFS_THREAD_H

#include <pthread.h>
#include <stddef.h>

/*
 * Start one in which all signals are blocked: they are the program's, and so are its threads that
 * take them. @stack: bytes that are enough for it, 0: what is usual. The program's thread-local
 * variables are there as well; if they leave no room it is what is usual.
 *
 * Return: 0, or what pthread_create() says, negative, with a message.
 */
int vfs_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *), void *argument);

/* For one that works for somebody who is not trusted, and needs no right for that. */
void vfs_thread_drop_capabilities(void);

#endif
