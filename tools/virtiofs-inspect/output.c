/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "table.h"
#include "text.h"

#define COLUMNS_MAX 24u
#define DEPTH_MAX   8u

struct output {
	bool json;
	bool incomplete;
	/* JSON: is there something in each of what is open? */
	bool some[DEPTH_MAX];
	unsigned int depth;
	bool in_row;
	bool in_list;
	bool named; /* the list is */
	/* A table is laid out when its first row is complete. */
	struct table table;
	char *titles[COLUMNS_MAX];
	unsigned int columns;
	unsigned int rows;
	char **cells; /* of the first row */
};

struct output *output_begin(bool json)
{
	struct output *output = calloc(1, sizeof(*output));

	if (!output) {
		vfs_error(-ENOMEM, "out of memory");
		return NULL;
	}
	output->json = json;
	if (json)
		putchar('[');
	return output;
}

int output_end(struct output *output)
{
	int r = output->incomplete ? vfs_error(-ENOMEM, "out of memory") : 0;

	if (output->json)
		puts(output->some[0] ? "\n]" : "]");
	free(output);
	return r;
}

/* ---- JSON ---- */

static void put_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void put_separator(struct output *output)
{
	if (output->some[output->depth])
		putchar(',');
	output->some[output->depth] = true;
}

static void put_line(struct output *output)
{
	put_separator(output);
	printf("\n%*s", (int)output->depth + 1, "");
}

static void put_name(struct output *output, const char *name)
{
	put_separator(output);
	put_string(name);
	fputs(": ", stdout);
}

static void enter(struct output *output, char bracket)
{
	putchar(bracket);
	output->depth = output->depth + 1 < DEPTH_MAX ? output->depth + 1 : output->depth;
	output->some[output->depth] = false;
}

static void leave(struct output *output, char bracket)
{
	output->depth -= output->depth > 0;
	putchar(bracket);
}

static void end_row(struct output *output)
{
	if (output->in_row && output->json)
		leave(output, '}');
	output->in_row = false;
}

/* ---- tables ---- */

static void forget_titles(struct output *output)
{
	for (unsigned int i = 0; i < output->columns; i++)
		free(output->titles[i]);
	output->columns = 0;
}

/* "max_ns" -> "MAX" */
static char *title_of(const char *name)
{
	size_t length = strlen(name);
	char *title;

	if (length > 3 && strcmp(name + length - 3, "_ns") == 0)
		length -= 3;
	title = strndup(name, length);
	for (char *c = title; c && *c; c++)
		*c = *c == '_' ? ' ' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	return title;
}

/* The first row waits until it is known how many columns there are. */
static void lay_out(struct output *output)
{
	struct table waiting = output->table;

	if (output->rows != 1)
		return;
	output->table = (struct table)TABLE(output->columns, waiting.indent);
	for (unsigned int i = 0; i < output->columns; i++)
		table_cell(&output->table, "%s", output->titles[i]);
	for (size_t i = 0; i < waiting.count; i++) {
		table_cell(&output->table, "%s", waiting.cells[i]);
		free(waiting.cells[i]);
	}
	free(waiting.cells);
	output->incomplete |= waiting.incomplete;
}

static void add_cell(struct output *output, const char *name, const char *text)
{
	/* It is in the heading. */
	if (!output->in_list)
		return;
	if (output->rows == 1) {
		char *title = output->columns < COLUMNS_MAX ? title_of(name) : NULL;

		if (!title) {
			output->incomplete = true;
			return;
		}
		output->titles[output->columns++] = title;
	}
	table_cell(&output->table, "%s", text);
}

/* ---- what they are for ---- */

void output_open(struct output *output, const char *heading)
{
	output->in_list = false;
	if (!output->json) {
		puts(heading);
		return;
	}
	put_line(output);
	enter(output, '{');
}

void output_close(struct output *output)
{
	if (output->json)
		leave(output, '}');
}

void output_list(struct output *output, const char *name)
{
	output->rows = 0;
	output->table = (struct table)TABLE(1, name ? "  " : "");
	output->in_list = true;
	output->named = name != NULL;
	if (!output->json || !name)
		return;
	put_name(output, name);
	enter(output, '[');
}

void output_list_end(struct output *output)
{
	end_row(output);
	output->in_list = false;
	if (output->json) {
		if (output->named)
			leave(output, ']');
		return;
	}
	lay_out(output);
	if (output->rows && table_print(&output->table) < 0)
		output->incomplete = true;
	output->rows = 0;
	forget_titles(output);
}

void output_row(struct output *output)
{
	end_row(output);
	if (output->json) {
		put_line(output);
		enter(output, '{');
	} else {
		lay_out(output);
	}
	output->rows++;
	output->in_row = true;
}

void output_text(struct output *output, const char *name, const char *format, ...)
{
	char *text;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		output->incomplete = true;
		return;
	}
	if (output->json) {
		put_name(output, name);
		put_string(text);
	} else {
		add_cell(output, name, text);
	}
	free(text);
}

/* @text: for people */
static void put_number(struct output *output, const char *name, uint64_t number, const char *text)
{
	if (!output->json) {
		add_cell(output, name, text);
		return;
	}
	put_name(output, name);
	printf("%" PRIu64, number);
}

void output_number(struct output *output, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	put_number(output, name, number, text);
}

/* @json is what it is there. */
static void put_other(struct output *output, const char *name, const char *json, const char *text)
{
	if (!output->json) {
		add_cell(output, name, text);
		return;
	}
	put_name(output, name);
	fputs(json, stdout);
}

void output_flag(struct output *output, const char *name, bool flag)
{
	put_other(output, name, flag ? "true" : "false", flag ? "yes" : "no");
}

void output_maybe(struct output *output, const char *name, int64_t number)
{
	if (number >= 0)
		output_number(output, name, (uint64_t)number);
	else
		put_other(output, name, "null", "-");
}

void output_hex(struct output *output, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, number);
	put_number(output, name, number, text);
}

void output_bytes(struct output *output, const char *name, uint64_t bytes)
{
	static const char *const units[] = {"", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
	unsigned int unit = 0;
	char text[TEXT_SIZE_MAX];
	double value = (double)bytes;

	for (; value >= 10000 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1024;
	snprintf(text, sizeof(text), "%.0f%s", value, units[unit]);
	put_number(output, name, bytes, text);
}

char *output_time(uint64_t ns, char out[OUTPUT_TIME_MAX])
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};

	for (unsigned int i = 0; i < ARRAY_SIZE(units); i++) {
		double value = (double)ns / units[i].ns;

		if (value < 1)
			continue;
		snprintf(out, OUTPUT_TIME_MAX, value < 100 ? "%.1f %s" : "%.0f %s", value,
			units[i].name);
		return out;
	}
	snprintf(out, OUTPUT_TIME_MAX, "%" PRIu64 " ns", ns);
	return out;
}

void output_ns(struct output *output, const char *name, uint64_t ns)
{
	char text[OUTPUT_TIME_MAX];

	put_number(output, name, ns, ns ? output_time(ns, text) : "-");
}
