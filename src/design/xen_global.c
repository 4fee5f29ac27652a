/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * xen.global: addresses for everybody, given back to a bitmap of garbage, and
 * one flush of all TLBs when none is left.
 *
 * What it does.  Mapping takes the next entry that is not in use, from a
 * cursor on.  When the cursor reaches the end, garbage is taken out of the
 * bitmap of those in use, all CPUs flush, and the search begins at the first
 * entry.  Unmapping clears the entry first, and notes it as garbage second.
 *
 * Idea.  The domain's mapping cache without domains: what cannot know who
 * will use it makes everybody forget, once for as many mappings as there are
 * entries.
 *
 * Invariant: an entry that is not in use is 0, and in no TLB.
 *
 *	case			L	LF	F	IPI	stores	on N CPUs
 *	map			0	0	0	0	1
 *	unmap			0	0	0	0	1
 *	wrap			0	1	N-1	N-1	0
 *
 * Quirks kept.  The flush comes whether anything was garbage or not.  With
 * all entries in use the original returns NULL, after the flush: the map
 * fails, and its caller does without.  The entry is stored after the lock has
 * been released.
 *
 * Locking.  globalmap_lock, a spin lock held while all CPUs flush: interrupts
 * stay on.
 *
 * Xen af58611df6 (2006-01-10), map_domain_page_global(), Keir Fraser; a
 * wrapper of vmap() for some years from b0581b9214 (2013-07) on.
 */

#include "design/slots.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/atomic.h"

struct globalmap {
	struct slots sl;
	struct eph_mutex lock;	    /* globalmap_lock */
	uint64_t *inuse;	    /* (l) */
	_Atomic(uint64_t) *garbage; /* set without the lock */
	uint32_t words;		    /* (c) of a bitmap */
	uint32_t cursor;	    /* (l) */
};

static void
globalmap_destroy(void *state)
{
	struct globalmap *gm = state;
	struct eph_machine *mc = gm->sl.mc;

	eph__slots_fini(&gm->sl);
	eph_machine_free(mc, gm->inuse, gm->words * sizeof(*gm->inuse));
	eph_machine_free(mc, gm->garbage, gm->words * sizeof(*gm->garbage));
	eph_machine_free(mc, gm, sizeof(*gm));
}

static int
globalmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct globalmap *gm = eph_machine_alloc(mc, sizeof(*gm));
	int error;

	if (gm == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	mutex_init(&gm->lock, "globalmap_lock");
	error =
	    eph__slots_init(&gm->sl, mc, cfg->nbufs, "globalmap entry", err);
	gm->words = (gm->sl.n + 63) / 64;
	gm->inuse = eph_machine_alloc(mc, gm->words * sizeof(*gm->inuse));
	gm->garbage = eph_machine_alloc(mc, gm->words * sizeof(*gm->garbage));
	if (error == 0 && (gm->inuse == NULL || gm->garbage == NULL))
		error = eph_err_set(err, ENOMEM, "out of memory");
	if (error != 0) {
		globalmap_destroy(gm);
		return (error);
	}
	if (gm->sl.n % 64 != 0)
		gm->inuse[gm->words - 1] = ~(uint64_t)0 << gm->sl.n % 64;
	*statep = gm;
	return (0);
}

/* The first entry from `from` that is not in use, or EPH_NONE. */
static uint32_t
globalmap_free_from(const struct globalmap *gm, uint32_t from)
{
	for (uint32_t w = from / 64; w < gm->words; w++) {
		uint64_t zero = ~gm->inuse[w];

		if (w == from / 64)
			zero &= ~(uint64_t)0 << from % 64;
		if (zero != 0)
			return (w * 64 + eph_cpuword_first(zero));
	}
	return (EPH_NONE);
}

static uint32_t
globalmap_wrap(struct globalmap *gm)
{
	struct eph_machine *mc = gm->sl.mc;

	for (uint32_t w = 0; w < gm->words; w++)
		/* Acquire: what is garbage has been cleared. */
		gm->inuse[w] &=
		    ~eph_swap_64(mc, &gm->garbage[w], 0, memory_order_acquire);
	EPH_NOTE(mc, "the end of the entries: all CPUs flush");
	pmap_flush_local(mc, true);
	smp_invltlb(mc, gm->sl.window, gm->sl.n, true);
	return (globalmap_free_from(gm, 0));
}

static int
globalmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct globalmap *gm = state;
	struct eph_machine *mc = gm->sl.mc;
	struct slot *slot;
	uint32_t idx;

	(void)flags;
	mutex_enter(mc, &gm->lock);
	if ((idx = globalmap_free_from(gm, gm->cursor)) == EPH_NONE)
		idx = globalmap_wrap(gm);
	if (idx != EPH_NONE) {
		gm->inuse[idx / 64] |= (uint64_t)1 << idx % 64;
		gm->cursor = idx + 1;
	}
	mutex_exit(mc, &gm->lock);
	if (idx == EPH_NONE) {
		EPH_COUNT(mc, map_calls);
		EPH_COUNT(mc, map_fail);
		return (EAGAIN);
	}
	slot = &gm->sl.slot[idx];
	eph__slots_use(&gm->sl, slot, m);
	pmap_pte_store(mc, slot->kva, eph__slots_pte(&gm->sl, m));
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

static int
globalmap_unmap(void *state, void *obj)
{
	struct globalmap *gm = state;
	struct slot *slot = obj;
	const uint32_t idx = eph__slots_index(&gm->sl, slot);

	(void)eph__slots_leave(&gm->sl, slot);
	pmap_pte_store(gm->sl.mc, slot->kva, 0);
	/* Release pairs with the acquire in globalmap_wrap. */
	(void)eph_fetchor_64(gm->sl.mc, &gm->garbage[idx / 64],
	    (uint64_t)1 << idx % 64, memory_order_release);
	return (0);
}

const struct eph_design_ops eph__xen_global_ops = {
	.abi = EPHMAP_ABI,
	.name = "xen.global",
	.summary =
	    "addresses for everybody, all TLBs flushed when none is left",
	.origin = "Xen af58611df6, Fraser",
	.date = "2006-01-10",
	.from = "xen.epoch",
	.costs = "everybody, a lap",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_NBUFS | EPH_DESIGN_FAILS,
	.create = globalmap_create,
	.destroy = globalmap_destroy,
	.map = globalmap_map,
	.unmap = globalmap_unmap,
	.kva = eph__slots_kva,
	.page = eph__slots_page,
	.check = eph__slots_check,
};
