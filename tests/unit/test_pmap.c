/* SPDX-License-Identifier: BSD-2-Clause */

/* The pmap's calls: what each stores, invalidates and interrupts. */

#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/shootdown.h"
#include "test_main.h"

static const unsigned cpus[] = { 1, 2, 8, 65 };

struct fixture {
	struct eph_machine *mc;
	eph_va_t va;
	struct vm_page *m[8];
	struct eph_counters last;
};

static void
open_pmap(struct fixture *f, unsigned ncpus, const char *shootdown)
{
	const struct eph_machine_config cfg = { .tlb = "infinite",
		.ncpus = ncpus };

	memset(f, 0, sizeof(*f));
	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &f->mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(
	    eph_machine_set_shootdown(f->mc, eph_shootdown_find(shootdown)), 0);
	f->va = kva_alloc(f->mc, 8);
	for (uint32_t i = 0; i < 8; i++)
		f->m[i] = vm_page_get(f->mc, i + 10);
	eph_cpu_enter(f->mc, 0);
}

static void
close_pmap(struct fixture *f)
{
	kva_free(f->mc, f->va, 8);
	CU_ASSERT_EQUAL(eph_machine_destroy(f->mc), 0);
}

/* pte_store, L, R, F, IPI since the last call. */
static bool
events(struct fixture *f, uint64_t pte, uint64_t l, uint64_t r, uint64_t fl,
    uint64_t ipi)
{
	struct eph_counters now, d;

	eph_machine_counters(f->mc, &now);
	eph_counters_sub(&d, &now, &f->last);
	f->last = now;
	return (d.pte_store == pte && d.invlpg_local == l &&
	    d.invlpg_remote == r && d.flush_remote == fl && d.ipi_sent == ipi);
}

static void
calls_that_stay_on_this_cpu(void)
{
	struct fixture f;

	open_pmap(&f, 8, "rendezvous");
	pmap_kenter_quick(f.mc, f.va, eph_ptoa(5));
	CU_ASSERT_TRUE(events(&f, 1, 1, 0, 0, 0));
	CU_ASSERT_EQUAL(pmap_kextract(f.mc, f.va), 5);
	pmap_kenter_sync_quick(f.mc, f.va);
	CU_ASSERT_TRUE(events(&f, 0, 1, 0, 0, 0));
	pmap_kremove_quick(f.mc, f.va);
	CU_ASSERT_TRUE(events(&f, 1, 1, 0, 0, 0));
	CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va), 0);
	CU_ASSERT_EQUAL(pmap_kextract(f.mc, f.va), EPH_NONE);
	pmap_pte_store(f.mc, f.va, eph_ptoa(6) | EPH_PTE_V);
	CU_ASSERT_TRUE(events(&f, 1, 0, 0, 0, 0));
	CU_ASSERT_EQUAL(pmap_pte_swap(f.mc, f.va, 0), eph_ptoa(6) | EPH_PTE_V);
	CU_ASSERT_TRUE(events(&f, 1, 0, 0, 0, 0));
	pmap_invlpg(f.mc, f.va);
	CU_ASSERT_TRUE(events(&f, 0, 1, 0, 0, 0));
	close_pmap(&f);
}

static void
calls_that_reach_every_cpu(void)
{
	static const char *const acked[] = { "rendezvous", "acked-invlpg" };
	struct fixture f;

	for (unsigned i = 0; i < 4; i++) {
		const uint64_t k = cpus[i] - 1;

		for (unsigned p = 0; p < 2; p++) {
			open_pmap(&f, cpus[i], acked[p]);
			pmap_kenter(f.mc, f.va, eph_ptoa(5));
			CU_ASSERT_TRUE(events(&f, 1, 1, k, 0, k));
			CU_ASSERT_EQUAL(pmap_kextract(f.mc, f.va), 5);
			pmap_kenter_sync(f.mc, f.va);
			CU_ASSERT_TRUE(events(&f, 0, 1, k, 0, k));
			pmap_kremove(f.mc, f.va);
			CU_ASSERT_TRUE(events(&f, 1, 1, k, 0, k));
			CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va), 0);
			close_pmap(&f);
		}
	}
}

static void
a_range_with_unacked_flush(void)
{
	struct fixture f;

	for (unsigned i = 0; i < 4; i++) {
		const uint64_t k = cpus[i] - 1;

		open_pmap(&f, cpus[i], "unacked-flush");
		pmap_qenter(f.mc, f.va, f.m, 5);
		CU_ASSERT_TRUE(events(&f, 5, 5, 0, k, k));
		for (uint32_t n = 0; n < 5; n++)
			CU_ASSERT_EQUAL(
			    pmap_kextract(f.mc, f.va + eph_ptoa(n)), n + 10);
		pmap_qremove(f.mc, f.va, 5);
		CU_ASSERT_TRUE(events(&f, 5, 5, 0, k, k));
		CU_ASSERT_EQUAL(pmap_pte_load(f.mc, f.va + eph_ptoa(4)), 0);
		smp_invltlb(f.mc, f.va, 1, false);
		CU_ASSERT_TRUE(events(&f, 0, 0, 0, k, k));
		close_pmap(&f);
	}
}

static void
a_range_with_acked_invlpg(void)
{
	struct fixture f;

	for (unsigned i = 0; i < 4; i++) {
		const uint64_t k = cpus[i] - 1;

		open_pmap(&f, cpus[i], "acked-invlpg");
		pmap_qenter(f.mc, f.va, f.m, 3);
		CU_ASSERT_TRUE(events(&f, 3, 3, 3 * k, 0, k));
		pmap_qremove(f.mc, f.va, 3);
		CU_ASSERT_TRUE(events(&f, 3, 3, 3 * k, 0, k));
		pmap_invalidate_range(f.mc, f.va, 4);
		CU_ASSERT_TRUE(events(&f, 0, 4, 4 * k, 0, k));
		close_pmap(&f);
	}
}

static void
a_masked_invlpg_reaches_its_set_only(void)
{
	struct fixture f;
	eph_cpuword_t set[2] = { 0, 0 };

	open_pmap(&f, 65, "acked-invlpg");
	eph_cpuset_set(set, 3);
	eph_cpuset_set(set, 63);
	eph_cpuset_set(set, 64);
	smp_masked_invlpg(f.mc, set, f.va);
	CU_ASSERT_TRUE(events(&f, 0, 0, 3, 0, 3));
	CU_ASSERT_EQUAL(f.mc->cpus[3]->c.invlpg_remote, 1);
	CU_ASSERT_EQUAL(f.mc->cpus[63]->c.invlpg_remote, 1);
	CU_ASSERT_EQUAL(f.mc->cpus[64]->c.invlpg_remote, 1);
	close_pmap(&f);
}

static uint32_t
touch(struct fixture *f, unsigned cpu, unsigned n, enum eph_touch how)
{
	uint32_t reached = EPH_NONE;

	eph_cpu_enter(f->mc, cpu);
	(void)eph_machine_access(
	    f->mc, f->va + eph_ptoa(n), how, f->m[n], &reached);
	return (reached);
}

static void
qenter2_stores_what_differs(void)
{
	struct fixture f;
	struct vm_page *m[4];
	eph_cpuword_t mask = 0;

	open_pmap(&f, 3, "unacked-flush");
	memcpy(m, f.m, sizeof(m));
	pmap_qenter2(f.mc, f.va, m, 4, &mask);
	CU_ASSERT_TRUE(events(&f, 4, 4, 0, 0, 0));
	CU_ASSERT_EQUAL(mask, 1);
	/* A was set in advance, so a load changes nothing. */
	CU_ASSERT_EQUAL(touch(&f, 0, 2, EPH_TOUCH_READ), 12);
	pmap_qenter2(f.mc, f.va, m, 4, &mask);
	CU_ASSERT_TRUE(events(&f, 0, 0, 0, 0, 0));
	/* Another CPU: invlpg for each, no store. */
	eph_cpu_enter(f.mc, 2);
	pmap_qenter2(f.mc, f.va, m, 4, &mask);
	CU_ASSERT_TRUE(events(&f, 0, 4, 0, 0, 0));
	CU_ASSERT_EQUAL(mask, 5);
	/* Written: M makes it differ, and what follows is invalidated too. */
	CU_ASSERT_EQUAL(touch(&f, 2, 1, EPH_TOUCH_WRITE), 11);
	pmap_qenter2(f.mc, f.va, m, 4, &mask);
	CU_ASSERT_TRUE(events(&f, 1, 3, 0, 0, 0));
	CU_ASSERT_EQUAL(mask, 4);
	/* The last page changed. */
	m[3] = f.m[7];
	pmap_qenter2(f.mc, f.va, m, 4, &mask);
	CU_ASSERT_TRUE(events(&f, 1, 1, 0, 0, 0));
	CU_ASSERT_EQUAL(mask, 4);
	/* qenter writes no A: the compare fails unless somebody read. */
	pmap_qenter(f.mc, f.va, f.m, 2);
	eph_lockstep_drain(f.mc);
	(void)events(&f, 0, 0, 0, 0, 0);
	mask = 7;
	CU_ASSERT_EQUAL(touch(&f, 2, 0, EPH_TOUCH_READ), 10);
	pmap_qenter2(f.mc, f.va, f.m, 2, &mask);
	CU_ASSERT_TRUE(events(&f, 1, 1, 0, 0, 0));
	CU_ASSERT_EQUAL(mask, 4);
	close_pmap(&f);
}

static CU_TestInfo tests[] = {
	TEST(calls_that_stay_on_this_cpu),
	TEST(calls_that_reach_every_cpu),
	TEST(a_range_with_unacked_flush),
	TEST(a_range_with_acked_invlpg),
	TEST(a_masked_invlpg_reaches_its_set_only),
	TEST(qenter2_stores_what_differs),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "pmap", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
