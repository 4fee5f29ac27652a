/* SPDX-License-Identifier: BSD-2-Clause */

/* The event table of S3, FreeBSD i386 2005 to 2014, row by row. */

#include "ephmap/kernel/sleepq.h"
#include "rig_pool.h"

static void
a_slot_never_used_pays_like_any_other(void)
{
	struct rig f;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.accessed", n, 2);
		pool_free(&f, 0, pool_alloc(&f, 0, 7, SFB_CPUPRIVATE));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .pte_store = 1,
		    .unmap_calls = 1, .invlpg_local = 1, .needless_invlpg = 1);
		pool_free(&f, 0, pool_alloc(&f, n - 1, 8, SFB_DEFAULT));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .pte_store = 1,
		    .unmap_calls = 1, .invlpg_local = 1, .invlpg_remote = n - 1,
		    .ipi_sent = n - 1, .needless_invlpg = n,
		    .needless_ipi = n - 1);
		rig_close(&f);
	}
}

static void
hits_sync_only_who_is_missing(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		if (n == 1)
			continue;
		pool_open(&f, "sf_buf.accessed", n, 2);
		sf = pool_alloc(&f, 0, 7, SFB_CPUPRIVATE);
		rig_mark(&f);
		pool_alloc(&f, 0, 7, SFB_CPUPRIVATE);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1);
		pool_alloc(&f, 1, 7, SFB_CPUPRIVATE);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1,
		    .invlpg_local = 1, .needless_invlpg = 1);
		/* Two are in the mask. */
		pool_alloc(&f, 0, 7, SFB_DEFAULT);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1,
		    .invlpg_remote = n - 2, .ipi_sent = n - 2,
		    .needless_invlpg = n - 2, .needless_ipi = n - 2);
		pool_alloc(&f, n - 1, 7, SFB_DEFAULT);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1);
		for (int k = 0; k < 5; k++)
			pool_free(&f, 0, sf);
		RIG_SAW_ALL(&f, .unmap_calls = 5);
		pool_alloc(&f, 1, 7, SFB_DEFAULT);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_inactive = 1);
		pool_free(&f, 0, sf);
		rig_close(&f);
	}
}

static void
a_shared_hit_with_my_bit_clear(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		if (n < 3)
			continue;
		pool_open(&f, "sf_buf.accessed", n, 2);
		sf = pool_alloc(&f, 0, 7, SFB_CPUPRIVATE);
		rig_mark(&f);
		pool_alloc(&f, n - 1, 7, SFB_DEFAULT);
		RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1,
		    .invlpg_local = 1, .invlpg_remote = n - 2,
		    .ipi_sent = n - 2, .needless_invlpg = n - 1,
		    .needless_ipi = n - 2);
		pool_free(&f, 0, sf);
		pool_free(&f, 0, sf);
		rig_close(&f);
	}
}

/* The mask grown by all CPUs is the whole mask: no all-ones test here. */
static void
all_private_maps_together_are_shared(void)
{
	struct rig f;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.accessed", n, 1);
		pool_private_everywhere(&f, 7, EPH_NONE);
		rig_mark(&f);
		pool_free(&f, 0, pool_alloc(&f, 0, 7, SFB_DEFAULT));
		RIG_SAW_ALL(
		    &f, .map_calls = 1, .hit_inactive = 1, .unmap_calls = 1);
		rig_close(&f);
	}
}

static void
recycling_what_was_accessed_starts_from_nothing(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.accessed", n, 1);
		sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
		CU_ASSERT_EQUAL(pool_read(&f, n - 1, sf), 7);
		pool_free(&f, 0, sf);
		rig_mark(&f);
		sf = pool_alloc(&f, 0, 8, SFB_CPUPRIVATE);
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .invlpg_local = 1,
		    .needless_invlpg = n > 1 ? 1 : 0);
		CU_ASSERT_EQUAL(pool_read(&f, 0, sf), 8);
		pool_free(&f, 0, sf);
		rig_mark(&f);
		sf = pool_alloc(&f, 0, 9, SFB_DEFAULT);
		/* CPU n-1 still held page 7, CPU 0 page 8. */
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .invlpg_local = 1, .invlpg_remote = n - 1,
		    .ipi_sent = n - 1, .needless_invlpg = n > 1 ? n - 2 : 0,
		    .needless_ipi = n > 1 ? n - 2 : 0);
		CU_ASSERT_EQUAL(pool_read(&f, n - 1, sf), 9);
		pool_free(&f, 0, sf);
		rig_close(&f);
	}
}

static void
recycling_what_nobody_touched_keeps_the_mask(void)
{
	struct rig f;
	struct sf_buf *sf;

	POOL_FOREACH_N(n)
	{
		pool_open(&f, "sf_buf.accessed", n, 1);
		pool_free(&f, 0, pool_alloc(&f, 0, 7, SFB_CPUPRIVATE));
		rig_mark(&f);
		/* A clear, bit set, private. */
		pool_free(&f, 0, pool_alloc(&f, 0, 8, SFB_CPUPRIVATE));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .unmap_calls = 1);
		/* A clear, shared, everybody but me missing. */
		pool_free(&f, 0, pool_alloc(&f, 0, 9, SFB_DEFAULT));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .unmap_calls = 1, .invlpg_remote = n - 1,
		    .ipi_sent = n - 1, .needless_invlpg = n - 1,
		    .needless_ipi = n - 1);
		/* A clear, shared, nobody missing: free of charge. */
		sf = pool_alloc(&f, n - 1, 10, SFB_DEFAULT);
		RIG_SAW_ALL(
		    &f, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 1);
		CU_ASSERT_EQUAL(pool_read(&f, 0, sf), 10);
		pool_free(&f, 0, sf);
		rig_close(&f);
	}
}

static void
recycling_untouched_with_my_bit_clear(void)
{
	struct rig f;

	POOL_FOREACH_N(n)
	{
		if (n < 3)
			continue;
		pool_open(&f, "sf_buf.accessed", n, 1);
		pool_free(&f, 0, pool_alloc(&f, 0, 7, SFB_CPUPRIVATE));
		rig_mark(&f);
		pool_free(&f, 1, pool_alloc(&f, 1, 8, SFB_CPUPRIVATE));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .unmap_calls = 1, .invlpg_local = 1,
		    .needless_invlpg = 1);
		pool_free(&f, 2, pool_alloc(&f, 2, 9, SFB_DEFAULT));
		RIG_SAW_ALL(&f, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 1, .unmap_calls = 1, .invlpg_local = 1,
		    .invlpg_remote = n - 3, .ipi_sent = n - 3,
		    .needless_invlpg = n - 2, .needless_ipi = n - 3);
		rig_close(&f);
	}
}

static void
nowait_fails_instead_of_sleeping(void)
{
	struct rig f;
	struct sf_buf *sf;

	pool_open(&f, "sf_buf.accessed", 8, 1);
	sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	rig_mark(&f);
	CU_ASSERT_PTR_NULL(pool_alloc(&f, 0, 8, SFB_NOWAIT));
	RIG_SAW_ALL(&f, .map_calls = 1, .map_fail = 1);
	/* A hit needs no buffer. */
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 7, SFB_NOWAIT), sf);
	RIG_SAW_ALL(&f, .map_calls = 1, .hit_active = 1);
	pool_free(&f, 0, sf);
	pool_free(&f, 0, sf);
	rig_close(&f);
}

static void
the_least_recently_freed_is_recycled(void)
{
	struct rig f;
	struct sf_buf *sf[2];

	pool_open(&f, "sf_buf.accessed", 1, 2);
	for (uint32_t i = 0; i < 2; i++) {
		sf[i] = pool_alloc(&f, 0, i, SFB_DEFAULT);
		pool_free(&f, 0, sf[i]);
	}
	CU_ASSERT_EQUAL(sf_buf_kva(f.pool, sf[1]),
	    sf_buf_kva(f.pool, sf[0]) + EPH_PAGE_SIZE);
	pool_free(&f, 0, pool_alloc(&f, 0, 0, SFB_DEFAULT));
	CU_ASSERT_PTR_EQUAL(pool_alloc(&f, 0, 9, SFB_DEFAULT), sf[1]);
	pool_free(&f, 0, sf[1]);
	rig_close(&f);
}

static void
a_free_wakes_the_first_sleeper_only(void)
{
	struct rig f;
	struct pool_sleeper sl[3] = { { .page = 1, .flags = SFB_CATCH },
		{ .page = 2 }, { .page = 2 } };
	struct sf_buf *sf;
	unsigned clock = 0;

	pool_open(&f, "sf_buf.accessed", 2, 1);
	sf = pool_alloc(&f, 0, 7, SFB_DEFAULT);
	rig_mark(&f);
	for (unsigned i = 0; i < 3; i++) {
		sl[i].clock = &clock;
		CU_ASSERT_EQUAL(pool_start(&f, &sl[i], i % 2), i + 1);
	}
	RIG_SAW_ALL(&f, .sleep = 3);
	sleepq_signal(f.mc, sl[0].td);
	CU_ASSERT_EQUAL(eph_run(f.mc), 2);
	CU_ASSERT_PTR_NULL(sl[0].sf);
	rig_mark(&f);
	pool_free(&f, 0, sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 1);
	/* Nobody touched the buffer: recycled for nothing. */
	RIG_SAW_ALL(&f, .unmap_calls = 1, .wakeup = 1, .map_calls = 1,
	    .miss = 1, .evict = 1, .pte_store = 1);
	pool_free(&f, 0, sl[1].sf);
	CU_ASSERT_EQUAL(eph_run(f.mc), 0);
	/* It held the sleeper's page all the same: made again, no evict. */
	RIG_SAW_ALL(&f, .unmap_calls = 1, .wakeup = 1, .map_calls = 1,
	    .miss = 1, .pte_store = 1);
	pool_free(&f, 0, sl[2].sf);
	rig_close(&f);
}

/*
 * Page 10 was used; 11 is known to CPU 0 only, 12 to all of 4, and nobody used
 * them.  So 12 leaves first for nothing, then 11, and 10 in its turn.
 */
static void
a_policy_that_asks_is_told_who_may_hold_it(void)
{
	static const unsigned flags[] = { SFB_DEFAULT, SFB_CPUPRIVATE,
		SFB_DEFAULT };
	static const uint32_t left[] = { 2, 1, 0 };
	struct eph_mapping mp[3], other;
	struct rig f;

	CU_ASSERT_EQUAL_FATAL(
	    rig_open_policy(&f, "sf_buf.accessed", "price-aware", 4, 3), 0);
	for (uint32_t i = 0; i < 3; i++)
		mp[i] = rig_map(&f, 0, 10 + i, flags[i]);
	CU_ASSERT_EQUAL(rig_read(&f, 0, mp[0]), 10);
	for (uint32_t i = 0; i < 3; i++)
		rig_unmap(&f, 0, mp[i]);
	for (uint32_t i = 0; i < 3; i++) {
		other = rig_map(&f, 0, 20 + i, SFB_DEFAULT);
		CU_ASSERT_EQUAL(other.va, mp[left[i]].va);
		CU_ASSERT_EQUAL(rig_read(&f, 0, other), 20 + i);
		rig_unmap(&f, 0, other);
	}
	rig_close(&f);
}

static void
ref_a_free_one(void *arg)
{
	struct rig *f = arg;
	struct sf_buf *sf = pool_alloc(f, 0, 7, SFB_DEFAULT);

	pool_free(f, 0, sf);
	sf_buf_ref(f->pool, sf);
}

static void
using_a_free_buffer_panics(void)
{
	struct rig f;

	pool_open(&f, "sf_buf.accessed", 2, 2);
	CU_ASSERT_TRUE(test_dies(pool_free_twice, &f, "free"));
	CU_ASSERT_TRUE(test_dies(ref_a_free_one, &f, "free"));
	rig_close(&f);
}

static CU_TestInfo tests[] = {
	TEST(a_slot_never_used_pays_like_any_other),
	TEST(hits_sync_only_who_is_missing),
	TEST(a_shared_hit_with_my_bit_clear),
	TEST(all_private_maps_together_are_shared),
	TEST(recycling_what_was_accessed_starts_from_nothing),
	TEST(recycling_what_nobody_touched_keeps_the_mask),
	TEST(recycling_untouched_with_my_bit_clear),
	TEST(nowait_fails_instead_of_sleeping),
	TEST(the_least_recently_freed_is_recycled),
	TEST(a_free_wakes_the_first_sleeper_only),
	TEST(a_policy_that_asks_is_told_who_may_hold_it),
	TEST(using_a_free_buffer_panics),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "sf_buf.accessed", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
