/* SPDX-License-Identifier: MIT */
/* Memory that shows a file, as the window does, and what can become of it. */
#ifndef SHOWN_H
#define SHOWN_H

#include <stddef.h>

#define PAGE  4096u
#define PAGES 16u
#define SHOWN (PAGES * PAGE)

/* What byte @offset of the file is; never 0. */
unsigned char pattern(size_t offset);

struct shown {
	int fd;
	char *memory; /* SHOWN bytes */
};

/* The file is as long as the memory, and has the pattern. */
void show(struct shown *shown);
void hide(struct shown *shown);

/* The file gets @length; what it has is the pattern again. */
void set_length(const struct shown *shown, size_t length);

/* Neither SIGBUS nor SIGSEGV is handled; cmocka does so otherwise. */
void no_handlers(void);

/* The wait status of a child that calls @fn and exits with 0. It ends in some seconds. */
int status_of_child(void (*fn)(void));

/* In a child: it exits with 1 if not, and says where. */
#define must(condition) must_be(condition, #condition, __FILE__, __LINE__)
void must_be(int condition, const char *text, const char *file, int line);

#endif
