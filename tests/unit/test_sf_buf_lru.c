/* SPDX-License-Identifier: BSD-2-Clause */

/* The event table of S1, DragonFly 2003-12-10, row by row. */

#include "ephmap/kernel/sleepq.h"
#include "rig_pool.h"

static void
miss_flushes_the_others_and_free_costs_nothing(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.lru", n, 1);
		sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .pte_store = 1,
		    .invlpg_local = 1, .flush_remote = n - 1, .ipi_sent = n - 1,
		    .needless_invlpg = 1, .needless_ipi = n - 1);
		CU_ASSERT_EQUAL(pool_read(&f, n - 1, sf), 7);
		RIG_SAW_ALL(&f, .tlb_miss = 1);
		pool_free(&f, n - 1, sf);
		RIG_SAW_ALL(&f, .unmap_calls = 1);
		/* Another page takes the buffer. */
		sf = pool_alloc(&f, 0, 8, SFB_DEFAULT);
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .invlpg_local = 1, .flush_remote = n - 1,
		    .ipi_sent = n - 1, .needless_invlpg = n > 1 ? 1 : 0,
		    .needless_ipi = n > 1 ? n - 2 : 0);
		CU_ASSERT_EQUAL(pool_read(&f, n - 1, sf), 8);
		pool_free(&f, 0, sf);
		rig_close(&f);
	}
}

static void
hits_on_any_cpu_cost_nothing(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.lru", n, 2);
		sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
		rig_mark(&f);
		/* Flags mean nothing to this version. */
		CU_ASSERT_PTR_EQUAL(
		    pool_alloc(&f, n - 1, 7, SFB_CPUPRIVATE), sf);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1);
		pool_free(&f, 0, sf);
		pool_free(&f, 0, sf);
		RIG_SAW_ALL(&f, .unmap_calls = 2);
		CU_ASSERT_PTR_EQUAL(pool_alloc(&f, n - 1, 7, SFB_DEFAULT), sf);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_inactive = 1);
		pool_free(&f, 0, sf);
		rig_close(&f);
	}
}

static void
the_least_recently_freed_is_recycled(void)
{
	struct rig f;
	struct sf_buf *sf[3];

	pool_open(&f, "sf_buf.lru", 1, 3);
	for (uint32_t i = 0; i < 3; i++)
		sf[i] = pool_alloc(&f, 0, i, SFB_DEFAULT);
	/* Lowest slot first. */
	CU_ASSERT_EQUAL(sf_buf_kva(f.pool, sf[1]),
	    sf_buf_kva(f.pool, sf[0]) + EPH_PAGE_SIZE);
	CU_ASSERT_EQUAL(sf_buf_kva(f.pool, sf[2]),
	    sf_buf_kva(f.pool, sf[1]) + EPH_PAGE_SIZE);
	pool_free(&f, 0, sf[1]);
	pool_free(&f, 0, sf[0]);
	pool_free(&f, 0, sf[2]);
	/* A hit takes page 1 off the list, its free puts it at the tail. */
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 1, SFB_DEFAULT), sf[1]);
	pool_free(&f, 0, sf[1]);
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 10, SFB_DEFAULT), sf[0]);
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 11, SFB_DEFAULT), sf[2]);
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 12, SFB_DEFAULT), sf[1]);
	for (uint32_t i = 0; i < 3; i++)
		pool_free(&f, 0, sf[i]);
	rig_close(&f);
}

static void
sleepers_that_want_one_page_end_with_two_mappings(void)
{
	struct rig f;
	struct pool_sleeper sl[2] = { { .page = 5 }, { .page = 5 } };
	struct sf_buf *a, *b;
	unsigned clock = 0;

	pool_open(&f, "sf_buf.lru", 2, 2);
	a = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	b = pool_alloc(&f, 0, 8, SFB_DEFAULT);
	for (unsigned i = 0; i < 2; i++) {
		sl[i].clock = &clock;
		CU_ASSERT_EQUAL(pool_start(&f, &sl[i], i), i + 1);
	}
	rig_mark(&f);
	pool_free(&f, 0, a);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	/* wakeup_one: the second sleeps on, though its page is there now. */
	RIG_SAW_ALL(&f, .unmap_calls = 1, .wakeup = 1, .map_calls = 1,
	    .miss = 1, .evict = 1, .pte_store = 1, .invlpg_local = 1,
	    .flush_remote = 1, .ipi_sent = 1, .needless_invlpg = 1,
	    .needless_ipi = 1);
	pool_free(&f, 0, b);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	RIG_SAW_ALL(&f, .unmap_calls = 1, .wakeup = 1, .map_calls = 1,
	    .miss = 1, .evict = 1, .pte_store = 1, .invlpg_local = 1,
	    .flush_remote = 1, .ipi_sent = 1, .needless_invlpg = 1,
	    .needless_ipi = 1);
	CU_ASSERT_PTR_NOT_EQUAL(sl[0].sf, sl[1].sf);
	CU_ASSERT_EQUAL(sl[0].order, 1);
	CU_ASSERT_EQUAL(sl[1].order, 2);
	/* The one linked last is found. */
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 5, SFB_DEFAULT), sl[1].sf);
	pool_free(&f, 0, sl[1].sf);
	pool_free(&f, 0, sl[1].sf);
	pool_free(&f, 0, sl[0].sf);
	/* When that buffer goes, the other is. */
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 6, SFB_DEFAULT), sl[1].sf);
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 5, SFB_DEFAULT), sl[0].sf);
	pool_free(&f, 0, sl[0].sf);
	pool_free(&f, 0, sl[1].sf);
	rig_close(&f);
}

static void
concurrent_uses_leak_wires(void)
{
	struct rig f;
	struct sf_buf *sf = NULL;

	pool_open(&f, "sf_buf.lru", 2, 2);
	for (int k = 0; k < 5; k++)
		sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	CU_ASSERT_EQUAL(vm_pages_wired(f.mc), 5);
	for (int k = 0; k < 5; k++)
		pool_free(&f, 0, sf);
	CU_ASSERT_EQUAL(vm_pages_wired(f.mc), 4);
	rig_close(&f);
}

static void
a_signal_takes_the_wakeup_along(void)
{
	struct rig f;
	struct pool_sleeper sl[2] = { { .page = 1, .flags = SFB_CATCH },
		{ .page = 2, .flags = SFB_CATCH } };
	struct sf_buf *sf;
	unsigned clock = 0;

	pool_open(&f, "sf_buf.lru", 2, 1);
	sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	for (unsigned i = 0; i < 2; i++) {
		sl[i].clock = &clock;
		CU_ASSERT_EQUAL(pool_start(&f, &sl[i], i), i + 1);
	}
	sleepq_signal(f.mc, sl[0].td);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	CU_ASSERT_PTR_NULL(sl[0].sf);
	CU_ASSERT_EQUAL(sl[0].order, 1);
	rig_mark(&f);
	pool_free(&f, 0, sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	CU_ASSERT_PTR_NOT_NULL(sl[1].sf);
	pool_free(&f, 0, sl[1].sf);
	rig_close(&f);
}

static void
freeing_a_free_buffer_panics(void)
{
	struct rig f;

	pool_open(&f, "sf_buf.lru", 2, 2);
	CU_ASSERT_TRUE(test_dies(pool_free_twice, &f, "free"));
	rig_close(&f);
}

static CU_TestInfo tests[] = {
	TEST(miss_flushes_the_others_and_free_costs_nothing),
	TEST(hits_on_any_cpu_cost_nothing),
	TEST(the_least_recently_freed_is_recycled),
	TEST(sleepers_that_want_one_page_end_with_two_mappings),
	TEST(concurrent_uses_leak_wires),
	TEST(a_signal_takes_the_wakeup_along),
	TEST(freeing_a_free_buffer_panics),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "sf_buf.lru", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
