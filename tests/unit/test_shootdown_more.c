/* SPDX-License-Identifier: BSD-2-Clause */

/* early-ack and broadcast: their event tables, and that they are safe. */

#include <string.h>

#include "ephmap/kva.h"
#include "ephmap/pmap.h"
#include "ephmap/shootdown.h"
#include "rig.h"

/* A machine with protocol `name`; the design only lends its slots. */
static struct rig r;
static eph_va_t window;

static void
open_with(const char *name, unsigned ncpus)
{
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "dmap", NULL, ncpus, 0), 0);
	r.mc->pgeflag = EPH_PTE_G;
	CU_ASSERT_EQUAL(
	    machine_set_shootdown(r.mc, eph_shootdown_find(name)), 0);
	window = kva_alloc(r.mc, 64);
	cpu_enter(r.mc, 0);
	rig_mark(&r);
}

static void
close_it(void)
{
	kva_free(r.mc, window, 64);
	rig_close(&r);
}

/* Enter pages first, first + 1 ... in the window, on CPU 0. */
static void
enter(uint32_t first, unsigned n)
{
	struct vm_page *list[64];

	for (unsigned k = 0; k < n; k++)
		list[k] = vm_page_get(r.mc, first + k);
	cpu_enter(r.mc, 0);
	pmap_qenter(r.mc, window, list, n);
}

/* Every CPU reads every page, and reaches what is entered. */
static void
all_read(uint32_t first, unsigned n)
{
	for (unsigned c = 0; c < r.mc->ncpus; c++) {
		cpu_enter(r.mc, c);
		for (unsigned k = 0; k < n; k++) {
			uint32_t reached = EPH_NONE;

			(void)machine_access(r.mc, window + eph_ptoa(k),
			    EPH_TOUCH_READ, vm_page_get(r.mc, first + k),
			    &reached);
			CU_ASSERT_EQUAL(reached, first + k);
		}
	}
	cpu_enter(r.mc, 0);
}

static void
test_early_ack_has_a_ceiling(void)
{
	eph_cpuword_t two = 0x6;

	open_with("early-ack", 4);
	enter(10, 33);
	RIG_SAW(&r, .pte_store = 33, .invlpg_local = 33,
	    .invlpg_remote = 3 * 33, .ipi_sent = 3);
	all_read(10, 33);
	enter(100, 34);
	RIG_SAW(&r, .pte_store = 34, .flush_local = 1, .flush_remote = 3,
	    .ipi_sent = 3);
	all_read(100, 34);
	smp_masked_invlpg(r.mc, &two, window);
	RIG_SAW(&r, .invlpg_remote = 2, .ipi_sent = 2);
	smp_invltlb(r.mc, window, 1, true);
	RIG_SAW(&r, .flush_remote = 3, .ipi_sent = 3);
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1, .invlpg_remote = 3,
	    .ipi_sent = 3);
	CU_ASSERT_EQUAL(r.mc->nviolations, 0);
	close_it();
}

static void
test_broadcast_interrupts_nobody(void)
{
	eph_cpuword_t two = 0x6;
	struct eph_counters c;

	open_with("broadcast", 4);
	enter(10, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5);
	all_read(10, 5);
	enter(100, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5);
	all_read(100, 5);
	smp_masked_invlpg(r.mc, &two, window);
	RIG_SAW(&r, .invlpg_local = 1);
	smp_invltlb(r.mc, window, 1, false);
	RIG_SAW(&r, .flush_local = 1);
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1);
	CU_ASSERT_EQUAL(r.mc->nviolations, 0);
	machine_counters(r.mc, &c);
	CU_ASSERT(c.needless_invlpg <= c.invlpg_local + c.invlpg_remote);
	CU_ASSERT_EQUAL(c.needless_ipi, 0);
	close_it();
}

/* The hardware reaches CPUs that were not asked for, this one included. */
static void
test_broadcast_reaches_every_cpu(void)
{
	eph_cpuword_t two = 0x4;
	struct eph_counters before, after;

	open_with("broadcast", 4);
	enter(10, 1);
	all_read(10, 1);
	smp_masked_invlpg(r.mc, &two, window);
	machine_counters(r.mc, &before);
	all_read(10, 1);
	machine_counters(r.mc, &after);
	CU_ASSERT_EQUAL(after.tlb_miss - before.tlb_miss, 4);
	smp_invltlb(r.mc, window, 1, false);
	machine_counters(r.mc, &before);
	all_read(10, 1);
	machine_counters(r.mc, &after);
	CU_ASSERT_EQUAL(after.tlb_miss - before.tlb_miss, 4); /* G too */
	close_it();
}

/* What relies on an acknowledged shootdown is as safe with these. */
static void
test_designs_are_safe_with_them(void)
{
	static const char *const names[] = { "early-ack", "broadcast" };
	static const char *const designs[] = { "sf_buf.lru", "sf_buf.accessed",
		"kmap", "segmap", "msf_buf" };
	static struct eph_op op[4 * 500];

	for (unsigned i = 0; i < 500; i++) {
		const uint16_t cpu = (uint16_t)(i % 5);

		op[4 * i] = (struct eph_op){
			.kind = EPH_OP_MAP, .cpu = cpu, .page = i * 7 % 23
		};
		op[4 * i + 1] =
		    (struct eph_op){ .kind = EPH_OP_WRITE, .cpu = cpu };
		op[4 * i + 2] = (struct eph_op){ .kind = EPH_OP_READ,
			.cpu = (uint16_t)((i + 1) % 5) };
		op[4 * i + 3] =
		    (struct eph_op){ .kind = EPH_OP_UNMAP, .cpu = cpu };
	}
	for (unsigned k = 0; k < 10; k++) {
		const struct eph_run_config cfg = {
			.design = eph_design_find(designs[k % 5]),
			.shootdown = eph_shootdown_find(names[k / 5]),
			.tlb = "infinite",
			.cpus = 5,
			.nbufs = 4,
		};
		struct eph_run_result res;
		struct eph_err err = { "" };

		CU_ASSERT_TRUE(cfg.shootdown->acked);
		CU_ASSERT_EQUAL(rig_replay(&cfg, op, 2000, &res, &err), 0);
		CU_ASSERT_EQUAL(res.violations_total, 0);
		CU_ASSERT(res.counters.invlpg_local > 0);
		if (k / 5 == 1)
			CU_ASSERT_EQUAL(res.counters.ipi_sent, 0);
	}
}

static CU_TestInfo tests[] = {
	TEST(test_early_ack_has_a_ceiling),
	TEST(test_broadcast_interrupts_nobody),
	TEST(test_broadcast_reaches_every_cpu),
	TEST(test_designs_are_safe_with_them),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "shootdown_more", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
