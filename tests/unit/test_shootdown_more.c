/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * early-ack, broadcast, and the protocols that put off: their event tables,
 * and that they are safe.
 */

#include <stdio.h>
#include <string.h>

#include "ephmap/kernel/sleepq.h"
#include "shoot_window.h"

#define ALL_CPUS 0xffffffffu

static void
test_early_ack_has_a_ceiling(void)
{
	eph_cpuword_t two = 0x6;

	open_with("early-ack", 4, true);
	enter(10, 33);
	RIG_SAW(&r, .pte_store = 33, .invlpg_local = 33,
	    .invlpg_remote = 3 * 33, .ipi_sent = 3);
	read_on(ALL_CPUS, 10, 33);
	enter(100, 34);
	RIG_SAW(&r, .pte_store = 34, .flush_local = 1, .flush_remote = 3,
	    .ipi_sent = 3);
	read_on(ALL_CPUS, 100, 34);
	smp_masked_invlpg(r.mc, &two, window);
	RIG_SAW(&r, .invlpg_remote = 2, .ipi_sent = 2);
	smp_invltlb(r.mc, window, 1, true);
	RIG_SAW(&r, .flush_remote = 3, .ipi_sent = 3);
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1, .invlpg_remote = 3,
	    .ipi_sent = 3);
	close_it();
}

static void
test_broadcast_interrupts_nobody(void)
{
	eph_cpuword_t two = 0x6;
	struct eph_counters c;

	open_with("broadcast", 4, true);
	enter(10, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5);
	read_on(ALL_CPUS, 10, 5);
	enter(100, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5);
	read_on(ALL_CPUS, 100, 5);
	smp_masked_invlpg(r.mc, &two, window);
	RIG_SAW(&r, .invlpg_local = 1);
	smp_invltlb(r.mc, window, 1, false);
	RIG_SAW(&r, .flush_local = 1);
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1);
	CU_ASSERT_EQUAL(r.mc->nviolations, 0);
	eph_machine_counters(r.mc, &c);
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

	open_with("broadcast", 4, true);
	enter(10, 1);
	read_on(ALL_CPUS, 10, 1);
	smp_masked_invlpg(r.mc, &two, window);
	eph_machine_counters(r.mc, &before);
	read_on(ALL_CPUS, 10, 1);
	eph_machine_counters(r.mc, &after);
	CU_ASSERT_EQUAL(after.tlb_miss - before.tlb_miss, 4);
	smp_invltlb(r.mc, window, 1, false);
	eph_machine_counters(r.mc, &before);
	read_on(ALL_CPUS, 10, 1);
	eph_machine_counters(r.mc, &after);
	CU_ASSERT_EQUAL(after.tlb_miss - before.tlb_miss, 4); /* G too */
	close_it();
}

/* Who is idle: nobody, until time passes; then who was not entered since. */
static void
expect_idle(uint32_t want)
{
	uint32_t is = 0;

	for (unsigned c = 0; c < r.mc->ncpus; c++)
		is |= (uint32_t)(r.mc->cpus[c]->idle != 0) << c;
	CU_ASSERT_EQUAL(is, want);
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
test_a_cpu_is_idle_until_it_is_entered(void)
{
	open_with("idle-skip", 4, true);
	expect_idle(0x0);
	eph_lockstep_delay(r.mc, 0);
	expect_idle(0x0);
	eph_lockstep_delay(r.mc, 1);
	expect_idle(0xf);
	eph_cpu_enter(r.mc, 2);
	expect_idle(0xb);
	eph_cpu_enter(r.mc, 0);
	expect_idle(0xa);
	/* An interrupt wakes nobody for good. */
	enter(10, 1);
	expect_idle(0xa);
	eph_lockstep_drain(r.mc);
	expect_idle(0xa);
	eph_lockstep_delay(r.mc, 1);
	expect_idle(0xf);
	close_it();
	/* Nobody keeps it for those that do not ask. */
	open_with("acked-invlpg", 2, true);
	eph_lockstep_delay(r.mc, 1);
	expect_idle(0x0);
	close_it();
}

static void
test_mach_queue_interrupts_the_busy(void)
{
	eph_cpuword_t two = 0x6;

	open_with("mach-queue", 4, true);
	enter(10, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 15,
	    .ipi_sent = 3);
	read_on(ALL_CPUS, 10, 5);
	rest_but(0x3);
	enter(20, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .invlpg_remote = 5,
	    .ipi_sent = 1);
	smp_masked_invlpg(r.mc, &two, window);
	RIG_SAW(&r, .invlpg_remote = 1, .ipi_sent = 1);
	eph_cpu_enter(r.mc, 2);
	RIG_SAW(&r, .invlpg_remote = 6);
	eph_cpu_enter(r.mc, 3);
	RIG_SAW(&r, .invlpg_remote = 5);
	read_on(ALL_CPUS, 20, 5);
	rest_but(0x3);
	smp_invltlb(r.mc, window, 1, true);
	RIG_SAW(&r, .flush_remote = 1, .ipi_sent = 1);
	eph_cpu_enter(r.mc, 3);
	RIG_SAW(&r, .flush_remote = 1);
	close_it();
}

static void
test_a_full_mach_list_is_one_flush(void)
{
	open_with("mach-queue", 4, true);
	enter(10, 8);
	read_on(ALL_CPUS, 10, 8);
	rest_but(0x1);
	for (unsigned k = 0; k < 4; k++)
		pmap_kremove(r.mc, window + eph_ptoa(k));
	RIG_SAW(&r, .pte_store = 4, .invlpg_local = 4);
	eph_cpu_enter(r.mc, 1); /* four are on its list */
	RIG_SAW(&r, .invlpg_remote = 4);
	eph_cpu_enter(r.mc, 0);
	pmap_kremove(r.mc, window + eph_ptoa(4));
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1, .invlpg_remote = 1,
	    .ipi_sent = 1);
	eph_cpu_enter(r.mc, 2); /* five were for it */
	RIG_SAW(&r, .flush_remote = 1);
	eph_lockstep_drain(r.mc);
	RIG_SAW(&r, .flush_remote = 1); /* CPU 3 */
	eph_lockstep_drain(r.mc);
	RIG_SAW(&r, .flush_remote = 0);
	close_it();
}

static void
test_idle_skip_flushes_once_when_it_wakes(void)
{
	open_with("idle-skip", 4, true);
	enter(10, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .flush_remote = 3,
	    .ipi_sent = 3);
	read_on(ALL_CPUS, 10, 5);
	rest_but(0x3);
	enter(20, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .flush_remote = 1,
	    .ipi_sent = 1);
	enter(30, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .flush_remote = 1,
	    .ipi_sent = 1);
	smp_invltlb(r.mc, window, 5, false);
	RIG_SAW(&r, .flush_remote = 1, .ipi_sent = 1);
	eph_cpu_enter(r.mc, 2);
	RIG_SAW(&r, .flush_remote = 1);
	read_on(ALL_CPUS, 30, 5);
	RIG_SAW(&r, .flush_remote = 1); /* CPU 3 */
	enter(40, 5);
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 5, .flush_remote = 3,
	    .ipi_sent = 3);
	close_it();
}

static void
test_batched_flushes_removals_by_32(void)
{
	open_with("batched", 4, true);
	enter(10, 32);
	RIG_SAW(&r, .pte_store = 32, .invlpg_local = 32,
	    .invlpg_remote = 3 * 32, .ipi_sent = 3);
	read_on(ALL_CPUS, 10, 32);
	for (unsigned k = 0; k < 31; k++)
		pmap_kremove(r.mc, window + eph_ptoa(k));
	RIG_SAW(&r, .pte_store = 31);
	pmap_kremove(r.mc, window + eph_ptoa(31));
	RIG_SAW(&r, .pte_store = 1, .flush_local = 1, .flush_remote = 3,
	    .ipi_sent = 3);
	enter(100, 32); /* nobody holds anything there */
	RIG_SAW(&r, .pte_store = 32);
	read_on(ALL_CPUS, 100, 32);
	close_it();
}

static void
test_batched_flushes_before_an_address_is_used_again(void)
{
	const eph_pte_t pte = eph_ptoa(60) | EPH_PTE_V | EPH_PTE_RW | EPH_PTE_G;

	open_with("batched", 4, true);
	enter(10, 8);
	read_on(ALL_CPUS, 10, 8);
	rig_mark(&r);
	pmap_qremove(r.mc, window, 3);
	RIG_SAW(&r, .pte_store = 3);
	enter(20, 2); /* of the three */
	RIG_SAW(&r, .pte_store = 2, .flush_local = 1, .flush_remote = 3,
	    .ipi_sent = 3);
	read_on(ALL_CPUS, 20, 2);
	/* A store without a request, and an exchange, are asked about too. */
	pmap_pte_store(r.mc, window + eph_ptoa(2), pte);
	RIG_SAW(&r, .pte_store = 1);
	pmap_kremove(r.mc, window);
	pmap_pte_store(r.mc, window, pte);
	RIG_SAW(&r, .pte_store = 2, .flush_local = 1, .flush_remote = 3,
	    .ipi_sent = 3);
	pmap_kremove(r.mc, window);
	CU_ASSERT_EQUAL(pmap_pte_swap(r.mc, window, pte), 0);
	RIG_SAW(&r, .pte_store = 2, .flush_local = 1, .flush_remote = 3,
	    .ipi_sent = 3);
	/* A zero over a zero is no use. */
	pmap_kremove(r.mc, window);
	pmap_pte_store(r.mc, window, 0);
	RIG_SAW(&r, .pte_store = 2);
	close_it();
}

static void
test_batched_puts_nothing_else_off(void)
{
	eph_cpuword_t two = 0x6;

	open_with("batched", 4, true);
	enter(10, 2);
	read_on(ALL_CPUS, 10, 2);
	rig_mark(&r);
	enter(20, 2);
	RIG_SAW(&r, .pte_store = 2, .invlpg_local = 2, .invlpg_remote = 6,
	    .ipi_sent = 3);
	read_on(ALL_CPUS, 20, 2);
	pmap_kenter_sync(r.mc, window);
	RIG_SAW(&r, .invlpg_local = 1, .invlpg_remote = 3, .ipi_sent = 3);
	smp_masked_invlpg(r.mc, &two, window);
	RIG_SAW(&r, .invlpg_remote = 2, .ipi_sent = 2);
	smp_invltlb(r.mc, window, 1, true);
	RIG_SAW(&r, .flush_remote = 3, .ipi_sent = 3);
	/* What was removed behind its back it does not know to be gone. */
	pmap_kremove_quick(r.mc, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1);
	enter(30, 2);
	RIG_SAW(&r, .pte_store = 2, .invlpg_local = 2, .invlpg_remote = 6,
	    .ipi_sent = 3);
	/* The end. */
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1);
	eph_lockstep_drain(r.mc);
	RIG_SAW(&r, .flush_local = 1, .flush_remote = 3, .ipi_sent = 3);
	eph_lockstep_drain(r.mc);
	RIG_SAW(&r, .flush_local = 0);
	close_it();
}

static void
test_latr_sweeps_at_ticks(void)
{
	open_with("latr", 4, true);
	enter(10, 40);
	RIG_SAW(&r, .pte_store = 40, .invlpg_local = 40,
	    .invlpg_remote = 3 * 40, .ipi_sent = 3);
	read_on(ALL_CPUS, 10, 40);
	pmap_qremove(r.mc, window, 3);
	RIG_SAW(&r, .pte_store = 3, .invlpg_local = 3);
	eph_lockstep_delay(r.mc, EPH_TICK_NS - 1);
	RIG_SAW(&r, .invlpg_remote = 0);
	eph_lockstep_delay(r.mc, 1);
	RIG_SAW(&r, .invlpg_remote = 9);
	eph_lockstep_delay(r.mc, EPH_TICK_NS);
	RIG_SAW(&r, .invlpg_remote = 0);
	enter(60, 3); /* all have swept */
	RIG_SAW(&r, .pte_store = 3);
	read_on(ALL_CPUS, 60, 3);
	pmap_qremove(r.mc, window, 34);
	RIG_SAW(&r, .pte_store = 34, .invlpg_local = 34);
	eph_lockstep_delay(r.mc, EPH_TICK_NS);
	RIG_SAW(&r, .flush_remote = 3); /* above the ceiling */
	close_it();
}

static void
test_latr_interrupts_who_has_not_swept(void)
{
	open_with("latr", 4, true);
	enter(10, 8);
	read_on(ALL_CPUS, 10, 8);
	rig_mark(&r);
	pmap_qremove(r.mc, window, 3);
	enter(20, 2); /* two of the three: the others sweep all of it */
	RIG_SAW(&r, .pte_store = 5, .invlpg_local = 3, .invlpg_remote = 9,
	    .ipi_sent = 3);
	read_on(ALL_CPUS, 20, 2);
	/* Who enters has not swept either, and the remover is not asked. */
	pmap_kremove(r.mc, window);
	eph_cpu_enter(r.mc, 2);
	pmap_kenter(r.mc, window, eph_ptoa(30));
	RIG_SAW(&r, .pte_store = 2, .invlpg_local = 1, .invlpg_remote = 3,
	    .ipi_sent = 2);
	close_it();
}

/* A thread that removes an address and sleeps is a switch on its CPU. */
static void
latr_sleeper(void *arg)
{
	(void)tsleep(arg, arg, 0, "latr", 1);
}

static void
test_latr_sweeps_at_thread_switches(void)
{
	open_with("latr", 2, true);
	enter(10, 1);
	read_on(ALL_CPUS, 10, 1);
	rig_mark(&r);
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1);
	CU_ASSERT_PTR_NOT_NULL(eph_thread_create(r.mc, 1, latr_sleeper, r.mc));
	(void)eph_run(r.mc);
	RIG_SAW(&r, .invlpg_remote = 1, .sleep = 1);
	eph_lockstep_delay(r.mc, EPH_TICK_NS);
	(void)eph_run(r.mc);
	close_it();
}

static void
test_latr_has_64_places(void)
{
	eph_cpuword_t two = 0x6;

	open_with("latr", 4, true);
	enter(10, 8);
	read_on(ALL_CPUS, 10, 8);
	rig_mark(&r);
	for (unsigned k = 0; k < 64; k++)
		pmap_kremove(r.mc, window + eph_ptoa(k % 8));
	RIG_SAW(&r, .pte_store = 64, .invlpg_local = 64);
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1, .invlpg_remote = 3,
	    .ipi_sent = 3);
	for (unsigned c = 1; c < 4; c++) { /* have places of their own */
		eph_cpu_enter(r.mc, c);
		pmap_kremove(r.mc, window);
		RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1);
	}
	eph_lockstep_drain(r.mc); /* 64 and three places, for three CPUs each */
	RIG_SAW(&r, .invlpg_remote = 3 * 67);
	eph_cpu_enter(r.mc, 0);
	pmap_kremove(r.mc, window);
	RIG_SAW(&r, .pte_store = 1, .invlpg_local = 1);
	eph_lockstep_drain(r.mc);
	rig_mark(&r);
	enter(20, 2);
	RIG_SAW(&r, .pte_store = 2);
	enter(30, 2);
	RIG_SAW(&r, .pte_store = 2, .invlpg_local = 2, .invlpg_remote = 6,
	    .ipi_sent = 3);
	smp_masked_invlpg(r.mc, &two, window);
	RIG_SAW(&r, .invlpg_remote = 2, .ipi_sent = 2);
	smp_invltlb(r.mc, window, 1, true);
	RIG_SAW(&r, .flush_remote = 3, .ipi_sent = 3);
	close_it();
}

/* A single CPU has nobody to tell. */
static void
test_one_cpu_is_alone(void)
{
	for (unsigned i = 0; eph_shootdowns[i] != NULL; i++) {
		struct eph_counters c;

		open_with(eph_shootdowns[i]->name, 1, true);
		enter(10, 3);
		read_on(ALL_CPUS, 10, 3);
		pmap_qremove(r.mc, window, 3);
		eph_lockstep_delay(r.mc, EPH_TICK_NS);
		enter(20, 3);
		read_on(ALL_CPUS, 20, 3);
		eph_lockstep_drain(r.mc);
		eph_machine_counters(r.mc, &c);
		CU_ASSERT_EQUAL(c.ipi_sent, 0);
		CU_ASSERT_EQUAL(c.invlpg_remote + c.flush_remote, 0);
		close_it();
	}
}

/* What relies on an acknowledged shootdown is as safe with these. */
static void
test_designs_are_safe_with_them(void)
{
	static const char *const names[] = { "early-ack", "broadcast",
		"mach-queue", "idle-skip", "batched", "latr" };
	static const char *const designs[] = { "sf_buf.lru", "sf_buf.accessed",
		"kmap", "segmap", "msf_buf" };
	static struct eph_op op[5 * 500];

	size_t n = 0;

	for (unsigned i = 0; i < 500; i++) {
		const uint16_t cpu = (uint16_t)(i % 5);

		op[n++] = (struct eph_op){
			.kind = EPH_OP_MAP, .cpu = cpu, .page = i * 7 % 23
		};
		op[n++] = (struct eph_op){ .kind = EPH_OP_WRITE, .cpu = cpu };
		op[n++] = (struct eph_op){ .kind = EPH_OP_READ,
			.cpu = (uint16_t)((i + 1) % 5) };
		op[n++] = (struct eph_op){ .kind = EPH_OP_UNMAP, .cpu = cpu };
		if (i % 3 == 0)
			op[n++] = (struct eph_op){ .kind = EPH_OP_DELAY,
				.page = EPH_TICK_NS / 10 };
	}
	for (unsigned k = 0; k < 30; k++) {
		const struct eph_run_config cfg = {
			.design = eph_design_find(designs[k % 5]),
			.shootdown = eph_shootdown_find(names[k / 5]),
			.tlb = "infinite",
			.cpus = 5,
			.nbufs = 4,
		};
		struct eph_run_result res;
		struct eph_err err = { "" };

		CU_ASSERT_EQUAL(cfg.shootdown->acked, k / 5 < 4);
		CU_ASSERT_EQUAL(rig_replay(&cfg, op, n, &res, &err), 0);
		CU_ASSERT_EQUAL(res.violations_total, 0);
		CU_ASSERT(
		    res.counters.invlpg_local + res.counters.flush_local > 0);
		if (k / 5 == 1)
			CU_ASSERT_EQUAL(res.counters.ipi_sent, 0);
	}
}

/* CPUs 0 to `holders` - 1 held what is replaced: the others' IPI were idle. */
static void
expect_needless(const char *protocol, uint32_t holders)
{
	struct eph_counters c;

	rig_mark(&r);
	enter(20, 5);
	c = rig_events(&r);
	if (c.ipi_sent == 0)
		return;
	if (c.needless_ipi != c.ipi_sent - (holders - 1))
		printf("%s: %u of %u IPI needless, %u CPUs held\n", protocol,
		    (unsigned)c.needless_ipi, (unsigned)c.ipi_sent, holders);
	CU_ASSERT_EQUAL(c.needless_ipi, c.ipi_sent - (holders - 1));
}

static void
test_every_protocol_tells_needless_interrupts(void)
{
	for (size_t n = 0; eph_shootdowns[n] != NULL; n++) {
		const char *name = eph_shootdowns[n]->name;

		for (uint32_t holders = 1; holders <= 4; holders++) {
			open_with(name, 4, true);
			enter(10, 5);
			read_on((1u << holders) - 1, 10, 5);
			expect_needless(name, holders);
			close_it();
		}
	}
}

/* The page is removed: so many of the CPUs interrupted had held it. */
static void
expect_holders(bool flush, uint32_t holders)
{
	struct eph_counters c;

	/* They hold something else. */
	for (unsigned cpu = 1; cpu < 5; cpu++) {
		eph_cpu_enter(r.mc, cpu);
		CU_ASSERT(rig_reads(&r, cpu, window + eph_ptoa(1), 11));
	}
	eph_cpu_enter(r.mc, 0);
	rig_mark(&r);
	if (flush) {
		pmap_pte_store(r.mc, window, 0);
		smp_invltlb(r.mc, window, 1, true);
	} else {
		pmap_kremove(r.mc, window);
	}
	c = rig_events(&r);
	CU_ASSERT_EQUAL(c.ipi_sent, r.mc->ncpus - 1);
	CU_ASSERT_EQUAL(c.needless_ipi, c.ipi_sent - holders);
	enter(10, 2);
}

/* What a CPU gave up by itself it does not hold, among few and in a crowd. */
static void
test_who_gave_up_a_page_is_not_among_its_holders(void)
{
	static const unsigned cpus[] = { 5, 70 };

	for (unsigned i = 0; i < 2; i++) {
		open_with("acked-invlpg", cpus[i], true);
		enter(10, 2);
		for (unsigned round = 0; round < 6; round++) {
			read_on(0x16, 10, 1);
			expect_holders(round % 2 != 0, 3);
			read_on(0x16, 10, 1);
			eph_cpu_enter(r.mc, 1);
			pmap_invlpg(r.mc, window);
			expect_holders(round % 2 != 0, 2);
			read_on(0x16, 10, 1);
			eph_cpu_enter(r.mc, 4);
			pmap_flush_local(r.mc, true);
			expect_holders(round % 2 != 0, 2);
			read_on(0x16, 10, 1);
			smp_invltlb(r.mc, window, 1, true);
			pmap_flush_local(r.mc, true);
			read_on(0x0c, 10, 1);
			expect_holders(round % 2 != 0, 2);
		}
		close_it();
	}
}

static CU_TestInfo tests[] = {
	TEST(test_early_ack_has_a_ceiling),
	TEST(test_broadcast_interrupts_nobody),
	TEST(test_broadcast_reaches_every_cpu),
	TEST(test_a_cpu_is_idle_until_it_is_entered),
	TEST(test_mach_queue_interrupts_the_busy),
	TEST(test_a_full_mach_list_is_one_flush),
	TEST(test_idle_skip_flushes_once_when_it_wakes),
	TEST(test_batched_flushes_removals_by_32),
	TEST(test_batched_flushes_before_an_address_is_used_again),
	TEST(test_batched_puts_nothing_else_off),
	TEST(test_latr_sweeps_at_ticks),
	TEST(test_latr_interrupts_who_has_not_swept),
	TEST(test_latr_sweeps_at_thread_switches),
	TEST(test_latr_has_64_places),
	TEST(test_one_cpu_is_alone),
	TEST(test_designs_are_safe_with_them),
	TEST(test_every_protocol_tells_needless_interrupts),
	TEST(test_who_gave_up_a_page_is_not_among_its_holders),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "shootdown_more", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
