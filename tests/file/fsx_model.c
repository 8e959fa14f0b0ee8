/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "fsx_model.h"

static void grow(struct fsx_model *model, size_t size)
{
	if (model->size < size)
		model->size = size;
}

void fsx_model_write(struct fsx_model *model, size_t offset, const void *data, size_t length)
{
	memcpy(model->data + offset, data, length);
	grow(model, offset + length);
}

void fsx_model_truncate(struct fsx_model *model, size_t size)
{
	if (size < model->size)
		memset(model->data + size, 0, model->size - size);
	model->size = size;
}

void fsx_model_zero(struct fsx_model *model, size_t offset, size_t length)
{
	memset(model->data + offset, 0, length);
}

void fsx_model_copy(struct fsx_model *model, size_t from, size_t to, size_t length)
{
	memmove(model->data + to, model->data + from, length);
	grow(model, to + length);
}

size_t fsx_model_readable(const struct fsx_model *model, size_t offset, size_t length)
{
	if (offset >= model->size)
		return 0;
	return length < model->size - offset ? length : model->size - offset;
}
