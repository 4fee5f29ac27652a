/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nt.hyperspace: 255 addresses used downwards under a lock, and a flush of the
 * process's CPUs each time they are used up.
 *
 * What it does.  The first entry of the range holds no page but a number: how
 * many of the others are left.  Mapping takes the lock, uses the last of them,
 * and lowers the number; if it was 0 it is 255 again and the TLBs are flushed.
 * Unmapping stores 0 and releases the lock.
 *
 * Idea.  With one mapping at a time nothing has to be looked for, and one
 * flush pays for 255 maps.
 *
 * Invariant: what is left of the range is in no TLB of a CPU that runs the
 * process.
 *
 *	case			L	LF	F	IPI	stores	on N CPUs
 *	map			0	0	0	0	1
 *	unmap			0	0	0	0	1
 *	the number was 0	0	1	N-1	N-1	as a map
 *
 * A replay has one process, with a thread on each CPU.  The number is not a
 * translation, so that storing it is not counted.
 *
 * Quirks kept.  In older trees the flush is this CPU's alone (exhibit).  A
 * second range of 32, for zeroing several pages at once, is not rebuilt.
 *
 * Locking.  The process's hyperspace lock from map to unmap.  It is a spin
 * lock whose waiters take interrupts: a mutex here.
 *
 * Windows NT since 3.1 (1993) by all accounts; read in ReactOS,
 * ntoskrnl/mm/ARM3/hypermap.c.
 */

#include "design/hold.h"
#include "design/slots.h"

#define MI_HYPERSPACE_PTES 255u

struct hyperspace {
	struct slots sl;
	struct hold lock; /* HyperSpaceLock */
	uint32_t left;	  /* (l) the number in the first entry */
};

static int
hyperspace_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct hyperspace *hs;
	const int error = eph__slots_create(mc, sizeof(*hs),
	    MI_HYPERSPACE_PTES + 1, "hyperspace entry", 0, statep, err);

	(void)cfg;
	if (error != 0)
		return (error);
	hs = *statep;
	hs->left = MI_HYPERSPACE_PTES;
	eph__hold_init(&hs->lock, "hyperspace mapping", false);
	return (0);
}

static int
hyperspace_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct hyperspace *hs = state;
	struct eph_machine *mc = hs->sl.mc;
	const int error = eph__hold_enter(mc, &hs->lock);
	struct slot *slot;

	(void)flags;
	if (error != 0)
		return (error);
	if (hs->left == 0) {
		hs->left = MI_HYPERSPACE_PTES;
		pmap_flush_local(mc, false);
		smp_invltlb(mc, hs->sl.window, hs->sl.n, false);
	}
	slot = &hs->sl.slot[hs->left--];
	eph__slots_use(&hs->sl, slot, m);
	pmap_pte_store(mc, slot->kva, eph__slots_pte(&hs->sl, m));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
hyperspace_unmap(void *state, void *obj)
{
	struct hyperspace *hs = state;
	struct eph_machine *mc = hs->sl.mc;
	struct slot *slot = obj;
	const int error = eph__hold_mine(mc, &hs->lock);

	if (error != 0)
		return (error);
	(void)eph__slots_leave(&hs->sl, slot);
	pmap_pte_store(mc, slot->kva, 0);
	eph__hold_exit(mc, &hs->lock);
	return (0);
}

const struct eph_design_ops eph__nt_hyperspace_ops = {
	.abi = EPHMAP_ABI,
	.name = "nt.hyperspace",
	.summary = "255 addresses of a process used downwards, then a flush",
	.origin = "Windows NT, as in ReactOS hypermap.c",
	.date = "1993",
	.costs = "a flush of all CPUs of the process, 255 maps",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_ALONE,
	.nest = 1,
	.create = hyperspace_create,
	.destroy = eph__slots_destroy,
	.map = hyperspace_map,
	.unmap = hyperspace_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.check = eph__slots_check,
};
