/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * segmap: its event table, the order in which free lists give out slots,
 * who sleeps where and who is woken, slots that change hands meanwhile.
 */

#include <errno.h>
#include <string.h>

#include "design/segmap.h"
#include "rig.h"

static struct rig r;

static void
test_pays_when_a_slot_is_reused(void)
{
	static const unsigned cpus[] = { 1, 2, 4, 65 };

	for (size_t i = 0; i < 4; i++) {
		const unsigned others = cpus[i] - 1;
		struct eph_mapping a, b;

		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, "segmap", NULL, cpus[i], 1), 0);
		a = rig_map(&r, 0, 10, SFB_CPUPRIVATE);
		RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1);
		b = rig_map(&r, others, 10, 0);
		RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
		CU_ASSERT_EQUAL(a.va, b.va);
		CU_ASSERT_EQUAL(rig_write(&r, others, b), 10);
		CU_ASSERT_EQUAL(r.ops->ref(r.state, b.obj), 0);
		rig_check(&r, 3);
		rig_unmap(&r, others, a);
		rig_unmap(&r, others, a);
		rig_unmap(&r, 0, b);
		RIG_SAW(&r, .unmap_calls = 3);
		b = rig_map(&r, others, 10, 0);
		RIG_SAW(&r, .map_calls = 1, .hit_inactive = 1);
		rig_unmap(&r, 0, b);
		rig_mark(&r);
		b = rig_map(&r, others, 11, 0);
		RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1,
		    .pte_store = 2, .invlpg_local = 1, .invlpg_remote = others,
		    .ipi_sent = others);
		CU_ASSERT_EQUAL(rig_read(&r, 0, b), 11);
		rig_unmap(&r, 0, b);
		rig_check(&r, 0);
		rig_close(&r);
	}
}

/* Which slot, from the address. */
static uint64_t
slot_of(struct eph_mapping mp)
{
	return (eph_atop(mp.va - ((struct segmap *)r.state)->window));
}

static void
test_a_list_starts_with_its_highest_slot(void)
{
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "segmap", NULL, 1, 5), 0);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(slot_of(rig_map(&r, 0, i, 0)), 4 - i);
	rig_check(&r, 5);
	rig_close(&r);
}

/*
 * Three CPUs make four lists.  Every CPU's rotor starts at 0 and is moved
 * on before use, by misses only; a list that is empty is passed over.
 */
static void
test_every_cpu_goes_round_the_lists(void)
{
	static const struct {
		unsigned cpu;
		uint32_t page;
		uint64_t slot;
	} steps[] = { { 2, 0, 9 }, { 2, 1, 6 }, { 0, 2, 5 }, { 2, 0, 9 },
		{ 2, 3, 7 }, { 0, 4, 2 }, { 1, 5, 1 }, { 1, 6, 3 },
		{ 1, 7, 8 } };

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "segmap", NULL, 3, 10), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		CU_ASSERT_EQUAL(
		    slot_of(rig_map(&r, steps[i].cpu, steps[i].page, 0)),
		    steps[i].slot);
	rig_close(&r);
}

/* A list of one's own choice comes first, even if others are fresh. */
static void
test_a_released_slot_may_come_before_fresh_ones(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "segmap", NULL, 4, 4), 0);
	mp = rig_map(&r, 2, 1, 0);
	rig_unmap(&r, 2, mp);
	rig_mark(&r);
	mp = rig_map(&r, 0, 2, 0);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .evict = 1, .pte_store = 2,
	    .invlpg_local = 1, .invlpg_remote = 3, .ipi_sent = 3);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/* Released 1, 3, 0: taken in that order, 2 being in use again. */
static void
test_slots_come_in_the_order_of_release(void)
{
	struct eph_mapping mp[4];

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "segmap", NULL, 1, 4), 0);
	for (uint32_t i = 0; i < 4; i++)
		mp[i] = rig_map(&r, 0, i, 0);
	rig_unmap(&r, 0, mp[1]);
	rig_unmap(&r, 0, mp[2]);
	rig_unmap(&r, 0, mp[3]);
	(void)rig_map(&r, 0, 2, 0);
	CU_ASSERT_EQUAL(slot_of(rig_map(&r, 0, 10, 0)), slot_of(mp[1]));
	rig_unmap(&r, 0, mp[0]);
	CU_ASSERT_EQUAL(slot_of(rig_map(&r, 0, 11, 0)), slot_of(mp[3]));
	CU_ASSERT_EQUAL(slot_of(rig_map(&r, 0, 12, 0)), slot_of(mp[0]));
	rig_check(&r, 4);
	rig_close(&r);
}

#define MAP(c, p, s)                                                           \
	{                                                                      \
		.kind = EPH_OP_MAP, .cpu = (c), .page = (p), .slot = (s)       \
	}
#define UNMAP(c, s)                                                            \
	{                                                                      \
		.kind = EPH_OP_UNMAP, .cpu = (c), .slot = (s)                  \
	}

static void
replay(const struct eph_op *op, size_t n, unsigned cpus, uint32_t nbufs,
    struct eph_run_result *res)
{
	const struct eph_run_config cfg = {
		.design = eph_design_find("segmap"),
		.cpus = cpus,
		.nbufs = nbufs,
	};
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(rig_replay(&cfg, op, n, res, &err), 0);
}

/*
 * CPU 1 looks at list 1, then 0, and sleeps for 0.  The release of slot 1
 * does not wake it, that of slot 0 does; then it takes slot 1.
 */
static void
test_a_sleeper_waits_for_the_list_it_looked_at_last(void)
{
	const struct eph_op op[] = { MAP(0, 1, 0), MAP(0, 2, 1), MAP(1, 3, 2),
		UNMAP(0, 0), UNMAP(0, 1), UNMAP(1, 2) };
	struct eph_run_result res;

	replay(op, 4, 2, 2, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 1);
	CU_ASSERT_EQUAL(res.counters.wakeup, 0);
	CU_ASSERT_EQUAL(res.asleep, 1);
	replay(op, 6, 2, 2, &res);
	CU_ASSERT_EQUAL(res.counters.wakeup, 1);
	CU_ASSERT_EQUAL(res.counters.miss, 3);
	CU_ASSERT_EQUAL(res.asleep, 0);
}

/*
 * The hole.  Two sleep for list 0; the one that is woken takes a slot of
 * list 1, so the slot of list 0 is never released to an empty queue again.
 */
static void
test_a_sleeper_may_sleep_on_when_all_is_free(void)
{
	const struct eph_op op[] = { MAP(0, 1, 0), MAP(0, 2, 1), MAP(1, 3, 2),
		MAP(0, 4, 3), UNMAP(0, 0), UNMAP(0, 1), UNMAP(1, 2),
		MAP(0, 5, 4), UNMAP(0, 4) };
	struct eph_run_result res;

	replay(op, 7, 2, 2, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 2);
	CU_ASSERT_EQUAL(res.counters.wakeup, 1);
	CU_ASSERT_EQUAL(res.counters.unmap_calls, 3);
	CU_ASSERT_EQUAL(res.asleep, 1);
	/* The next one to take and release it ends that. */
	replay(op, 9, 2, 2, &res);
	CU_ASSERT_EQUAL(res.counters.wakeup, 2);
	CU_ASSERT_EQUAL(res.asleep, 0);
}

/*
 * The same with two slots in a list: the second that is released to it finds
 * the first there, and wakes nobody.
 */
static void
test_only_the_first_slot_on_a_queue_wakes(void)
{
	const struct eph_op op[] = { MAP(0, 1, 0), MAP(0, 2, 1), MAP(0, 3, 2),
		MAP(0, 4, 3), MAP(1, 5, 4), MAP(0, 6, 5), UNMAP(0, 0),
		UNMAP(0, 1), UNMAP(0, 3) };
	struct eph_run_result res;

	replay(op, 9, 2, 4, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 2);
	CU_ASSERT_EQUAL(res.counters.unmap_calls, 3);
	CU_ASSERT_EQUAL(res.counters.wakeup, 1);
	CU_ASSERT_EQUAL(res.asleep, 1);
}

/* One slot, two lists: on CPU 0's second look list 1 comes last. */
static void
test_a_list_without_slots_wakes_nobody(void)
{
	const struct eph_op op[] = { MAP(0, 1, 0), MAP(0, 2, 1), UNMAP(0, 0) };
	struct eph_run_result res;

	replay(op, 3, 2, 1, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 1);
	CU_ASSERT_EQUAL(res.counters.wakeup, 0);
	CU_ASSERT_EQUAL(res.asleep, 1);
}

/*
 * Both sleep for page 3.  The second finds it mapped when it has a slot,
 * and gives that back: unloaded, so that page 4 costs nothing.
 */
static void
test_looks_again_with_its_slot(void)
{
	const struct eph_op op[] = { MAP(0, 1, 0), MAP(0, 2, 1), MAP(0, 3, 2),
		MAP(0, 3, 3), UNMAP(0, 0), UNMAP(0, 1), MAP(0, 4, 4) };
	struct eph_run_result res;

	replay(op, 7, 1, 2, &res);
	CU_ASSERT_EQUAL(res.asleep, 0);
	CU_ASSERT_EQUAL(res.counters.sleep, 2);
	CU_ASSERT_EQUAL(res.counters.wakeup, 2);
	CU_ASSERT_EQUAL(res.counters.miss, 4);
	CU_ASSERT_EQUAL(res.counters.hit_active, 1);
	CU_ASSERT_EQUAL(res.counters.evict, 1);
	CU_ASSERT_EQUAL(res.counters.pte_store, 4 + 2);
}

/* A slot that is given back counts as released: it wakes the next. */
static void
test_a_slot_given_back_wakes(void)
{
	const struct eph_op op[] = { MAP(0, 1, 0), MAP(0, 2, 1), MAP(0, 3, 2),
		MAP(0, 3, 3), MAP(0, 4, 4), UNMAP(0, 0), UNMAP(0, 1) };
	struct eph_run_result res;

	replay(op, 7, 1, 2, &res);
	CU_ASSERT_EQUAL(res.counters.sleep, 3);
	CU_ASSERT_EQUAL(res.counters.wakeup, 3);
	CU_ASSERT_EQUAL(res.asleep, 0);
}

/* We found nothing and took a slot; then another thread maps the page. */
static void
test_a_page_given_a_slot_meanwhile_is_used(void)
{
	struct segmap *sm;
	struct vm_page *m, *old = NULL;
	struct eph_mapping mp;
	struct smap *spare;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "segmap", NULL, 1, 2), 0);
	sm = r.state;
	m = vm_page_get(r.mc, 5);
	eph_cpu_enter(r.mc, 0);
	CU_ASSERT_PTR_NULL(eph__segmap_use(sm, m));
	spare =
	    eph__segmap_take(sm, eph__segmap_first(sm), SEGMAP_RETURN, &old);
	CU_ASSERT_PTR_NOT_NULL_FATAL(spare);
	CU_ASSERT_PTR_NULL(old);
	mp = rig_map(&r, 0, 5, 0);
	CU_ASSERT_PTR_NULL(
	    eph__segmap_take(sm, eph__segmap_first(sm), SEGMAP_RETURN, &old));
	rig_mark(&r);
	CU_ASSERT_PTR_EQUAL(eph__segmap_enter(sm, spare, m, old), mp.obj);
	RIG_SAW(&r, .map_calls = 1, .hit_active = 1);
	rig_check(&r, 2);
	rig_unmap(&r, 0, mp);
	rig_unmap(&r, 0, mp);
	/* The spare one is free and holds nothing. */
	rig_mark(&r);
	mp = rig_map(&r, 0, 6, 0);
	CU_ASSERT_PTR_EQUAL(mp.obj, spare);
	RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

static void
unmap_twice(void *arg)
{
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
	rig_unmap(&r, 0, *(struct eph_mapping *)arg);
}

static void
test_misuse(void)
{
	struct eph_mapping mp;

	CU_ASSERT_EQUAL(rig_open(&r, "segmap", NULL, 1, 0), EINVAL);
	CU_ASSERT_EQUAL(rig_open(&r, "segmap", "i386-p4", 1, 1u << 18), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "no KVA"));
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "segmap", NULL, 1, 2), 0);
	mp = rig_map(&r, 0, 1, 0);
	CU_ASSERT(test_dies(unmap_twice, &mp, "releasing a free"));
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

static void
test_nothing_is_stale_on_valid_traces(void)
{
	rig_random_traces("segmap", NULL, 3000);
}

static CU_TestInfo tests[] = {
	TEST(test_pays_when_a_slot_is_reused),
	TEST(test_a_list_starts_with_its_highest_slot),
	TEST(test_every_cpu_goes_round_the_lists),
	TEST(test_a_released_slot_may_come_before_fresh_ones),
	TEST(test_slots_come_in_the_order_of_release),
	TEST(test_a_sleeper_waits_for_the_list_it_looked_at_last),
	TEST(test_a_sleeper_may_sleep_on_when_all_is_free),
	TEST(test_only_the_first_slot_on_a_queue_wakes),
	TEST(test_a_list_without_slots_wakes_nobody),
	TEST(test_looks_again_with_its_slot),
	TEST(test_a_slot_given_back_wakes),
	TEST(test_a_page_given_a_slot_meanwhile_is_used),
	TEST(test_misuse),
	TEST(test_nothing_is_stale_on_valid_traces),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "segmap", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
