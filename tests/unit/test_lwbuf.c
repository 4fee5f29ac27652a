/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwbuf v1 to v4, over the direct map, and under sf_buf: each row of their
 * event tables, on 4 CPUs in lockstep.
 */

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "design/lwbuf_kvalist.h"
#include "rig.h"
#include "ephmap/kernel/lwbuf.h"
#include "ephmap/kernel/sf_buf.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/shootdown.h"
#include "test_main.h"

#define N 4u

static const char *const i386_designs[] = { "lwbuf.kvalist", "lwbuf.homecpu",
	"lwbuf.reserve", "lwbuf.objcache" };
#define NI386 4

/*
 *	CPU 0	alloc	1 store, L1, whatever was there before
 *	CPU 0	kva	nothing
 *	CPU 1	kva	L1, once
 *	CPU 0	free	nothing, the entry stays
 */
static void
test_alloc_and_first_kva_on_a_cpu_cost_one_invlpg(void)
{
	for (unsigned d = 0; d < NI386; d++) {
		struct eph_mapping mp;
		eph_va_t va;
		struct rig e;

		rig_i386(&e, i386_designs[d], N, 0);
		mp = rig_map(&e, 0, 7, SFB_DEFAULT);
		RIG_COST(&e, 1, 1, 0, 0);
		CU_ASSERT_EQUAL(rig_kva(&e, 0, mp), mp.va);
		RIG_COST(&e, 0, 0, 0, 0);
		CU_ASSERT_EQUAL(rig_kva(&e, 1, mp), mp.va);
		RIG_COST(&e, 0, 1, 0, 0);
		CU_ASSERT_EQUAL(rig_kva(&e, 1, mp), mp.va);
		RIG_COST(&e, 0, 0, 0, 0);
		CU_ASSERT(rig_reads(&e, 1, mp.va, 7));
		CU_ASSERT_EQUAL(e.ops->page(e.state, mp.obj)->frame, 7);
		rig_check(&e, 1);
		va = mp.va;
		rig_unmap(&e, 0, mp);
		RIG_COST(&e, 0, 0, 0, 0);
		rig_check(&e, 0);

		/* Never cached: the same page again costs the same. */
		mp = rig_map(&e, 0, 7, SFB_DEFAULT);
		RIG_COST(&e, 1, 1, 0, 0);
		CU_ASSERT_EQUAL(mp.va, va);
		rig_unmap(&e, 0, mp);

		/* CPU 1 was in sync with page 7, and is not with page 8. */
		mp = rig_map(&e, 0, 8, SFB_DEFAULT);
		RIG_COST(&e, 1, 1, 0, 0);
		CU_ASSERT_EQUAL(mp.va, va);
		CU_ASSERT_EQUAL(rig_kva(&e, 1, mp), va);
		RIG_COST(&e, 0, 1, 0, 0);
		CU_ASSERT(rig_reads(&e, 1, mp.va, 8));
		rig_unmap(&e, 0, mp);
		CU_ASSERT_EQUAL(e.mark.hit_active + e.mark.hit_inactive, 0);
		CU_ASSERT_EQUAL(e.mark.miss, 3);
		CU_ASSERT_EQUAL(e.mark.evict, 0);
		CU_ASSERT_EQUAL(e.mark.kva_calls, 4);
		rig_close(&e);
	}
}

/* A CPU that does not ask may read the page of the address's last use. */
static void
test_a_cpu_that_does_not_ask_may_be_stale(void)
{
	for (unsigned d = 0; d < NI386; d++) {
		struct eph_mapping mp;
		struct rig e;

		rig_i386(&e, i386_designs[d], N, 0);
		mp = rig_map(&e, 0, 7, SFB_DEFAULT);
		(void)rig_kva(&e, 1, mp);
		CU_ASSERT(rig_reads(&e, 1, mp.va, 7));
		rig_unmap(&e, 0, mp);
		mp = rig_map(&e, 0, 8, SFB_DEFAULT);
		CU_ASSERT_FALSE(rig_reads(&e, 1, mp.va, 8));
		CU_ASSERT_EQUAL(e.mc->nviolations, 1);
		rig_unmap(&e, 0, mp);
		rig_close(&e);
	}
}

struct pool_env {
	struct rig e;
	struct lwbuf_pool *pool;
};

static void
pool_open(struct pool_env *p, const char *design)
{
	struct eph_err err = { "" };

	memset(p, 0, sizeof(*p));
	rig_i386(&p->e, NULL, N, 0);
	CU_ASSERT_EQUAL_FATAL(
	    lwbuf_pool_create(p->e.mc, design, &p->pool, &err), 0);
	p->e.ops = lwbuf_pool_design(p->pool);
	p->e.state = lwbuf_pool_state(p->pool);
	eph_cpu_enter(p->e.mc, 0);
}

static void
pool_close(struct pool_env *p)
{
	eph_lockstep_drain(p->e.mc);
	lwbuf_pool_destroy(p->pool);
	rig_close(&p->e);
}

/*
 *	set_global		L1 R(N-1) IPI(N-1), then kva is free anywhere
 *	set_global again	v1 to v3 the same, v4 nothing
 */
static void
test_set_global_syncs_every_cpu(void)
{
	for (unsigned d = 0; d < NI386; d++) {
		const bool v4 = strcmp(i386_designs[d], "lwbuf.objcache") == 0;
		struct pool_env p;
		struct lwbuf *lwb;

		pool_open(&p, i386_designs[d]);
		lwb = lwbuf_alloc(p.pool, vm_page_get(p.e.mc, 3));
		RIG_COST(&p.e, 1, 1, 0, 0);
		CU_ASSERT_EQUAL(lwbuf_set_global(p.pool, lwb), 0);
		RIG_COST(&p.e, 0, 1, N - 1, N - 1);
		for (unsigned c = 0; c < N; c++)
			(void)rig_kva(&p.e, c, (struct eph_mapping){ lwb, 0 });
		RIG_COST(&p.e, 0, 0, 0, 0);
		CU_ASSERT_EQUAL(lwbuf_set_global(p.pool, lwb), 0);
		RIG_COST(&p.e, 0, !v4, v4 ? 0 : N - 1, v4 ? 0 : N - 1);
		CU_ASSERT_EQUAL(lwbuf_page(p.pool, lwb)->frame, 3);
		eph_cpu_enter(p.e.mc, 0);
		lwbuf_free(p.pool, lwb);

		/* The next use starts with this CPU only. */
		lwb = lwbuf_alloc(p.pool, vm_page_get(p.e.mc, 4));
		rig_mark(&p.e);
		eph_cpu_enter(p.e.mc, 2);
		(void)lwbuf_kva(p.pool, lwb);
		RIG_COST(&p.e, 0, 1, 0, 0);
		eph_cpu_enter(p.e.mc, 0);
		lwbuf_free(p.pool, lwb);
		pool_close(&p);
	}
}

static void
test_all_cpus_asking_is_not_global_below_32_cpus(void)
{
	struct pool_env p;
	struct lwbuf *lwb;

	pool_open(&p, "lwbuf.objcache");
	lwb = lwbuf_alloc(p.pool, vm_page_get(p.e.mc, 3));
	for (unsigned c = 0; c < N; c++)
		(void)rig_kva(&p.e, c, (struct eph_mapping){ lwb, 0 });
	rig_mark(&p.e);
	CU_ASSERT_EQUAL(lwbuf_set_global(p.pool, lwb), 0);
	RIG_COST(&p.e, 0, 1, N - 1, N - 1);
	lwbuf_free(p.pool, lwb);
	pool_close(&p);
}

/* What set_global costs on `n` CPUs of which `asked` have the address. */
static void
expect_set_global(unsigned n, unsigned asked, unsigned l, unsigned others)
{
	struct lwbuf_pool *pool = NULL;
	struct lwbuf *lwb;
	struct rig e;

	rig_i386(&e, NULL, n, 0);
	CU_ASSERT_EQUAL_FATAL(
	    lwbuf_pool_create(e.mc, "lwbuf.objcache", &pool, NULL), 0);
	eph_cpu_enter(e.mc, 0);
	lwb = lwbuf_alloc(pool, vm_page_get(e.mc, 3));
	for (unsigned c = 0; c < asked; c++) {
		eph_cpu_enter(e.mc, c);
		(void)lwbuf_kva(pool, lwb);
	}
	rig_mark(&e);
	CU_ASSERT_EQUAL(lwbuf_set_global(pool, lwb), 0);
	RIG_COST(&e, 0, l, others, others);
	lwbuf_free(pool, lwb);
	lwbuf_pool_destroy(pool);
	rig_close(&e);
}

/* The kernels' mask has 32 bits: with as many CPUs all that asked are all. */
static void
test_all_cpus_asking_is_global_from_32_cpus_on(void)
{
	expect_set_global(31, 31, 1, 30);
	for (unsigned n = 32; n < 140; n += 31 + n % 2) {
		expect_set_global(n, n - 1, 1, n - 1);
		expect_set_global(n, n, 0, 0);
	}
}

static void
test_pool_names_only_lwbufs(void)
{
	struct lwbuf_pool *pool = NULL;
	struct eph_err err = { "" };
	struct rig e;

	rig_i386(&e, NULL, 1, 0);
	CU_ASSERT_EQUAL(
	    lwbuf_pool_create(e.mc, "sf_buf.lru", &pool, &err), ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "sf_buf.lru"));
	CU_ASSERT_PTR_NULL(pool);
	rig_close(&e);
}

/* v1 */

static uint32_t
v1_count(struct rig *e, unsigned cpu)
{
	return (eph__lwbuf_kvalist_count_cpu(e->state, cpu));
}

/*
 *	boot	CPU 0 has 256 addresses, the others none
 *	CPU 1	alloc takes 32, and uses the highest
 */
static void
test_v1_boot_cpu_alone_has_addresses(void)
{
	struct eph_mapping a, b;
	struct rig e;

	rig_i386(&e, "lwbuf.kvalist", N, 0);
	CU_ASSERT_EQUAL(v1_count(&e, 0), 256);
	CU_ASSERT_EQUAL(v1_count(&e, 1), 0);
	a = rig_map(&e, 1, 1, SFB_DEFAULT);
	CU_ASSERT_EQUAL(v1_count(&e, 1), 31);
	b = rig_map(&e, 1, 2, SFB_DEFAULT);
	CU_ASSERT_EQUAL(b.va + EPH_PAGE_SIZE, a.va);
	RIG_COST(&e, 2, 2, 0, 0);
	rig_unmap(&e, 1, a);
	rig_unmap(&e, 1, b);
	CU_ASSERT_EQUAL(v1_count(&e, 1), 32);
	rig_close(&e);
}

/* CPU 0 maps and CPU 1 unmaps: addresses pile up on CPU 1, for ever. */
static void
test_v1_addresses_migrate_and_never_come_back(void)
{
	struct rig e;

	rig_i386(&e, "lwbuf.kvalist", N, 0);
	for (unsigned i = 0; i < 320; i++) {
		struct eph_mapping mp = rig_map(&e, 0, i, SFB_DEFAULT);

		rig_unmap(&e, 1, mp);
	}
	RIG_COST(&e, 320, 320, 0, 0);
	CU_ASSERT_EQUAL(v1_count(&e, 1), 320);
	CU_ASSERT_EQUAL(v1_count(&e, 0), 0);
	CU_ASSERT_EQUAL(kva_usage(e.mc).now, 256 + 2 * 32);
	rig_check(&e, 0);
	rig_close(&e);
}

/* A thread that maps once, notes when, and keeps the mapping. */
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

static void
mapper_start(struct mapper *mr, struct rig *e, unsigned cpu, uint32_t frame)
{
	*mr = (struct mapper){ .e = e, .frame = frame };
	CU_ASSERT_PTR_NOT_NULL_FATAL(
	    eph_thread_create(e->mc, cpu, mapper_main, mr));
}

/*
 *	no KVA	alloc sleeps hz, finds none, sleeps hz again
 *	free	on the same CPU wakes it before that
 */
static void
test_v1_exhaustion_sleeps_a_second_or_until_a_free(void)
{
	struct eph_mapping held;
	struct mapper mr;
	struct rig e;

	rig_i386(&e, "lwbuf.kvalist", N, 0);
	rig_exhaust_kva(&e);
	for (unsigned i = 0; i < 256; i++)
		held = rig_map(&e, 0, i, SFB_DEFAULT);
	mapper_start(&mr, &e, 0, 500);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	rig_mark(&e);
	eph_lockstep_delay(e.mc, 999999999);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	CU_ASSERT_EQUAL(rig_events(&e).sleep, 0);
	eph_lockstep_delay(e.mc, 1);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	CU_ASSERT_EQUAL(rig_events(&e).sleep, 1);
	rig_unmap(&e, 1, held);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	held = rig_map(&e, 1, 600, SFB_DEFAULT);
	rig_unmap(&e, 0, held);
	rig_mark(&e);
	CU_ASSERT_EQUAL(eph_run(e.mc), 0);
	CU_ASSERT(mr.done);
	RIG_COST(&e, 1, 1, 0, 0);
	rig_check(&e, 256);
	rig_close(&e);
}

/* v2 */

/*
 *	CPU 1	free	1 passive message, no interrupt; the lwbuf is home
 *			when CPU 0 goes on
 */
static void
test_homed_free_elsewhere_is_one_passive_message(void)
{
	static const char *const designs[] = { "lwbuf.homecpu",
		"lwbuf.reserve" };

	for (unsigned d = 0; d < 2; d++) {
		struct eph_counters c;
		struct eph_mapping mp;
		eph_va_t va;
		struct rig e;

		rig_i386(&e, designs[d], N, 0);
		mp = rig_map(&e, 0, 7, SFB_DEFAULT);
		va = mp.va;
		rig_mark(&e);
		rig_unmap(&e, 1, mp);
		c = rig_events(&e);
		CU_ASSERT_EQUAL(c.ipiq_msg, 1);
		CU_ASSERT_EQUAL(c.ipiq_passive, 1);
		CU_ASSERT_EQUAL(c.ipi_sent, 0);
		CU_ASSERT_EQUAL(c.invlpg_local + c.pte_store, 0);
		rig_check(&e, 0);
		mp = rig_map(&e, 0, 8, SFB_DEFAULT);
		CU_ASSERT_EQUAL(mp.va, va);
		rig_unmap(&e, 0, mp);
		CU_ASSERT_EQUAL(rig_events(&e).ipiq_msg, 0);
		CU_ASSERT_EQUAL(rig_sysctl(&e, "lwkt.ipiq_count"), 1);
		CU_ASSERT_EQUAL(rig_sysctl(&e, "lwkt.ipiq_passive"), 1);
		CU_ASSERT_EQUAL(rig_sysctl(&e, "lwkt.ipiq_avoided"), 0);
		rig_close(&e);
	}
}

/* The tenth message finds nine: over half of 16, and kicks. */
static void
test_homed_tenth_free_elsewhere_kicks(void)
{
	struct eph_mapping mp[10];
	struct rig e;

	rig_i386(&e, "lwbuf.homecpu", N, 0);
	for (unsigned i = 0; i < 10; i++)
		mp[i] = rig_map(&e, 0, i, SFB_DEFAULT);
	rig_mark(&e);
	for (unsigned i = 0; i < 9; i++)
		rig_unmap(&e, 1, mp[i]);
	CU_ASSERT_EQUAL(rig_events(&e).ipi_sent, 0);
	rig_unmap(&e, 1, mp[9]);
	CU_ASSERT_EQUAL(rig_events(&e).ipi_sent, 1);
	CU_ASSERT_EQUAL(e.mc->ipiq_kick, 1);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "lwkt.ipiq_fifofull"), 1);
	rig_check(&e, 0);
	rig_close(&e);
}

/*
 * 258 held at once make 288 (256 and 32); the list keeps 257, and every
 * free that finds more than 256 on it gives the address back.
 */
static void
test_v2_owner_gives_back_above_256(void)
{
	struct eph_mapping mp[288];
	struct rig e;

	rig_i386(&e, "lwbuf.homecpu", N, 0);
	CU_ASSERT_EQUAL(kva_usage(e.mc).now, N * 256);
	for (unsigned i = 0; i < 288; i++)
		mp[i] = rig_map(&e, 0, i, SFB_DEFAULT);
	RIG_COST(&e, 288, 288, 0, 0);
	for (unsigned i = 0; i < 257; i++)
		rig_unmap(&e, 0, mp[i]);
	RIG_COST(&e, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(kva_usage(e.mc).now, N * 256 + 32);
	rig_unmap(&e, 0, mp[257]);
	RIG_COST(&e, 1, 1, N - 1, N - 1);
	CU_ASSERT_EQUAL(kva_usage(e.mc).now, N * 256 + 31);
	rig_check(&e, 30);

	/* By message, the owner does the same. */
	rig_unmap(&e, 2, mp[258]);
	RIG_COST(&e, 0, 0, 0, 0);
	eph_cpu_enter(e.mc, 0);
	RIG_COST(&e, 1, 1, N - 1, N - 1);
	rig_close(&e);
}

/*
 * The rendezvous of a free that gives back is messages too: one that finds
 * nine passive ones in its FIFO kicks before it is queued.
 */
static void
test_v2_rendezvous_behind_nine_messages_kicks_first(void)
{
	struct eph_mapping mp[288], other[9];
	struct rig e;

	rig_i386(&e, "lwbuf.homecpu", N, 0);
	for (unsigned i = 0; i < 288; i++)
		mp[i] = rig_map(&e, 0, i, SFB_DEFAULT);
	for (unsigned i = 0; i < 9; i++)
		other[i] = rig_map(&e, 1, i, SFB_DEFAULT);
	for (unsigned i = 0; i < 257; i++)
		rig_unmap(&e, 0, mp[i]);
	rig_mark(&e);
	for (unsigned i = 0; i < 8; i++)
		rig_unmap(&e, 0, other[i]);
	RIG_COST(&e, 0, 0, 0, 0);
	rig_unmap(&e, 0, mp[257]);
	RIG_COST(
	    &e, 1, 1, N - 1, N - 1); /* eight are half the FIFO, not over */
	CU_ASSERT_EQUAL(e.mc->ipiq_kick, 0);

	for (unsigned i = 0; i < 8; i++)
		other[i] = rig_map(&e, 1, i, SFB_DEFAULT);
	rig_mark(&e);
	for (unsigned i = 0; i < 9; i++)
		rig_unmap(&e, 0, other[i]);
	RIG_COST(&e, 0, 0, 0, 0);
	rig_unmap(&e, 0, mp[258]);
	RIG_COST(&e, 1, 1, N - 1, N);
	CU_ASSERT_EQUAL(e.mc->ipiq_kick, 1);
	rig_check(&e, 29);
	rig_close(&e);
}

/*
 * Two sleepers and two frees before they run: the list goes from 0 to 1
 * and to 2, and the second sleeper is not woken.
 */
static void
test_v2_second_free_wakes_nobody(void)
{
	struct eph_mapping a, b;
	struct mapper mr[2];
	struct rig e;

	rig_i386(&e, "lwbuf.homecpu", N, 0);
	rig_exhaust_kva(&e);
	a = rig_map(&e, 0, 0, SFB_DEFAULT);
	b = rig_map(&e, 0, 1, SFB_DEFAULT);
	for (unsigned i = 2; i < 256; i++)
		(void)rig_map(&e, 0, i, SFB_DEFAULT);
	mapper_start(&mr[0], &e, 0, 500);
	mapper_start(&mr[1], &e, 0, 501);
	CU_ASSERT_EQUAL(eph_run(e.mc), 2);
	rig_unmap(&e, 0, a);
	rig_unmap(&e, 0, b);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	CU_ASSERT(mr[0].done);
	CU_ASSERT_FALSE(mr[1].done);
	CU_ASSERT_EQUAL(e.mark.wakeup, 0);
	CU_ASSERT_EQUAL(rig_events(&e).wakeup, 1);
	rig_close(&e);
}

/* v3 */

static void
test_v3_reserve_is_fixed_and_the_rest_ephemeral(void)
{
	struct eph_mapping mp[300];
	struct rig e;

	rig_i386(&e, "lwbuf.reserve", N, 0);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_reserve"), 256);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_count"), N * 256);
	for (unsigned i = 0; i < 300; i++)
		mp[i] = rig_map(&e, 0, i, SFB_DEFAULT);
	RIG_COST(&e, 300, 300, 0, 0);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_count"), 3 * 256);
	CU_ASSERT_EQUAL(kva_usage(e.mc).now, N * 256 + 44);
	rig_check(&e, 300);
	for (unsigned i = 0; i < 300; i++)
		rig_unmap(&e, 0, mp[i]);
	RIG_COST(&e, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_count"), N * 256);
	CU_ASSERT_EQUAL(kva_usage(e.mc).now, N * 256 + 44);
	rig_check(&e, 0);
	rig_close(&e);
}

/* The owner of an ephemeral lwbuf is who constructed it. */
static void
test_v3_ephemeral_goes_home_by_message(void)
{
	struct eph_mapping mp = { NULL, 0 };
	struct rig e;

	rig_i386(&e, "lwbuf.reserve", N, 0);
	for (unsigned i = 0; i < 257; i++)
		mp = rig_map(&e, 0, i, SFB_DEFAULT);
	rig_mark(&e);
	rig_unmap(&e, 3, mp);
	CU_ASSERT_EQUAL(rig_events(&e).ipiq_passive, 1);
	rig_check(&e, 256);
	eph_cpu_enter(e.mc, 0);
	rig_check(&e, 256);
	mp = rig_map(&e, 0, 900, SFB_DEFAULT);
	RIG_COST(&e, 1, 1, 0, 0);
	CU_ASSERT_EQUAL(kva_usage(e.mc).now, N * 256 + 1);
	rig_close(&e);
}

/* A sleeper waits for the reserve; an ephemeral free wakes nobody. */
static void
test_v3_exhaustion_ends_with_a_free_of_the_reserve(void)
{
	struct eph_mapping first = { NULL, 0 }, ephemeral;
	struct mapper mr;
	struct rig e;

	rig_i386(&e, "lwbuf.reserve", N, 0);
	for (unsigned i = 0; i < 256; i++) {
		struct eph_mapping mp = rig_map(&e, 0, i, SFB_DEFAULT);

		if (i == 0)
			first = mp;
	}
	ephemeral = rig_map(&e, 0, 256, SFB_DEFAULT);
	rig_exhaust_kva(&e);
	mapper_start(&mr, &e, 0, 500);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	rig_unmap(&e, 0, ephemeral);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	rig_unmap(&e, 0, first);
	CU_ASSERT_EQUAL(eph_run(e.mc), 0);
	CU_ASSERT(mr.done);
	rig_check(&e, 256);
	rig_close(&e);
}

/* v4 */

/*
 * One CPU frees what another maps: two magazines of 64 here and the two
 * empty ones of the depot take 4 x 64; the next is destroyed, with its
 * entry valid.
 */
static void
test_v4_free_that_finds_no_magazine_interrupts_everybody(void)
{
	struct eph_mapping mp[4 * 64 + 2];
	struct rig e;

	rig_i386(&e, "lwbuf.objcache", N, 0);
	for (unsigned i = 0; i < 4 * 64 + 2; i++)
		mp[i] = rig_map(&e, 0, i, SFB_DEFAULT);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_count"), 4 * 64 + 2);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_kva_bytes"),
	    (4 * 64 + 2) * EPH_PAGE_SIZE);
	rig_mark(&e);
	for (unsigned i = 0; i < 4 * 64; i++)
		rig_unmap(&e, 1, mp[i]);
	RIG_COST(&e, 0, 0, 0, 0);
	rig_unmap(&e, 1, mp[4 * 64]);
	RIG_COST(&e, 1, 1, N - 1, N - 1);
	rig_unmap(&e, 1, mp[4 * 64 + 1]);
	RIG_COST(&e, 1, 1, N - 1, N - 1);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_count"), 0);
	CU_ASSERT_EQUAL(
	    rig_sysctl(&e, "kern.ipc.lwbuf_kva_bytes"), 4 * 64 * EPH_PAGE_SIZE);
	CU_ASSERT_EQUAL(rig_sysctl(&e, "kern.ipc.lwbuf_reserve"), 256);
	rig_check(&e, 0);
	rig_close(&e);
}

/* An address that was destroyed and made again is not stale anywhere. */
static void
test_v4_destroyed_address_is_in_sync_everywhere(void)
{
	struct eph_mapping mp[4 * 64 + 1], again;
	struct rig e;

	rig_i386(&e, "lwbuf.objcache", N, 0);
	for (unsigned i = 0; i < 4 * 64 + 1; i++)
		mp[i] = rig_map(&e, 0, i, SFB_DEFAULT);
	(void)rig_kva(&e, 2, mp[4 * 64]);
	CU_ASSERT(rig_reads(&e, 2, mp[4 * 64].va, 4 * 64));
	for (unsigned i = 0; i < 4 * 64 + 1; i++)
		rig_unmap(&e, 1, mp[i]);
	for (unsigned i = 0; i < 4 * 64; i++)
		(void)rig_map(&e, 1, i, SFB_DEFAULT);
	again = rig_map(&e, 1, 999, SFB_DEFAULT);
	CU_ASSERT_EQUAL(again.va, mp[4 * 64].va);
	CU_ASSERT(rig_reads(&e, 2, again.va, 999));
	rig_close(&e);
}

static void
test_v4_exhaustion_sleeps_a_second(void)
{
	struct eph_mapping held;
	struct mapper mr;
	struct rig e;

	rig_i386(&e, "lwbuf.objcache", N, 0);
	held = rig_map(&e, 0, 1, SFB_DEFAULT);
	rig_exhaust_kva(&e);
	mapper_start(&mr, &e, 0, 500);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	rig_unmap(&e, 0, held);
	CU_ASSERT_EQUAL(eph_run(e.mc), 1);
	eph_lockstep_delay(e.mc, 1000000000);
	CU_ASSERT_EQUAL(eph_run(e.mc), 0);
	CU_ASSERT(mr.done);
	CU_ASSERT_EQUAL(mr.mp.va, held.va);
	rig_check(&e, 1);
	rig_close(&e);
}

/* dmap */

static void
test_dmap_costs_nothing(void)
{
	struct pool_env p;
	struct lwbuf *lwb;

	pool_open(&p, "lwbuf.dmap");
	lwb = lwbuf_alloc(p.pool, vm_page_get(p.e.mc, 3));
	CU_ASSERT_EQUAL(lwbuf_set_global(p.pool, lwb), 0);
	CU_ASSERT(rig_reads(
	    &p.e, 3, rig_kva(&p.e, 3, (struct eph_mapping){ lwb, 0 }), 3));
	lwbuf_free(p.pool, lwb);
	RIG_COST(&p.e, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(p.e.mark.miss, 1);
	pool_close(&p);
}

/* sf_buf.lwbuf */

/*
 *	CPU 0	alloc		1 store, L2 R(N-1) IPI(N-1), always
 *	any	kva, ref, free	nothing
 */
static void
test_sf_buf_over_lwbuf_pays_for_everybody_each_time(void)
{
	struct eph_err err = { "" };
	struct sf_buf_pool *pool;
	struct sf_buf *sf;
	struct rig e;

	rig_i386(&e, NULL, N, 0);
	CU_ASSERT_EQUAL_FATAL(
	    sf_buf_pool_create(e.mc, "sf_buf.lwbuf", 1, &pool, &err), 0);
	e.ops = sf_buf_pool_design(pool);
	e.state = sf_buf_pool_state(pool);
	for (unsigned i = 0; i < 3; i++) {
		eph_cpu_enter(e.mc, 0);
		sf = sf_buf_alloc(pool, vm_page_get(e.mc, 7), SFB_DEFAULT);
		RIG_COST(&e, 1, 2, N - 1, N - 1);
		for (unsigned c = 0; c < N; c++)
			CU_ASSERT(rig_reads(&e, c,
			    rig_kva(&e, c, (struct eph_mapping){ sf, 0 }), 7));
		CU_ASSERT_EQUAL(sf_buf_page(pool, sf)->frame, 7);
		sf_buf_ref(pool, sf);
		rig_check(&e, 2);
		sf_buf_free(pool, sf);
		rig_check(&e, 1);
		sf_buf_free(pool, sf);
		rig_check(&e, 0);
		RIG_COST(&e, 0, 0, 0, 0);
	}
	CU_ASSERT_EQUAL(e.mark.miss, 3);
	CU_ASSERT_EQUAL(e.mark.unmap_calls, 6);
	sf_buf_pool_destroy(pool);
	rig_close(&e);
}

static void
over_free(void *arg)
{
	struct rig e;
	struct eph_mapping mp;

	rig_i386(&e, arg, 1, 8);
	mp = rig_map(&e, 0, 1, SFB_DEFAULT);
	rig_unmap(&e, 0, mp);
	rig_unmap(&e, 0, mp);
}

static void
test_freeing_twice_is_a_panic(void)
{
	static char names[][16] = { "lwbuf.kvalist", "lwbuf.homecpu",
		"lwbuf.reserve", "lwbuf.objcache", "lwbuf.pcpu",
		"lwbuf.pcpu-kva", "sf_buf.lwbuf", "kvabio" };

	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT(test_dies(over_free, names[i], "freeing a free"));
}

static void
test_creation_survives_every_failed_allocation(void)
{
	static const char *const names[] = { "lwbuf.kvalist", "lwbuf.homecpu",
		"lwbuf.reserve", "lwbuf.objcache", "lwbuf.pcpu",
		"lwbuf.pcpu-kva", "sf_buf.lwbuf", "kvabio" };
	const struct eph_design_config cfg = { .nbufs = 8 };

	for (unsigned d = 0; d < 8; d++) {
		const struct eph_design_ops *ops = eph_design_find(names[d]);
		int error = ENOMEM;

		for (unsigned n = 1; error != 0; n++) {
			struct eph_machine *mc;
			struct eph_err err = { "" };
			void *state = NULL;
			struct rig e;

			rig_i386(&e, NULL, 2, 0);
			mc = e.mc;
			CU_ASSERT_EQUAL_FATAL(
			    eph_machine_set_shootdown(
				mc, eph_shootdown_find(ops->shootdown)),
			    0);
			eph_machine_fail_alloc(mc, n);
			error = eph_design_create(ops, mc, &cfg, &state, &err);
			eph_machine_fail_alloc(mc, 0);
			if (error == 0)
				ops->destroy(state);
			else
				CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
			rig_close(&e);
			CU_ASSERT_FATAL(n < 200);
		}
	}
}

static CU_TestInfo tests[] = {
	TEST(test_alloc_and_first_kva_on_a_cpu_cost_one_invlpg),
	TEST(test_a_cpu_that_does_not_ask_may_be_stale),
	TEST(test_set_global_syncs_every_cpu),
	TEST(test_all_cpus_asking_is_not_global_below_32_cpus),
	TEST(test_all_cpus_asking_is_global_from_32_cpus_on),
	TEST(test_pool_names_only_lwbufs),
	TEST(test_v1_boot_cpu_alone_has_addresses),
	TEST(test_v1_addresses_migrate_and_never_come_back),
	TEST(test_v1_exhaustion_sleeps_a_second_or_until_a_free),
	TEST(test_homed_free_elsewhere_is_one_passive_message),
	TEST(test_homed_tenth_free_elsewhere_kicks),
	TEST(test_v2_owner_gives_back_above_256),
	TEST(test_v2_rendezvous_behind_nine_messages_kicks_first),
	TEST(test_v2_second_free_wakes_nobody),
	TEST(test_v3_reserve_is_fixed_and_the_rest_ephemeral),
	TEST(test_v3_ephemeral_goes_home_by_message),
	TEST(test_v3_exhaustion_ends_with_a_free_of_the_reserve),
	TEST(test_v4_free_that_finds_no_magazine_interrupts_everybody),
	TEST(test_v4_destroyed_address_is_in_sync_everywhere),
	TEST(test_v4_exhaustion_sleeps_a_second),
	TEST(test_dmap_costs_nothing),
	TEST(test_sf_buf_over_lwbuf_pays_for_everybody_each_time),
	TEST(test_freeing_twice_is_a_panic),
	TEST(test_creation_survives_every_failed_allocation),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "lwbuf", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
