/* SPDX-License-Identifier: BSD-2-Clause */

/* kvabio: each row of its event table, on 4 CPUs in lockstep. */

#include "design_env.h"
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
	struct env e;

	env_open(&e, "kvabio", N, 2);
	a = env_map(&e, 0, 7);
	COST(&e, 1, 1, 0, 0);
	env_unmap(&e, 0, a.obj);
	a = env_map(&e, 0, 7);
	COST(&e, 0, 0, 0, 0);
	b = env_map(&e, 1, 7);
	COST(&e, 0, 1, 0, 0);
	CU_ASSERT_PTR_EQUAL(a.obj, b.obj);
	CU_ASSERT_EQUAL(env_kva(&e, 2, a.obj), a.va);
	COST(&e, 0, 1, 0, 0);
	(void)env_kva(&e, 2, a.obj);
	COST(&e, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(e.last.hit_inactive, 1);
	CU_ASSERT_EQUAL(e.last.hit_active, 1);
	CU_ASSERT_EQUAL(e.last.kva_calls, 2);
	env_check(&e, 2);
	env_unmap(&e, 3, a.obj);
	env_unmap(&e, 3, b.obj);
	COST(&e, 0, 0, 0, 0);

	/* In the mask since long ago: nothing. */
	a = env_map(&e, 2, 7);
	COST(&e, 0, 0, 0, 0);
	env_unmap(&e, 2, a.obj);
	env_close(&e);
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
	struct env e;

	env_open(&e, "kvabio", N, 1);
	mp = env_map(&e, 1, 7);
	CU_ASSERT(env_reads(&e, 1, mp.va, 7));
	env_unmap(&e, 1, mp.obj);
	(void)env_cost(&e);
	mp = env_map(&e, 0, 8);
	COST(&e, 2, 1, 0, 0);
	CU_ASSERT_EQUAL(e.last.evict, 1);
	env_check(&e, 1);
	(void)env_kva(&e, 1, mp.obj);
	COST(&e, 0, 1, 0, 0);
	CU_ASSERT(env_reads(&e, 1, mp.va, 8));
	CU_ASSERT(env_reads(&e, 2, mp.va, 8));
	env_check(&e, 1);
	env_unmap(&e, 0, mp.obj);
	env_close(&e);
}

static void
test_a_cpu_that_does_not_ask_may_be_stale(void)
{
	struct eph_mapping mp;
	struct env e;

	env_open(&e, "kvabio", N, 1);
	mp = env_map(&e, 1, 7);
	CU_ASSERT(env_reads(&e, 1, mp.va, 7));
	env_unmap(&e, 1, mp.obj);
	mp = env_map(&e, 0, 8);
	CU_ASSERT_FALSE(env_reads(&e, 1, mp.va, 8));
	env_unmap(&e, 0, mp.obj);
	env_close(&e);
}

static void
mapper_main(void *arg)
{
	struct env *e = arg;
	struct eph_mapping mp;

	CU_ASSERT_EQUAL(
	    e->ops->map(e->state, env_page(e, 9), SFB_NOWAIT, &mp), 0);
}

static void
test_sleeps_while_all_are_held(void)
{
	struct eph_mapping mp;
	struct env e;

	env_open(&e, "kvabio", N, 1);
	mp = env_map(&e, 1, 7);
	(void)eph_thread_create(e.mc, 0, mapper_main, &e);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	env_unmap(&e, 1, mp.obj);
	CU_ASSERT_EQUAL(eph_run(e.mc), 0);
	CU_ASSERT_EQUAL(env_cost(&e).sleep, 1);
	env_check(&e, 1);
	env_close(&e);
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
