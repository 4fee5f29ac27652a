/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmap_atomic.24, kmap_atomic, kmap_local, pmap_quick and mapwindow: event
 * tables, what is refused, and context switches.
 */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "rig.h"

/* Per design: what one map and one unmap cost, and how deep it nests. */
static const struct row {
	const char *design;
	const char *model;
	unsigned map_invlpg;
	unsigned unmap_invlpg;
	unsigned unmap_stores;
	unsigned depth;
	bool shared; /* one slot for the whole machine */
} rows[] = {
	{ "kmap_atomic.24", NULL, 1, 0, 0, 8, false },
	{ "kmap_atomic", NULL, 0, 1, 1, 20, false },
	{ "kmap_local", NULL, 0, 1, 1, 15, false },
	{ "pmap_quick", "i386-p4", 1, 0, 1, 1, false },
	{ "pmap_quick", "amd64-skylake", 0, 1, 1, 1, true },
	{ "mapwindow", NULL, 1, 0, 1, 8, false },
};

#define FOREACH_ROW(row)                                                       \
	for (const struct row *row = rows;                                     \
	     row < rows + sizeof(rows) / sizeof(rows[0]); row++)

static void
test_each_map_and_unmap_costs_what_the_table_says(void)
{
	FOREACH_ROW(row)
	{
		struct rig r;

		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, row->design, row->model, 4, 0), 0);
		for (uint32_t page = 0; page < 3; page++) {
			struct eph_mapping mp = rig_map(&r, 1, page, 0);

			RIG_SAW(&r, .map_calls = 1, .miss = 1, .pte_store = 1,
			    .invlpg_local = row->map_invlpg);
			CU_ASSERT_EQUAL(rig_kva(&r, 1, mp), mp.va);
			CU_ASSERT_EQUAL(rig_write(&r, 1, mp), page);
			RIG_SAW(&r, .kva_calls = 1);
			rig_check(&r, 1);
			rig_unmap(&r, 1, mp);
			RIG_SAW(&r, .unmap_calls = 1,
			    .pte_store = row->unmap_stores,
			    .invlpg_local = row->unmap_invlpg);
			rig_check(&r, 0);
		}
		CU_ASSERT_EQUAL(r.mc->bufs.peak, 1);
		CU_ASSERT_EQUAL(r.mc->bufs.now, 0);
		rig_close(&r);
	}
}

static void
test_one_more_than_there_are_slots_is_refused(void)
{
	FOREACH_ROW(row)
	{
		struct eph_mapping mp[24], extra;
		struct rig r;

		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, row->design, row->model, 2, 0), 0);
		for (unsigned i = 0; i < row->depth; i++)
			mp[i] = rig_map(&r, 0, i, 0);
		CU_ASSERT_EQUAL(rig_try_map(&r, 0, 99, 0, &extra), ENOTSUP);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.mc->refusal, "CPU 0"));
		rig_check(&r, row->depth);
		if (!row->shared) {
			extra = rig_map(&r, 1, 99, 0);
			rig_unmap(&r, 1, extra);
		}
		for (unsigned i = row->depth; i-- > 0;)
			rig_unmap(&r, 0, mp[i]);
		CU_ASSERT_EQUAL(r.mc->cpus[0]->crit, 0);
		mp[0] = rig_map(&r, 0, 7, 0);
		rig_unmap(&r, 0, mp[0]);
		rig_check(&r, 0);
		rig_close(&r);
	}
}

static void
test_use_on_another_cpu_is_refused(void)
{
	FOREACH_ROW(row)
	{
		struct eph_mapping mp;
		struct rig r;

		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, row->design, row->model, 2, 0), 0);
		mp = rig_map(&r, 0, 5, 0);
		CU_ASSERT_EQUAL(rig_kva(&r, 1, mp), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.mc->refusal, "CPU 1"));
		atomic_store_explicit(&r.mc->refused, 0, memory_order_relaxed);
		CU_ASSERT_EQUAL(rig_try_unmap(&r, 1, mp), ENOTSUP);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(r.mc->refusal, "cannot be unmapped on CPU 1"));
		rig_check(&r, 1);
		rig_unmap(&r, 0, mp);
		rig_close(&r);
	}
}

static void
test_another_order_of_unmapping_is_refused(void)
{
	FOREACH_ROW(row)
	{
		struct eph_mapping a, b;
		struct rig r;

		if (row->depth < 2)
			continue;
		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, row->design, row->model, 2, 0), 0);
		a = rig_map(&r, 0, 1, 0);
		b = rig_map(&r, 0, 2, 0);
		CU_ASSERT_NOT_EQUAL(a.va, b.va);
		CU_ASSERT_EQUAL(rig_try_unmap(&r, 0, a), ENOTSUP);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(r.mc->refusal, "in reverse order"));
		rig_check(&r, 2);
		rig_unmap(&r, 0, b);
		rig_unmap(&r, 0, a);
		rig_close(&r);
	}
}

static void
test_the_address_is_the_cpus_own(void)
{
	FOREACH_ROW(row)
	{
		struct eph_mapping a, b;
		struct rig r;

		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, row->design, row->model, 2, 0), 0);
		a = rig_map(&r, 0, 1, 0);
		if (row->shared) {
			CU_ASSERT_EQUAL(rig_try_map(&r, 1, 2, 0, &b), ENOTSUP);
			CU_ASSERT_PTR_NOT_NULL(
			    strstr(r.mc->refusal, "CPU 0 holds"));
			rig_unmap(&r, 0, a);
			b = rig_map(&r, 1, 2, 0);
			CU_ASSERT_EQUAL(a.va, b.va);
		} else {
			b = rig_map(&r, 1, 2, 0);
			CU_ASSERT_NOT_EQUAL(a.va, b.va);
			rig_unmap(&r, 0, a);
		}
		rig_unmap(&r, 1, b);
		rig_close(&r);
	}
}

/* pmap_quick: the entry has A and M from the start, and no G. */
static void
test_pmap_quick_sets_a_and_m_in_advance(void)
{
	const eph_pte_t want = EPH_PTE_V | EPH_PTE_RW | EPH_PTE_A | EPH_PTE_M;
	struct eph_mapping mp;
	struct rig r;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "pmap_quick", "i386-p4", 1, 0), 0);
	mp = rig_map(&r, 0, 3, 0);
	CU_ASSERT_EQUAL(pmap_pte_load(r.mc, mp.va), eph_ptoa(3) | want);
	rig_unmap(&r, 0, mp);
	rig_close(&r);
}

/* The known hole: another CPU that loaded qframe keeps the translation. */
static void
test_amd64_pmap_quick_invalidates_on_one_cpu_only(void)
{
	struct eph_mapping mp;
	struct rig r;

	CU_ASSERT_EQUAL_FATAL(
	    rig_open(&r, "pmap_quick", "amd64-opteron", 2, 0), 0);
	mp = rig_map(&r, 0, 3, 0);
	CU_ASSERT_EQUAL(rig_read(&r, 1, mp), 3); /* "speculation" */
	rig_unmap(&r, 0, mp);
	mp = rig_map(&r, 1, 4, 0);
	CU_ASSERT_EQUAL(rig_read(&r, 1, mp), 3);
	CU_ASSERT_EQUAL(r.mc->nviolations, 1);
	rig_unmap(&r, 1, mp);
	rig_close(&r);
}

/* 2.4 leaves the entry, 2.6 does not. */
static void
test_only_kmap_atomic_24_leaves_its_entry(void)
{
	struct eph_mapping mp;
	struct rig r;

	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap_atomic.24", NULL, 1, 0), 0);
	mp = rig_map(&r, 0, 3, 0);
	rig_unmap(&r, 0, mp);
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, mp.va), 3);
	rig_close(&r);
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "kmap_atomic", NULL, 1, 0), 0);
	mp = rig_map(&r, 0, 3, 0);
	rig_unmap(&r, 0, mp);
	CU_ASSERT_EQUAL(pmap_kextract(r.mc, mp.va), EPH_NONE);
	rig_close(&r);
}

static void
fill_slot(void *arg)
{
	struct rig *r = arg;
	struct eph_mapping mp = rig_map(r, 0, 1, 0);

	rig_unmap(r, 0, mp);
	pmap_pte_store(r->mc, mp.va, EPH_PTE_V);
	(void)rig_map(r, 0, 2, 0);
}

static void
test_an_entry_that_is_not_empty_is_a_bug(void)
{
	static const char *const designs[] = { "kmap_atomic", "kmap_local",
		"pmap_quick" };

	for (size_t i = 0; i < 3; i++) {
		struct rig r;

		CU_ASSERT_EQUAL_FATAL(rig_open(&r, designs[i], NULL, 1, 0), 0);
		CU_ASSERT(test_dies(fill_slot, &r, "entry is not"));
		rig_close(&r);
	}
}

/* Preemption is off while mapped, except with kmap_local. */
static void
test_only_kmap_local_can_be_preempted(void)
{
	FOREACH_ROW(row)
	{
		const bool local = strcmp(row->design, "kmap_local") == 0;
		struct eph_mapping mp;
		struct rig r;

		CU_ASSERT_EQUAL_FATAL(
		    rig_open(&r, row->design, row->model, 1, 0), 0);
		mp = rig_map(&r, 0, 5, 0);
		CU_ASSERT_EQUAL(r.mc->cpus[0]->crit, local ? 0 : 1);
		rig_unmap(&r, 0, mp);
		CU_ASSERT_EQUAL(r.mc->cpus[0]->crit, 0);
		rig_close(&r);
	}
}

/* kmap_local: two threads of one CPU with mappings of their own. */

static struct rig sw;

static void
switch_first(void *arg)
{
	struct eph_mapping a, b;

	a = rig_map(&sw, 0, 10, 0);
	b = rig_map(&sw, 0, 11, 0);
	CU_ASSERT_EQUAL(rig_read(&sw, 0, b), 11);
	rig_mark(&sw);
	sw.ops->switch_out(sw.state);
	RIG_SAW(&sw, .pte_store = 2, .invlpg_local = 2);
	CU_ASSERT_EQUAL(pmap_kextract(sw.mc, a.va), EPH_NONE);
	rig_check(&sw, 2);
	(void)tsleep(sw.mc, arg, 0, "switch", 0);
	rig_mark(&sw);
	sw.ops->switch_in(sw.state);
	RIG_SAW(&sw, .pte_store = 2);
	CU_ASSERT_EQUAL(rig_read(&sw, 0, a), 10);
	CU_ASSERT_EQUAL(rig_read(&sw, 0, b), 11);
	rig_unmap(&sw, 0, b);
	rig_unmap(&sw, 0, a);
}

static void
switch_second(void *arg)
{
	struct eph_mapping mp;

	sw.ops->switch_in(sw.state);
	mp = rig_map(&sw, 0, 20, 0);
	CU_ASSERT_EQUAL(rig_write(&sw, 0, mp), 20);
	rig_check(&sw, 3);
	rig_unmap(&sw, 0, mp);
	rig_mark(&sw);
	sw.ops->switch_out(sw.state);
	RIG_SAW(&sw, .pte_store = 0);
	wakeup(sw.mc, arg);
}

static void
test_kmap_local_moves_with_the_thread(void)
{
	int channel;

	CU_ASSERT_EQUAL_FATAL(rig_open(&sw, "kmap_local", NULL, 1, 0), 0);
	(void)eph_thread_create(sw.mc, 0, switch_first, &channel);
	(void)eph_thread_create(sw.mc, 0, switch_second, &channel);
	CU_ASSERT_EQUAL(eph_run(sw.mc), 0);
	CU_ASSERT_EQUAL(sw.mc->nviolations, 0);
	rig_check(&sw, 0);
	rig_close(&sw);
}

static void
test_nothing_is_stale_on_valid_traces(void)
{
	FOREACH_ROW(row)
	rig_random_traces(row->design, row->model, 1500);
}

/* A replay stops at the line, names it, and says why. */
static void
test_a_replay_refuses_use_on_another_cpu(void)
{
	static const enum eph_op_kind kinds[] = { EPH_OP_READ, EPH_OP_WRITE,
		EPH_OP_KVA, EPH_OP_UNMAP };

	FOREACH_ROW(row)
	for (size_t k = 0; k < 4; k++) {
		const struct eph_op op[] = {
			{ .kind = EPH_OP_MAP, .cpu = 1, .page = 3 },
			{ .kind = EPH_OP_READ, .cpu = 1 },
			{ .kind = (uint8_t)kinds[k], .cpu = 2 },
		};
		const struct eph_run_config cfg = {
			.design = eph_design_find(row->design),
			.machine = row->model,
			.cpus = 4,
			.nbufs = 8,
		};
		struct eph_run_result res;
		struct eph_err err = { "" };

		CU_ASSERT_EQUAL(rig_replay(&cfg, op, 2, &res, &err), 0);
		CU_ASSERT_EQUAL(rig_replay(&cfg, op, 3, &res, &err), ENOTSUP);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "operation 3"));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, row->design));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "CPU 2"));
	}
}

static CU_TestInfo tests[] = {
	TEST(test_each_map_and_unmap_costs_what_the_table_says),
	TEST(test_one_more_than_there_are_slots_is_refused),
	TEST(test_use_on_another_cpu_is_refused),
	TEST(test_another_order_of_unmapping_is_refused),
	TEST(test_the_address_is_the_cpus_own),
	TEST(test_pmap_quick_sets_a_and_m_in_advance),
	TEST(test_amd64_pmap_quick_invalidates_on_one_cpu_only),
	TEST(test_only_kmap_atomic_24_leaves_its_entry),
	TEST(test_an_entry_that_is_not_empty_is_a_bug),
	TEST(test_only_kmap_local_can_be_preempted),
	TEST(test_kmap_local_moves_with_the_thread),
	TEST(test_a_replay_refuses_use_on_another_cpu),
	TEST(test_nothing_is_stale_on_valid_traces),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "percpu_slots", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
