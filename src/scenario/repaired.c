/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Shipped designs with their known holes repaired.
 *
 *	un-acked flush		the protocol waits for all targets
 *	lost wakeup		map() that returns EINTR wakes the next sleeper
 *				(msf_buf: the sleep is not interruptible)
 *	A read before store	the entry is exchanged, A is in the old one
 *	local-only removal	the CPU that enters invalidates too
 *	wakeup from 0 to 1	every free wakes a sleeper
 *	wakeup by list		one place to sleep, every free wakes
 *	leaked wires		every free unwires
 *
 * A repaired design is the shipped one with another map() or unmap(), so
 * that nothing else can differ.
 */

#include <errno.h>
#include <string.h>

#include "design/lwbuf_home.h"
#include "design/percpu_slots.h"
#include "design/segmap.h"
#include "design/sf_pool.h"
#include "ephmap/explore.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"

extern const struct eph_design_ops eph__kva_qenter_ops;
extern const struct eph_design_ops eph__lwbuf_homecpu_ops;
extern const struct eph_design_ops eph__lwbuf_reserve_ops;
extern const struct eph_design_ops eph__msf_buf_ops;
extern const struct eph_design_ops eph__pmap_quick_ops;
extern const struct eph_design_ops eph__segmap_ops;
extern const struct eph_design_ops eph__xen_epoch_ops;
extern const struct eph_design_ops eph__xen_noready_ops;
extern const struct eph_design_ops eph__xen_shadow_ops;
extern const struct eph_design_ops eph__sf_buf_accessed_ops;
extern const struct eph_design_ops eph__sf_buf_cpumask_ops;
extern const struct eph_design_ops eph__sf_buf_hash_ops;
extern const struct eph_design_ops eph__sf_buf_lru_ops;
extern const struct eph_design_ops eph__sf_buf_uncached_ops;

/*
 * The wakeup that an interrupted sleeper got was meant for one that
 * takes a buffer.  Too many wakeups do no harm: the woken look again.
 */
static int
pass_wakeup_on(struct sf_pool *sp, int error)
{
	if (error != EINTR)
		return (error);
	mutex_enter(sp->mc, &sp->lock);
	sf_pool_wakeup_one(sp);
	mutex_exit(sp->mc, &sp->lock);
	return (error);
}

static int
repaired_hash_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	return (pass_wakeup_on(
	    state, eph__sf_buf_hash_ops.map(state, m, flags, mp)));
}

static int
repaired_lru_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	return (pass_wakeup_on(
	    state, eph__sf_buf_lru_ops.map(state, m, flags, mp)));
}

static int
repaired_cpumask_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	return (pass_wakeup_on(
	    state, eph__sf_buf_cpumask_ops.map(state, m, flags, mp)));
}

/* b4caac98df: a free gives back the wire of its use, the last or not. */
static int
repaired_lru_unmap(void *state, void *obj)
{
	struct sf_pool *sp = state;
	struct sf_buf *sf = obj;

	mutex_enter(sp->mc, &sp->lock);
	vm_page_unwire(sp->mc, sf->m);
	if (sf_pool_drop(sp, sf))
		sf_pool_wakeup_one(sp);
	mutex_exit(sp->mc, &sp->lock);
	return (0);
}

/* sf_buf.accessed: one step reads the old entry and stores the new. */
static void
repaired_accessed_enter(struct sf_pool *sp, struct sf_buf *sf)
{
	struct eph_machine *mc = sp->mc;
	const eph_pte_t old = pmap_pte_swap(mc, sf->kva,
	    vm_page_to_phys(sf->m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);

	if ((old & (EPH_PTE_V | EPH_PTE_A)) == (EPH_PTE_V | EPH_PTE_A))
		eph_cpuset_zero(
		    sf_pool_mask(sp, sf_pool_index(sp, sf)), sp->words);
}

static void
repaired_accessed_sync(struct sf_pool *sp, struct sf_buf *sf, unsigned flags)
{
	struct eph_machine *mc = sp->mc;
	eph_cpuword_t *mask = sf_pool_mask(sp, sf_pool_index(sp, sf));
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];

	if (!eph_cpuset_isset(mask, eph_curcpu(mc)->id)) {
		eph_cpuset_set(mask, eph_curcpu(mc)->id);
		pmap_invlpg(mc, sf->kva);
	}
	if ((flags & SFB_CPUPRIVATE) != 0 ||
	    !eph_cpuset_andnot(others, mc->allcpus, mask, sp->words))
		return;
	eph_cpuset_or(mask, others, sp->words);
	smp_masked_invlpg(mc, others, sf->kva);
}

static int
repaired_accessed_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_pool *sp = state;
	struct sf_buf *sf;
	int error = 0;

	mutex_enter(sp->mc, &sp->lock);
	if ((sf = sf_pool_lookup(sp, m)) != NULL) {
		(void)sf_pool_hit(sp, sf);
	} else if ((sf = sf_pool_take(sp, m, (flags & SFB_NOWAIT) != 0,
			(flags & SFB_CATCH) != 0, &error)) != NULL) {
		sf_pool_link(sp, sf, m);
		sf_pool_missed(sp, sf);
		repaired_accessed_enter(sp, sf);
	} else {
		error = sf_pool_failed(sp, error);
		mutex_exit(sp->mc, &sp->lock);
		return (pass_wakeup_on(sp, error));
	}
	repaired_accessed_sync(sp, sf, flags);
	mutex_exit(sp->mc, &sp->lock);
	*mp = (struct eph_mapping){ sf, sf->kva };
	return (0);
}

/* The flag that makes the sleep interruptible does not arrive. */
static int
repaired_msf_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	return (
	    eph__msf_buf_ops.map(state, m, flags & ~(unsigned)SFB_CATCH, mp));
}

static int
repaired_quick_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	const int error = eph__pmap_quick_ops.map(state, m, flags, mp);

	if (error == 0)
		pmap_invlpg(((struct percpu_slots *)state)->mc, mp->va);
	return (error);
}

static void
home_wakeup(struct eph_machine *mc, void *arg)
{
	wakeup_one(mc, arg);
}

/* One wakeup for each lwbuf that comes home, sent behind it. */
static int
home_unmap(const struct eph_design_ops *shipped, void *state, void *obj)
{
	struct lwbuf_home *lh = state;
	struct eph_machine *mc = lh->lc.mc;
	const uint32_t owner = ((const struct lwbuf *)obj)->owner;
	const int error = shipped->unmap(state, obj);

	if (owner == eph_curcpu(mc)->id)
		wakeup_one(mc, &lh->cpus[owner]);
	else
		(void)lwkt_send_ipiq_passive(
		    mc, owner, home_wakeup, &lh->cpus[owner]);
	return (error);
}

/*
 * segmap: sleepers wait for any slot.  They look once more with the lock
 * that a wakeup takes after the slot has come to its list.
 */
static struct smap *
repaired_segmap_take(struct segmap *sm, struct vm_page **oldp)
{
	const uint32_t first = eph__segmap_first(sm);
	struct smap *slot = eph__segmap_take(sm, first, SEGMAP_RETURN, oldp);

	if (slot != NULL)
		return (slot);
	mutex_enter(sm->mc, &sm->wait);
	while (
	    (slot = eph__segmap_take(sm, first, SEGMAP_RETURN, oldp)) == NULL)
		(void)msleep(sm->mc, &sm->wait, &sm->wait, 0, "smap", 0);
	mutex_exit(sm->mc, &sm->wait);
	msleep_done(sm->mc);
	return (slot);
}

static void
repaired_segmap_wakeup(struct segmap *sm)
{
	mutex_enter(sm->mc, &sm->wait);
	wakeup_one(sm->mc, &sm->wait);
	mutex_exit(sm->mc, &sm->wait);
}

static int
repaired_segmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct segmap *sm = state;
	struct smap *slot = eph__segmap_use(sm, m);
	struct vm_page *old = NULL;

	(void)flags;
	while (slot == NULL) {
		struct smap *taken = repaired_segmap_take(sm, &old);

		slot = eph__segmap_enter(sm, taken, m, old);
		if (slot != taken)
			repaired_segmap_wakeup(sm);
	}
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
repaired_segmap_unmap(void *state, void *obj)
{
	const int error = eph__segmap_ops.unmap(state, obj);

	repaired_segmap_wakeup(state);
	return (error);
}

static int
repaired_homecpu_unmap(void *state, void *obj)
{
	return (home_unmap(&eph__lwbuf_homecpu_ops, state, obj));
}

static int
repaired_reserve_unmap(void *state, void *obj)
{
	return (home_unmap(&eph__lwbuf_reserve_ops, state, obj));
}

typedef int repaired_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp);

struct repair {
	const struct eph_design_ops *design;
	repaired_map *map;		      /* NULL: as shipped */
	int (*unmap)(void *state, void *obj); /* the same */
	const char *shootdown;		      /* NULL: as shipped */
	const struct eph_design_ops *instead; /* what came after it */
};

static const struct repair repairs[] = {
	{ &eph__sf_buf_uncached_ops, NULL, NULL, "acked-invlpg", NULL },
	{ &eph__sf_buf_hash_ops, repaired_hash_map, NULL, NULL, NULL },
	{ &eph__sf_buf_lru_ops, repaired_lru_map, repaired_lru_unmap,
	    "acked-invlpg", NULL },
	{ &eph__sf_buf_cpumask_ops, repaired_cpumask_map, NULL, NULL, NULL },
	{ &eph__sf_buf_accessed_ops, repaired_accessed_map, NULL, NULL, NULL },
	{ &eph__msf_buf_ops, repaired_msf_map, NULL, "acked-invlpg", NULL },
	{ &eph__kva_qenter_ops, NULL, NULL, "acked-invlpg", NULL },
	{ &eph__pmap_quick_ops, repaired_quick_map, NULL, NULL, NULL },
	{ &eph__lwbuf_homecpu_ops, NULL, repaired_homecpu_unmap, NULL, NULL },
	{ &eph__segmap_ops, repaired_segmap_map, repaired_segmap_unmap, NULL,
	    NULL },
	{ &eph__lwbuf_reserve_ops, NULL, repaired_reserve_unmap, NULL, NULL },
	{ &eph__xen_shadow_ops, NULL, NULL, NULL, &eph__xen_epoch_ops },
	{ &eph__xen_noready_ops, NULL, NULL, NULL, &eph__xen_epoch_ops },
};

bool
eph_design_repair(
    struct eph_design_ops *design, const struct eph_shootdown_ops **shootdown)
{
	for (size_t i = 0; i < sizeof(repairs) / sizeof(*repairs); i++) {
		const struct repair *r = &repairs[i];

		if (strcmp(r->design->name, design->name) != 0)
			continue;
		if (r->instead != NULL)
			design->create = r->instead->create;
		if (r->map != NULL)
			design->map = r->map;
		if (r->unmap != NULL)
			design->unmap = r->unmap;
		if (r->shootdown != NULL)
			*shootdown = eph_shootdown_find(r->shootdown);
		return (true);
	}
	return (false);
}
