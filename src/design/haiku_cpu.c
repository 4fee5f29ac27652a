/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * haiku.cpu: sixteen addresses per CPU on a stack, with sleepers.
 *
 * What it does.  A pinned thread takes a slot of its CPU, stores the entry
 * over the old one, and invalidates it on this CPU.  Giving it back costs
 * nothing.  When the CPU has none left the thread sleeps.
 *
 * Idea.  Who cannot leave the CPU need tell no other.
 *
 * Invariant: a CPU holds translations of its own slots only, and of one in
 * use none but the last that was stored.
 *
 *	case			L	R	F	IPI	stores
 *	get			1	0	0	0	1
 *	put			0	0	0	0	0
 *	exhaustion		0 asleep, then as a get
 *
 * Slots are used last in, first out; at first the last of the sixteen.  A put
 * wakes all sleepers of the CPU when its list was empty or held one slot.
 *
 * Quirks kept.  A put that finds one slot on the list wakes those who wait for
 * one slot, of whom there are none; those who wait for two have a condition of
 * their own, and it is not the one that is notified.  (Two are for copying
 * from page to page, which is not rebuilt.)
 *
 * Locking.  Interrupts off: a CPU's list is its own.
 *
 * Haiku 47c40a10a1 (2008-10-20), Ingo Weinhold,
 * x86_physical_page_mapper_large_memory.cpp: GetPageCurrentCPU(), and what
 * memsets and copies physical memory.
 */

#include "ephmap/kernel/sleepq.h"

#include "design/slots.h"

#define USER_SLOTS_PER_CPU 16u

/* The list of a CPU. */
struct haiku_queue {
	uint32_t n;
	uint32_t waiting;
	uint32_t free[USER_SLOTS_PER_CPU]; /* the last one first */
};

struct haiku_cpu {
	struct slots sl;
	struct haiku_queue *queue; /* by CPU */
};

static void
haiku_cpu_destroy(void *state)
{
	struct haiku_cpu *hc = state;
	struct eph_machine *mc = hc->sl.mc;

	eph__slots_fini(&hc->sl);
	eph_machine_free(mc, hc->queue, mc->ncpus * sizeof(*hc->queue));
	eph_machine_free(mc, hc, sizeof(*hc));
}

static int
haiku_cpu_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct haiku_cpu *hc = eph_machine_alloc(mc, sizeof(*hc));
	int error;

	(void)cfg;
	if (hc == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph__slots_init(
	    &hc->sl, mc, (uint64_t)mc->ncpus * USER_SLOTS_PER_CPU, "slot", err);
	hc->queue = eph_machine_alloc(mc, mc->ncpus * sizeof(*hc->queue));
	if (error == 0 && hc->queue == NULL)
		error = eph_err_set(err, ENOMEM, "out of memory");
	if (error != 0) {
		haiku_cpu_destroy(hc);
		return (error);
	}
	for (unsigned c = 0; c < mc->ncpus; c++) {
		struct haiku_queue *q = &hc->queue[c];

		for (q->n = 0; q->n < USER_SLOTS_PER_CPU; q->n++)
			q->free[q->n] = c * USER_SLOTS_PER_CPU + q->n;
	}
	*statep = hc;
	return (0);
}

static bool
haiku_cpu_ready(void *arg)
{
	const struct haiku_queue *q = arg;

	return (q->n != 0);
}

static int
haiku_cpu_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct haiku_cpu *hc = state;
	struct eph_machine *mc = hc->sl.mc;
	struct haiku_queue *q;
	struct slot *slot;
	bool slept = false;

	(void)flags;
	crit_enter(mc);
	q = &hc->queue[eph_curcpu(mc)->id];
	while (q->n == 0) {
		q->waiting++;
		ssleep_until(mc, q, "pageops", haiku_cpu_ready, q);
		q->waiting--;
		slept = true;
	}
	if (slept)
		msleep_done(mc);
	slot = &hc->sl.slot[q->free[--q->n]];
	eph__slots_use(&hc->sl, slot, m);
	crit_exit(mc);
	pmap_kenter_quick(mc, slot->kva, vm_page_to_phys(m));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
haiku_cpu_unmap(void *state, void *obj)
{
	struct haiku_cpu *hc = state;
	struct eph_machine *mc = hc->sl.mc;
	struct slot *slot = obj;
	const int error = eph__slots_mine(&hc->sl, slot);
	struct haiku_queue *q;

	if (error != 0)
		return (error);
	crit_enter(mc);
	q = &hc->queue[slot->cpu];
	(void)eph__slots_leave(&hc->sl, slot);
	q->free[q->n++] = eph__slots_index(&hc->sl, slot);
	if (q->n <= 2 && q->waiting > 0)
		wakeup(mc, q);
	crit_exit(mc);
	return (0);
}

static void
haiku_cpu_check(void *state, uint64_t held)
{
	struct haiku_cpu *hc = state;
	uint64_t unused = 0;

	eph__slots_check(state, held);
	for (unsigned c = 0; c < hc->sl.mc->ncpus; c++)
		unused += hc->queue[c].n;
	if (unused + held != hc->sl.n)
		PANIC("slots held and slots listed do not add up");
}

const struct eph_design_ops eph__haiku_cpu_ops = {
	.abi = EPHMAP_ABI,
	.name = "haiku.cpu",
	.summary = "sixteen addresses per CPU, and sleepers",
	.origin = "Haiku 47c40a10a1, Weinhold",
	.date = "2008-10-20",
	.from = "haiku.get",
	.costs = "L 1 a map",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_SLEEPS | EPH_DESIGN_ANY_ORDER,
	.nest = USER_SLOTS_PER_CPU,
	.create = haiku_cpu_create,
	.destroy = haiku_cpu_destroy,
	.map = haiku_cpu_map,
	.unmap = haiku_cpu_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.check = haiku_cpu_check,
};
