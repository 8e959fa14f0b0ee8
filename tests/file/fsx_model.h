/* SPDX-License-Identifier: MIT */
/* What a file has to have in it. */
#ifndef FILE_FSX_MODEL_H
#define FILE_FSX_MODEL_H

#include <stdint.h>
#include <sys/types.h>

#define FSX_SIZE_MAX (512u << 10)

struct fsx_model {
	size_t size;
	uint8_t data[FSX_SIZE_MAX]; /* zeros behind @size */
};

void fsx_model_write(struct fsx_model *model, size_t offset, const void *data, size_t length);
void fsx_model_truncate(struct fsx_model *model, size_t size);
/* Does not make it longer. */
void fsx_model_zero(struct fsx_model *model, size_t offset, size_t length);
void fsx_model_copy(struct fsx_model *model, size_t from, size_t to, size_t length);

/* How much of this can be read. */
size_t fsx_model_readable(const struct fsx_model *model, size_t offset, size_t length);

#endif
