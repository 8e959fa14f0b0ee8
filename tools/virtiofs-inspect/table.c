/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "table.h"
#include "text.h"

#define GAP 2

static int make_room(struct table *table)
{
	size_t room = table->room ? 2 * table->room : 64;
	char **cells;

	if (table->count < table->room)
		return 0;
	cells = realloc(table->cells, room * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->room = room;
	return 0;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		table->incomplete = true;
		return;
	}
	if (make_room(table) < 0) {
		free(text);
		table->incomplete = true;
		return;
	}
	table->cells[table->count++] = text;
}

static unsigned int column_width(const struct table *table, size_t column)
{
	unsigned int width = 0;
	size_t i;

	for (i = column; i < table->count; i += table->columns) {
		unsigned int w = text_width(table->cells[i]);

		width = w > width ? w : width;
	}
	return width;
}

/* Nothing but the empty rest of the row follows: no trailing blanks. */
static bool row_ends(const struct table *table, size_t i)
{
	size_t end = i - i % table->columns + table->columns;

	for (i++; i < end && i < table->count; i++)
		if (table->cells[i][0])
			return false;
	return true;
}

static void print_cells(const struct table *table)
{
	size_t row;

	for (row = 0; row < table->count; row += table->columns) {
		size_t i = row;

		fputs(table->indent, stdout);
		for (;; i++) {
			unsigned int pad = column_width(table, i - row) + GAP;

			fputs(table->cells[i], stdout);
			if (row_ends(table, i))
				break;
			printf("%*s", (int)(pad - text_width(table->cells[i])), "");
		}
		putchar('\n');
	}
}

int table_print(struct table *table)
{
	size_t i;
	int r = 0;

	if (table->incomplete)
		r = vfs_error(-ENOMEM, "out of memory");
	else
		print_cells(table);
	for (i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table)TABLE(table->columns, table->indent);
	return r;
}
