/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * overlap, at-receipt, pm-gen, lazy, rar, invlpgb and tlbclock: their event
 * tables, row by row.
 */

#include <string.h>

#include "shoot_window.h"

/* These CPUs read every page; what came of it does not count. */
static void
read_and_mark(uint32_t cpus, uint32_t first, unsigned n)
{
	read_on(cpus, first, n);
	rig_mark(&r);
}

/* Time passes, and only these CPUs go on. */
static void
rest_but(uint32_t awake)
{
	eph_lockstep_delay(r.mc, 1);
	for (unsigned c = r.mc->ncpus; c-- > 0;) {
		if ((awake >> c & 1) != 0)
			eph_cpu_enter(r.mc, c);
	}
	rig_mark(&r);
}

static void
mask_of(eph_cpuword_t *set, uint32_t cpus)
{
	eph_cpuset_zero(set, EPH_CPUSET_WORDS_MAX);
	set[0] = cpus;
}

static void
test_overlap_counts_as_acked_invlpg(void)
{
	eph_cpuword_t two[EPH_CPUSET_WORDS_MAX];

	open_with("overlap", 4, true);
	enter(10, 40);
	RIG_SAW(&r, .pte_store = 40, .invlpg_local = 40,
	    .invlpg_remote = 3 * 40, .ipi_sent = 3);
	read_and_mark(0xf, 10, 40);
	mask_of(two, 0x6);
	smp_masked_invlpg(r.mc, two, window);
	RIG_SAW(&r, .invlpg_remote = 2, .ipi_sent = 2);
	smp_invltlb(r.mc, window, 1, true);
	RIG_SAW(&r, .flush_remote = 3, .ipi_sent = 3);
	close_it();
}

static void
test_at_receipt_interrupts_all(void)
{
	open_with("at-receipt", 4, false);
	enter(10, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 15,
	    .ipi_sent = 3);
	read_and_mark(0xf, 10, 5);
	rest_but(0x3); /* 2 and 3 are elsewhere */
	enter(20, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 5,
	    .ipi_sent = 3);
	enter(30, 1); /* skipped again, one flush */
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1, .invlpg_remote = 1,
	    .ipi_sent = 3);
	eph_cpu_enter(r.mc, 2);
	RIG_SAW(&r, .flush_local = 1);
	eph_cpu_enter(r.mc, 0);
	enter(20, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 10,
	    .ipi_sent = 3);
	smp_invltlb(r.mc, window, 5, false);
	RIG_SAW(&r, .flush_remote = 3, .ipi_sent = 3);
	read_and_mark(0x7, 20, 5);
	eph_cpu_enter(r.mc, 3);
	RIG_SAW(&r, .flush_local = 1);
	read_and_mark(0xf, 20, 5);
	close_it();
	/* Nobody leaves the kernel's entries. */
	open_with("at-receipt", 4, true);
	enter(10, 5);
	read_and_mark(0xf, 10, 5);
	rest_but(0x1);
	enter(20, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 15,
	    .ipi_sent = 3);
	read_and_mark(0xf, 20, 5);
	close_it();
}

static void
test_pm_gen_clears_them_all(void)
{
	open_with("pm-gen", 4, false);
	enter(10, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 15,
	    .ipi_sent = 3);
	read_and_mark(0xf, 10, 5);
	rest_but(0x3); /* 1 was interrupted, and flushes for nothing */
	rig_mark(&r);
	enter(20, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 5,
	    .ipi_sent = 1);
	smp_invltlb(r.mc, window, 5, false);
	RIG_SAW(&r, .flush_remote = 1, .ipi_sent = 1);
	eph_cpu_enter(r.mc, 2);
	RIG_SAW(&r, .flush_remote = 1);
	eph_lockstep_delay(r.mc, 1);
	rig_mark(&r);
	eph_cpu_enter(r.mc, 2); /* nothing was cleared since */
	RIG_SAW(&r, .flush_remote = 0);
	eph_cpu_enter(r.mc, 1); /* interrupted, cleared all the same */
	RIG_SAW(&r, .flush_remote = 1);
	read_and_mark(0xf, 20, 5);
	close_it();
	open_with("pm-gen", 4, true);
	enter(10, 5);
	read_and_mark(0xf, 10, 5);
	rest_but(0x1);
	enter(20, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 15,
	    .ipi_sent = 3);
	eph_cpu_enter(r.mc, 2);
	RIG_SAW(&r, .flush_remote = 0);
	read_and_mark(0xf, 20, 5);
	close_it();
}

static void
test_lazy_skips_and_has_a_ceiling(void)
{
	open_with("lazy", 4, false);
	enter(10, 33);
	RIG_SAW(&r, .pte_store = 33, .invlpg_local = 33,
	    .invlpg_remote = 3 * 33, .ipi_sent = 3);
	read_and_mark(0xf, 10, 33);
	rest_but(0x3); /* 1 was interrupted, and that is all */
	enter(50, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 5,
	    .ipi_sent = 1);
	enter(100, 34);
	RIG_SAW(&r, .pte_store = 34, .flush_local = 1, .flush_remote = 1,
	    .ipi_sent = 1);
	smp_invltlb(r.mc, window, 5, false);
	RIG_SAW(&r, .flush_remote = 1, .ipi_sent = 1);
	eph_cpu_enter(r.mc, 2);
	RIG_SAW(&r, .flush_remote = 1);
	eph_lockstep_delay(r.mc, 1);
	rig_mark(&r);
	eph_cpu_enter(r.mc, 1); /* nothing changed */
	eph_cpu_enter(r.mc, 2);
	RIG_SAW(&r, .flush_remote = 0);
	read_and_mark(0xf, 100, 34);
	close_it();
	open_with("lazy", 4, true);
	enter(10, 5);
	read_and_mark(0xf, 10, 5);
	rest_but(0x1);
	enter(20, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 15,
	    .ipi_sent = 3);
	read_and_mark(0xf, 20, 5);
	close_it();
}

static void
test_rar_interrupts_nobody(void)
{
	eph_cpuword_t two[EPH_CPUSET_WORDS_MAX];
	struct eph_counters c;

	open_with("rar", 4, false);
	enter(10, 33);
	RIG_SAW(
	    &r, .pte_store = 33, .invlpg_local = 33, .invlpg_remote = 3 * 33);
	read_and_mark(0xf, 10, 33);
	enter(100, 62);
	RIG_SAW(&r, .pte_store = 62, .flush_local = 1, .invlpg_remote = 3 * 62);
	read_and_mark(0xf, 100, 62);
	enter(200, 63);
	RIG_SAW(&r, .pte_store = 63, .flush_local = 1, .flush_remote = 3);
	read_and_mark(0xf, 200, 63);
	mask_of(two, 0x6);
	smp_masked_invlpg(r.mc, two, window);
	RIG_SAW(&r, .invlpg_remote = 2);
	smp_invltlb(r.mc, window, 1, false);
	RIG_SAW(&r, .flush_remote = 3);
	eph_machine_counters(r.mc, &c);
	CU_ASSERT_EQUAL(c.ipi_sent + c.needless_ipi, 0);
	close_it();
	/* Global entries: always everything. */
	open_with("rar", 4, true);
	enter(10, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .flush_remote = 3);
	read_and_mark(0xf, 10, 5);
	enter(20, 5);
	read_and_mark(0xf, 20, 5);
	close_it();
}

static void
test_invlpgb_has_eight_pages(void)
{
	eph_cpuword_t two[EPH_CPUSET_WORDS_MAX];
	struct eph_counters c;

	open_with("invlpgb", 4, true);
	for (unsigned n = 1; n <= 34; n++) {
		enter(100 + n, n);
		RIG_SAW(&r, .pte_store = n,
		    .invlpg_local = n <= 33 ? (n + 7) / 8 : 0,
		    .flush_local = n <= 33 ? 0 : 1);
		read_and_mark(0xf, 100 + n, n);
	}
	mask_of(two, 0x6);
	smp_masked_invlpg(r.mc, two, window);
	RIG_SAW(&r, .invlpg_local = 1);
	smp_invltlb(r.mc, window, 1, false);
	RIG_SAW(&r, .flush_local = 1);
	eph_machine_counters(r.mc, &c);
	CU_ASSERT(c.needless_invlpg <= c.invlpg_local);
	CU_ASSERT_EQUAL(c.ipi_sent + c.needless_ipi, 0);
	close_it();
}

static void
test_tlbclock_asks_who_has_not_flushed(void)
{
	open_with("tlbclock", 4, true);
	enter(10, 5);
	RIG_SAW(&r, .pte_store = 5); /* nothing was ever there */
	read_and_mark(0xf, 10, 5);
	pmap_qremove(r.mc, window, 3);
	RIG_SAW(&r, .pte_store = 3);
	eph_cpu_enter(r.mc, 2);
	pmap_flush_local(r.mc, true);
	rig_mark(&r);
	enter(20, 1); /* 1 and 3, and this one */
	RIG_SAW(&r, .pte_store = 1, .flush_local = 1, .flush_remote = 2,
	    .ipi_sent = 2);
	enter(20, 3); /* a replacement; all have flushed for the others */
	RIG_SAW(&r, .pte_store = 3, .invlpg_local = 3, .invlpg_remote = 9,
	    .ipi_sent = 3);
	read_and_mark(0xf, 20, 3);
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1);
	for (unsigned c = 0; c < 4; c++) {
		eph_cpu_enter(r.mc, c);
		pmap_flush_local(r.mc, true);
	}
	rig_mark(&r);
	enter(30, 1);
	RIG_SAW(&r, .pte_store = 1); /* all have */
	read_and_mark(0xf, 30, 1);
	close_it();
}

static void
test_tlbclock_leaves_flushes_out(void)
{
	eph_cpuword_t two[EPH_CPUSET_WORDS_MAX];

	open_with("tlbclock", 4, true);
	enter(10, 2);
	read_and_mark(0xf, 10, 2);
	mask_of(two, 0x6);
	smp_masked_invlpg(r.mc, two, window); /* never changed */
	RIG_SAW(&r, .ipi_sent = 0);
	/* Removed behind its back, as designs that flush lazily do. */
	pmap_pte_store(r.mc, window, 0);
	smp_masked_invlpg(r.mc, two, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_remote = 2, .ipi_sent = 2);
	eph_cpu_enter(r.mc, 1);
	pmap_flush_local(r.mc, false); /* global entries stay */
	eph_cpu_enter(r.mc, 3);
	pmap_flush_local(r.mc, true);
	eph_cpu_enter(r.mc, 0);
	rig_mark(&r);
	smp_invltlb(r.mc, window, 2, true);
	RIG_SAW(&r, .flush_remote = 2, .ipi_sent = 2); /* 1 and 2 */
	smp_invltlb(r.mc, window, 2, true);
	RIG_SAW(&r, .flush_remote = 0);
	/* Stored by itself: what was removed so is its own affair. */
	pmap_pte_store(
	    r.mc, window, eph_ptoa(60) | EPH_PTE_V | EPH_PTE_RW | EPH_PTE_G);
	RIG_SAW(&r, .pte_store = 1);
	close_it();
	/* A flush that spares nothing is one where nothing is global. */
	open_with("tlbclock", 2, false);
	enter(10, 1);
	read_and_mark(0x3, 10, 1);
	pmap_kremove(r.mc, window);
	pmap_flush_local(r.mc, false);
	rig_mark(&r);
	enter(20, 1);
	RIG_SAW(&r, .pte_store = 1, .flush_remote = 1, .ipi_sent = 1);
	read_and_mark(0x3, 20, 1);
	close_it();
}

static CU_TestInfo tests[] = {
	TEST(test_overlap_counts_as_acked_invlpg),
	TEST(test_at_receipt_interrupts_all),
	TEST(test_pm_gen_clears_them_all),
	TEST(test_lazy_skips_and_has_a_ceiling),
	TEST(test_rar_interrupts_nobody),
	TEST(test_invlpgb_has_eight_pages),
	TEST(test_tlbclock_asks_who_has_not_flushed),
	TEST(test_tlbclock_leaves_flushes_out),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "shootdown_museum", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
