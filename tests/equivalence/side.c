/* SPDX-License-Identifier: MIT */
#include "side.h"

static int close_file(struct side *side, unsigned int slot)
{
	void *file = side->files[slot];

	side->files[slot] = NULL;
	return file ? side->calls->close(file) : 0;
}

static int close_dir(struct side *side, unsigned int slot)
{
	void *dir = side->dirs[slot];

	side->dirs[slot] = NULL;
	return dir ? side->calls->closedir(dir) : 0;
}

int side_close(struct side *side)
{
	int first = 0;

	for (unsigned int i = 0; i < OP_FILES; i++) {
		int r = close_file(side, i);

		first = first ? first : r;
	}
	for (unsigned int i = 0; i < OP_DIRS; i++) {
		int r = close_dir(side, i);

		first = first ? first : r;
	}
	return first;
}

static void say_closed(int r, struct outcome *out)
{
	if (r < 0) {
		say(out, "closing what was there:");
		say_result(out, r);
	}
}

void side_put_file(struct side *side, unsigned int slot, void *file, struct outcome *out)
{
	say_closed(close_file(side, slot), out);
	side->files[slot] = file;
}

void side_put_dir(struct side *side, unsigned int slot, void *dir, struct outcome *out)
{
	say_closed(close_dir(side, slot), out);
	side->dirs[slot] = dir;
}

void side_apply(struct side *side, const struct op *op, struct outcome *outcome)
{
	int r = side->calls->become(&op_callers[op->caller]);

	outcome_begin(outcome);
	if (r < 0) {
		say(outcome, "cannot become the caller:");
		say_result(outcome, r);
		return;
	}
	if ((op->dir >= 0 && !side->files[op->dir]) || (op->dir2 >= 0 && !side->files[op->dir2]))
		say(outcome, "no such directory open");
	else
		op->kind->apply(side, op, outcome);
}

void apply_close(struct side *side, const struct op *op, struct outcome *out)
{
	if (side->files[op->slot])
		say_result(out, close_file(side, op->slot));
}

void apply_closedir(struct side *side, const struct op *op, struct outcome *out)
{
	if (side->dirs[op->slot])
		say_result(out, close_dir(side, op->slot));
}
