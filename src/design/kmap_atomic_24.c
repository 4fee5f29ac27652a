/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmap_atomic.24: a fixed address per CPU and purpose, overwritten by its
 * next user.
 *
 * What it does.  A caller names a purpose (KM_USER0, KM_SOFTIRQ0 ...), and
 * with its CPU that is an address.  Mapping stores the entry and executes
 * one invlpg; unmapping does nothing at all, and the entry stays.
 *
 * Idea.  No other CPU uses the address, so no other needs to hear of it.
 *
 * Invariant: a CPU holds translations of its own slots only, and each is
 * the one it stored there last.
 *
 *	case			L	R	F	IPI
 *	map			1	0	0	0
 *	unmap			0	0	0	0
 *
 * In a replay a CPU's innermost mapping has the next purpose, as callers
 * that nest choose different ones; there are KM_TYPE_NR of them.  The
 * original accepts any order of unmapping, because it does nothing; the
 * order is checked here all the same, for the traces to mean the same on
 * its successors.
 *
 * Locking.  Preemption is off from map to unmap: a critical section.
 *
 * Linux 2.4 (include/asm-i386/highmem.h) and 2.6 up to 2.6.18
 * (arch/i386/mm/highmem.c), Ingo Molnar.  The debugging variant that clears
 * at unmap is not this one.  The number of purposes grew from 5 (2.4.16) to
 * 13 (2.6); 8 is late 2.4.
 */

#include <errno.h>

#include "design/percpu_slots.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

#define KM_TYPE_NR 8u /* purposes in late Linux 2.4 */

static int
kmap_atomic_24_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	(void)cfg;
	return (eph__percpu_slots_create(
	    mc, KM_TYPE_NR, "kmap_atomic slot", statep, err));
}

static int
kmap_atomic_24_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct percpu_slots *ps = state;
	struct percpu_slot *slot;

	(void)flags;
	crit_enter(ps->mc);
	if ((slot = eph__percpu_slots_push(ps, m)) == NULL) {
		crit_exit(ps->mc);
		return (ENOTSUP);
	}
	pmap_kenter_quick(ps->mc, slot->kva, vm_page_to_phys(m));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
kmap_atomic_24_unmap(void *state, void *obj)
{
	struct percpu_slots *ps = state;
	const int error = eph__percpu_slots_may_pop(ps, obj);

	if (error != 0)
		return (error);
	eph__percpu_slots_pop(ps, obj);
	crit_exit(ps->mc);
	return (0);
}

static void
kmap_atomic_24_check(void *state, uint64_t held)
{
	eph__percpu_slots_check(state, held, false);
}

const struct eph_design_ops eph__kmap_atomic_24_ops = {
	.abi = EPHMAP_ABI,
	.name = "kmap_atomic.24",
	.summary = "an address per CPU and purpose, invlpg at each map",
	.origin = "Linux 2.4 i386, Molnar",
	.date = "2001-01",
	.from = "bsd.cmap",
	.costs = "L 1 a map",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_GLOBAL,
	.nest = KM_TYPE_NR,
	.create = kmap_atomic_24_create,
	.destroy = eph__percpu_slots_destroy,
	.map = kmap_atomic_24_map,
	.unmap = kmap_atomic_24_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.check = kmap_atomic_24_check,
};
