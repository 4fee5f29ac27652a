/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * xen.shadow, xen.epoch, xen.noready: one circle of addresses for all CPUs,
 * and three ways to know that this CPU has flushed since an address was used
 * before.  One of the three is safe.
 *
 * What they do.  A cursor goes round under a lock, to the next entry that is
 * 0.  At entry 0 those marked ready are cleared, and the CPU that came there
 * flushes its own TLB.  The others are not interrupted: each finds out when
 * it maps something.
 *
 * xen.shadow.  A CPU remembers where the cursor stood when it mapped last.
 * If the cursor is below that now, it has wrapped, and the CPU flushes.
 * The cursor may pass that place again before the CPU looks, though; then
 * it may hold a translation from a round that it did not notice (hole).  A
 * CPU that maps one page at a time meets it only by speculation; one that
 * held another mapping across a wrap of its own, touched it after, and gave
 * it back before the wrap that it misses, meets it anyway.
 *
 * xen.epoch.  A wrap starts an epoch; a CPU that mapped last in another one
 * flushes.  Counting cannot be overtaken.
 *
 * xen.noready.  As xen.epoch, but unmapping clears the entry at once and the
 * mark is gone: "simplified".  A mapping held across the wrap, touched after
 * it and unmapped ahead of the cursor is handed out again in the same epoch,
 * and its CPU still holds it (hole).  By speculation any CPU does that loaded
 * it after its own flush of that epoch, though it never had the mapping:
 * scenarios free-map, private and speculation fail only so.
 *
 * Invariant of xen.epoch: an entry that is 0 is in no TLB of a CPU that is in
 * the current epoch.
 *
 *	case				L	LF	F	IPI	stores
 *	map				0	0	0	0	1
 *	map, this CPU behind		0	1	0	0	1
 *	unmap				0	0	0	0	1
 *	wrap				0	1	0	0	1 a ready entry
 *
 * Quirks kept.  The cursor moves before it looks; every wrap flushes; with
 * all entries in use a debug build panics at the second wrap and any other
 * goes round until a CPU unmaps; in lockstep none can, and it is refused.
 * xen.shadow notes the cursor after it has released the lock.
 *
 * Locking.  map_lock, a spin lock with interrupts off.  Unmapping takes none:
 * it sets a bit in an entry that is the caller's own.
 *
 * Xen 99db02d509 (2003-10-07); 2acc4cfee7 (2004-10-16), "Fix TLB coherency bug
 * in map_domain_mem, as pointed out by Michael Fetterman"; 2db05f29eb
 * (2005-06-03), taken back by 13f2a6e868 (2005-11-02).  Keir Fraser.
 */

#include "design/slots.h"
#include "ephmap/kernel/mutex.h"

struct xen_circle {
	struct slots sl;       /* (l) in use: the user's */
	struct slots_cpu *cpu; /* by CPU: shadow_map_idx, shadow_epoch */
	struct eph_mutex lock; /* map_lock */
	uint32_t idx;	       /* (l) map_idx */
	uint32_t epoch;	       /* (l) */
	bool shadow;	       /* (c) xen.shadow */
	bool ready;	       /* (c) unmapping marks, as it does not clear */
};

static int
xen_circle_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, bool shadow, bool ready, struct eph_err *err)
{
	struct xen_circle *xc;
	const int error = eph__slots_create(mc, sizeof(*xc), cfg->nbufs,
	    "mapcache entry", sizeof(*xc->cpu), statep, err);

	if (error != 0)
		return (error);
	xc = *statep;
	xc->shadow = shadow;
	xc->ready = ready;
	mutex_init(&xc->lock, "map_lock");
	xc->cpu = xc->sl.percpu;
	return (0);
}

static int
xen_shadow_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	return (xen_circle_create(mc, cfg, statep, true, true, err));
}

static int
xen_epoch_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	return (xen_circle_create(mc, cfg, statep, false, true, err));
}

static int
xen_noready_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	return (xen_circle_create(mc, cfg, statep, false, false, err));
}

/* "Has some other CPU caused a wrap?  We must flush if so." */
static void
xen_circle_catch_up(struct xen_circle *xc, struct slots_cpu *me)
{
	if (xc->shadow ? xc->idx >= me->cursor : xc->epoch == me->epoch)
		return;
	EPH_NOTE(xc->sl.mc, "another CPU has wrapped: flushes");
	pmap_flush_local(xc->sl.mc, false);
	me->epoch = xc->epoch;
}

static void
xen_circle_wrap(struct xen_circle *xc, struct slots_cpu *me)
{
	struct eph_machine *mc = xc->sl.mc;

	for (uint32_t i = 0; xc->ready && i < xc->sl.n; i++) {
		const eph_va_t va = xc->sl.slot[i].kva;

		if ((pmap_pte_load(mc, va) & EPH_PTE_SW) != 0)
			pmap_pte_store(mc, va, 0);
	}
	pmap_flush_local(mc, false);
	me->epoch = ++xc->epoch;
}

/* The next entry that is 0, or NULL after a whole round without one. */
static struct slot *
xen_circle_next(struct xen_circle *xc, struct slots_cpu *me)
{
	uint32_t left = 2 * xc->sl.n;

	do {
		struct slot *slot;

		xc->idx = xc->idx + 1 == xc->sl.n ? 0 : xc->idx + 1;
		if (xc->idx == 0)
			xen_circle_wrap(xc, me);
		slot = &xc->sl.slot[xc->idx];
		if (pmap_pte_load(xc->sl.mc, slot->kva) == 0)
			return (slot);
		if (--left == 0 && eph__slots_spin(&xc->sl))
			left = 2 * xc->sl.n;
	} while (left != 0);
	return (NULL);
}

static int
xen_circle_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct xen_circle *xc = state;
	struct eph_machine *mc = xc->sl.mc;
	struct slots_cpu *me;
	struct slot *slot;

	(void)flags;
	crit_enter(mc);
	me = &xc->cpu[eph_curcpu(mc)->id];
	mutex_enter(mc, &xc->lock);
	xen_circle_catch_up(xc, me);
	if ((slot = xen_circle_next(xc, me)) != NULL) {
		eph__slots_use(&xc->sl, slot, m);
		pmap_pte_store(mc, slot->kva, eph__slots_pte(&xc->sl, m));
	}
	mutex_exit(mc, &xc->lock);
	if (slot != NULL)
		me->cursor = eph__slots_index(&xc->sl, slot);
	crit_exit(mc);
	if (slot == NULL)
		return (eph__slots_full(&xc->sl, xc->sl.n));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
xen_circle_unmap(void *state, void *obj)
{
	struct xen_circle *xc = state;
	struct eph_machine *mc = xc->sl.mc;
	struct slot *slot = obj;

	(void)eph__slots_leave(&xc->sl, slot);
	pmap_pte_store(mc, slot->kva,
	    xc->ready ? pmap_pte_load(mc, slot->kva) | EPH_PTE_SW : 0);
	return (0);
}

/* clang-format off */
#define XEN_CIRCLE							\
	.abi = EPHMAP_ABI,						\
	.shootdown = "acked-invlpg",					\
	.policy = "",							\
	.validity = EPH_VALID_THIS_CPU,					\
	.destroy = eph__slots_destroy,					\
	.map = xen_circle_map,						\
	.unmap = xen_circle_unmap,					\
	.kva = eph__slots_kva_mine,					\
	.page = eph__slots_page,					\
	.check = eph__slots_check
/* clang-format on */

const struct eph_design_ops eph__xen_shadow_ops = {
	XEN_CIRCLE,
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_ANY_ORDER | EPH_DESIGN_UNSAFE,
	.name = "xen.shadow",
	.summary = "one circle, a CPU flushes when the cursor went back",
	.origin = "Xen 99db02d509, Fraser",
	.date = "2003-10-07",
	.from = "xen.percpu",
	.costs = "a flush a lap",
	.holes = "stale: a CPU overtaken by the cursor does not flush (met by "
		 "speculation, or with two mappings at once)",
	.create = xen_shadow_create,
};

const struct eph_design_ops eph__xen_epoch_ops = {
	XEN_CIRCLE,
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_ANY_ORDER,
	.name = "xen.epoch",
	.summary = "one circle, a CPU flushes once after each wrap",
	.origin = "Xen 2acc4cfee7, Fraser and Fetterman",
	.date = "2004-10-16",
	.from = "xen.shadow",
	.costs = "a flush an epoch",
	.holes = "",
	.create = xen_epoch_create,
};

const struct eph_design_ops eph__xen_noready_ops = {
	XEN_CIRCLE,
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_ANY_ORDER | EPH_DESIGN_UNSAFE,
	.name = "xen.noready",
	.summary = "the same, an entry is free as soon as it is unmapped",
	.origin = "Xen 2db05f29eb, Fraser; reverted by 13f2a6e868",
	.date = "2005-06-03",
	.from = "xen.epoch",
	.costs = "a flush an epoch",
	.holes =
	    "stale: an address held across the wrap is handed out in the same "
	    "epoch (to a CPU that touched it after the wrap, or loaded it by "
	    "speculation)",
	.create = xen_noready_create,
};
