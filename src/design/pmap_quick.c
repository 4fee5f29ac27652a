/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pmap_quick: one page, now, without sleeping: FreeBSD's
 * pmap_quick_enter_page() and pmap_quick_remove_page().
 *
 * Two forms; the machine decides.  A machine with fewer than four levels of
 * page table is an i386 and gets the first, any other is an amd64 and gets
 * the second.
 *
 * i386.  Each CPU has one reserved address, qmap_addr.  Enter stores the
 * entry, which must be 0, with A and M set in advance, and executes one
 * invlpg; remove stores 0 and does not invalidate.
 *
 * amd64, for a page outside the direct map.  One address for the whole
 * machine, qframe, under a spin lock that is held from enter to remove.
 * Enter stores the entry, which must be 0, and does not invalidate; remove
 * stores 0 and executes one invlpg.  (Pages inside the direct map cost
 * nothing: that is `dmap`.)
 *
 * Idea.  With one user at a time the address needs invalidating once, on
 * one CPU, and never sleeps.
 *
 * Invariant, i386: one nesting level a CPU.  amd64: when the lock is free
 * the entry is 0.
 *
 *	case			L	R	F	IPI
 *	i386 enter		1	0	0	0
 *	i386 remove		0	0	0	0
 *	amd64 enter		0	0	0	0
 *	amd64 remove		1	0	0	0
 *
 * Quirks kept.  The amd64 form invalidates on the CPU that removes, though
 * the address is everybody's: another CPU that loaded it by speculation
 * while it was valid keeps the old translation (hole).  A second nested
 * page is refused, where the kernels assert.  A replay plays one line after
 * the other, so in lockstep a page that another CPU holds cannot be waited
 * for, and is refused; other executors spin.
 *
 * Locking.  i386: a critical section from enter to remove.  amd64: the spin
 * lock, which includes one.
 *
 * FreeBSD r286296 and later, 2015-08, Jason Harmening.
 */

#include <errno.h>

#include "base/kassert.h"
#include "design/percpu_slots.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

/* The i386 form uses ps, the amd64 form the rest. */
struct pmap_quick {
	struct percpu_slots ps;
	bool i386;		 /* (c) */
	struct eph_mutex lock;	 /* qframe_mtx */
	_Atomic(uint32_t) owner; /* CPU that holds qframe, EPH_NONE: none */
	struct percpu_slot qframe;
};

static void
pmap_quick_destroy(void *state)
{
	struct pmap_quick *pq = state;
	struct eph_machine *mc = pq->ps.mc;

	if (pq->i386)
		eph__percpu_slots_fini(&pq->ps);
	else if (pq->qframe.kva != 0)
		kva_free(mc, pq->qframe.kva, 1);
	eph_machine_free(mc, pq, sizeof(*pq));
}

static int
pmap_quick_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct pmap_quick *pq = eph_machine_alloc(mc, sizeof(*pq));
	int error = 0;

	(void)cfg;
	if (pq == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	pq->i386 = mc->levels < 4;
	pq->ps.mc = mc;
	pq->ps.what = "pmap_quick page";
	mutex_init(&pq->lock, "qframe");
	atomic_init(&pq->owner, EPH_NONE);
	if (pq->i386)
		error = eph__percpu_slots_init(
		    &pq->ps, mc, 1, "pmap_quick page", err);
	else
		error = eph_kva_get(mc, 1, &pq->qframe.kva, err, "1 page");
	if (error != 0)
		pmap_quick_destroy(pq);
	else
		*statep = pq;
	return (error);
}

/* Neither form sets G: the entry lives for a moment. */
static void
pmap_quick_store(struct eph_machine *mc, eph_va_t va, const struct vm_page *m)
{
	if (pmap_pte_load(mc, va) != 0)
		PANIC("pmap_quick: the entry is not 0");
	pmap_pte_store(mc, va,
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | EPH_PTE_A |
		EPH_PTE_M);
}

static struct percpu_slot *
pmap_quick_enter_i386(struct pmap_quick *pq, struct vm_page *m)
{
	struct eph_machine *mc = pq->ps.mc;
	struct percpu_slot *slot;

	crit_enter(mc);
	if ((slot = eph__percpu_slots_push(&pq->ps, m)) == NULL) {
		crit_exit(mc);
		return (NULL);
	}
	pmap_quick_store(mc, slot->kva, m);
	pmap_invlpg(mc, slot->kva);
	return (slot);
}

/* May this CPU take qframe, or wait for it? */
static bool
pmap_quick_may_lock(struct pmap_quick *pq)
{
	struct eph_machine *mc = pq->ps.mc;
	const unsigned me = eph_curcpu(mc)->id;
	/*
	 * Relaxed: the only answers that matter are our own store, and in
	 * lockstep there is one host thread.
	 */
	const uint32_t owner =
	    eph_load_32(mc, &pq->owner, memory_order_relaxed);

	if (owner == me) {
		(void)eph_machine_refuse(mc,
		    "CPU %u has a pmap_quick page already: they do not nest",
		    me);
		return (false);
	}
	if (owner != EPH_NONE && eph_serial(mc)) {
		(void)eph_machine_refuse(mc,
		    "CPU %u would spin for the pmap_quick page, which CPU %u "
		    "holds",
		    me, owner);
		return (false);
	}
	return (true);
}

static struct percpu_slot *
pmap_quick_enter_amd64(struct pmap_quick *pq, struct vm_page *m)
{
	struct eph_machine *mc = pq->ps.mc;
	struct percpu_slot *slot = &pq->qframe;
	struct eph_cpu *cpu;

	if (!pmap_quick_may_lock(pq))
		return (NULL);
	spin_enter(mc, &pq->lock);
	cpu = eph_curcpu(mc);
	/* Relaxed: see pmap_quick_may_lock. */
	eph_store_32(mc, &pq->owner, cpu->id, memory_order_relaxed);
	slot->m = m;
	slot->cpu = cpu->id;
	pmap_quick_store(mc, slot->kva, m);
	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(mc);
	return (slot);
}

static int
pmap_quick_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct pmap_quick *pq = state;
	struct percpu_slot *slot = pq->i386 ? pmap_quick_enter_i386(pq, m)
					    : pmap_quick_enter_amd64(pq, m);

	(void)flags;
	if (slot == NULL)
		return (ENOTSUP);
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
pmap_quick_remove_i386(struct pmap_quick *pq, struct percpu_slot *slot)
{
	const int error = eph__percpu_slots_may_pop(&pq->ps, slot);

	if (error != 0)
		return (error);
	pmap_pte_store(pq->ps.mc, slot->kva, 0);
	eph__percpu_slots_pop(&pq->ps, slot);
	crit_exit(pq->ps.mc);
	return (0);
}

static int
pmap_quick_remove_amd64(struct pmap_quick *pq, struct percpu_slot *slot)
{
	struct eph_machine *mc = pq->ps.mc;
	struct eph_cpu *cpu = eph_curcpu(mc);

	if (slot->cpu != cpu->id)
		return (eph_machine_refuse(mc,
		    "the pmap_quick page of CPU %u cannot be unmapped on CPU "
		    "%u",
		    slot->cpu, cpu->id));
	pmap_kremove_quick(mc, slot->kva);
	slot->m = NULL;
	cpu->c.unmap_calls++;
	eph_bufs_dec(mc);
	/* Relaxed: see pmap_quick_may_lock. */
	eph_store_32(mc, &pq->owner, EPH_NONE, memory_order_relaxed);
	spin_exit(mc, &pq->lock);
	return (0);
}

static int
pmap_quick_unmap(void *state, void *obj)
{
	struct pmap_quick *pq = state;

	return (pq->i386 ? pmap_quick_remove_i386(pq, obj)
			 : pmap_quick_remove_amd64(pq, obj));
}

static void
pmap_quick_check(void *state, uint64_t held)
{
	struct pmap_quick *pq = state;
	const struct percpu_slot *slot = &pq->qframe;

	if (pq->i386) {
		eph__percpu_slots_check(&pq->ps, held, true);
		return;
	}
	if (held != (slot->m != NULL))
		PANIC("pages held and pages entered differ");
	if (slot->m == NULL && pmap_pte_load(pq->ps.mc, slot->kva) != 0)
		PANIC("nobody holds qframe and it has an entry");
	if (slot->m != NULL &&
	    pmap_kextract(pq->ps.mc, slot->kva) != slot->m->frame)
		PANIC("qframe does not map its page");
}

const struct eph_design_ops eph__pmap_quick_ops = {
	.abi = EPHMAP_ABI,
	.name = "pmap_quick",
	.summary = "i386: one address per CPU; amd64: one for all, locked",
	.origin = "FreeBSD, Harmening",
	.date = "2015-08",
	.from = "freebsd.cmap.sysmaps",
	.costs = "L 1",
	.holes = "amd64: local-only removal of a global address",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_GLOBAL,
	.nest = 1,
	.create = pmap_quick_create,
	.destroy = pmap_quick_destroy,
	.map = pmap_quick_map,
	.unmap = pmap_quick_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.check = pmap_quick_check,
};
