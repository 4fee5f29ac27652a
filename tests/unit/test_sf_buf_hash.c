/* SPDX-License-Identifier: BSD-2-Clause */

/* The event table of FreeBSD i386 1.219: S1's hash, unmapped at last free. */

#include "rig_pool.h"

static void
miss_and_last_free_invalidate_everywhere(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.hash", n, 2);
		for (int again = 0; again < 2; again++) {
			/* The buffer forgot its page: never a hit, no evict. */
			sf = pool_alloc(&f, n - 1, 7, SFB_DEFAULT);
			RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1,
			    .pte_store = 1, .invlpg_local = 1,
			    .invlpg_remote = n - 1, .ipi_sent = n - 1,
			    .needless_invlpg = n, .needless_ipi = n - 1);
			pool_free(&f, 0, sf);
			RIG_SAW_ALL(&f, .unmap_calls = 1, .pte_store = 1,
			    .invlpg_local = 1, .invlpg_remote = n - 1,
			    .ipi_sent = n - 1, .needless_invlpg = n,
			    .needless_ipi = n - 1);
		}
		rig_close(&f);
	}
}

static void
a_hit_on_any_cpu_costs_nothing(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.hash", n, 2);
		sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
		rig_mark(&f);
		CU_ASSERT_PTR_EQUAL(pool_alloc(&f, n - 1, 7, SFB_DEFAULT), sf);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1);
		pool_free(&f, n - 1, sf);
		RIG_SAW_ALL(&f, .unmap_calls = 1);
		pool_free(&f, n - 1, sf);
		rig_close(&f);
	}
}

static void
only_cpus_that_loaded_needed_the_removal(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.hash", n, 2);
		sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
		CU_ASSERT_EQUAL(pool_read(&f, n - 1, sf), 7);
		rig_mark(&f);
		pool_free(&f, 0, sf);
		RIG_SAW_ALL(&f, .unmap_calls = 1, .pte_store = 1,
		    .invlpg_local = 1, .invlpg_remote = n - 1,
		    .ipi_sent = n - 1, .needless_invlpg = n - 1,
		    .needless_ipi = n > 1 ? n - 2 : 0);
		rig_close(&f);
	}
}

static void
a_free_wakes_the_first_sleeper_only(void)
{
	struct rig f;
	struct pool_sleeper sl[2] = { { .page = 1 }, { .page = 1 } };
	struct sf_buf *sf;
	unsigned clock = 0;

	pool_open(&f, "sf_buf.hash", 2, 1);
	sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	for (unsigned i = 0; i < 2; i++) {
		sl[i].clock = &clock;
		CU_ASSERT_EQUAL(pool_start(&f, &sl[i], i), i + 1);
	}
	rig_mark(&f);
	pool_free(&f, 0, sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	RIG_SAW_ALL(&f, .unmap_calls = 1, .wakeup = 1, .map_calls = 1,
	    .miss = 1, .pte_store = 2, .invlpg_local = 2, .invlpg_remote = 2,
	    .ipi_sent = 2, .needless_invlpg = 4, .needless_ipi = 2);
	CU_ASSERT_EQUAL(sl[0].order, 1);
	/* The other wanted the same page, but does not look again. */
	pool_free(&f, 0, sl[0].sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	RIG_SAW_ALL(&f, .unmap_calls = 1, .wakeup = 1, .map_calls = 1,
	    .miss = 1, .pte_store = 2, .invlpg_local = 2, .invlpg_remote = 2,
	    .ipi_sent = 2, .needless_invlpg = 4, .needless_ipi = 2);
	pool_free(&f, 0, sl[1].sf);
	rig_close(&f);
}

static void
freeing_a_free_buffer_panics(void)
{
	struct rig f;

	pool_open(&f, "sf_buf.hash", 2, 2);
	CU_ASSERT_TRUE(test_dies(pool_free_twice, &f, "free"));
	rig_close(&f);
}

static CU_TestInfo tests[] = {
	TEST(miss_and_last_free_invalidate_everywhere),
	TEST(a_hit_on_any_cpu_costs_nothing),
	TEST(only_cpus_that_loaded_needed_the_removal),
	TEST(a_free_wakes_the_first_sleeper_only),
	TEST(freeing_a_free_buffer_panics),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "sf_buf.hash", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
