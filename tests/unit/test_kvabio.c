/* SPDX-License-Identifier: BSD-2-Clause */

/* kvabio: each row of its event table, on 4 CPUs in lockstep. */

#include "rig.h"
#include "ephmap/sdk/exec.h"
#include "test_main.h"

#define N 4u

/*
 *	CPU 0	A	miss, never used: 1 store, L1
 *	CPU 0	A	hit, in the mask: nothing
 *	CPU 1	A	hit, not in the mask: L1
 *	CPU 2	kva A	L1, then nothing
 */
static void
test_cpus_sync_for_themselves_and_stay_in_sync(void)
{
	struct eph_mapping a, b;
	struct rig e;

	rig_i386(&e, "kvabio", N, 2);
	a = rig_map(&e, 0, 7, SFB_DEFAULT);
	RIG_COST(&e, 1, 1, 0, 0);
	rig_unmap(&e, 0, a);
	a = rig_map(&e, 0, 7, SFB_DEFAULT);
	RIG_COST(&e, 0, 0, 0, 0);
	b = rig_map(&e, 1, 7, SFB_DEFAULT);
	RIG_COST(&e, 0, 1, 0, 0);
	CU_ASSERT_PTR_EQUAL(a.obj, b.obj);
	CU_ASSERT_EQUAL(rig_kva(&e, 2, a), a.va);
	RIG_COST(&e, 0, 1, 0, 0);
	(void)rig_kva(&e, 2, a);
	RIG_COST(&e, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(e.mark.hit_inactive, 1);
	CU_ASSERT_EQUAL(e.mark.hit_active, 1);
	CU_ASSERT_EQUAL(e.mark.kva_calls, 2);
	rig_check(&e, 2);
	rig_unmap(&e, 3, a);
	rig_unmap(&e, 3, b);
	RIG_COST(&e, 0, 0, 0, 0);

	/* In the mask since long ago: nothing. */
	a = rig_map(&e, 2, 7, SFB_DEFAULT);
	RIG_COST(&e, 0, 0, 0, 0);
	rig_unmap(&e, 2, a);
	rig_close(&e);
}

/*
 *	nbufs 1	CPU 1 read A; CPU 0 takes the buffer for B: 2 stores, L1
 *	CPU 1	kva B	L1, and reads B
 *	CPU 2	reads B without asking, as it never held A: lucky
 */
static void
test_eviction_interrupts_nobody(void)
{
	struct eph_mapping mp;
	struct rig e;

	rig_i386(&e, "kvabio", N, 1);
	mp = rig_map(&e, 1, 7, SFB_DEFAULT);
	CU_ASSERT(rig_reads(&e, 1, mp.va, 7));
	rig_unmap(&e, 1, mp);
	rig_mark(&e);
	mp = rig_map(&e, 0, 8, SFB_DEFAULT);
	RIG_COST(&e, 2, 1, 0, 0);
	CU_ASSERT_EQUAL(e.mark.evict, 1);
	rig_check(&e, 1);
	(void)rig_kva(&e, 1, mp);
	RIG_COST(&e, 0, 1, 0, 0);
	CU_ASSERT(rig_reads(&e, 1, mp.va, 8));
	CU_ASSERT(rig_reads(&e, 2, mp.va, 8));
	rig_check(&e, 1);
	rig_unmap(&e, 0, mp);
	rig_close(&e);
}

static void
test_a_cpu_that_does_not_ask_may_be_stale(void)
{
	struct eph_mapping mp;
	struct rig e;

	rig_i386(&e, "kvabio", N, 1);
	mp = rig_map(&e, 1, 7, SFB_DEFAULT);
	CU_ASSERT(rig_reads(&e, 1, mp.va, 7));
	rig_unmap(&e, 1, mp);
	mp = rig_map(&e, 0, 8, SFB_DEFAULT);
	CU_ASSERT_FALSE(rig_reads(&e, 1, mp.va, 8));
	rig_unmap(&e, 0, mp);
	rig_close(&e);
}

static void
mapper_main(void *arg)
{
	struct rig *e = arg;
	struct eph_mapping mp;

	CU_ASSERT_EQUAL(
	    e->ops->map(e->state, vm_page_get(e->mc, 9), SFB_NOWAIT, &mp), 0);
}

static void
test_sleeps_while_all_are_held(void)
{
	struct eph_mapping mp;
	struct rig e;

	rig_i386(&e, "kvabio", N, 1);
	mp = rig_map(&e, 1, 7, SFB_DEFAULT);
	(void)eph_thread_create(e.mc, 0, mapper_main, &e);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	rig_unmap(&e, 1, mp);
	CU_ASSERT_EQUAL(eph_run(e.mc), 0);
	CU_ASSERT_EQUAL(rig_events(&e).sleep, 1);
	rig_check(&e, 1);
	rig_close(&e);
}

static CU_TestInfo tests[] = {
	TEST(test_cpus_sync_for_themselves_and_stay_in_sync),
	TEST(test_eviction_interrupts_nobody),
	TEST(test_a_cpu_that_does_not_ask_may_be_stale),
	TEST(test_sleeps_while_all_are_held),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "kvabio", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
