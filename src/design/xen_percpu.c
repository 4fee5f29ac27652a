/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * xen.percpu: a circle of addresses per CPU, and a bit in the entry that says
 * it may be recycled once this CPU's TLB has been flushed.
 *
 * What it does.  A CPU has a page of entries and a cursor.  Mapping moves the
 * cursor on, to the next entry that is 0, and stores there.  When the cursor
 * comes to entry 0 again, every entry that is marked ready is cleared, and
 * this CPU reloads CR3.  Unmapping sets the mark; the entry stays valid.
 *
 * Idea.  Linux's kmap, with the count replaced by a bit of the entry that the
 * hardware ignores, and the lock and the interrupts by having one per CPU.
 *
 * Invariant: an entry that is 0 is in no TLB of its CPU; one that is marked
 * ready has no user.
 *
 *	case			L	LF	F	IPI	stores
 *	map			0	0	0	0	1
 *	unmap			0	0	0	0	1
 *	wrap			0	1	0	0	1 a ready entry
 *
 * The cursor moves before it looks: the first address handed out is the
 * second, and the first comes after the first wrap.  Every wrap flushes,
 * whether anything was ready or not.
 *
 * Quirks kept.  With all entries in use the original goes round for ever;
 * here that is refused.
 *
 * Locking.  Interrupts are off while the cursor moves.
 *
 * Xen 76858e7297 (2003-01-25), Keir Fraser, "based on ideas from the Linux
 * PKMAP code"; xen-2.4.16/common/domain_page.c.  It has 1,024 entries.
 */

#include "design/slots.h"

struct xen_percpu {
	struct slots sl;       /* all CPUs' */
	struct slots_cpu *cpu; /* by CPU: map_idx */
	uint32_t entries;      /* (c) of each CPU */
};

static int
xen_percpu_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct xen_percpu *xp;
	const int error =
	    eph__slots_create(mc, sizeof(*xp), (uint64_t)mc->ncpus * cfg->nbufs,
		"mapcache entry of a CPU", sizeof(*xp->cpu), statep, err);

	if (error != 0)
		return (error);
	xp = *statep;
	xp->entries = cfg->nbufs;
	xp->cpu = xp->sl.percpu;
	return (0);
}

/* flush_all_ready_maps(), and the flush. */
static void
xen_percpu_wrap(struct xen_percpu *xp, const struct slot *first)
{
	struct eph_machine *mc = xp->sl.mc;

	for (uint32_t i = 0; i < xp->entries; i++) {
		if ((pmap_pte_load(mc, first[i].kva) & EPH_PTE_SW) != 0)
			pmap_pte_store(mc, first[i].kva, 0);
	}
	pmap_flush_local(mc, false);
}

/* The next entry that is 0, or NULL after a whole round without one. */
static struct slot *
xen_percpu_next(struct xen_percpu *xp)
{
	const unsigned me = eph_curcpu(xp->sl.mc)->id;
	struct slot *first = &xp->sl.slot[(size_t)me * xp->entries];
	uint32_t *idx = &xp->cpu[me].cursor;
	uint32_t left = 2 * xp->entries;

	do {
		*idx = *idx + 1 == xp->entries ? 0 : *idx + 1;
		if (*idx == 0)
			xen_percpu_wrap(xp, first);
		if (pmap_pte_load(xp->sl.mc, first[*idx].kva) == 0)
			return (&first[*idx]);
	} while (--left != 0);
	return (NULL);
}

static int
xen_percpu_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct xen_percpu *xp = state;
	struct eph_machine *mc = xp->sl.mc;
	struct slot *slot;

	(void)flags;
	crit_enter(mc);
	if ((slot = xen_percpu_next(xp)) != NULL) {
		eph__slots_use(&xp->sl, slot, m);
		pmap_pte_store(mc, slot->kva, eph__slots_pte(&xp->sl, m));
	}
	crit_exit(mc);
	if (slot == NULL)
		return (eph__slots_full(&xp->sl, xp->entries));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
xen_percpu_unmap(void *state, void *obj)
{
	struct xen_percpu *xp = state;
	struct eph_machine *mc = xp->sl.mc;
	struct slot *slot = obj;
	const int error = eph__slots_mine(&xp->sl, slot);

	if (error != 0)
		return (error);
	crit_enter(mc);
	(void)eph__slots_leave(&xp->sl, slot);
	pmap_pte_store(
	    mc, slot->kva, pmap_pte_load(mc, slot->kva) | EPH_PTE_SW);
	crit_exit(mc);
	return (0);
}

const struct eph_design_ops eph__xen_percpu_ops = {
	.abi = EPHMAP_ABI,
	.name = "xen.percpu",
	.summary = "a circle per CPU, its TLB flushed once a lap",
	.origin = "Xen 76858e7297, Fraser",
	.date = "2003-01-25",
	.from = "kmap",
	.costs = "a flush a lap",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_ANY_ORDER,
	.create = xen_percpu_create,
	.destroy = eph__slots_destroy,
	.map = xen_percpu_map,
	.unmap = xen_percpu_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.check = eph__slots_check,
};
