/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Each service of the kernel and its scheduling points: the places where
 * explore may let another CPU go on.  A service that takes a lock or touches
 * what CPUs share, and has none, hides races: a search then says "all, none"
 * and means less than it says.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/explore.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/objcache.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/kernel/vm_page.h"
#include "ephmap/kernel/vm_pool.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/scenario.h"
#include "ephmap/sdk/shootdown.h"
#include "exec/explore.h"
#include "test_main.h"

/* What the services are called on; made before anything runs. */
struct bench {
	eph_va_t va;
	eph_va_t other;
	struct vm_page *m;
	struct eph_mutex mtx;
	struct vm_pool *pool;
	struct vm_page *pooled;
	struct objcache *oc;
	_Atomic(uint32_t) word;
	_Atomic(uint64_t) wide;
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];
};

struct service {
	const char *name;
	void (*call)(struct eph_machine *mc, struct bench *b);
	unsigned points;
	const char *why; /* of those with none */
};

static void
handler(struct eph_machine *mc, void *arg)
{
	(void)mc;
	(void)arg;
}

/* clang-format off */
#define SERVICE(name, ...)                                                     \
	static void							       \
	call_##name(struct eph_machine *mc, struct bench *b)                   \
	{                                                                      \
		(void)mc, (void)b;                                             \
		__VA_ARGS__;                                                   \
	}

SERVICE(nothing, (void)0)
SERVICE(kva_alloc, (void)eph_kva_alloc(mc, 1))
SERVICE(kva_free, eph_kva_free(mc, b->other, 1))
SERVICE(pte_store, eph_pmap_pte_store(mc, b->va, 0))
SERVICE(pte_load, (void)eph_pmap_pte_load(mc, b->va))
SERVICE(pte_swap, (void)eph_pmap_pte_swap(mc, b->va, 0))
SERVICE(kextract, (void)eph_pmap_kextract(mc, b->va))
SERVICE(invlpg, eph_pmap_invlpg(mc, b->va))
SERVICE(flush_local, eph_pmap_flush_local(mc, true))
SERVICE(kenter, eph_pmap_kenter(mc, b->va, eph_vm_page_to_phys(b->m)))
SERVICE(kenter_quick,
    eph_pmap_kenter_quick(mc, b->va, eph_vm_page_to_phys(b->m)))
SERVICE(kremove, eph_pmap_kremove(mc, b->va))
SERVICE(kremove_quick, eph_pmap_kremove_quick(mc, b->va))
SERVICE(kenter_sync, eph_pmap_kenter_sync(mc, b->va))
SERVICE(qenter, eph_pmap_qenter(mc, b->va, &b->m, 1))
SERVICE(qremove, eph_pmap_qremove(mc, b->va, 1))
SERVICE(masked_invlpg, eph_smp_masked_invlpg(mc, b->others, b->va))
SERVICE(invltlb, eph_smp_invltlb(mc, b->va, 1, true))
SERVICE(mutex_enter, eph_mutex_enter(mc, &b->mtx))
SERVICE(mutex_both, eph_mutex_enter(mc, &b->mtx); eph_mutex_exit(mc, &b->mtx))
SERVICE(spin_both, eph_spin_enter(mc, &b->mtx); eph_spin_exit(mc, &b->mtx))
SERVICE(wakeup, eph_wakeup(mc, b))
SERVICE(wakeup_one, eph_wakeup_one(mc, b))
SERVICE(tsleep, (void)eph_tsleep(mc, b, 0, "points", 1000))
SERVICE(load, (void)eph_load_32(mc, &b->word, memory_order_relaxed))
SERVICE(store, eph_store_64(mc, &b->wide, 1, memory_order_relaxed))
SERVICE(fetchadd, (void)eph_fetchadd_32(mc, &b->word, 1, memory_order_relaxed))
SERVICE(cas, (void)eph_cas_64(mc, &b->wide, 0, 1, memory_order_relaxed))
SERVICE(send_ipiq, (void)eph_lwkt_send_ipiq_passive(mc, 1, handler, NULL))
SERVICE(pool_alloc, (void)eph_vm_pool_alloc(b->pool))
SERVICE(pool_free, eph_vm_pool_free(b->pool, b->pooled))
SERVICE(objcache_get, (void)eph_objcache_get(b->oc, M_NOWAIT))
SERVICE(wire, eph_vm_page_wire(mc, b->m))
SERVICE(hold, eph_vm_page_hold(mc, b->m))
SERVICE(alloc, (void)eph_machine_alloc(mc, 8))

static const struct service services[] = {
	{ "nothing", call_nothing, 0, "it is nothing" },
	{ "kva_alloc", call_kva_alloc, 1, NULL },
	{ "kva_free", call_kva_free, 1, NULL },
	{ "pmap_pte_store", call_pte_store, 1, NULL },
	{ "pmap_pte_load", call_pte_load, 1, NULL },
	{ "pmap_pte_swap", call_pte_swap, 1, NULL },
	{ "pmap_kextract", call_kextract, 1, NULL },
	{ "pmap_invlpg", call_invlpg, 1, NULL },
	{ "pmap_flush_local", call_flush_local, 1, NULL },
	/* The entry, the own invlpg, the interrupt, its acknowledgement. */
	{ "pmap_kenter", call_kenter, 4, NULL },
	{ "pmap_kenter_quick", call_kenter_quick, 2, NULL },
	{ "pmap_kremove", call_kremove, 4, NULL },
	{ "pmap_kremove_quick", call_kremove_quick, 2, NULL },
	{ "pmap_kenter_sync", call_kenter_sync, 3, NULL },
	{ "pmap_qenter", call_qenter, 4, NULL },
	{ "pmap_qremove", call_qremove, 4, NULL },
	{ "smp_masked_invlpg", call_masked_invlpg, 2, NULL },
	{ "smp_invltlb", call_invltlb, 2, NULL },
	/* With IPI queues the end of a critical section is one, too. */
	{ "mutex_enter", call_mutex_enter, 1, NULL },
	{ "mutex_enter, mutex_exit", call_mutex_both, 2, NULL },
	{ "spin_enter, spin_exit", call_spin_both, 3, NULL },
	{ "wakeup", call_wakeup, 1, NULL },
	{ "wakeup_one", call_wakeup_one, 1, NULL },
	{ "tsleep", call_tsleep, 2, NULL },
	{ "load", call_load, 1, NULL },
	{ "store", call_store, 1, NULL },
	{ "fetchadd", call_fetchadd, 1, NULL },
	{ "cmpset", call_cas, 1, NULL },
	{ "lwkt_send_ipiq_passive", call_send_ipiq, 6, NULL },
	{ "vm_page_alloc", call_pool_alloc, 2, NULL },
	{ "vm_page_free", call_pool_free, 2, NULL },
	{ "objcache_get", call_objcache_get, 5, NULL },
	{ "vm_page_wire", call_wire, 0, "counts up: all orders end alike" },
	{ "vm_page_hold", call_hold, 0, "counts up: all orders end alike" },
	{ "malloc", call_alloc, 0, "nobody else can have what it gives" },
};
/* clang-format on */

static const struct service *under_test;
static unsigned steps; /* that its thread took */

static void
points_thread(struct eph_xp *x, unsigned n)
{
	(void)n;
	under_test->call(x->mc, x->arg);
}

static int
points_setup(struct eph_xp *x)
{
	struct bench *b = eph_machine_alloc(x->mc, sizeof(*b));

	if ((x->arg = b) == NULL ||
	    eph_machine_set_shootdown(
		x->mc, eph_shootdown_find("acked-invlpg")) != 0 ||
	    eph_ipiq_attach(x->mc) != 0 ||
	    eph_vm_pool_create(x->mc, 8, 4, &b->pool) != 0)
		return (ENOMEM);
	b->oc = eph_objcache_create_simple(x->mc, "points", 64);
	b->va = eph_kva_alloc(x->mc, 1);
	b->other = eph_kva_alloc(x->mc, 1);
	b->m = eph_xp_page(x, 1);
	b->pooled = eph_vm_pool_alloc(b->pool);
	eph_mutex_init(&b->mtx, "points");
	eph_cpuset_set(b->others, 1);
	return (eph_xp_thread(x, 0, points_thread, 0));
}

static void
points_finish(struct eph_xp *x)
{
	const struct explore *ex = x->mc->exec_state;

	steps = 0;
	for (uint32_t i = 0; i < ex->nchoices; i++)
		steps +=
		    ex->choices[i].kind == EX_RUN && ex->choices[i].who == 0;
}

static const struct eph_scenario points = {
	.abi = EPHMAP_ABI,
	.name = "points",
	.cpus = 2,
	.no_design = true,
	.setup = points_setup,
	.finish = points_finish,
};

/* The thread's first step, and one for each point. */
static unsigned
points_of(const struct service *sv)
{
	const struct eph_explore_config cfg = {
		.scenario = &points, .no_adversary = true, .replay = "a"
	};
	struct eph_explore_result r;
	struct eph_err err = { "" };

	under_test = sv;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL_FATAL(r.failure, EPH_FAIL_NONE);
	eph_explore_free(&r);
	return (steps - 1);
}

static void
test_every_service_has_its_points(void)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		const struct service *sv = &services[i];
		const unsigned n = points_of(sv);

		if (n != sv->points)
			(void)printf("%s: %u points, listed %u\n", sv->name, n,
			    sv->points);
		CU_ASSERT_EQUAL(n, sv->points);
		/* None without a reason. */
		CU_ASSERT((n == 0) == (sv->why != NULL));
	}
}

/* An address for every map; a free invalidates it on its own CPU only. */

struct local_only {
	struct vm_page *m;
	eph_va_t va;
};

static int
local_only_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg, (void)err;
	*statep = mc;
	return (0);
}

static void
local_only_destroy(void *state)
{
	(void)state;
}

static void
local_only_check(void *state, uint64_t held)
{
	(void)state, (void)held;
}

static int
local_only_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct eph_machine *mc = state;
	struct local_only *o = eph_machine_alloc(mc, sizeof(*o));

	(void)flags;
	if (o == NULL || (o->va = eph_kva_alloc(mc, 1)) == 0)
		return (eph_machine_refuse(mc, "no address left"));
	o->m = m;
	eph_pmap_pte_store(
	    mc, o->va, eph_vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW);
	eph_bufs_inc(mc);
	*mp = (struct eph_mapping){ o, o->va };
	return (0);
}

static int
local_only_unmap(void *state, void *obj)
{
	struct local_only *o = obj;

	eph_pmap_kremove_quick(state, o->va);
	eph_kva_free(state, o->va, 1);
	eph_bufs_dec(state);
	return (0);
}

/*
 * The address that one CPU frees between two maps of another is the only
 * way to meet its stale translation, and the search must see that way.
 */
static void
test_an_address_that_changes_hands_is_seen(void)
{
	struct eph_design_ops d = *eph_design_find("kva.qenter");
	struct eph_explore_config cfg = { .scenario =
					      eph_scenario_find("speculation"),
		.strategy = "systematic",
		.preemptions = 2,
		.fills = 1,
		.budget = 100000,
		.design = &d };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	d.name = "test.local-only";
	d.shootdown = "acked-invlpg";
	d.create = local_only_create;
	d.destroy = local_only_destroy;
	d.check = local_only_check;
	d.map = local_only_map;
	d.unmap = local_only_unmap;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_STALE);
	eph_explore_free(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_every_service_has_its_points),
	TEST(test_an_address_that_changes_hands_is_seen),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: scheduling points", .pTests = tests },
	CU_SUITE_INFO_NULL,
};
