/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwbuf.pcpu and lwbuf.pcpu-kva: each row of their event table, on 4 CPUs
 * in lockstep.
 */

#include <errno.h>
#include <string.h>

#include "rig.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/lwbuf.h"
#include "test_main.h"

#define N 4u

static const char *const designs[] = { "lwbuf.pcpu", "lwbuf.pcpu-kva" };

/* Both forms, one after the other. */
#define FOREACH_FORM(e)                                                        \
	for (unsigned form = 0;                                                \
	     form < 2 && (rig_i386(&(e), designs[form], N, 0), true); form++)

static void
set_limit(struct rig *e, uint64_t limit)
{
	CU_ASSERT_EQUAL_FATAL(e->ops->sysctls[0].set(e->state, limit), 0);
	CU_ASSERT_EQUAL(rig_sysctl(e, "kern.ipc.lwbuf_limit"), limit);
}

/*
 *	CPU 0	alloc A		miss: 1 store, L1
 *	CPU 0	alloc A		hit, referenced
 *	CPU 0	free both, alloc A	hit, unreferenced
 */
static void
test_mapping_of_this_cpu_is_found_again(void)
{
	struct eph_mapping a, b;
	struct eph_counters c;
	struct rig e;

	FOREACH_FORM(e)
	{
		a = rig_map(&e, 0, 7, SFB_DEFAULT);
		RIG_COST(&e, 1, 1, 0, 0);
		b = rig_map(&e, 0, 7, SFB_DEFAULT);
		CU_ASSERT_EQUAL(a.va, b.va);
		CU_ASSERT_PTR_NOT_EQUAL(a.obj, b.obj);
		rig_check(&e, 2);
		rig_unmap(&e, 0, a);
		rig_unmap(&e, 0, b);
		rig_check(&e, 0);
		a = rig_map(&e, 0, 7, SFB_DEFAULT);
		CU_ASSERT_EQUAL(a.va, b.va);
		CU_ASSERT(rig_reads(&e, 0, a.va, 7));
		c = rig_events(&e);
		CU_ASSERT_EQUAL(c.pte_store + c.invlpg_local, 0);
		CU_ASSERT_EQUAL(e.mark.hit_active, 1);
		CU_ASSERT_EQUAL(e.mark.hit_inactive, 1);
		CU_ASSERT_EQUAL(e.mark.miss, 1);
		CU_ASSERT_EQUAL(e.mark.evict, 0);
		CU_ASSERT_EQUAL(e.mark.map_calls, 3);
		rig_unmap(&e, 0, a);
		CU_ASSERT_EQUAL(e.mark.ipiq_msg, 0);
		rig_close(&e);
	}
}

/*
 *	CPU 1	kva	makes a record of its own: 1 store, L1
 *	CPU 1	kva	nothing
 *	CPU 2	free	a passive message to each CPU that holds one
 */
static void
test_kva_elsewhere_makes_a_mapping_there(void)
{
	struct eph_counters c;
	struct eph_mapping a;
	struct rig e;
	eph_va_t va;

	FOREACH_FORM(e)
	{
		a = rig_map(&e, 0, 7, SFB_DEFAULT);
		rig_mark(&e);
		va = rig_kva(&e, 1, a);
		RIG_COST(&e, 1, 1, 0, 0);
		CU_ASSERT_EQUAL(va == a.va, form == 1);
		CU_ASSERT_EQUAL(rig_kva(&e, 1, a), va);
		CU_ASSERT_EQUAL(rig_kva(&e, 0, a), a.va);
		RIG_COST(&e, 0, 0, 0, 0);
		CU_ASSERT(rig_reads(&e, 1, va, 7));
		CU_ASSERT(rig_reads(&e, 0, a.va, 7));
		rig_mark(&e);
		rig_unmap(&e, 2, a);
		c = rig_events(&e);
		CU_ASSERT_EQUAL(c.ipiq_passive, 2);
		CU_ASSERT_EQUAL(c.ipiq_msg, 2);
		CU_ASSERT_EQUAL(c.ipi_sent, 0);
		rig_check(&e, 0);
		eph_lockstep_drain(e.mc);
		rig_check(&e, 0);

		/* Both records are cached now. */
		a = rig_map(&e, 1, 7, SFB_DEFAULT);
		(void)rig_kva(&e, 0, a);
		RIG_COST(&e, 0, 0, 0, 0);
		CU_ASSERT_EQUAL(e.mark.hit_inactive, 1);
		rig_unmap(&e, 0, a);
		rig_close(&e);
	}
}

/* A hold by message that has not arrived keeps the record. */
static void
test_record_is_held_until_the_message_arrives(void)
{
	struct eph_mapping a;
	struct rig e;

	FOREACH_FORM(e)
	{
		set_limit(&e, 1);
		a = rig_map(&e, 0, 7, SFB_DEFAULT);
		rig_unmap(&e, 1, a);
		rig_check(&e, 0);
		eph_lockstep_delay(e.mc, 1);
		rig_check(&e, 0);
		a = rig_map(&e, 0, 8, SFB_DEFAULT);
		CU_ASSERT_EQUAL(e.mark.ipi_sent, 0);
		RIG_COST(&e, 2, 2, 0, 0);
		CU_ASSERT_EQUAL(e.mark.evict, 1);
		rig_unmap(&e, 0, a);
		rig_close(&e);
	}
}

/*
 * 32 addresses first; the 33rd page takes the record left longest ago, and
 * not the one hit since.
 */
static void
test_recycles_the_record_left_longest_ago(void)
{
	struct eph_mapping mp[32], x;
	struct rig e;

	FOREACH_FORM(e)
	{
		for (unsigned i = 0; i < 32; i++)
			mp[i] = rig_map(&e, 0, i, SFB_DEFAULT);
		CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_count"), 32);
		for (unsigned i = 0; i < 32; i++)
			rig_unmap(&e, 0, mp[i]);
		x = rig_map(&e, 0, 0, SFB_DEFAULT);
		rig_unmap(&e, 0, x);
		RIG_COST(&e, 32, 32, 0, 0);
		x = rig_map(&e, 0, 100, SFB_DEFAULT);
		RIG_COST(&e, 1, 1, 0, 0);
		CU_ASSERT_EQUAL(x.va, mp[1].va);
		CU_ASSERT_EQUAL(e.mark.evict, 1);
		CU_ASSERT(rig_reads(&e, 0, x.va, 100));
		CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_count"), 32);
		rig_check(&e, 1);
		rig_unmap(&e, 0, x);
		rig_close(&e);
	}
}

/* All referenced: 32 more, up to the limit. */
static void
test_grows_by_32_while_all_are_held(void)
{
	struct eph_mapping mp[40];
	struct rig e;

	FOREACH_FORM(e)
	{
		set_limit(&e, 40);
		for (unsigned i = 0; i < 40; i++) {
			mp[i] = rig_map(&e, 0, i, SFB_DEFAULT);
			CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_count"),
			    i < 32 ? 32 : 40);
		}
		CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_kva_bytes"),
		    form == 1 ? 1024 * 4096 : 40 * 4096);
		for (unsigned i = 0; i < 40; i++)
			rig_unmap(&e, 0, mp[i]);
		rig_close(&e);
	}
}

struct mapper {
	struct rig *e;
	struct eph_mapping mp;
	uint32_t frame;
	bool done;
};

static void
mapper_main(void *arg)
{
	struct mapper *mr = arg;

	CU_ASSERT_EQUAL(mr->e->ops->map(mr->e->state,
			    vm_page_get(mr->e->mc, mr->frame), 0, &mr->mp),
	    0);
	mr->done = true;
}

/* At the limit an alloc sleeps until a record of this CPU is left. */
static void
test_alloc_sleeps_at_the_limit(void)
{
	struct eph_mapping a, b;
	struct mapper mr[2];
	struct rig e;

	FOREACH_FORM(e)
	{
		set_limit(&e, 2);
		a = rig_map(&e, 0, 1, SFB_DEFAULT);
		b = rig_map(&e, 0, 2, SFB_DEFAULT);
		for (unsigned i = 0; i < 2; i++) {
			mr[i] = (struct mapper){ .e = &e, .frame = 50 + i };
			(void)eph_thread_create(e.mc, 0, mapper_main, &mr[i]);
		}
		CU_ASSERT_EQUAL(eph_run(e.mc), 2);
		rig_unmap(&e, 0, a);
		CU_ASSERT_EQUAL(eph_run(e.mc), 1);
		CU_ASSERT(mr[0].done && !mr[1].done);
		rig_unmap(&e, 3, b);
		CU_ASSERT_EQUAL(eph_run(e.mc), 1);
		eph_lockstep_delay(e.mc, 1);
		CU_ASSERT_EQUAL(eph_run(e.mc), 0);
		CU_ASSERT(mr[1].done);
		rig_check(&e, 2);
		CU_ASSERT_EQUAL(rig_events(&e).sleep, 2);
		rig_unmap(&e, 0, mr[0].mp);
		rig_unmap(&e, 0, mr[1].mp);
		rig_close(&e);
	}
}

/* Who is woken and finds its page mapped meanwhile wakes the next. */
static void
test_sleeper_that_hits_passes_the_wakeup_on(void)
{
	struct eph_mapping a, b;
	struct mapper mr[3];
	struct rig e;

	FOREACH_FORM(e)
	{
		set_limit(&e, 2);
		a = rig_map(&e, 0, 1, SFB_DEFAULT);
		b = rig_map(&e, 0, 2, SFB_DEFAULT);
		for (unsigned i = 0; i < 3; i++) {
			mr[i] = (struct mapper){ .e = &e,
				.frame = i < 2 ? 50 : 51 };
			(void)eph_thread_create(e.mc, 0, mapper_main, &mr[i]);
		}
		CU_ASSERT_EQUAL(eph_run(e.mc), 3);
		/* Two records are left, two wakeups: both for page 50. */
		rig_unmap(&e, 0, a);
		rig_unmap(&e, 0, b);
		CU_ASSERT_EQUAL(eph_run(e.mc), 0);
		CU_ASSERT(mr[0].done && mr[1].done && mr[2].done);
		CU_ASSERT_EQUAL(mr[0].mp.va, mr[1].mp.va);
		rig_check(&e, 3);
		for (unsigned i = 0; i < 3; i++)
			rig_unmap(&e, 0, mr[i].mp);
		rig_close(&e);
	}
}

static void
test_kva_refuses_at_the_limit(void)
{
	struct eph_mapping a, b;
	struct rig e;

	FOREACH_FORM(e)
	{
		set_limit(&e, 1);
		a = rig_map(&e, 0, 1, SFB_DEFAULT);
		b = rig_map(&e, 1, 2, SFB_DEFAULT);
		CU_ASSERT_EQUAL(rig_kva(&e, 1, a), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.mc->refusal, "CPU 1"));
		rig_check(&e, 2);
		rig_unmap(&e, 1, b);
		CU_ASSERT_NOT_EQUAL(rig_kva(&e, 1, a), 0);
		rig_check(&e, 1);
		rig_unmap(&e, 0, a);
		rig_close(&e);
	}
}

/* One address, another page on each CPU. */
static void
test_window_maps_one_address_differently(void)
{
	struct eph_mapping mp[N];
	struct rig e;

	rig_i386(&e, "lwbuf.pcpu-kva", N, 0);
	for (unsigned c = 0; c < N; c++)
		mp[c] = rig_map(&e, c, 10 + c, SFB_DEFAULT);
	for (unsigned c = 0; c < N; c++) {
		CU_ASSERT_EQUAL(mp[c].va, mp[0].va);
		CU_ASSERT(rig_reads(&e, c, mp[c].va, 10 + c));
	}
	CU_ASSERT_EQUAL(kva_usage(e.mc).now, 0);
	rig_check(&e, N);
	for (unsigned c = 0; c < N; c++)
		rig_unmap(&e, c, mp[c]);
	rig_close(&e);
}

static void
test_there_is_no_set_global(void)
{
	struct eph_err err = { "" };
	struct lwbuf_pool *pool;
	struct eph_machine *mc;
	struct lwbuf *lwb;
	struct rig e;

	for (unsigned form = 0; form < 2; form++) {
		rig_i386(&e, NULL, N, 0);
		mc = e.mc;
		CU_ASSERT_EQUAL_FATAL(
		    lwbuf_pool_create(mc, designs[form], &pool, &err), 0);
		eph_cpu_enter(mc, 0);
		lwb = lwbuf_alloc(pool, vm_page_get(mc, 1));
		CU_ASSERT_EQUAL(lwbuf_set_global(pool, lwb), ENOTSUP);
		CU_ASSERT_PTR_NOT_NULL(strstr(mc->refusal, "address"));
		lwbuf_free(pool, lwb);
		lwbuf_pool_destroy(pool);
		/* The machine keeps its window: a second pool finds it. */
		CU_ASSERT_EQUAL_FATAL(
		    lwbuf_pool_create(mc, designs[form], &pool, &err), 0);
		lwbuf_pool_destroy(pool);
		rig_close(&e);
	}
}

static void
test_limit_takes_sensible_values(void)
{
	struct rig e;

	rig_i386(&e, "lwbuf.pcpu", N, 0);
	CU_ASSERT_EQUAL(e.ops->sysctls[0].set(e.state, 0), EINVAL);
	CU_ASSERT_EQUAL(e.ops->sysctls[0].set(e.state, 1025), EINVAL);
	CU_ASSERT_EQUAL(e.ops->sysctls[1].set(e.state, 1), EPERM);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_limit"), 1024);
	rig_close(&e);
}

static CU_TestInfo tests[] = {
	TEST(test_mapping_of_this_cpu_is_found_again),
	TEST(test_kva_elsewhere_makes_a_mapping_there),
	TEST(test_record_is_held_until_the_message_arrives),
	TEST(test_recycles_the_record_left_longest_ago),
	TEST(test_grows_by_32_while_all_are_held),
	TEST(test_alloc_sleeps_at_the_limit),
	TEST(test_sleeper_that_hits_passes_the_wakeup_on),
	TEST(test_kva_refuses_at_the_limit),
	TEST(test_window_maps_one_address_differently),
	TEST(test_there_is_no_set_global),
	TEST(test_limit_takes_sensible_values),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "lwbuf_pcpu", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
