/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmap_atomic: a small stack of addresses per CPU, invalidated when it is
 * given back.
 *
 * What it does.  Mapping takes the CPU's next slot, whose entry must be
 * empty, and stores the entry; unmapping clears it and executes one invlpg.
 *
 * Idea.  A not-present entry is in no TLB, so a slot that is always left
 * empty needs no invalidation when it is filled.  Clearing at unmap costs
 * the invlpg that kmap_atomic.24 paid at map, and makes a use after the
 * unmap fault instead of reaching the wrong page.
 *
 * Invariant: a slot that is not in use has no entry, and its CPU holds no
 * translation of it.
 *
 *	case			L	R	F	IPI
 *	map			0	0	0	0
 *	unmap			1	0	0	0
 *
 * Quirks kept.  A slot whose entry is not empty is a BUG.  More than
 * KM_TYPE_NR nested mappings are one too (with CONFIG_DEBUG_HIGHMEM): here
 * refused.  Unmapping in another than the reverse order, and use on another
 * CPU, are errors of the caller that the kernel may not notice: refused.
 *
 * Locking.  Preemption and page faults are off from map to unmap: a
 * critical section.
 *
 * Linux 2.6.19 to 5.10 (i386, x86); up to 2.6.18 it was kmap_atomic.24.
 * Clearing at unmap is of 23002d88be (2006-09), Zachary Amsden; the stack in
 * place of named purposes of 2.6.37 (2010), Peter Zijlstra.
 */

#include <errno.h>

#include "base/kassert.h"
#include "design/percpu_slots.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

#define KM_TYPE_NR 20u /* slots of a CPU since 2.6.37 */

static int
kmap_atomic_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg;
	return (eph__percpu_slots_create(
	    mc, KM_TYPE_NR, "kmap_atomic slot", statep, err));
}

static int
kmap_atomic_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct percpu_slots *ps = state;
	struct eph_machine *mc = ps->mc;
	struct percpu_slot *slot;

	(void)flags;
	crit_enter(mc);
	if ((slot = eph__percpu_slots_push(ps, m)) == NULL) {
		crit_exit(mc);
		return (ENOTSUP);
	}
	if (pmap_pte_load(mc, slot->kva) != 0)
		PANIC("kmap_atomic: the slot's entry is not empty");
	pmap_pte_store(mc, slot->kva,
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
kmap_atomic_unmap(void *state, void *obj)
{
	struct percpu_slots *ps = state;
	struct percpu_slot *slot = obj;
	const int error = eph__percpu_slots_may_pop(ps, slot);

	if (error != 0)
		return (error);
	pmap_kremove_quick(ps->mc, slot->kva);
	eph__percpu_slots_pop(ps, slot);
	crit_exit(ps->mc);
	return (0);
}

static void
kmap_atomic_check(void *state, uint64_t held)
{
	eph__percpu_slots_check(state, held, true);
}

const struct eph_design_ops eph__kmap_atomic_ops = {
	.abi = EPHMAP_ABI,
	.name = "kmap_atomic",
	.summary = "a stack of addresses per CPU, cleared and invlpg at unmap",
	.origin = "Linux 2.6.19 i386, Amsden; as a stack 2.6.37, Zijlstra",
	.date = "2006-09",
	.from = "kmap_atomic.24",
	.costs = "L 1 an unmap",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_GLOBAL,
	.nest = KM_TYPE_NR,
	.create = kmap_atomic_create,
	.destroy = eph__percpu_slots_destroy,
	.map = kmap_atomic_map,
	.unmap = kmap_atomic_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.check = kmap_atomic_check,
};
