/* SPDX-License-Identifier: MIT */
/* Which addresses a device is given, for everything that the choice depends on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/dma.h"
#include "dma/said.h"

#define DEVICE "stub 0000:00:05.0"

struct policy_case {
	const char *name;
	bool access_platform;
	enum vfs_translation translation;
	enum vfs_dma_mode mode;
	bool physical_known;
	int result;
	enum vfs_addressing choice;
	const char *says;     /* the refusal */
	const char *says_too; /* what to do about it */
	const char *warning;  /* in the log; NULL: no warning */
};

#define IOVA	 .result = 0, .choice = VFS_ADDRESSING_IOVA
#define PHYSICAL .result = 0, .choice = VFS_ADDRESSING_PHYSICAL
#define HIDDEN                                                                        \
	.result = -EPERM, .says = "may bypass the IOMMU: run as root (CAP_SYS_ADMIN", \
	.says_too = "dma=iova"
#define HIDDEN_UNTRANSLATED \
	.result = -EPERM, .says = "sees physical memory", .says_too = "run as root (CAP_SYS_ADMIN)"
#define NOTHING_TRANSLATES \
	.result = -EINVAL, .says = "dma=iova needs an IOMMU", .says_too = "none in front of"
#define OVERRIDE .warning = "dma=iova, though"
#define LOUD	 .warning = "it can reach all memory"

/* ACCESS_PLATFORM, translation, mode, physical addresses known: all of them. */
static const struct policy_case cases[] = {
	{"platform auto", 1, VFS_TRANSLATED, VFS_DMA_AUTO, 1, IOVA},
	{"platform auto hidden", 1, VFS_TRANSLATED, VFS_DMA_AUTO, 0, IOVA},
	{"platform iova", 1, VFS_TRANSLATED, VFS_DMA_IOVA, 1, IOVA},
	{"platform iova hidden", 1, VFS_TRANSLATED, VFS_DMA_IOVA, 0, IOVA},
	{"bypass auto", 0, VFS_TRANSLATED, VFS_DMA_AUTO, 1, PHYSICAL},
	{"bypass auto hidden", 0, VFS_TRANSLATED, VFS_DMA_AUTO, 0, HIDDEN},
	{"bypass iova", 0, VFS_TRANSLATED, VFS_DMA_IOVA, 1, IOVA, OVERRIDE},
	{"bypass iova hidden", 0, VFS_TRANSLATED, VFS_DMA_IOVA, 0, IOVA, OVERRIDE},
	{"no-IOMMU platform auto", 1, VFS_UNTRANSLATED, VFS_DMA_AUTO, 1, PHYSICAL, LOUD},
	{"no-IOMMU platform auto hidden", 1, VFS_UNTRANSLATED, VFS_DMA_AUTO, 0, HIDDEN_UNTRANSLATED,
		LOUD},
	{"no-IOMMU platform iova", 1, VFS_UNTRANSLATED, VFS_DMA_IOVA, 1, NOTHING_TRANSLATES},
	{"no-IOMMU platform iova hidden", 1, VFS_UNTRANSLATED, VFS_DMA_IOVA, 0, NOTHING_TRANSLATES},
	{"no-IOMMU auto", 0, VFS_UNTRANSLATED, VFS_DMA_AUTO, 1, PHYSICAL, LOUD},
	{"no-IOMMU auto hidden", 0, VFS_UNTRANSLATED, VFS_DMA_AUTO, 0, HIDDEN_UNTRANSLATED, LOUD},
	{"no-IOMMU iova", 0, VFS_UNTRANSLATED, VFS_DMA_IOVA, 1, NOTHING_TRANSLATES},
	{"no-IOMMU iova hidden", 0, VFS_UNTRANSLATED, VFS_DMA_IOVA, 0, NOTHING_TRANSLATES},
	{"table platform auto", 1, VFS_MEMORY_TABLE, VFS_DMA_AUTO, 1, IOVA},
	{"table platform auto hidden", 1, VFS_MEMORY_TABLE, VFS_DMA_AUTO, 0, IOVA},
	{"table platform iova", 1, VFS_MEMORY_TABLE, VFS_DMA_IOVA, 1, IOVA},
	{"table platform iova hidden", 1, VFS_MEMORY_TABLE, VFS_DMA_IOVA, 0, IOVA},
	{"table auto", 0, VFS_MEMORY_TABLE, VFS_DMA_AUTO, 1, IOVA},
	{"table auto hidden", 0, VFS_MEMORY_TABLE, VFS_DMA_AUTO, 0, IOVA},
	{"table iova", 0, VFS_MEMORY_TABLE, VFS_DMA_IOVA, 1, IOVA},
	{"table iova hidden", 0, VFS_MEMORY_TABLE, VFS_DMA_IOVA, 0, IOVA},
};

static void check(const struct policy_case *c)
{
	struct vfs_addressing_facts facts = {
		.access_platform = c->access_platform,
		.translation = c->translation,
		.mode = c->mode,
		.physical_known = c->physical_known,
	};
	/* Neither of the two is the right one by chance. */
	enum vfs_addressing choice = (enum vfs_addressing)99;

	said_start();
	assert_int_equal(vfs_addressing_choose(DEVICE, &facts, &choice), c->result);
	if (c->result == 0) {
		assert_int_equal(choice, c->choice);
	} else {
		assert_error_says(DEVICE);
		assert_error_says(c->says);
		assert_error_says(c->says_too);
	}
	assert_int_equal(said_lines(), c->warning ? 1 : 0);
	if (c->warning) {
		assert_said(VFS_LOG_WARNING, DEVICE);
		assert_said(VFS_LOG_WARNING, c->warning);
	}
}

static void every_combination_is_chosen_or_refused_as_it_should(void **state)
{
	unsigned int seen = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy_case *c = &cases[i];

		print_message("%s\n", c->name);
		check(c);
		seen |= 1u << ((unsigned int)c->translation << 3 |
				(unsigned int)c->access_platform << 2 | (unsigned int)c->mode << 1 |
				c->physical_known);
	}
	assert_int_equal(seen, 0xffffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_chosen_or_refused_as_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
