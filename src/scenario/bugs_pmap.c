/* SPDX-License-Identifier: BSD-2-Clause */

/* Exhibits: functions that store entries and invalidate too little. */

#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"
#include "scenario/scenario.h"
#include "scenario/turn.h"

#define PM_PAGES 2u

struct pm {
	eph_va_t va;
	uint32_t cpumask;
	_Atomic(uint32_t) turn;
	unsigned next; /* KMAP: slot that is handed out next */
	uint64_t gen;  /* emap: uvm_emap_gen */
};

static struct pm *
pm_create(struct eph_xp *x)
{
	struct pm *pm = eph_machine_alloc(x->mc, sizeof(*pm));

	x->arg = pm;
	if (pm == NULL ||
	    eph_machine_set_shootdown(
		x->mc, eph_shootdown_find("acked-invlpg")) != 0)
		return (NULL);
	pm->va = kva_alloc(x->mc, PM_PAGES);
	return (pm);
}

static void
pm_touch(struct eph_xp *x, eph_va_t va, struct vm_page *m)
{
	uint32_t reached;

	(void)eph_machine_access(x->mc, va, EPH_TOUCH_READ, m, &reached);
}

/*
 * pmap_qenter2 as first committed: inside the loop a page that changed
 * assigns the mask and one that did not adds to it, so that after a page
 * that changed, every later one finds this CPU's bit and skips its invlpg.
 */
static void
qenter2(struct eph_xp *x, struct vm_page *const *m)
{
	struct eph_machine *mc = x->mc;
	struct pm *pm = x->arg;
	const uint32_t me = 1u << eph_curcpu(mc)->id;

	for (unsigned k = 0; k < PM_PAGES; k++) {
		const eph_va_t va = pm->va + eph_ptoa(k);
		const eph_pte_t want =
		    vm_page_to_phys(m[k]) | EPH_PTE_A | EPH_PTE_RW | EPH_PTE_V;

		if (pmap_pte_load(mc, va) != want) {
			pmap_pte_store(mc, va, want);
			pmap_invlpg(mc, va);
			pm->cpumask = x->broken ? me : 0;
		} else if ((pm->cpumask & me) == 0) {
			pmap_invlpg(mc, va);
			if (x->broken)
				pm->cpumask |= me;
		}
	}
	if (!x->broken)
		pm->cpumask |= me;
	for (unsigned k = 0; k < PM_PAGES; k++)
		pm_touch(x, pm->va + eph_ptoa(k), m[k]);
}

/* CPU 1 maps 1 2, CPU 0 maps 1 3, CPU 1 maps 4 3: of 3 it holds 2. */
static void
qenter2_cpu0(struct eph_xp *x, unsigned n)
{
	struct pm *pm = x->arg;
	struct vm_page *const m[PM_PAGES] = { eph_xp_page(x, 1),
		eph_xp_page(x, 3) };

	(void)n;
	turn_wait(x, &pm->turn, 1);
	qenter2(x, m);
	turn_pass(x, &pm->turn, 2);
}

static void
qenter2_cpu1(struct eph_xp *x, unsigned n)
{
	struct pm *pm = x->arg;
	struct vm_page *const m[PM_PAGES] = { eph_xp_page(x, 1),
		eph_xp_page(x, 2) };
	struct vm_page *const m2[PM_PAGES] = { eph_xp_page(x, 4),
		eph_xp_page(x, 3) };

	(void)n;
	qenter2(x, m);
	turn_pass(x, &pm->turn, 1);
	turn_wait(x, &pm->turn, 2);
	qenter2(x, m2);
}

static int
qenter2_setup(struct eph_xp *x)
{
	if (pm_create(x) == NULL || eph_xp_thread(x, 0, qenter2_cpu0, 0) != 0 ||
	    eph_xp_thread(x, 1, qenter2_cpu1, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_qenter2 = {
	.abi = EPHMAP_ABI,
	.name = "qenter2",
	.summary = "two CPUs map two pages each at one address, in turns",
	.origin = "DragonFly 8100156af8, 2004",
	.cpus = 2,
	.no_design = true,
	.setup = qenter2_setup,
};

const struct eph_bug eph__bug_qenter2 = {
	.name = "qenter2-mask-in-loop",
	.date = "2004-05",
	.origin = "DragonFly 8100156af8, repaired by a02705a988 (2004-05-05)",
	.symptom = "pipes deliver data of an earlier write",
	.form = "broken function",
	.repair = "empty the mask in the loop, add this CPU once at the end",
	.scenario = &eph__scenario_qenter2,
	.fails = EPH_FAIL_STALE,
};

/*
 * Plan 9's KMAP: slots are handed out in turn, without invalidation, and
 * the TLB is flushed when the index wraps.  A slot that is in use at the
 * wrap may be loaded by speculation right after the flush; in the next
 * round it is stored anew, and the old translation is still there.
 */
static eph_va_t
kmap_enter(struct eph_xp *x, struct vm_page *m)
{
	struct eph_machine *mc = x->mc;
	struct pm *pm = x->arg;
	eph_va_t va;

	if (pm->next == PM_PAGES) {
		pm->next = 0;
		if (x->broken)
			pmap_flush_local(mc, false);
	}
	va = pm->va + eph_ptoa(pm->next++);
	pmap_pte_store(mc, va, vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW);
	if (!x->broken)
		pmap_invlpg(mc, va);
	return (va);
}

/* One mapping is held over the wrap, others come and go. */
static void
kmap_thread(struct eph_xp *x, unsigned n)
{
	struct eph_machine *mc = x->mc;
	eph_va_t held = 0;

	(void)n;
	for (uint32_t k = 0; k < 2 * PM_PAGES; k++) {
		struct vm_page *m = eph_xp_page(x, 1 + k);
		const eph_va_t va = kmap_enter(x, m);

		pm_touch(x, va, m);
		if (held != 0 && held != va)
			pmap_pte_store(mc, held, 0);
		held = va;
	}
}

static int
kmap_setup(struct eph_xp *x)
{
	if (pm_create(x) == NULL || eph_xp_thread(x, 0, kmap_thread, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_kmap_wrap = {
	.abi = EPHMAP_ABI,
	.name = "kmap-wrap",
	.summary = "a ring of addresses, flushed when it wraps, one in use",
	.origin = "Plan 9 front, KMAP",
	.cpus = 1,
	.no_design = true,
	.setup = kmap_setup,
};

const struct eph_bug eph__bug_kmap_wrap = {
	.name = "plan9-kmap-wrap",
	.date = "2016",
	.origin = "Plan 9 front, 83d8a24",
	.symptom = "the mount cache is corrupted at 2 MB",
	.form = "broken function",
	.repair = "invalidate every address when it is handed out",
	.scenario = &eph__scenario_kmap_wrap,
	.fails = EPH_FAIL_STALE,
};

/*
 * emap: an address is used again without a flush anywhere; readers flush
 * when they consume the generation of what they were given.  One that does
 * not consume reads the window's last life.
 */
static void
emap_writer(struct eph_xp *x, unsigned n)
{
	struct pm *pm = x->arg;

	(void)n;
	for (uint32_t k = 0; k < 2; k++) {
		pmap_pte_store(x->mc, pm->va,
		    vm_page_to_phys(eph_xp_page(x, 1 + k)) | EPH_PTE_V);
		turn_pass(x, &pm->turn, 1);
		turn_wait(x, &pm->turn, 0);
		pmap_pte_store(x->mc, pm->va, 0);
	}
}

static void
emap_reader(struct eph_xp *x, unsigned n)
{
	struct pm *pm = x->arg;

	(void)n;
	for (uint32_t k = 0; k < 2; k++) {
		turn_wait(x, &pm->turn, 1);
		if (!x->broken)
			pmap_flush_local(x->mc, false); /* consume */
		pm_touch(x, pm->va, eph_xp_page(x, 1 + k));
		turn_pass(x, &pm->turn, 0);
	}
}

static int
emap_setup(struct eph_xp *x)
{
	if (pm_create(x) == NULL || eph_xp_thread(x, 0, emap_writer, 0) != 0 ||
	    eph_xp_thread(x, 1, emap_reader, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_emap_reuse = {
	.abi = EPHMAP_ABI,
	.name = "emap-reuse",
	.summary = "a window is entered, read, removed and entered again",
	.origin = "NetBSD uvm_emap.c, 2009, marked XXX in the source",
	.cpus = 2,
	.no_design = true,
	.setup = emap_setup,
};

const struct eph_bug eph__bug_emap_reuse = {
	.name = "emap-reuse-without-consume",
	.date = "2009",
	.origin = "NetBSD uvm_emap.c, the contract of its callers",
	.symptom = "a pipe's reader gets what was in the window before",
	.form = "broken caller",
	.repair = "consume the generation before every first touch",
	.scenario = &eph__scenario_emap_reuse,
	.fails = EPH_FAIL_STALE,
};

/*
 * emap compares generations as signed 32-bit numbers: a CPU that has not
 * flushed for 2^31 of them seems to be ahead.  Played with the counter set
 * forward, as nobody waits for two thousand million windows.
 */
#define WRAP_DISTANCE 0x80000000u

static bool
wrap_current(const struct eph_xp *x, uint64_t cpu, uint64_t gen)
{
	if (x->broken)
		return ((int32_t)((uint32_t)cpu - (uint32_t)gen) >= 0);
	return (cpu >= gen);
}

static void
wrap_writer(struct eph_xp *x, unsigned n)
{
	struct pm *pm = x->arg;

	(void)n;
	pmap_pte_store(
	    x->mc, pm->va, vm_page_to_phys(eph_xp_page(x, 1)) | EPH_PTE_V);
	pm->gen++;
	turn_pass(x, &pm->turn, 1);
	turn_wait(x, &pm->turn, 0);
	pmap_pte_store(x->mc, pm->va, 0);
	EPH_NOTE(x->mc, "2^31 windows are entered and removed");
	pm->gen += WRAP_DISTANCE;
	pmap_pte_store(
	    x->mc, pm->va, vm_page_to_phys(eph_xp_page(x, 2)) | EPH_PTE_V);
	pm->gen++;
	turn_pass(x, &pm->turn, 1);
	turn_wait(x, &pm->turn, 0);
}

static void
wrap_reader(struct eph_xp *x, unsigned n)
{
	struct pm *pm = x->arg;
	uint64_t cpu = 0; /* ucpu->emap_gen */

	(void)n;
	for (uint32_t k = 0; k < 2; k++) {
		turn_wait(x, &pm->turn, 1);
		if (!wrap_current(x, cpu, pm->gen)) {
			pmap_flush_local(x->mc, false);
			cpu = pm->gen;
		}
		pm_touch(x, pm->va, eph_xp_page(x, 1 + k));
		turn_pass(x, &pm->turn, 0);
	}
}

static int
wrap_setup(struct eph_xp *x)
{
	if (pm_create(x) == NULL || eph_xp_thread(x, 0, wrap_writer, 0) != 0 ||
	    eph_xp_thread(x, 1, wrap_reader, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_generation_wrap = {
	.abi = EPHMAP_ABI,
	.name = "generation-wrap",
	.summary = "a reader is 2^31 generations behind",
	.origin = "NetBSD uvm_emap.c, 2009",
	.cpus = 2,
	.no_design = true,
	.setup = wrap_setup,
};

const struct eph_bug eph__bug_generation_wrap = {
	.name = "emap-generation-wrap",
	.date = "2009",
	.origin = "NetBSD uvm_emap_consume, as shipped",
	.symptom = "a CPU that was idle for long reads another window's page",
	.form = "broken function",
	.repair = "generations of 64 bits",
	.scenario = &eph__scenario_generation_wrap,
	.fails = EPH_FAIL_STALE,
};
