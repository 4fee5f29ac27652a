/* SPDX-License-Identifier: BSD-2-Clause */

/* The event table of S0, sf_buf as FreeBSD 4 had it, row by row. */

#include "rig_pool.h"

static void
alloc_and_last_free_cost_the_same(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.uncached", n, 2);
		for (int again = 0; again < 2; again++) {
			sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
			RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1,
			    .pte_store = 1, .invlpg_local = 1,
			    .flush_remote = n - 1, .ipi_sent = n - 1,
			    .needless_invlpg = 1, .needless_ipi = n - 1);
			pool_free(&f, n - 1, sf);
			RIG_SAW_ALL(&f, .unmap_calls = 1, .pte_store = 1,
			    .invlpg_local = 1, .flush_remote = n - 1,
			    .ipi_sent = n - 1, .needless_invlpg = 1,
			    .needless_ipi = n - 1);
		}
		rig_close(&f);
	}
}

static void
a_page_mapped_twice_has_two_buffers(void)
{
	struct rig f;
	struct sf_buf *a, *b;

	pool_open(&f, "sf_buf.uncached", 2, 2);
	a = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	b = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	CU_ASSERT_PTR_NOT_EQUAL(a, b);
	RIG_SAW_ALL(&f, .map_calls = 2, .miss = 2, .pte_store = 2,
	    .invlpg_local = 2, .flush_remote = 2, .ipi_sent = 2,
	    .needless_invlpg = 2, .needless_ipi = 2);
	pool_free(&f, 0, a);
	pool_free(&f, 0, b);
	rig_close(&f);
}

static void
reference_and_free_that_is_not_the_last_cost_nothing(void)
{
	struct rig f;
	struct sf_buf *sf;

	pool_open(&f, "sf_buf.uncached", 8, 2);
	sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	rig_mark(&f);
	eph_cpu_enter(f.mc, 3);
	sf_buf_ref(f.pool, sf);
	RIG_SAW_ALL(&f, .map_calls = 0);
	pool_free(&f, 2, sf);
	RIG_SAW_ALL(&f, .unmap_calls = 1);
	pool_free(&f, 2, sf);
	RIG_SAW_ALL(&f, .unmap_calls = 1, .pte_store = 1, .invlpg_local = 1,
	    .flush_remote = 7, .ipi_sent = 7, .needless_invlpg = 1,
	    .needless_ipi = 7);
	rig_close(&f);
}

static void
what_a_cpu_loaded_makes_its_invalidation_needed(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.uncached", n, 2);
		sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
		rig_mark(&f);
		CU_ASSERT_EQUAL(pool_read(&f, 0, sf), 7);
		CU_ASSERT_EQUAL(pool_read(&f, n - 1, sf), 7);
		CU_ASSERT_EQUAL(pool_write(&f, n - 1, sf), 7);
		RIG_SAW_ALL(
		    &f, .tlb_miss = n > 1 ? 2 : 1, .tlb_hit = n > 1 ? 1 : 2);
		pool_free(&f, 0, sf);
		RIG_SAW_ALL(&f, .unmap_calls = 1, .pte_store = 1,
		    .invlpg_local = 1, .flush_remote = n - 1, .ipi_sent = n - 1,
		    .needless_ipi = n > 1 ? n - 2 : 0);
		rig_close(&f);
	}
}

static void
the_last_slot_is_handed_out_first_and_freed_ones_before_it(void)
{
	struct rig f;
	struct sf_buf *sf[3];
	eph_va_t va[3];

	pool_open(&f, "sf_buf.uncached", 1, 3);
	for (int i = 0; i < 3; i++) {
		sf[i] = pool_alloc(&f, 0, 7, SFB_DEFAULT);
		va[i] = sf_buf_kva(f.pool, sf[i]);
	}
	CU_ASSERT_EQUAL(va[0], va[1] + EPH_PAGE_SIZE);
	CU_ASSERT_EQUAL(va[1], va[2] + EPH_PAGE_SIZE);
	pool_free(&f, 0, sf[0]);
	pool_free(&f, 0, sf[2]);
	/* Last in, first out. */
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 9, SFB_DEFAULT), sf[2]);
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 9, SFB_DEFAULT), sf[0]);
	for (int i = 0; i < 3; i++)
		pool_free(&f, 0, sf[i]);
	rig_close(&f);
}

static void
a_free_wakes_everybody(void)
{
	struct rig f;
	struct pool_sleeper sl[3] = { { .page = 1 }, { .page = 2 },
		{ .page = 3 } };
	struct sf_buf *sf;
	unsigned clock = 0;

	pool_open(&f, "sf_buf.uncached", 2, 1);
	sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	rig_mark(&f);
	for (unsigned i = 0; i < 3; i++) {
		sl[i].clock = &clock;
		CU_ASSERT_EQUAL(pool_start(&f, &sl[i], i % 2), i + 1);
	}
	RIG_SAW_ALL(&f, .sleep = 3);
	pool_free(&f, 0, sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 2);
	/* All three woke; the first has it, two found nothing. */
	RIG_SAW_ALL(&f, .unmap_calls = 1, .map_calls = 1, .miss = 1,
	    .pte_store = 2, .invlpg_local = 2, .flush_remote = 2, .ipi_sent = 2,
	    .wakeup = 3, .sleep = 2, .wakeup_spurious = 2, .needless_invlpg = 2,
	    .needless_ipi = 2);
	CU_ASSERT_EQUAL(sl[0].order, 1);
	pool_free(&f, 0, sl[0].sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	CU_ASSERT_EQUAL(sl[1].order, 2);
	pool_free(&f, 0, sl[1].sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	CU_ASSERT_EQUAL(sl[2].order, 3);
	pool_free(&f, 0, sl[2].sf);
	rig_close(&f);
}

static void
the_flush_lands_later(void)
{
	struct rig f;
	struct sf_buf *a, *b;
	uint32_t reached;

	pool_open(&f, "sf_buf.uncached", 2, 1);
	a = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	CU_ASSERT_EQUAL(pool_read(&f, 1, a), 7);
	pool_free(&f, 0, a);
	b = pool_alloc(&f, 0, 8, SFB_DEFAULT);
	/* CPU 1 goes on without having handled its interrupt. */
	f.mc->cur = f.mc->cpus[1];
	CU_ASSERT_EQUAL(eph_machine_access(f.mc, sf_buf_kva(f.pool, b),
			    EPH_TOUCH_READ, vm_page_get(f.mc, 8), &reached),
	    0);
	CU_ASSERT_EQUAL(reached, 7);
	CU_ASSERT_EQUAL(f.mc->nviolations, 1);
	/* Its next line is after the flush. */
	CU_ASSERT_EQUAL(pool_read(&f, 1, b), 8);
	CU_ASSERT_EQUAL(f.mc->nviolations, 1);
	pool_free(&f, 0, b);
	rig_close(&f);
}

static void
freeing_a_free_buffer_panics(void)
{
	struct rig f;

	pool_open(&f, "sf_buf.uncached", 2, 2);
	CU_ASSERT_TRUE(test_dies(pool_free_twice, &f, "free"));
	rig_close(&f);
}

static CU_TestInfo tests[] = {
	TEST(alloc_and_last_free_cost_the_same),
	TEST(a_page_mapped_twice_has_two_buffers),
	TEST(reference_and_free_that_is_not_the_last_cost_nothing),
	TEST(what_a_cpu_loaded_makes_its_invalidation_needed),
	TEST(the_last_slot_is_handed_out_first_and_freed_ones_before_it),
	TEST(a_free_wakes_everybody),
	TEST(the_flush_lands_later),
	TEST(freeing_a_free_buffer_panics),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "sf_buf.uncached", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
