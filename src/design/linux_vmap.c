/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linux.vmap: addresses are given up lazily, and one flush makes all of them
 * free again.
 *
 * What it does.  A mapping has an area of its own, of its page and a guard page
 * behind it.  Unmapping clears the entry and keeps the area back.  When more
 * pages are kept back than 32 MiB for each power of two of CPUs, the range
 * from the first to the last of them is flushed everywhere, and all are free;
 * the same when there is no address left.
 *
 * Idea.  No address is used twice before a flush, so that the flush can wait
 * until there is much of it.
 *
 * Invariant: an address that is free was in no TLB when it became free.
 *
 *	case				L	LF	F	IPI	on N CPUs
 *	map				0	0	0	0
 *	unmap				0	0	0	0
 *	too much is kept back		0	1	N-1	N-1
 *	no address is left, and n <= 33 are kept back
 *					n	0	0	N-1	and R n(N-1)
 *
 * So two CPUs flush at each 8,193rd unmap of one page, four at each 12,289th.
 *
 * Counting.  Mappings are of one page, and the guard page counts as kept back.
 * The flush is done by who unmaps, as from 2008 on.  Since 5.13 (2021) a worker
 * of that CPU does it: Linux 6.1 flushed as often as this design for 60,000
 * mappings (7 times with 2 CPUs, 4 times with 4) where the worker had its turn at
 * once (tests/emulated), and less often where it had not.
 *
 * Locking.  One lock for areas and what is kept back, held through the flush.
 *
 * Linux db64fe02258f (2008-10), Nick Piggin; mm/vmalloc.c.  linux.vm_map_ram
 * came with it.
 */

#include "design/slots.h"
#include "design/vmap_lazy.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"

#define AREA_PAGES 2u /* one, and its guard */

struct vmap_area {
	struct vmap_area *next;	 /* (l) used, kept back or spare */
	struct vmap_area **link; /* (l) of a used one: what points to it */
	struct vm_page *m;
	eph_va_t va;
};

struct vmap_areas {
	struct eph_machine *mc;
	struct eph_mutex lock;	 /* guards all (l) */
	struct vmap_area *used;	 /* (l) */
	struct vmap_area *lazy;	 /* (l) kept back */
	struct vmap_area *spare; /* (l) without an address */
	uint32_t nlazy;		 /* (l) pages kept back */
	uint32_t lazy_max;	 /* (c) */
};

static void
areas_free(struct eph_machine *mc, struct vmap_area *va, bool has_kva)
{
	while (va != NULL) {
		struct vmap_area *next = va->next;

		if (has_kva)
			kva_free(mc, va->va, AREA_PAGES);
		eph_machine_free(mc, va, sizeof(*va));
		va = next;
	}
}

static void
linux_vmap_destroy(void *state)
{
	struct vmap_areas *vm = state;
	struct eph_machine *mc = vm->mc;

	areas_free(mc, vm->used, true);
	areas_free(mc, vm->lazy, true);
	areas_free(mc, vm->spare, false);
	eph_machine_free(mc, vm, sizeof(*vm));
}

static int
linux_vmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct vmap_areas *vm = eph_machine_alloc(mc, sizeof(*vm));

	(void)cfg;
	if (vm == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	vm->mc = mc;
	mutex_init(&vm->lock, "vmap areas");
	vm->lazy_max = vmap_lazy_max(mc);
	*statep = vm;
	return (0);
}

/* __purge_vmap_area_lazy(), with the lock. */
static void
areas_purge(struct vmap_areas *vm)
{
	struct eph_machine *mc = vm->mc;
	eph_va_t first = ~(eph_va_t)0, end = 0;
	unsigned n;

	for (const struct vmap_area *va = vm->lazy; va != NULL; va = va->next) {
		first = va->va < first ? va->va : first;
		end = va->va > end ? va->va : end;
	}
	n = (unsigned)eph_atop(end - first) + AREA_PAGES;
	EPH_NOTE(mc, "%u pages are kept back, in a range of %u", vm->nlazy, n);
	vmap_flush(mc, first, n);
	while (vm->lazy != NULL) {
		struct vmap_area *va = vm->lazy;

		vm->lazy = va->next;
		kva_free(mc, va->va, AREA_PAGES);
		va->next = vm->spare;
		vm->spare = va;
	}
	vm->nlazy = 0;
}

/* With the lock: an address, after a flush if need be, or NULL. */
static struct vmap_area *
areas_get(struct vmap_areas *vm)
{
	struct eph_machine *mc = vm->mc;
	eph_va_t at = kva_alloc(mc, AREA_PAGES);
	struct vmap_area *va;

	if (at == 0 && vm->lazy != NULL) {
		areas_purge(vm);
		at = kva_alloc(mc, AREA_PAGES);
	}
	if (at == 0)
		return (NULL);
	if ((va = vm->spare) != NULL)
		vm->spare = va->next;
	else if ((va = eph_machine_alloc(mc, sizeof(*va))) == NULL)
		PANIC("out of memory for an area");
	va->va = at;
	va->next = vm->used;
	va->link = &vm->used;
	if (va->next != NULL)
		va->next->link = &va->next;
	vm->used = va;
	return (va);
}

static int
linux_vmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct vmap_areas *vm = state;
	struct eph_machine *mc = vm->mc;
	struct vmap_area *va;

	(void)flags;
	mutex_enter(mc, &vm->lock);
	va = areas_get(vm);
	mutex_exit(mc, &vm->lock);
	if (va == NULL)
		return (eph_machine_refuse(mc,
		    "the machine has no KVA for another area of %u pages (%u "
		    "in all)",
		    AREA_PAGES, mc->kva_pages));
	va->m = m;
	EPH_COUNT(mc, map_calls);
	EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	*mp = (struct eph_mapping){ va, va->va };
	pmap_pte_store(mc, va->va,
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	return (0);
}

static int
linux_vmap_unmap(void *state, void *obj)
{
	struct vmap_areas *vm = state;
	struct eph_machine *mc = vm->mc;
	struct vmap_area *va = obj;

	if (va->m == NULL)
		PANIC("unmapping a page that is not mapped");
	pmap_pte_store(mc, va->va, 0);
	EPH_COUNT(mc, unmap_calls);
	eph_bufs_dec(mc);
	mutex_enter(mc, &vm->lock);
	va->m = NULL;
	*va->link = va->next;
	if (va->next != NULL)
		va->next->link = va->link;
	va->next = vm->lazy;
	vm->lazy = va;
	vm->nlazy += AREA_PAGES;
	if (vm->nlazy > vm->lazy_max)
		areas_purge(vm);
	mutex_exit(mc, &vm->lock);
	return (0);
}

static eph_va_t
linux_vmap_kva(void *state, void *obj)
{
	EPH_COUNT(((struct vmap_areas *)state)->mc, kva_calls);
	return (((const struct vmap_area *)obj)->va);
}

static struct vm_page *
linux_vmap_page(void *state, void *obj)
{
	(void)state;
	return (((const struct vmap_area *)obj)->m);
}

static void
linux_vmap_check(void *state, uint64_t held)
{
	struct vmap_areas *vm = state;
	uint64_t used = 0, lazy = 0;

	for (const struct vmap_area *va = vm->used; va != NULL; va = va->next) {
		used++;
		if (pmap_kextract(vm->mc, va->va) != va->m->frame)
			PANIC("an area does not map its page");
	}
	for (const struct vmap_area *va = vm->lazy; va != NULL; va = va->next) {
		lazy += AREA_PAGES;
		if (pmap_kextract(vm->mc, va->va) != EPH_NONE)
			PANIC("an area that was given up maps a page");
	}
	if (used != held || lazy != vm->nlazy)
		PANIC("mappings held and areas in use differ");
}

const struct eph_design_ops eph__linux_vmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "linux.vmap",
	.summary = "an area each, kept back until 32 MiB are flushed at once",
	.origin = "Linux db64fe02258f, Piggin",
	.date = "2008-10",
	.costs = "everybody, 64 MiB",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL,
	.create = linux_vmap_create,
	.destroy = linux_vmap_destroy,
	.map = linux_vmap_map,
	.unmap = linux_vmap_unmap,
	.kva = linux_vmap_kva,
	.page = linux_vmap_page,
	.check = linux_vmap_check,
};
