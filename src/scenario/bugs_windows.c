/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Exhibits: a window and who is told of it.  What moves to another CPU in the
 * middle of a function is played by a thread on each, which go on for each
 * other.
 */

#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"
#include "scenario/scenario.h"
#include "scenario/turn.h"

#define WIN_PAGES 2u
#define WIN_CPUS  2u

struct win {
	eph_va_t va;
	struct eph_mutex lock;
	_Atomic(uint32_t) turn;
	uint32_t left;		  /* hyperspace: the counter */
	uint32_t page;		  /* quickmap: what the entry names */
	uint32_t last[WIN_CPUS];  /* quickmap */
	_Atomic(uint32_t) active; /* pm_gen: CPU 1 runs the pmap */
	_Atomic(uint32_t) gen;	  /* pm_gen: CPU 1's generation, 0: none */
};

static int
win_create(struct eph_xp *x)
{
	struct win *w = eph_machine_alloc(x->mc, sizeof(*w));

	x->arg = w;
	if (w == NULL ||
	    eph_machine_set_shootdown(
		x->mc, eph_shootdown_find("acked-invlpg")) != 0)
		return (ENOMEM);
	mutex_init(&w->lock, "window");
	w->left = WIN_PAGES;
	w->page = EPH_NONE;
	for (unsigned c = 0; c < WIN_CPUS; c++)
		w->last[c] = EPH_NONE;
	atomic_init(&w->gen, 1);
	w->va = kva_alloc(x->mc, WIN_PAGES);
	return (w->va != 0 ? 0 : ENOMEM);
}

static int
win_setup(struct eph_xp *x, void (*cpu0)(struct eph_xp *x, unsigned n),
    void (*cpu1)(struct eph_xp *x, unsigned n))
{
	if (win_create(x) != 0 || eph_xp_thread(x, 0, cpu0, 0) != 0 ||
	    eph_xp_thread(x, 1, cpu1, 1) != 0)
		return (ENOMEM);
	return (0);
}

static void
win_touch(struct eph_xp *x, eph_va_t va, uint32_t page)
{
	uint32_t reached;

	(void)eph_machine_access(
	    x->mc, va, EPH_TOUCH_READ, eph_xp_page(x, page), &reached);
}

static void
win_store(struct eph_xp *x, eph_va_t va, uint32_t page)
{
	pmap_pte_store(x->mc, va,
	    vm_page_to_phys(eph_xp_page(x, page)) | EPH_PTE_V | EPH_PTE_RW);
}

/* Haiku's GetPage(): the thread moves before it asks the others. */

static void
get_cpu0(struct eph_xp *x, unsigned n)
{
	struct win *w = x->arg;

	(void)n;
	turn_wait(x, &w->turn, 1);
	win_store(x, w->va, 2);
	pmap_invlpg(x->mc, w->va);
	turn_pass(x, &w->turn, 2); /* and the thread goes on on CPU 1 */
}

static void
get_cpu1(struct eph_xp *x, unsigned n)
{
	struct win *w = x->arg;
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];

	(void)n;
	/* The slot's use before. */
	win_store(x, w->va, 1);
	pmap_invlpg(x->mc, w->va);
	win_touch(x, w->va, 1);
	turn_pass(x, &w->turn, 1);
	turn_wait(x, &w->turn, 2);
	eph_cpuset_copy(others, x->mc->allcpus, x->mc->cpuwords);
	eph_cpuset_clear(others, eph_curcpu(x->mc)->id);
	smp_masked_invlpg(x->mc, others, w->va);
	if (!x->broken)
		pmap_invlpg(x->mc, w->va);
	win_touch(x, w->va, 2);
}

static int
get_setup(struct eph_xp *x)
{
	return (win_setup(x, get_cpu0, get_cpu1));
}

static const struct eph_scenario scenario_get = {
	.abi = EPHMAP_ABI,
	.name = "haiku-get",
	.summary = "a thread moves between its own invlpg and the broadcast",
	.origin = "Haiku 47c40a10a1, 2008",
	.cpus = 2,
	.no_design = true,
	.setup = get_setup,
};

const struct eph_bug eph__bug_haiku_get = {
	.name = "haiku-get-migrates",
	.date = "2008-10-20",
	.origin = "Haiku 47c40a10a1, closed by 7512053757 (2026-03-10)",
	.symptom = "a thread that was moved in get_physical_page() sees the "
		   "slot's page of before",
	.form = "broken function",
	.repair = "the sender handles its own message",
	.scenario = &scenario_get,
	.fails = EPH_FAIL_STALE,
};

/* NT's hyperspace: the flush when the range is used up is this CPU's. */

static void
hyperspace_thread(struct eph_xp *x, unsigned n)
{
	struct eph_machine *mc = x->mc;
	struct win *w = x->arg;

	for (uint32_t k = 0; k < 2; k++) {
		const uint32_t page = 1 + 2 * n + k;
		eph_va_t va;

		mutex_enter(mc, &w->lock);
		if (w->left == 0) {
			w->left = WIN_PAGES;
			pmap_flush_local(mc, false);
			if (!x->broken)
				smp_invltlb(mc, w->va, WIN_PAGES, false);
		}
		va = w->va + eph_ptoa(--w->left);
		win_store(x, va, page);
		win_touch(x, va, page);
		pmap_pte_store(mc, va, 0);
		mutex_exit(mc, &w->lock);
	}
}

static int
hyperspace_setup(struct eph_xp *x)
{
	return (win_setup(x, hyperspace_thread, hyperspace_thread));
}

static const struct eph_scenario scenario_hyperspace = {
	.abi = EPHMAP_ABI,
	.name = "hyperspace",
	.summary = "two CPUs of a process use up its range and begin anew",
	.origin = "ReactOS ntoskrnl/mm/ARM3/hypermap.c",
	.cpus = 2,
	.no_design = true,
	.setup = hyperspace_setup,
};

const struct eph_bug eph__bug_hyperspace = {
	.name = "hyperspace-local-wrap",
	.date = "2010",
	.origin = "ReactOS hypermap.c, MiFlushTlb() of this CPU; later "
		  "KeFlushProcessTb()",
	.symptom = "another CPU of the process reads a page of before",
	.form = "broken function",
	.repair = "flush the CPUs that run the process",
	.scenario = &scenario_hyperspace,
	.fails = EPH_FAIL_STALE,
};

/* SerenityOS's quickmap before a CPU knew what it saw last. */

static void
quickmap(struct eph_xp *x, uint32_t page)
{
	struct eph_machine *mc = x->mc;
	struct win *w = x->arg;
	uint32_t *last;

	spin_enter(mc, &w->lock);
	last = &w->last[eph_curcpu(mc)->id];
	if (w->page != page) {
		w->page = page;
		win_store(x, w->va, page);
		pmap_invlpg(mc, w->va);
	} else if (!x->broken && *last != page) {
		pmap_invlpg(mc, w->va);
	}
	*last = page;
	win_touch(x, w->va, page);
	spin_exit(mc, &w->lock);
}

static void
quickmap_cpu0(struct eph_xp *x, unsigned n)
{
	(void)n;
	quickmap(x, 1);
	quickmap(x, 2);
}

static void
quickmap_cpu1(struct eph_xp *x, unsigned n)
{
	(void)n;
	quickmap(x, 2);
}

static int
quickmap_setup(struct eph_xp *x)
{
	return (win_setup(x, quickmap_cpu0, quickmap_cpu1));
}

static const struct eph_scenario scenario_quickmap = {
	.abi = EPHMAP_ABI,
	.name = "quickmap",
	.summary = "two CPUs look at pages through one window under a lock",
	.origin = "SerenityOS issue 3885, 2020",
	.cpus = 2,
	.no_design = true,
	.setup = quickmap_setup,
};

const struct eph_bug eph__bug_quickmap = {
	.name = "quickmap-no-last",
	.date = "2020-10",
	.origin = "SerenityOS issue 3885, repaired by pull request 3902",
	.symptom = "page tables are written through an old translation",
	.form = "broken function",
	.repair = "each CPU remembers the page it saw last",
	.scenario = &scenario_quickmap,
	.fails = EPH_FAIL_STALE,
};

/* CMAP with threads that move, and no hook in the scheduler. */

static void
cmap_cpu0(struct eph_xp *x, unsigned n)
{
	struct win *w = x->arg;

	(void)n;
	turn_wait(x, &w->turn, 1);
	win_store(x, w->va, 2);
	pmap_invlpg(x->mc, w->va);
	turn_pass(x, &w->turn, 2); /* switched out here, and in on CPU 1 */
}

static void
cmap_cpu1(struct eph_xp *x, unsigned n)
{
	struct win *w = x->arg;

	(void)n;
	/* The window's use before, by another thread. */
	win_store(x, w->va, 1);
	pmap_invlpg(x->mc, w->va);
	win_touch(x, w->va, 1);
	pmap_pte_store(x->mc, w->va, 0);
	turn_pass(x, &w->turn, 1);
	turn_wait(x, &w->turn, 2);
	if (!x->broken)
		pmap_invlpg(x->mc, w->va); /* td_switchin */
	win_touch(x, w->va, 2);
	pmap_pte_store(x->mc, w->va, 0);
}

static int
cmap_setup(struct eph_xp *x)
{
	return (win_setup(x, cmap_cpu0, cmap_cpu1));
}

static const struct eph_scenario scenario_cmap = {
	.abi = EPHMAP_ABI,
	.name = "cmap",
	.summary = "a thread moves while it uses the CMAP window",
	.origin = "FreeBSD 5 i386 pmap.c, 2002",
	.cpus = 2,
	.no_design = true,
	.setup = cmap_setup,
};

const struct eph_bug eph__bug_cmap = {
	.name = "cmap-no-switchin",
	.date = "2002",
	.origin = "FreeBSD 5 i386 pmap.c, before td_switchin",
	.symptom = "the wrong page is zeroed",
	.form = "broken function",
	.repair = "the scheduler invalidates the window where the thread comes",
	.scenario = &scenario_cmap,
	.fails = EPH_FAIL_STALE,
};

/*
 * FreeBSD's generations by pmap and CPU, 2020: CPU 1 leaves the pmap and comes
 * back, and flushes only if its generation was cleared meanwhile.  Who changes
 * an entry interrupts the CPUs that run the pmap, and clears the generation of
 * the others: it must do so before it looks who runs.
 */

static void
gen_cpu0(struct eph_xp *x, unsigned n)
{
	struct eph_machine *mc = x->mc;
	struct win *w = x->arg;
	eph_cpuword_t cpu1[EPH_CPUSET_WORDS_MAX];

	(void)n;
	turn_wait(x, &w->turn, 1);
	win_store(x, w->va, 2);
	eph_cpuset_zero(cpu1, mc->cpuwords);
	eph_cpuset_set(cpu1, 1);
	/* Sequentially consistent: two variables, each read by the other. */
	if (!x->broken)
		eph_store_32(mc, &w->gen, 0, memory_order_seq_cst);
	if (eph_load_32(mc, &w->active, memory_order_seq_cst) != 0)
		smp_masked_invlpg(mc, cpu1, w->va);
	if (x->broken)
		eph_store_32(mc, &w->gen, 0, memory_order_seq_cst);
	turn_pass(x, &w->turn, 2);
}

static void
gen_cpu1(struct eph_xp *x, unsigned n)
{
	struct eph_machine *mc = x->mc;
	struct win *w = x->arg;

	(void)n;
	/* It runs the pmap, and leaves. */
	win_store(x, w->va, 1);
	win_touch(x, w->va, 1);
	turn_pass(x, &w->turn, 1);
	/* It comes back, with its translations. */
	eph_store_32(mc, &w->active, 1, memory_order_seq_cst);
	if (eph_load_32(mc, &w->gen, memory_order_seq_cst) == 0) {
		pmap_flush_local(mc, false);
		eph_store_32(mc, &w->gen, 1, memory_order_seq_cst);
	}
	turn_wait(x, &w->turn, 2);
	win_touch(x, w->va, 2);
}

static int
gen_setup(struct eph_xp *x)
{
	return (win_setup(x, gen_cpu0, gen_cpu1));
}

static const struct eph_scenario scenario_gen = {
	.abi = EPHMAP_ABI,
	.name = "pm-gen",
	.summary = "an entry changes while a CPU comes back to the pmap",
	.origin = "FreeBSD r362031, 2020",
	.cpus = 2,
	.no_design = true,
	.setup = gen_setup,
};

const struct eph_bug eph__bug_pm_gen = {
	.name = "pm-gen-cleared-late",
	.date = "2020-06",
	.origin = "FreeBSD r362031, repaired by r368649 (2020-12-14), "
		  "FreeBSD-EN-22:04.pcid",
	.symptom = "stale memory content with PCIDs",
	.form = "broken function",
	.repair = "clear the generations before the interrupts are sent",
	.scenario = &scenario_gen,
	.fails = EPH_FAIL_STALE,
};
