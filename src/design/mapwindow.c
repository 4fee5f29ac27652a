/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mapwindow: eight windows per CPU; an empty entry marks a free one.
 *
 * What it does.  With preemption off, pmap_get_mapwindow() scans the CPU's
 * windows for an entry that is 0, stores the new one and executes invlpg.
 * pmap_put_mapwindow() stores 0, and does not invalidate.
 *
 * Idea.  The entry is the only bookkeeping there is.  Invalidating when the
 * window is filled makes up for not invalidating when it is emptied.
 *
 * Invariant: on its own CPU a window that is in use has no translation to
 * another page; one that is free may still have an old one.
 *
 *	case			L	R	F	IPI
 *	get			1	0	0	0
 *	put			0	0	0	0
 *
 * Quirks kept.  None free is a panic: here a refusal.  The original puts
 * windows back in any order; a replay unmaps in reverse order, which is
 * checked, so that the scan always ends at the lowest window not in use.
 *
 * Locking.  Preemption is off from get to put: a critical section.
 *
 * XNU 1228 (2007, Mac OS X 10.5) and 1504 osfmk/i386/pmap.c, 32 bits: a CPU
 * has PMAP_NWINDOWS 20, of which the first 12 cache page-table pages and are
 * not handed out; PMAP_WINDOW_SIZE 8 are.  In XNU 792 for Intel (2006) the
 * callers execute the invlpg.  With 64 bits the physical map replaces it.
 */

#include <errno.h>

#include "base/kassert.h"
#include "design/percpu_slots.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

#define PMAP_WINDOW_SIZE 8u /* from PMAP_NWINDOWS_FIRSTFREE on */

static int
mapwindow_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg;
	return (eph__percpu_slots_create(
	    mc, PMAP_WINDOW_SIZE, "mapwindow", statep, err));
}

/* The scan: first window of this CPU whose entry is 0. */
static uint32_t
mapwindow_scan(struct percpu_slots *ps)
{
	const unsigned me = eph_curcpu(ps->mc)->id;
	uint32_t i = 0;

	while (i < PMAP_WINDOW_SIZE &&
	    pmap_pte_load(ps->mc, percpu_slots_at(ps, me, i)->kva) != 0)
		i++;
	return (i);
}

static int
mapwindow_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct percpu_slots *ps = state;
	struct percpu_slot *slot;
	uint32_t first;

	(void)flags;
	crit_enter(ps->mc);
	first = mapwindow_scan(ps);
	if ((slot = eph__percpu_slots_push(ps, m)) == NULL) {
		KASSERT(first == PMAP_WINDOW_SIZE, "a window was free");
		crit_exit(ps->mc);
		return (ENOTSUP);
	}
	if (slot->level != first)
		PANIC("mapwindow: the scan found another window");
	pmap_kenter_quick(ps->mc, slot->kva, vm_page_to_phys(m));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
mapwindow_unmap(void *state, void *obj)
{
	struct percpu_slots *ps = state;
	struct percpu_slot *slot = obj;
	const int error = eph__percpu_slots_may_pop(ps, slot);

	if (error != 0)
		return (error);
	pmap_pte_store(ps->mc, slot->kva, 0);
	eph__percpu_slots_pop(ps, slot);
	crit_exit(ps->mc);
	return (0);
}

static void
mapwindow_check(void *state, uint64_t held)
{
	eph__percpu_slots_check(state, held, true);
}

const struct eph_design_ops eph__mapwindow_ops = {
	.abi = EPHMAP_ABI,
	.name = "mapwindow",
	.summary = "eight windows per CPU, invlpg when one is filled",
	.origin = "XNU pmap_get_mapwindow, Apple",
	.date = "2006",
	.from = "kmap_atomic",
	.costs = "L 1",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_GLOBAL,
	.nest = PMAP_WINDOW_SIZE,
	.create = mapwindow_create,
	.destroy = eph__percpu_slots_destroy,
	.map = mapwindow_map,
	.unmap = mapwindow_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.check = mapwindow_check,
};
