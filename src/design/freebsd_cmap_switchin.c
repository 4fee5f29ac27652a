/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * freebsd.cmap.switchin: the window of bsd.cmap for all CPUs, whose user may
 * move: the scheduler invalidates it wherever he arrives.
 *
 * What it does.  Under a mutex the entry, which must be 0, is stored with A
 * and M set in advance, and this CPU invalidates it.  The thread names a
 * function, which the scheduler calls whenever it switches the thread in: it
 * invalidates the window there.  Afterwards the name is withdrawn and 0 is
 * stored.
 *
 * Idea.  No CPU is interrupted, no thread is pinned: a CPU that matters is one
 * on which the thread runs, and that CPU can do it itself.
 *
 * Invariant: the CPU on which the mutex's owner runs holds no translation of
 * the window but the last.
 *
 *	case			L	R	F	IPI	stores
 *	map			1	0	0	0	1
 *	switched in		1	0	0	0	0
 *	unmap			0	0	0	0	1
 *
 * Here the window is CMAP2, as for zeroing a page.  Copying uses two, and both
 * are invalidated; the thread that zeroes pages in idle time has a third.
 *
 * Quirks kept.  The function is named after the entry was stored and before
 * it is invalidated; a thread that is switched between the two invalidates
 * twice.  A window that is busy is a panic.
 *
 * Locking.  CMAPCADDR12_lock, a mutex, from map to unmap.
 *
 * FreeBSD i386 pmap.c, 5.0 to 5.2 (2002 to 2004), with SMP.
 */

#include "design/hold.h"
#include "design/slots.h"

struct switchin {
	struct slots sl;
	struct hold lock;	/* CMAPCADDR12_lock */
	_Atomic(uint32_t) hook; /* td_switchin of the owner is set */
};

static int
switchin_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct switchin *sw;
	const int error = eph__slots_create(
	    mc, sizeof(*sw), 1, "CMAP2 window", 0, statep, err);

	(void)cfg;
	if (error != 0)
		return (error);
	sw = *statep;
	eph__hold_init(&sw->lock, "CMAP2 window", false);
	atomic_init(&sw->hook, 0);
	return (0);
}

/* Relaxed: the owner's own. */
static void
switchin_hook(struct switchin *sw, bool on)
{
	atomic_store_explicit(&sw->hook, on, memory_order_relaxed);
}

static int
switchin_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct switchin *sw = state;
	struct eph_machine *mc = sw->sl.mc;
	struct slot *slot = sw->sl.slot;
	const int error = eph__hold_enter(mc, &sw->lock);

	(void)flags;
	if (error != 0)
		return (error);
	if (pmap_pte_load(mc, slot->kva) != 0)
		PANIC("CMAP2 busy");
	eph__slots_use(&sw->sl, slot, m);
	pmap_pte_store(
	    mc, slot->kva, eph__slots_pte(&sw->sl, m) | EPH_PTE_A | EPH_PTE_M);
	switchin_hook(sw, true);
	pmap_invlpg(mc, slot->kva);
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
switchin_unmap(void *state, void *obj)
{
	struct switchin *sw = state;
	struct eph_machine *mc = sw->sl.mc;
	struct slot *slot = obj;
	const int error = eph__hold_mine(mc, &sw->lock);

	if (error != 0)
		return (error);
	switchin_hook(sw, false);
	(void)eph__slots_leave(&sw->sl, slot);
	pmap_pte_store(mc, slot->kva, 0);
	eph__hold_exit(mc, &sw->lock);
	return (0);
}

/* pmap_zpi_switchin2() */
static void
switchin_in(void *state)
{
	struct switchin *sw = state;

	if (eph__hold_is_mine(sw->sl.mc, &sw->lock) &&
	    atomic_load_explicit(&sw->hook, memory_order_relaxed) != 0)
		pmap_invlpg(sw->sl.mc, sw->sl.window);
}

const struct eph_design_ops eph__freebsd_cmap_switchin_ops = {
	.abi = EPHMAP_ABI,
	.name = "freebsd.cmap.switchin",
	.summary = "one window, invalidated where its user is switched in",
	.origin = "FreeBSD 5 i386 pmap.c",
	.date = "2002",
	.from = "bsd.cmap",
	.costs = "L 1 a map, and a switch",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_ALONE,
	.nest = 1,
	.create = switchin_create,
	.destroy = eph__slots_destroy,
	.map = switchin_map,
	.unmap = switchin_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.switch_in = switchin_in,
	.check = eph__slots_check,
};
