/* SPDX-License-Identifier: BSD-2-Clause */

/* Memory of the oracle's tables: blocks that are halved and joined. */

#include <string.h>

#include "base/prng.h"
#include "machine/cells.h"
#include "test_main.h"

enum { BLOCKS = 64, UNIT = 512, LARGEST = 32768 };

static struct eph_machine *
machine(void)
{
	const struct eph_machine_config cfg = { .ncpus = 16 };
	struct eph_machine *mc = NULL;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	return (mc);
}

static bool
all_are(const unsigned char *p, unsigned char c, size_t bytes)
{
	return (p[0] == c && memcmp(p, p + 1, bytes - 1) == 0);
}

/* Each block keeps its own byte, and a new one is zeroed. */
static void
blocks_are_zeroed_and_never_overlap(void)
{
	struct eph_machine *mc = machine();
	unsigned char *block[BLOCKS] = { NULL };
	size_t bytes[BLOCKS];
	struct prng rng;

	eph__prng_init(&rng, 1, 0);
	for (int round = 0; round < 20000; round++) {
		const unsigned k = prng_below(&rng, BLOCKS);

		if (block[k] != NULL) {
			CU_ASSERT(all_are(
			    block[k], (unsigned char)(1 + k), bytes[k]));
			eph__cells_free(mc, block[k], bytes[k]);
			block[k] = NULL;
			continue;
		}
		/* The largest is more than a piece. */
		bytes[k] = (size_t)UNIT << prng_below(&rng, 7);
		block[k] = eph__cells_alloc(mc, bytes[k]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(block[k]);
		CU_ASSERT(all_are(block[k], 0, bytes[k]));
		memset(block[k], (int)(1 + k), bytes[k]);
	}
	for (unsigned k = 0; k < BLOCKS; k++) {
		if (block[k] != NULL)
			eph__cells_free(mc, block[k], bytes[k]);
	}
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

/* What tables left that have doubled is what the next ones are made of. */
static void
tables_that_double_leave_nothing_behind(void)
{
	struct eph_machine *mc = machine();
	const size_t before = eph_machine_memory_bytes(mc);
	void *block[BLOCKS];

	for (size_t bytes = UNIT; bytes <= LARGEST / 4; bytes *= 2) {
		for (unsigned k = 0; k < BLOCKS; k++) {
			void *old = block[k];

			block[k] = eph__cells_alloc(mc, bytes);
			CU_ASSERT_PTR_NOT_NULL_FATAL(block[k]);
			if (bytes > UNIT)
				eph__cells_free(mc, old, bytes / 2);
		}
	}
	/* Notes and one piece besides what is in use. */
	CU_ASSERT(eph_machine_memory_bytes(mc) - before <=
	    BLOCKS * (LARGEST / 4) + LARGEST);
	for (unsigned k = 0; k < BLOCKS; k++)
		eph__cells_free(mc, block[k], LARGEST / 4);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
without_memory_there_is_no_block(void)
{
	struct eph_machine *mc = machine();
	/* The state; with it, a piece's notes; the piece. */
	static const uint64_t fails[] = { 1, 2, 2 };
	void *p;

	for (unsigned i = 0; i < 3; i++) {
		eph_machine_fail_alloc(mc, fails[i]);
		CU_ASSERT_PTR_NULL(eph__cells_alloc(mc, UNIT));
		eph_machine_fail_alloc(mc, 0);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(p = eph__cells_alloc(mc, UNIT));
	eph__cells_free(mc, p, UNIT);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static CU_TestInfo tests[] = {
	TEST(blocks_are_zeroed_and_never_overlap),
	TEST(tables_that_double_leave_nothing_behind),
	TEST(without_memory_there_is_no_block),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "cells", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
