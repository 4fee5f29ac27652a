/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sun4.ppmapin: addresses by cache colour, taken by compare-and-swap, and
 * demapped everywhere at each end.
 *
 * What it does.  There are sets of addresses, one of each colour.  Mapping
 * tries those of the page's colour, then those of the next, until a swap finds
 * one that is free; the entry is stored.  With all in use an address comes
 * from the kernel's heap.  Unmapping removes the entry on all CPUs, and puts
 * the address back.
 *
 * Idea.  No lock, and an address that the page's cache lines agree with.
 *
 * Invariant: an address that is free has no entry, and is in no TLB.
 *
 *	case			L	R	F	IPI	stores	on N CPUs
 *	map			0	0	0	0	1
 *	unmap			1	N-1	0	N-1	1
 *
 * Quirks kept.  A page's colour is its frame's here, of 2 (a cache of 16 KiB
 * and one way, pages of 8 KiB); a set of 32 of each, 512 KiB in all.
 *
 * Locking.  None but the swap; the heap has its own.
 *
 * Solaris uts/sun4/vm/ppage.c, ppmapin() and ppmapout(); Sun, 1990s.
 */

#include "design/slab.h"
#include "design/slots.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/sdk/atomic.h"

#define COLOURS 2u
#define NSETS	32u
#define NVADDRS (COLOURS * NSETS)

/* A mapping at an address of the heap. */
struct ppheap {
	struct slab_item item;
	struct vm_page *m;
	eph_va_t kva;
};

struct ppmap {
	struct slots sl;
	struct slab heap;
	_Atomic(uint32_t) taken[NVADDRS];
};

static void
ppmap_destroy(void *state)
{
	struct ppmap *pp = state;
	struct eph_machine *mc = pp->sl.mc;

	for (uint32_t i = 0; i < pp->heap.nitems; i++) {
		const struct ppheap *ph = slab_at(&pp->heap, i);

		if (ph->m != NULL)
			kva_free(mc, ph->kva, 1);
	}
	eph__slab_fini(&pp->heap);
	eph__slots_fini(&pp->sl);
	eph_machine_free(mc, pp, sizeof(*pp));
}

static int
ppmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct ppmap *pp = eph_machine_alloc(mc, sizeof(*pp));
	int error;

	(void)cfg;
	if (pp == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	eph__slab_init(&pp->heap, mc, sizeof(struct ppheap));
	error = eph__slots_init(&pp->sl, mc, NVADDRS, "ppmap address", err);
	if (error != 0)
		ppmap_destroy(pp);
	else
		*statep = pp;
	return (error);
}

/* Is it one of the addresses by colour? */
static bool
ppmap_is_slot(const struct ppmap *pp, const void *obj)
{
	const uintptr_t p = (uintptr_t)obj, first = (uintptr_t)pp->sl.slot;

	return (p >= first && p < first + NVADDRS * sizeof(*pp->sl.slot));
}

static int
ppmap_heap(struct ppmap *pp, struct vm_page *m, struct eph_mapping *mp)
{
	struct eph_machine *mc = pp->sl.mc;
	struct ppheap *ph;
	const eph_va_t va = kva_alloc(mc, 1);

	if (va == 0)
		return (eph_machine_refuse(mc,
		    "no address left in the kernel's heap (%u pages in all)",
		    mc->kva_pages));
	if ((ph = eph__slab_alloc(&pp->heap)) == NULL)
		PANIC("out of memory for a mapping");
	ph->m = m;
	ph->kva = va;
	EPH_COUNT(mc, map_calls);
	EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	*mp = (struct eph_mapping){ ph, va };
	return (0);
}

static int
ppmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct ppmap *pp = state;
	struct eph_machine *mc = pp->sl.mc;
	const uint32_t first = eph_vm_page_colour(m, COLOURS) * NSETS;
	int error = 0;
	uint32_t k;

	(void)flags;
	for (k = 0; k < NVADDRS; k++) {
		const uint32_t i = (first + k) % NVADDRS;

		/* Acquire pairs with the release in unmap. */
		if (eph_cas_32(mc, &pp->taken[i], 0, 1, memory_order_acquire)) {
			struct slot *slot = &pp->sl.slot[i];

			eph__slots_use(&pp->sl, slot, m);
			*mp = (struct eph_mapping){ slot, slot->kva };
			break;
		}
	}
	if (k == NVADDRS && (error = ppmap_heap(pp, m, mp)) != 0)
		return (error);
	pmap_pte_store(mc, mp->va, eph__slots_pte(&pp->sl, m));
	return (0);
}

static int
ppmap_unmap(void *state, void *obj)
{
	struct ppmap *pp = state;
	struct eph_machine *mc = pp->sl.mc;
	struct slot *slot = obj;
	struct ppheap *ph = obj;

	if (ppmap_is_slot(pp, obj)) {
		pmap_kremove(mc, slot->kva);
		(void)eph__slots_leave(&pp->sl, slot);
		eph_store_32(mc, &pp->taken[eph__slots_index(&pp->sl, slot)], 0,
		    memory_order_release);
		return (0);
	}
	pmap_kremove(mc, ph->kva);
	kva_free(mc, ph->kva, 1);
	ph->m = NULL;
	eph__slab_free(&pp->heap, ph);
	EPH_COUNT(mc, unmap_calls);
	eph_bufs_dec(mc);
	return (0);
}

static eph_va_t
ppmap_kva(void *state, void *obj)
{
	const struct ppmap *pp = state;

	EPH_COUNT(pp->sl.mc, kva_calls);
	return (ppmap_is_slot(pp, obj) ? ((const struct slot *)obj)->kva
				       : ((const struct ppheap *)obj)->kva);
}

static struct vm_page *
ppmap_page(void *state, void *obj)
{
	return (ppmap_is_slot(state, obj) ? ((const struct slot *)obj)->m
					  : ((const struct ppheap *)obj)->m);
}

static void
ppmap_check(void *state, uint64_t held)
{
	struct ppmap *pp = state;
	uint64_t heap = 0;

	for (uint32_t i = 0; i < pp->heap.nitems; i++) {
		const struct ppheap *ph = slab_at(&pp->heap, i);

		if (ph->m == NULL)
			continue;
		heap++;
		if (pmap_kextract(pp->sl.mc, ph->kva) != ph->m->frame)
			PANIC("an address of the heap does not map its page");
	}
	if (heap > held)
		PANIC("more mappings in the heap than held");
	eph__slots_check(&pp->sl, held - heap);
	for (uint32_t i = 0; i < NVADDRS; i++) {
		/* Relaxed: nothing runs. */
		if (atomic_load_explicit(&pp->taken[i], memory_order_relaxed) !=
		    pp->sl.slot[i].refs)
			PANIC("an address is free and in use, or neither");
	}
}

const struct eph_design_ops eph__sun4_ppmapin_ops = {
	.abi = EPHMAP_ABI,
	.name = "sun4.ppmapin",
	.summary = "addresses by cache colour, taken without a lock",
	.origin = "Solaris uts/sun4/vm/ppage.c, Sun",
	.date = "1990s",
	.costs = "everybody, an unmap",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL,
	.create = ppmap_create,
	.destroy = ppmap_destroy,
	.map = ppmap_map,
	.unmap = ppmap_unmap,
	.kva = ppmap_kva,
	.page = ppmap_page,
	.check = ppmap_check,
};
