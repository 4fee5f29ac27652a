/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * haiku.tmap: four addresses under a lock, each with the set of CPUs that may
 * use it as it is.
 *
 * What it does.  With the lock of a translation map held, its page tables are
 * looked at through four slots.  A page that a slot has is used there; a CPU
 * that is not in the slot's set invalidates it and joins.  Else the next slot
 * in a circle is stored, invalidated on this CPU, and its set is this CPU.
 *
 * Idea.  sf_buf's mask of 2004, found again; with four slots looking through
 * them all is the index.
 *
 * Invariant: a CPU in a slot's set holds no translation of it but the last.
 *
 *	case				L	R	F	IPI	stores
 *	found, this CPU in the set	0	0	0	0	0
 *	found, it is not		1	0	0	0	0
 *	not found			1	0	0	0	1
 *	unmap				0	0	0	0	0
 *
 * Counting.  What is found is hit_inactive, as the lock has one user.  evict:
 * a slot that held another page.
 *
 * Quirks kept.  A hit moves the circle behind the slot that was hit.
 *
 * Locking.  The translation map's lock, from map to unmap: one mapping at a
 * time.  (A caller there may keep what it got until it has asked for four
 * more.)
 *
 * Haiku 47c40a10a1 (2008-10-20), Ingo Weinhold,
 * x86_physical_page_mapper_large_memory.cpp: GetPageTableAt().
 */

#include "ephmap/sdk/cpuset.h"

#include "design/hold.h"
#include "design/slots.h"

#define SLOTS_PER_TRANSLATION_MAP 4u

struct haiku_tmap {
	struct slots sl;
	struct hold map; /* the translation map's lock */
	uint32_t next;	 /* (l) fNextSlot */
	uint32_t had[SLOTS_PER_TRANSLATION_MAP]; /* (l) frames; EPH_NONE */
	eph_cpuword_t valid[SLOTS_PER_TRANSLATION_MAP]
			   [EPH_CPUSET_WORDS_MAX]; /* (l) */
};

static int
haiku_tmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct haiku_tmap *ht;
	const int error =
	    eph__slots_create(mc, sizeof(*ht), SLOTS_PER_TRANSLATION_MAP,
		"slot of the translation map", 0, statep, err);

	(void)cfg;
	if (error != 0)
		return (error);
	ht = *statep;
	eph__hold_init(&ht->map, "translation map's slot", false);
	for (uint32_t i = 0; i < SLOTS_PER_TRANSLATION_MAP; i++)
		ht->had[i] = EPH_NONE;
	return (0);
}

static struct slot *
haiku_tmap_found(struct haiku_tmap *ht, uint32_t i, struct vm_page *m)
{
	struct eph_machine *mc = ht->sl.mc;
	const unsigned me = eph_curcpu(mc)->id;
	struct slot *slot = &ht->sl.slot[i];

	eph__slots_hit(&ht->sl, slot, m);
	ht->next = (i + 1) % SLOTS_PER_TRANSLATION_MAP;
	if (!eph_cpuset_isset(ht->valid[i], me)) {
		pmap_invlpg(mc, slot->kva);
		eph_cpuset_set(ht->valid[i], me);
	}
	return (slot);
}

static struct slot *
haiku_tmap_enter(struct haiku_tmap *ht, struct vm_page *m)
{
	struct eph_machine *mc = ht->sl.mc;
	const uint32_t i = ht->next;
	struct slot *slot = &ht->sl.slot[i];

	ht->next = (i + 1) % SLOTS_PER_TRANSLATION_MAP;
	if (ht->had[i] != EPH_NONE)
		EPH_COUNT(mc, evict);
	ht->had[i] = m->frame;
	eph__slots_use(&ht->sl, slot, m);
	pmap_kenter_quick(mc, slot->kva, vm_page_to_phys(m));
	eph_cpuset_zero(ht->valid[i], mc->cpuwords);
	eph_cpuset_set(ht->valid[i], eph_curcpu(mc)->id);
	return (slot);
}

static int
haiku_tmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct haiku_tmap *ht = state;
	const int error = eph__hold_enter(ht->sl.mc, &ht->map);
	struct slot *slot = NULL;

	(void)flags;
	if (error != 0)
		return (error);
	for (uint32_t i = 0; i < SLOTS_PER_TRANSLATION_MAP && slot == NULL;
	     i++) {
		if (ht->had[i] == m->frame)
			slot = haiku_tmap_found(ht, i, m);
	}
	if (slot == NULL)
		slot = haiku_tmap_enter(ht, m);
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
haiku_tmap_unmap(void *state, void *obj)
{
	struct haiku_tmap *ht = state;
	const int error = eph__hold_mine(ht->sl.mc, &ht->map);

	if (error != 0)
		return (error);
	(void)eph__slots_leave(&ht->sl, obj);
	eph__hold_exit(ht->sl.mc, &ht->map);
	return (0);
}

const struct eph_design_ops eph__haiku_tmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "haiku.tmap",
	.summary = "four addresses under a lock, each with a set of CPUs",
	.origin = "Haiku 47c40a10a1, Weinhold",
	.date = "2008-10-20",
	.from = "haiku.get",
	.costs = "L 1 a CPU",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_CACHE | EPH_DESIGN_ALONE,
	.nest = 1,
	.create = haiku_tmap_create,
	.destroy = eph__slots_destroy,
	.map = haiku_tmap_map,
	.unmap = haiku_tmap_unmap,
	.kva = eph__slots_kva_mine,
	.page = eph__slots_page,
	.check = eph__slots_check,
};
