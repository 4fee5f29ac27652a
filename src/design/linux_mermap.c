/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linux.mermap: addresses used in order in a part of each CPU and address
 * space, at most four at once, and one local flush a lap.
 *
 * What it does.  As linux.ephmap, but a part is used from one end to the
 * other.  When the next address would lie behind the end, this CPU flushes,
 * and goes on behind the last mapping that is still in use.  Putting one back
 * stores an entry that is not valid, and invalidates nothing.  The last page
 * of the part is kept for callers that cannot fail.
 *
 * Idea.  One flush pays for a lap, and no other CPU flushes at all.
 *
 * Invariant: what lies between the next address and the end is in no TLB of
 * the part's CPU.
 *
 *	case				L	LF	F	IPI	stores
 *	get				0	0	0	0	1
 *	get, at the end			0	1	0	0	1
 *	get, four in use		0	0	0	0	0, fails
 *	get, no room behind them	0	0	0	0	0, fails
 *	put				0	0	0	0	1
 *
 * A part is nbufs pages here, one of them kept; a page at a time is mapped.  A
 * replay has one address space.
 *
 * Quirks kept.  The flush comes before it is known whether one of the four
 * records is free, so that a failure may have flushed.  What is freed while a
 * TLB still holds it is the caller's business: who frees pages that were
 * mapped here must flush first.  (On other machines than x86 the flush has to
 * reach all CPUs, because an address may not be mapped anew before.)
 *
 * Locking.  Migration is off from get to put, preemption while the records
 * change.
 *
 * Linux, Brendan Jackman's mm/mermap.c (proposed, 2026).
 */

#include "design/slots.h"

#define MERMAP_ALLOCS 4u

struct mermap_cpu {
	uint32_t next;		       /* next_addr, in pages */
	uint32_t alloc[MERMAP_ALLOCS]; /* page, plus one; 0: not in use */
	char pad[44];
};

struct mermap {
	struct slots sl;	/* all parts */
	struct mermap_cpu *cpu; /* by CPU */
	uint32_t part;		/* (c) pages of a part */
};

static int
mermap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	/* One page of it is kept. */
	const uint32_t part = cfg->nbufs < 2 ? 2 : cfg->nbufs;
	struct mermap *mm;
	const int error =
	    eph__slots_create(mc, sizeof(*mm), (uint64_t)mc->ncpus * part,
		"mermap page", sizeof(*mm->cpu), statep, err);

	if (error != 0)
		return (error);
	mm = *statep;
	mm->part = part;
	mm->cpu = mm->sl.percpu;
	return (0);
}

/* A page of this CPU's part and a record for it, or NULL. */
static struct slot *
mermap_take(struct mermap *mm)
{
	const unsigned me = eph_curcpu(mm->sl.mc)->id;
	struct mermap_cpu *c = &mm->cpu[me];
	const uint32_t end = mm->part - 1;

	if (c->next + 1 > end) {
		uint32_t used = 0;

		for (unsigned i = 0; i < MERMAP_ALLOCS; i++) {
			if (c->alloc[i] > used)
				used = c->alloc[i];
		}
		if (used + 1 > end)
			return (NULL);
		pmap_flush_local(mm->sl.mc, false);
		c->next = used;
	}
	for (unsigned i = 0; i < MERMAP_ALLOCS; i++) {
		if (c->alloc[i] != 0)
			continue;
		c->alloc[i] = ++c->next;
		return (&mm->sl.slot[(size_t)me * mm->part + c->next - 1]);
	}
	return (NULL);
}

static int
mermap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct mermap *mm = state;
	struct eph_machine *mc = mm->sl.mc;
	struct slot *slot;

	(void)flags;
	crit_enter(mc);
	if ((slot = mermap_take(mm)) != NULL) {
		eph__slots_use(&mm->sl, slot, m);
		pmap_pte_store(mc, slot->kva, eph__slots_pte(&mm->sl, m));
	} else {
		EPH_COUNT(mc, map_calls);
		EPH_COUNT(mc, map_fail);
	}
	crit_exit(mc);
	if (slot == NULL)
		return (EAGAIN);
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
mermap_unmap(void *state, void *obj)
{
	struct mermap *mm = state;
	struct eph_machine *mc = mm->sl.mc;
	struct slot *slot = obj;
	const int error = eph__slots_mine(&mm->sl, slot);
	const uint32_t page = eph__slots_index(&mm->sl, slot) % mm->part;

	if (error != 0)
		return (error);
	crit_enter(mc);
	(void)eph__slots_leave(&mm->sl, slot);
	/* The entry that is stored is no translation, but not 0 either. */
	pmap_pte_store(mc, slot->kva, EPH_PTE_SW);
	for (unsigned i = 0; i < MERMAP_ALLOCS; i++) {
		if (mm->cpu[slot->cpu].alloc[i] == page + 1)
			mm->cpu[slot->cpu].alloc[i] = 0;
	}
	crit_exit(mc);
	return (0);
}

const struct eph_design_ops eph__linux_mermap_ops = {
	.abi = EPHMAP_ABI,
	.name = "linux.mermap",
	.summary = "addresses in order for each CPU, a local flush a lap",
	.origin = "Linux mm/mermap.c (proposed), Jackman",
	.date = "2026",
	.from = "linux.ephmap",
	.costs = "a flush a lap",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_FAILS | EPH_DESIGN_ANY_ORDER,
	.nest = MERMAP_ALLOCS,
	.create = mermap_create,
	.destroy = eph__slots_destroy,
	.map = mermap_map,
	.unmap = mermap_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.check = eph__slots_check,
};
