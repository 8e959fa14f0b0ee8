/* SPDX-License-Identifier: MIT */
/* The table of nodes, with as many as it was not made for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nodes.h"

#define MANY 10000u

/* As a server may number them: one after the other, or by addresses. */
static uint64_t id_of(unsigned int i)
{
	return i % 2 ? i : 0x7f0000000000u + i * 64ull;
}

static void nothing_is_found_in_an_empty_table(void **state)
{
	struct nodes nodes = {0};

	(void)state;
	assert_null(nodes_find(&nodes, 1));
	nodes_free(&nodes);
}

static void each_is_found_until_it_is_removed(void **state)
{
	struct nodes nodes = {0};
	struct node *node;
	unsigned int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		node = nodes_get(&nodes, id_of(i));
		assert_non_null(node);
		assert_int_equal(node->id, id_of(i));
		assert_int_equal(node->changing, 0);
		node->changing = i;
	}
	assert_int_equal(nodes.count, MANY);
	for (i = 0; i < MANY; i++) {
		node = nodes_get(&nodes, id_of(i));
		assert_int_equal(node->changing, i);
	}
	assert_int_equal(nodes.count, MANY);
	for (i = 0; i < MANY; i += 3)
		nodes_remove(&nodes, nodes_find(&nodes, id_of(i)));
	for (i = 0; i < MANY; i++) {
		node = nodes_find(&nodes, id_of(i));
		assert_int_equal(!node, i % 3 == 0);
		if (node)
			assert_int_equal(node->changing, i);
	}
	nodes_free(&nodes);
	assert_int_equal(nodes.count, 0);
}

/* Whoever asks for it has more to say of it. */
static void what_is_asked_for_again_is_not_forgotten(void **state)
{
	struct nodes nodes = {0};
	struct node *node = nodes_get(&nodes, 7);

	(void)state;
	assert_non_null(node);
	node->forgotten = true;
	assert_ptr_equal(nodes_find(&nodes, 7), node);
	assert_true(node->forgotten);
	assert_ptr_equal(nodes_get(&nodes, 7), node);
	assert_false(node->forgotten);
	nodes_free(&nodes);
}

static void count_one(struct node *node, void *ctx)
{
	unsigned int *seen = ctx;

	*seen += node->id == 7 || node->id == 7 + 64;
}

static void all_are_visited(void **state)
{
	struct nodes nodes = {0};
	unsigned int seen = 0;

	(void)state;
	nodes_visit(&nodes, count_one, &seen);
	assert_int_equal(seen, 0);
	assert_non_null(nodes_get(&nodes, 7));
	assert_non_null(nodes_get(&nodes, 7 + 64));
	nodes_visit(&nodes, count_one, &seen);
	assert_int_equal(seen, 2);
	nodes_free(&nodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_found_in_an_empty_table),
		cmocka_unit_test(each_is_found_until_it_is_removed),
		cmocka_unit_test(what_is_asked_for_again_is_not_forgotten),
		cmocka_unit_test(all_are_visited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
