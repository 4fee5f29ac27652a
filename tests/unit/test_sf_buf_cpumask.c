/* SPDX-License-Identifier: BSD-2-Clause */

/* The event table of S2, DragonFly 24712b9068 (2004-04-01), row by row. */

#include <string.h>

#include "ephmap/kernel/sleepq.h"
#include "rig_pool.h"

/* What a synchronous shootdown of one page costs; nothing was loaded. */
#define SYNC(n)                                                                \
	.invlpg_local = 1, .invlpg_remote = (n)-1, .ipi_sent = (n)-1,          \
	.ipiq_msg = (n)-1, .needless_invlpg = (n), .needless_ipi = (n)-1
#define QUICK .invlpg_local = 1, .needless_invlpg = 1

static void
misses(void)
{
	struct rig f;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.cpumask", n, 1);
		pool_free(&f, 0, pool_alloc(&f, 0, 7, SFB_CPUPRIVATE));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .pte_store = 1,
		    .unmap_calls = 1, QUICK);
		pool_free(&f, n - 1, pool_alloc(&f, n - 1, 8, SFB_CPUPRIVATE));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .unmap_calls = 1, QUICK);
		pool_free(&f, n - 1, pool_alloc(&f, 0, 9, SFB_DEFAULT));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .unmap_calls = 1, SYNC(n));
		rig_close(&f);
		pool_open(&f, "sf_buf.cpumask", n, 1);
		pool_free(&f, 0, pool_alloc(&f, 0, 9, SFB_DEFAULT));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .pte_store = 1,
		    .unmap_calls = 1, SYNC(n));
		rig_close(&f);
	}
}

static void
private_hits(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		if (n == 1)
			continue;
		pool_open(&f, "sf_buf.cpumask", n, 2);
		sf = pool_alloc(&f, 0, 7, SFB_CPUPRIVATE);
		rig_mark(&f);
		pool_alloc(&f, 0, 7, SFB_CPUPRIVATE);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1);
		pool_alloc(&f, n - 1, 7, SFB_CPUPRIVATE);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1, QUICK);
		pool_alloc(&f, n - 1, 7, SFB_CPUPRIVATE);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1);
		for (int k = 0; k < 4; k++)
			pool_free(&f, 0, sf);
		RIG_SAW_ALL(&f, .unmap_calls = 4);
		pool_alloc(&f, n - 1, 7, SFB_CPUPRIVATE);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_inactive = 1);
		pool_free(&f, 0, sf);
		rig_close(&f);
	}
}

static void
shared_hits(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.cpumask", n, 2);
		sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
		rig_mark(&f);
		/* All-ones: nothing more, shared or private, anywhere. */
		pool_alloc(&f, n - 1, 7, SFB_DEFAULT);
		pool_alloc(&f, n / 2, 7, SFB_CPUPRIVATE);
		RIG_SAW_ALL(&f, .map_calls = 2, .hit_active = 2);
		for (int k = 0; k < 3; k++)
			pool_free(&f, 0, sf);
		/* A private miss, then a shared hit: the full price once. */
		sf = pool_alloc(&f, 0, 8, SFB_CPUPRIVATE);
		pool_free(&f, 0, sf);
		rig_mark(&f);
		pool_alloc(&f, 0, 8, SFB_DEFAULT);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_inactive = 1, SYNC(n));
		pool_alloc(&f, 0, 8, SFB_DEFAULT);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1);
		pool_free(&f, 0, sf);
		pool_free(&f, 0, sf);
		rig_close(&f);
	}
}

static void
the_mask_is_tested_against_32_bits(void)
{
	struct rig f;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.cpumask", n, 1);
		pool_private_everywhere(&f, 7, EPH_NONE);
		rig_mark(&f);
		pool_free(&f, 0, pool_alloc(&f, 0, 7, SFB_DEFAULT));
		if (n < 32) {
			RIG_SAW_ALL(&f, .map_calls = 1, .hit_inactive = 1,
			    .unmap_calls = 1, SYNC(n));
		} else {
			RIG_SAW_ALL(&f, .map_calls = 1, .hit_inactive = 1,
			    .unmap_calls = 1);
		}
		/* All but one: never all-ones. */
		pool_private_everywhere(&f, 8, n - 1);
		if (n == 1)
			pool_free(&f, 0, pool_alloc(&f, 0, 8, SFB_CPUPRIVATE));
		rig_mark(&f);
		pool_free(&f, 0, pool_alloc(&f, 0, 8, SFB_DEFAULT));
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_inactive = 1,
		    .unmap_calls = 1, SYNC(n));
		rig_close(&f);
	}
}

static void
quick_0_treats_private_as_shared(void)
{
	struct rig f;
	const struct eph_sysctl *sc;

	pool_open(&f, "sf_buf.cpumask", 8, 1);
	sc = sf_buf_pool_design(f.pool)->sysctls;
	while (sc->name != NULL && strcmp(sc->name, "debug.sfbuf_quick") != 0)
		sc++;
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc->name);
	CU_ASSERT_EQUAL(sc->get(sf_buf_pool_state(f.pool)), 1);
	CU_ASSERT_EQUAL(sc->set(sf_buf_pool_state(f.pool), 0), 0);
	pool_free(&f, 0, pool_alloc(&f, 0, 7, SFB_CPUPRIVATE));
	RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .pte_store = 1,
	    .unmap_calls = 1, SYNC(8));
	pool_free(&f, 0, pool_alloc(&f, 3, 7, SFB_CPUPRIVATE));
	RIG_SAW_ALL(&f, .map_calls = 1, .hit_inactive = 1, .unmap_calls = 1);
	rig_close(&f);
}

static void
a_hit_leaves_the_buffer_at_its_place_on_the_list(void)
{
	struct rig f;
	struct sf_buf *sf[3];

	pool_open(&f, "sf_buf.cpumask", 1, 3);
	for (uint32_t i = 0; i < 3; i++) {
		sf[i] = pool_alloc(&f, 0, i, SFB_DEFAULT);
		pool_free(&f, 0, sf[i]);
	}
	CU_ASSERT_EQUAL(sf_buf_kva(f.pool, sf[1]),
	    sf_buf_kva(f.pool, sf[0]) + EPH_PAGE_SIZE);
	/* Page 0 is hit many times and still goes first. */
	for (int k = 0; k < 100; k++)
		pool_free(&f, 0, pool_alloc(&f, 0, 0, SFB_DEFAULT));
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 10, SFB_DEFAULT), sf[0]);
	pool_free(&f, 0, sf[0]);
	rig_close(&f);
}

static void
a_referenced_buffer_at_the_head_is_dropped_and_comes_back_at_the_tail(void)
{
	struct rig f;
	struct sf_buf *sf[3];

	pool_open(&f, "sf_buf.cpumask", 1, 3);
	for (uint32_t i = 0; i < 3; i++) {
		sf[i] = pool_alloc(&f, 0, i, SFB_DEFAULT);
		pool_free(&f, 0, sf[i]);
	}
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 0, SFB_DEFAULT), sf[0]);
	/* The list is 0 1 2 with 0 referenced. */
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 10, SFB_DEFAULT), sf[1]);
	pool_free(&f, 0, sf[0]);
	pool_free(&f, 0, sf[1]);
	/* Now 2 0 1. */
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 11, SFB_DEFAULT), sf[2]);
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 12, SFB_DEFAULT), sf[0]);
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 13, SFB_DEFAULT), sf[1]);
	for (uint32_t i = 0; i < 3; i++)
		pool_free(&f, 0, sf[i]);
	rig_close(&f);
}

static void
only_an_insertion_wakes_a_sleeper(void)
{
	struct rig f;
	struct pool_sleeper sl[3] = { { .page = 1 }, { .page = 2 },
		{ .page = 3 } };
	struct sf_buf *a, *b, *again;
	unsigned clock = 0;

	pool_open(&f, "sf_buf.cpumask", 2, 2);
	a = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	b = pool_alloc(&f, 0, 8, SFB_DEFAULT);
	for (unsigned i = 0; i < 3; i++) {
		sl[i].clock = &clock;
		CU_ASSERT_EQUAL(pool_start(&f, &sl[i], i % 2), i + 1);
	}
	rig_mark(&f);
	/* Freed (wakes the first), hit again, and freed while on the list. */
	pool_free(&f, 0, a);
	again = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	CU_ASSERT_PTR_EQUAL(again, a);
	pool_free(&f, 0, again);
	RIG_SAW_ALL(&f, .unmap_calls = 2, .map_calls = 1, .hit_inactive = 1,
	    .wakeup = 1);
	CU_ASSERT_EQUAL(eph_run(f.mc), 2);
	RIG_SAW_ALL(
	    &f, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1, SYNC(2));
	CU_ASSERT_EQUAL(sl[0].order, 1);
	pool_free(&f, 0, b);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	pool_free(&f, 0, sl[0].sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	CU_ASSERT_EQUAL(sl[2].order, 3);
	pool_free(&f, 0, sl[1].sf);
	pool_free(&f, 0, sl[2].sf);
	rig_close(&f);
}

static void
a_signal_ends_the_wait_only_with_catch(void)
{
	struct rig f;
	struct pool_sleeper sl[2] = { { .page = 1 },
		{ .page = 2, .flags = SFB_CATCH } };
	struct sf_buf *sf;
	unsigned clock = 0;

	pool_open(&f, "sf_buf.cpumask", 2, 1);
	sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	for (unsigned i = 0; i < 2; i++) {
		sl[i].clock = &clock;
		CU_ASSERT_EQUAL(pool_start(&f, &sl[i], i), i + 1);
		sleepq_signal(f.mc, sl[i].td);
	}
	rig_mark(&f);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	RIG_SAW_ALL(&f, .map_calls = 1, .map_fail = 1);
	CU_ASSERT_EQUAL(sl[1].order, 1);
	CU_ASSERT_PTR_NULL(sl[1].sf);
	pool_free(&f, 0, sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	CU_ASSERT_PTR_NOT_NULL(sl[0].sf);
	pool_free(&f, 0, sl[0].sf);
	rig_close(&f);
}

static void
a_private_mapping_on_another_cpu_is_stale(void)
{
	struct rig f;
	struct sf_buf *sf;

	pool_open(&f, "sf_buf.cpumask", 2, 1);
	sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	CU_ASSERT_EQUAL(pool_read(&f, 1, sf), 7);
	pool_free(&f, 0, sf);
	sf = pool_alloc(&f, 0, 8, SFB_CPUPRIVATE);
	CU_ASSERT_EQUAL(pool_read(&f, 0, sf), 8);
	CU_ASSERT_EQUAL(f.mc->nviolations, 0);
	CU_ASSERT_EQUAL(pool_read(&f, 1, sf), 7);
	CU_ASSERT_EQUAL(f.mc->nviolations, 1);
	/* Mapped there too: repaired. */
	pool_alloc(&f, 1, 8, SFB_CPUPRIVATE);
	CU_ASSERT_EQUAL(pool_read(&f, 1, sf), 8);
	CU_ASSERT_EQUAL(f.mc->nviolations, 1);
	pool_free(&f, 0, sf);
	pool_free(&f, 0, sf);
	rig_close(&f);
}

static void
freeing_a_free_buffer_panics(void)
{
	struct rig f;

	pool_open(&f, "sf_buf.cpumask", 2, 2);
	CU_ASSERT_TRUE(test_dies(pool_free_twice, &f, "free"));
	rig_close(&f);
}

static CU_TestInfo tests[] = {
	TEST(misses),
	TEST(private_hits),
	TEST(shared_hits),
	TEST(the_mask_is_tested_against_32_bits),
	TEST(quick_0_treats_private_as_shared),
	TEST(a_hit_leaves_the_buffer_at_its_place_on_the_list),
	TEST(
	    a_referenced_buffer_at_the_head_is_dropped_and_comes_back_at_the_tail),
	TEST(only_an_insertion_wakes_a_sleeper),
	TEST(a_signal_ends_the_wait_only_with_catch),
	TEST(a_private_mapping_on_another_cpu_is_stale),
	TEST(freeing_a_free_buffer_panics),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "sf_buf.cpumask", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
