/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * serenity.quickmap: one address, the page it maps, and what each CPU saw
 * there last.
 *
 * What it does.  With the memory manager's lock held, page directories are
 * looked at through one window.  If its entry names another page, it is stored
 * and this CPU invalidates it; if it names the page, but this CPU's last was
 * another, only the second.  In either case the page is this CPU's last.
 *
 * Idea.  The same directory is looked at again and again: then nothing is to
 * be done.
 *
 * Invariant: a CPU whose last page is the one that the entry names holds no
 * translation to another.
 *
 *	case				L	R	F	IPI	stores
 *	same page, this CPU's last	0	0	0	0	0
 *	same page, not its last		1	0	0	0	0
 *	another page			1	0	0	0	1
 *	unmap				0	0	0	0	0
 *
 * That is not quite so: when the window goes to another page and back, on
 * other CPUs, this CPU's last page is right again, and what it loaded
 * meanwhile by speculation it still holds (hole).
 *
 * Counting.  The same page is hit_inactive, as the lock has one user; another
 * page is a miss, and evict but the first time.
 *
 * Locking.  The memory manager's spin lock, from map to unmap.
 *
 * SerenityOS, 2020-11 (pull request 3902), Tom: quickmap_pd(), quickmap_pt();
 * before it no CPU knew its last (exhibit).
 */

#include "design/hold.h"
#include "design/slots.h"

struct quickmap {
	struct slots sl;
	struct hold mm;	       /* s_mm_lock */
	struct slots_cpu *cpu; /* by CPU: last page, plus one, as cursor */
	uint32_t page;	       /* (l) what the entry names; EPH_NONE */
};

static int
quickmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct quickmap *qm;
	const int error = eph__slots_create(
	    mc, sizeof(*qm), 1, "quickmap page", sizeof(*qm->cpu), statep, err);

	(void)cfg;
	if (error != 0)
		return (error);
	qm = *statep;
	qm->page = EPH_NONE;
	eph__hold_init(&qm->mm, "quickmap page", true);
	qm->cpu = qm->sl.percpu;
	return (0);
}

static int
quickmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct quickmap *qm = state;
	struct eph_machine *mc = qm->sl.mc;
	struct slot *slot = qm->sl.slot;
	const int error = eph__hold_enter(mc, &qm->mm);
	uint32_t *last;

	(void)flags;
	if (error != 0)
		return (error);
	last = &qm->cpu[eph_curcpu(mc)->id].cursor;
	if (qm->page == m->frame) {
		eph__slots_hit(&qm->sl, slot, m);
		if (*last != m->frame + 1)
			pmap_invlpg(mc, slot->kva);
	} else {
		if (qm->page != EPH_NONE)
			EPH_COUNT(mc, evict);
		eph__slots_use(&qm->sl, slot, m);
		qm->page = m->frame;
		pmap_kenter_quick(mc, slot->kva, vm_page_to_phys(m));
	}
	*last = m->frame + 1;
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
quickmap_unmap(void *state, void *obj)
{
	struct quickmap *qm = state;
	const int error = eph__hold_mine(qm->sl.mc, &qm->mm);

	if (error != 0)
		return (error);
	(void)eph__slots_leave(&qm->sl, obj);
	eph__hold_exit(qm->sl.mc, &qm->mm);
	return (0);
}

const struct eph_design_ops eph__serenity_quickmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "serenity.quickmap",
	.summary = "one address under a lock, and each CPU's last page there",
	.origin = "SerenityOS MemoryManager.cpp, Tom",
	.date = "2020-11",
	.costs = "L 1, or none",
	.holes = "stale: a page that comes back to the window, for a CPU that "
		 "loaded another meanwhile by speculation",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_CACHE | EPH_DESIGN_ALONE,
	.nest = 1,
	.create = quickmap_create,
	.destroy = eph__slots_destroy,
	.map = quickmap_map,
	.unmap = quickmap_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.check = eph__slots_check,
};
