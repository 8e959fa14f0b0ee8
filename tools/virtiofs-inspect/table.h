/* SPDX-License-Identifier: MIT */
/* Text in aligned columns. */
#ifndef INSPECT_TABLE_H
#define INSPECT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table {
	unsigned int columns;
	const char *indent;
	char **cells; /* row by row */
	size_t count;
	size_t room;
	bool incomplete; /* there was no memory for a cell */
};

#define TABLE(columns_, indent_)                           \
	{                                                  \
		.columns = (columns_), .indent = (indent_) \
	}

/* The next cell; rows follow one another. Printable text, see text_escape(). */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print and free it. -ENOMEM if cells are missing. */
int table_print(struct table *table);

#endif
