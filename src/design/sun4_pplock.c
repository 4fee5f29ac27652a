/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sun4.pplock: four addresses per CPU, locked into its TLB, with no page table
 * behind.
 *
 * What it does.  With preemption off, the first of the CPU's addresses that is
 * free is taken by compare-and-swap, and a locked entry is written into this
 * CPU's TLB.  Afterwards the entry is demapped on this CPU.
 *
 * Idea.  No table knows the address: there is nothing to keep consistent, and
 * a thread that moved would find nothing and panic, rather than another page.
 *
 * Invariant: an address that is free is in no TLB; one that is not, in its
 * CPU's only.
 *
 *	case			L	R	F	IPI	stores
 *	map			0	0	0	0	1
 *	unmap			1	0	0	0	0
 *
 * Writing an entry of the TLB is counted as an entry stored.
 *
 * Quirks kept.  With four in use the original fails over to sun4.ppmapin; here
 * that is refused.  Where the cache has colours the search begins at the
 * page's and goes on in steps of their number: not here, as with physically
 * indexed caches.
 *
 * Locking.  Preemption off from map to unmap: a critical section.  The swap is
 * for interrupts.
 *
 * Solaris uts/sun4/vm/ppage.c, pp_load_tlb() and pp_unload_tlb(); Sun, 1990s.
 */

#include "design/slots.h"
#include "ephmap/sdk/atomic.h"

#define PP_SLOTS 4u

struct pplock {
	struct slots sl;	  /* PP_SLOTS a CPU */
	_Atomic(uint32_t) *taken; /* by slot */
};

static void
pplock_destroy(void *state)
{
	struct pplock *pp = state;
	struct eph_machine *mc = pp->sl.mc;

	eph__slots_fini(&pp->sl);
	eph_machine_free(
	    mc, pp->taken, mc->ncpus * PP_SLOTS * sizeof(*pp->taken));
	eph_machine_free(mc, pp, sizeof(*pp));
}

static int
pplock_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct pplock *pp = eph_machine_alloc(mc, sizeof(*pp));
	int error;

	(void)cfg;
	if (pp == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	error = eph__slots_init(&pp->sl, mc, (uint64_t)mc->ncpus * PP_SLOTS,
	    "locked entry of a CPU", err);
	pp->taken =
	    eph_machine_alloc(mc, mc->ncpus * PP_SLOTS * sizeof(*pp->taken));
	if (error == 0 && pp->taken == NULL)
		error = eph_err_set(err, ENOMEM, "out of memory");
	if (error != 0)
		pplock_destroy(pp);
	else
		*statep = pp;
	return (error);
}

static int
pplock_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct pplock *pp = state;
	struct eph_machine *mc = pp->sl.mc;
	uint32_t i, end;

	(void)flags;
	crit_enter(mc);
	i = eph_curcpu(mc)->id * PP_SLOTS;
	end = i + PP_SLOTS;
	/* Acquire pairs with the release in unmap. */
	while (i < end &&
	    !eph_cas_32(mc, &pp->taken[i], 0, 1, memory_order_acquire))
		i++;
	if (i == end) {
		crit_exit(mc);
		return (eph__slots_full(&pp->sl, PP_SLOTS));
	}
	eph__slots_use(&pp->sl, &pp->sl.slot[i], m);
	*mp = (struct eph_mapping){ &pp->sl.slot[i], pp->sl.slot[i].kva };
	eph_pmap_tlb_write(mc, mp->va, vm_page_to_phys(m));
	return (0);
}

static int
pplock_unmap(void *state, void *obj)
{
	struct pplock *pp = state;
	struct eph_machine *mc = pp->sl.mc;
	struct slot *slot = obj;
	const int error = eph__slots_mine(&pp->sl, slot);

	if (error != 0)
		return (error);
	pmap_invlpg(mc, slot->kva);
	(void)eph__slots_leave(&pp->sl, slot);
	eph_store_32(mc, &pp->taken[eph__slots_index(&pp->sl, slot)], 0,
	    memory_order_release);
	crit_exit(mc);
	return (0);
}

static void
pplock_check(void *state, uint64_t held)
{
	struct pplock *pp = state;
	uint64_t used = 0;

	for (uint32_t i = 0; i < pp->sl.n; i++) {
		used += pp->sl.slot[i].refs;
		if (pmap_pte_load(pp->sl.mc, pp->sl.slot[i].kva) != 0)
			PANIC("the page table knows a locked address");
		/* Relaxed: nothing runs. */
		if (atomic_load_explicit(&pp->taken[i], memory_order_relaxed) !=
		    pp->sl.slot[i].refs)
			PANIC("an address is free and in use, or neither");
	}
	if (used != held)
		PANIC("mappings held and entries locked differ");
}

const struct eph_design_ops eph__sun4_pplock_ops = {
	.abi = EPHMAP_ABI,
	.name = "sun4.pplock",
	.summary = "four locked TLB entries per CPU, no page table behind",
	.origin = "Solaris uts/sun4/vm/ppage.c, Sun",
	.date = "1990s",
	.from = "sun4.ppmapin",
	.costs = "L 1 an unmap",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_ANY_ORDER | EPH_DESIGN_CRITICAL,
	.nest = PP_SLOTS,
	.create = pplock_create,
	.destroy = pplock_destroy,
	.map = pplock_map,
	.unmap = pplock_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.check = pplock_check,
};
