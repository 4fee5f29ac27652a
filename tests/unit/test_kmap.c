/* SPDX-License-Identifier: BSD-2-Clause */

/* kmap: the wrap and its two prices, the cursor, counts, sleeping. */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "rig.h"

static struct rig r;

static unsigned
slot_of(struct eph_mapping mp, struct eph_mapping first)
{
	/* The first slot handed out is 1. */
	return ((unsigned)((int64_t)(mp.va - first.va) / EPH_PAGE_SIZE + 1));
}

static void
map_and_unmap(uint32_t page)
{
	rig_unmap(&r, 0, rig_map(&r, 0, page, 0));
}

static void
test_maps_and_unmaps_cost_nothing(void)
{
	struct eph_mapping a, b;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap", NULL, 4, 8), 0);
	a = rig_map(&r, 0, 10, 0);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1);
	b = rig_map(&r, 1, 10, 0);
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
	CU_ASSERT_EQUAL(a.va, b.va);
	CU_ASSERT_EQUAL(r.mc->bufs.now, 1);
	rig_check(&r, 2);
	rig_unmap(&r, 1, a);
	rig_unmap(&r, 2, b);
	RIG_SAW(&r, .unmap_calls = 2);
	CU_ASSERT_EQUAL(r.mc->bufs.now, 0);
	a = rig_map(&r, 3, 10, 0);
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1);
	CU_ASSERT_EQUAL(rig_kva(&r, 2, a), b.va);
	CU_ASSERT_EQUAL(rig_write(&r, 2, a), 10);
	RIG_SAW(&r, .kva_calls = 1);
	rig_unmap(&r, 0, a);
	rig_check(&r, 0);
	rig_close(&r);
}

static void
test_the_first_slot_is_1_and_slot_0_follows_the_wrap(void)
{
	struct eph_mapping mp[5];

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap", NULL, 1, 4), 0);
	for (uint32_t i = 0; i < 4; i++)
		mp[i] = rig_map(&r, 0, i, 0);
	CU_ASSERT_EQUAL(slot_of(mp[1], mp[0]), 2);
	CU_ASSERT_EQUAL(slot_of(mp[2], mp[0]), 3);
	CU_ASSERT_EQUAL(slot_of(mp[3], mp[0]), 0);
	/* Nothing was unused, so the wrap flushed nothing. */
	RIG_SAW(&r, .map_calls = 4, .miss = 4, .pte_store = 4);
	for (unsigned i = 0; i < 4; i++)
		rig_unmap(&r, 0, mp[i]);
	rig_close(&r);
}

/* Up to 33 slots: an invlpg for each, on every CPU. */
static void
test_a_small_pool_is_invalidated_page_by_page(void)
{
	static const uint32_t sizes[] = { 2, 4, 16, 32 };

	for (size_t s = 0; s < 4; s++) {
		const uint32_t n = sizes[s];
		struct eph_mapping held;

		CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap", NULL, 3, n), 0);
		held = rig_map(&r, 0, 999, 0); /* a used slot is not spared */
		for (uint32_t i = 0; i < n - 2; i++)
			map_and_unmap(i);
		rig_mark(&r);
		map_and_unmap(500); /* wraps, and takes slot 0 */
		if (n == 2) {	    /* one slot in use, the other never used */
			RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1,
			    .unmap_calls = 1);
		} else {
			RIG_SAW(&r, .map_calls = 1, .miss = 1,
			    .pte_store = n - 2 + 1, .invlpg_local = n,
			    .invlpg_remote = 2 * (uint64_t)n, .ipi_sent = 2,
			    .unmap_calls = 1);
		}
		CU_ASSERT_EQUAL(rig_read(&r, 1, held), 999);
		rig_check(&r, 1);
		rig_unmap(&r, 0, held);
		rig_close(&r);
	}
}

/* Above: one full flush of every CPU, global entries too. */
static void
test_a_large_pool_is_flushed_as_a_whole(void)
{
	struct eph_mapping held;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap", NULL, 3, 64), 0);
	held = rig_map(&r, 0, 999, 0);
	CU_ASSERT_EQUAL(rig_read(&r, 0, held), 999);
	CU_ASSERT_EQUAL(rig_read(&r, 1, held), 999);
	for (uint32_t i = 0; i < 62; i++)
		map_and_unmap(i);
	rig_mark(&r);
	map_and_unmap(500);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 62 + 1,
	    .flush_local = 1, .flush_remote = 2, .ipi_sent = 2,
	    .unmap_calls = 1);
	rig_mark(&r);
	CU_ASSERT_EQUAL(rig_read(&r, 1, held), 999);
	CU_ASSERT_EQUAL(r.mc->cpus[1]->c.tlb_miss, 2); /* G went too */
	CU_ASSERT_EQUAL(rig_read(&r, 0, held), 999);
	CU_ASSERT_EQUAL(r.mc->cpus[0]->c.tlb_miss, 2);
	rig_unmap(&r, 0, held);
	rig_close(&r);
}

static void
test_on_one_cpu_a_wrap_interrupts_nobody(void)
{
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap", NULL, 1, 64), 0);
	for (uint32_t i = 0; i < 63; i++)
		map_and_unmap(i);
	rig_mark(&r);
	map_and_unmap(500);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 64,
	    .flush_local = 1, .unmap_calls = 1);
	rig_close(&r);
}

/* The wrap forgets the pages: nothing is evicted, and they miss again. */
static void
test_a_cleared_page_misses_again(void)
{
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap", NULL, 1, 4), 0);
	for (uint32_t i = 0; i < 4; i++)
		map_and_unmap(i);
	rig_mark(&r);
	map_and_unmap(3); /* mapped at the wrap: still there */
	RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1, .unmap_calls = 1);
	map_and_unmap(0); /* cleared by it */
	RIG_SAW(
	    &r, .map_calls = 1, .miss = 1, .pte_store = 1, .unmap_calls = 1);
	rig_check(&r, 0);
	rig_close(&r);
}

static void
test_a_pool_of_one_wraps_at_each_miss(void)
{
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap", NULL, 2, 1), 0);
	map_and_unmap(1);
	RIG_SAW(
	    &r, .map_calls = 1, .miss = 1, .pte_store = 1, .unmap_calls = 1);
	map_and_unmap(2);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 2,
	    .invlpg_local = 1, .invlpg_remote = 1, .ipi_sent = 1,
	    .unmap_calls = 1);
	rig_close(&r);
}

static void
test_the_number_of_slots_is_a_power_of_two(void)
{
	static const uint32_t bad[] = { 0, 3, 33, 1000, 1u << 31 };

	for (size_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(
		    rig_open(&r, "kmap", "i386-p4", 1, bad[i]), EINVAL);
	CU_ASSERT_EQUAL(rig_open(&r, "kmap", NULL, 1, 1000), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "power of two"));
}

static void
unmap_twice(void *arg)
{
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
}

static void
test_unmapping_what_nobody_uses_panics(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap", NULL, 1, 2), 0);
	mp = rig_map(&r, 0, 1, 0);
	CU_ASSERT(test_dies(unmap_twice, &mp, "the slot has no user"));
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/* Sleeping, by replay: three threads for two slots. */
static void
sleep_run(const struct eph_op *op, size_t n, struct eph_run_result *res)
{
	const struct eph_run_config cfg = { .design = eph_design_find("kmap"),
		.tlb = "infinite",
		.cpus = 3,
		.nbufs = 2 };
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(rig_replay(&cfg, op, n, res, &err), 0);
	CU_ASSERT_EQUAL(res->violations_total, 0);
	CU_ASSERT_EQUAL(res->asleep, 0);
}

static void
test_a_full_pool_sleeps_and_misses(void)
{
	const struct eph_op op[] = {
		{ .kind = EPH_OP_MAP, .cpu = 0, .page = 1, .slot = 0 },
		{ .kind = EPH_OP_MAP, .cpu = 0, .page = 2, .slot = 1 },
		{ .kind = EPH_OP_MAP, .cpu = 1, .page = 3, .slot = 2 },
		{ .kind = EPH_OP_READ, .cpu = 1, .slot = 2 },
		{ .kind = EPH_OP_UNMAP, .cpu = 1, .slot = 2 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 0 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 1 },
	};
	struct eph_run_result res;

	sleep_run(op, 7, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 1);
	CU_ASSERT_EQUAL(res.counters.wakeup, 1);
	CU_ASSERT_EQUAL(res.counters.wakeup_spurious, 0);
	CU_ASSERT_EQUAL(res.counters.miss, 3);
	/* The wrap of the second map found nothing; that of the third did. */
	CU_ASSERT_EQUAL(res.counters.pte_store, 4);
	CU_ASSERT_EQUAL(res.counters.ipi_sent, 2);
	CU_ASSERT_EQUAL(res.counters.invlpg_local, 2);
	CU_ASSERT_EQUAL(res.counters.invlpg_remote, 4);
}

/* Both sleepers want page 3; the second finds it mapped: a hit. */
static void
test_a_sleeper_looks_for_its_page_again(void)
{
	const struct eph_op op[] = {
		{ .kind = EPH_OP_MAP, .cpu = 0, .page = 1, .slot = 0 },
		{ .kind = EPH_OP_MAP, .cpu = 0, .page = 2, .slot = 1 },
		{ .kind = EPH_OP_MAP, .cpu = 1, .page = 3, .slot = 2 },
		{ .kind = EPH_OP_MAP, .cpu = 2, .page = 3, .slot = 3 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 0 },
		{ .kind = EPH_OP_UNMAP, .cpu = 2, .slot = 3 },
		{ .kind = EPH_OP_UNMAP, .cpu = 1, .slot = 2 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 1 },
	};
	struct eph_run_result res;

	sleep_run(op, 8, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 2);
	CU_ASSERT_EQUAL(res.counters.wakeup, 2);
	CU_ASSERT_EQUAL(res.counters.miss, 3);
	CU_ASSERT_EQUAL(res.counters.hit_active, 1);
	CU_ASSERT_EQUAL(res.counters.hit_inactive, 0);
}

/* wake_up() wakes all; who finds nothing sleeps again. */
static void
test_all_sleepers_wake_for_one_slot(void)
{
	const struct eph_op op[] = {
		{ .kind = EPH_OP_MAP, .cpu = 0, .page = 1, .slot = 0 },
		{ .kind = EPH_OP_MAP, .cpu = 0, .page = 2, .slot = 1 },
		{ .kind = EPH_OP_MAP, .cpu = 1, .page = 3, .slot = 2 },
		{ .kind = EPH_OP_MAP, .cpu = 2, .page = 4, .slot = 3 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 0 },
		{ .kind = EPH_OP_UNMAP, .cpu = 1, .slot = 2 },
		{ .kind = EPH_OP_UNMAP, .cpu = 2, .slot = 3 },
		{ .kind = EPH_OP_UNMAP, .cpu = 0, .slot = 1 },
	};
	struct eph_run_result res;

	sleep_run(op, 8, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 3);
	CU_ASSERT_EQUAL(res.counters.wakeup, 3);
	CU_ASSERT_EQUAL(res.counters.wakeup_spurious, 1);
	CU_ASSERT_EQUAL(res.counters.miss, 4);
}

static void
test_nothing_is_stale_on_valid_traces(void)
{
	rig_random_traces("kmap", NULL, 3000);
}

static CU_TestInfo tests[] = {
	TEST(test_maps_and_unmaps_cost_nothing),
	TEST(test_the_first_slot_is_1_and_slot_0_follows_the_wrap),
	TEST(test_a_small_pool_is_invalidated_page_by_page),
	TEST(test_a_large_pool_is_flushed_as_a_whole),
	TEST(test_on_one_cpu_a_wrap_interrupts_nobody),
	TEST(test_a_cleared_page_misses_again),
	TEST(test_a_pool_of_one_wraps_at_each_miss),
	TEST(test_the_number_of_slots_is_a_power_of_two),
	TEST(test_unmapping_what_nobody_uses_panics),
	TEST(test_a_full_pool_sleeps_and_misses),
	TEST(test_a_sleeper_looks_for_its_page_again),
	TEST(test_all_sleepers_wake_for_one_slot),
	TEST(test_nothing_is_stale_on_valid_traces),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "kmap", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
