/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linux.vm_map_ram: blocks of address per CPU that are used up in order, and
 * one flush for all that were given up meanwhile.
 *
 * What it does.  A CPU has blocks of 1,024 pages with some left.  Mapping
 * takes the next page of the first one, or of a new block.  Unmapping clears
 * the entry and counts the page as dirty; a block whose pages have all been
 * used and are all dirty is given up.  When the blocks given up are more than
 * 32 MiB for each power of two of CPUs, blocks that nobody uses are given up
 * too, all TLBs are flushed once, and the addresses are free again.
 *
 * Idea.  No page of address is used twice before a flush, so that the flush
 * can wait until there is much of it.
 *
 * Invariant: a page of a block that was not handed out yet is in no TLB.
 *
 *	case				L	LF	F	IPI	on N CPUs
 *	map				0	0	0	0
 *	unmap				0	0	0	0
 *	too much was given up		0	1	N-1	N-1
 *
 * The flush is of a range; above 33 pages, as always here, of everything.
 *
 * Counting.  Mappings are of one page.  A block that is given up is noted and
 * left alone until the flush.
 *
 * Locking.  A CPU's blocks are its own, preemption off; a block has a lock, as
 * any CPU may unmap; one for what was given up, held through the flush.
 *
 * Linux db64fe02258f (2008-10), Nick Piggin; mm/vmalloc.c of 6.x.  With 64
 * bits a block has 1,024 pages.  Kernels of today also give a block up by how
 * long it is nearly full, and by pressure: not rebuilt.
 */

#include "design/slots.h"
#include "design/vmap_lazy.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"

#define VMAP_BBMAP_BITS 1024u

struct vmap_block;

struct vmap_page {
	struct vm_page *m; /* NULL: not mapped */
	struct vmap_block *vb;
};

struct vmap_block {
	struct vmap_block *next; /* (l) of all blocks */
	struct vmap_block *prev; /* (l) */
	struct vmap_block *more; /* CPU's own, or given up */
	eph_va_t va;
	unsigned cpu;	       /* whose it is */
	uint32_t free;	       /* (b) pages not handed out */
	uint32_t dirty;	       /* (b) pages handed out and unmapped */
	bool listed;	       /* it is among its CPU's */
	struct eph_mutex lock; /* guards all (b) */
	struct vmap_page page[VMAP_BBMAP_BITS];
};

struct vmap_cpu {
	struct vmap_block *first; /* with pages left, oldest first */
	struct vmap_block *last;
	char pad[48];
};

struct vmap {
	struct eph_machine *mc;
	struct vmap_cpu *cpu;	 /* by CPU */
	struct eph_mutex lock;	 /* purge_vmap_area_lock; guards all (l) */
	struct vmap_block *all;	 /* (l) */
	struct vmap_block *lazy; /* (l) given up, by `more` */
	uint32_t nlazy;		 /* (l) pages of these */
	uint32_t lazy_max;	 /* (c) */
};

static void
vmap_block_free(struct vmap *vm, struct vmap_block *vb)
{
	if (vb->prev != NULL)
		vb->prev->next = vb->next;
	else
		vm->all = vb->next;
	if (vb->next != NULL)
		vb->next->prev = vb->prev;
	kva_free(vm->mc, vb->va, VMAP_BBMAP_BITS);
	eph_machine_free(vm->mc, vb, sizeof(*vb));
}

static void
vmap_destroy(void *state)
{
	struct vmap *vm = state;
	struct eph_machine *mc = vm->mc;

	while (vm->all != NULL)
		vmap_block_free(vm, vm->all);
	eph_machine_free(mc, vm->cpu, mc->ncpus * sizeof(*vm->cpu));
	eph_machine_free(mc, vm, sizeof(*vm));
}

static int
vmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct vmap *vm = eph_machine_alloc(mc, sizeof(*vm));

	(void)cfg;
	if (vm == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	vm->mc = mc;
	mutex_init(&vm->lock, "vmap purge");
	vm->lazy_max = vmap_lazy_max(mc);
	vm->cpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*vm->cpu));
	if (vm->cpu == NULL) {
		vmap_destroy(vm);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*statep = vm;
	return (0);
}

/* Take the block off its CPU's list, on that CPU or in a purge. */
static void
vmap_unlist(struct vmap *vm, struct vmap_block *vb)
{
	struct vmap_cpu *vc = &vm->cpu[vb->cpu];
	struct vmap_block **vbp = &vc->first;
	struct vmap_block *before = NULL;

	for (; *vbp != vb; vbp = &(*vbp)->more)
		before = *vbp;
	*vbp = vb->more;
	if (vc->last == vb)
		vc->last = before;
	vb->listed = false;
	vb->more = NULL;
}

/* With the lock. */
static void
vmap_give_up(struct vmap *vm, struct vmap_block *vb)
{
	vb->more = vm->lazy;
	vm->lazy = vb;
	vm->nlazy += VMAP_BBMAP_BITS;
}

/* A new block for this CPU, or NULL: refused. */
static struct vmap_block *
vmap_block_make(struct vmap *vm)
{
	struct eph_machine *mc = vm->mc;
	struct vmap_cpu *vc;
	struct vmap_block *vb;
	const eph_va_t va = kva_alloc(mc, VMAP_BBMAP_BITS);

	if (va == 0) {
		(void)eph_machine_refuse(mc,
		    "the machine has no KVA for another block of %u pages (%u "
		    "in all)",
		    VMAP_BBMAP_BITS, mc->kva_pages);
		return (NULL);
	}
	if ((vb = eph_machine_alloc(mc, sizeof(*vb))) == NULL)
		PANIC("out of memory for a block");
	vb->va = va;
	vb->cpu = eph_curcpu(mc)->id;
	vb->free = VMAP_BBMAP_BITS;
	vb->listed = true;
	mutex_init(&vb->lock, "vmap block");
	mutex_enter(mc, &vm->lock);
	vb->next = vm->all;
	if (vm->all != NULL)
		vm->all->prev = vb;
	vm->all = vb;
	vc = &vm->cpu[vb->cpu];
	if (vc->last != NULL)
		vc->last->more = vb;
	else
		vc->first = vb;
	vc->last = vb;
	mutex_exit(mc, &vm->lock);
	return (vb);
}

static int
vmap_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct vmap *vm = state;
	struct eph_machine *mc = vm->mc;
	struct vmap_block *vb;
	struct vmap_page *vp;
	uint32_t at;

	(void)flags;
	mutex_enter(mc, &vm->lock);
	while ((vb = vm->cpu[eph_curcpu(mc)->id].first) == NULL) {
		mutex_exit(mc, &vm->lock);
		if (vmap_block_make(vm) == NULL)
			return (ENOTSUP);
		mutex_enter(mc, &vm->lock);
	}
	mutex_enter(mc, &vb->lock);
	at = VMAP_BBMAP_BITS - vb->free--;
	if (vb->free == 0)
		vmap_unlist(vm, vb);
	mutex_exit(mc, &vb->lock);
	mutex_exit(mc, &vm->lock);
	vp = &vb->page[at];
	*vp = (struct vmap_page){ m, vb };
	EPH_COUNT(mc, map_calls);
	EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	*mp = (struct eph_mapping){ vp, vb->va + eph_ptoa(at) };
	EPH_NOTE(mc, "page %u of a block", at);
	pmap_pte_store(mc, mp->va,
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
	return (0);
}

/* __purge_vmap_area_lazy(), with the lock. */
static void
vmap_purge(struct vmap *vm)
{
	struct eph_machine *mc = vm->mc;
	struct vmap_block *vb, *next;
	eph_va_t first = ~(eph_va_t)0, end = 0;

	for (vb = vm->all; vb != NULL; vb = vb->next) {
		/* purge_fragmented_blocks(): used pages, but no user. */
		if (vb->listed && vb->dirty != 0 &&
		    vb->free + vb->dirty == VMAP_BBMAP_BITS) {
			vmap_unlist(vm, vb);
			vmap_give_up(vm, vb);
		}
	}
	for (vb = vm->lazy; vb != NULL; vb = vb->more) {
		first = vb->va < first ? vb->va : first;
		end = vb->va > end ? vb->va : end;
	}
	vmap_flush(
	    mc, first, (unsigned)eph_atop(end - first) + VMAP_BBMAP_BITS);
	for (vb = vm->lazy; vb != NULL; vb = next) {
		next = vb->more;
		vmap_block_free(vm, vb);
	}
	vm->lazy = NULL;
	vm->nlazy = 0;
}

static uint32_t
vmap_index(const struct vmap_page *vp)
{
	return ((uint32_t)(vp - vp->vb->page));
}

static int
vmap_unmap(void *state, void *obj)
{
	struct vmap *vm = state;
	struct eph_machine *mc = vm->mc;
	struct vmap_page *vp = obj;
	struct vmap_block *vb = vp->vb;

	if (vp->m == NULL)
		PANIC("unmapping a page that is not mapped");
	pmap_pte_store(mc, vb->va + eph_ptoa(vmap_index(vp)), 0);
	vp->m = NULL;
	EPH_COUNT(mc, unmap_calls);
	eph_bufs_dec(mc);
	mutex_enter(mc, &vm->lock);
	mutex_enter(mc, &vb->lock);
	vb->dirty++;
	mutex_exit(mc, &vb->lock);
	if (vb->dirty == VMAP_BBMAP_BITS) {
		vmap_give_up(vm, vb);
		if (vm->nlazy > vm->lazy_max)
			vmap_purge(vm);
	}
	mutex_exit(mc, &vm->lock);
	return (0);
}

static eph_va_t
vmap_kva(void *state, void *obj)
{
	const struct vmap_page *vp = obj;

	EPH_COUNT(((struct vmap *)state)->mc, kva_calls);
	return (vp->vb->va + eph_ptoa(vmap_index(vp)));
}

static struct vm_page *
vmap_page(void *state, void *obj)
{
	(void)state;
	return (((const struct vmap_page *)obj)->m);
}

static void
vmap_check(void *state, uint64_t held)
{
	struct vmap *vm = state;
	uint64_t used = 0;

	for (const struct vmap_block *vb = vm->all; vb != NULL; vb = vb->next) {
		used += VMAP_BBMAP_BITS - vb->free - vb->dirty;
		for (uint32_t i = 0; i < VMAP_BBMAP_BITS; i++) {
			const struct vm_page *m = vb->page[i].m;

			if (pmap_kextract(vm->mc, vb->va + eph_ptoa(i)) !=
			    (m != NULL ? m->frame : EPH_NONE))
				PANIC("a page of a block does not map its "
				      "page");
		}
	}
	if (used != held)
		PANIC("mappings held and pages in use differ");
}

const struct eph_design_ops eph__linux_vm_map_ram_ops = {
	.abi = EPHMAP_ABI,
	.name = "linux.vm_map_ram",
	.summary = "blocks per CPU used up in order, flushed by 32 MiB",
	.origin = "Linux db64fe02258f, Piggin",
	.date = "2008-10",
	.costs = "everybody, 64 MiB",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL,
	.create = vmap_create,
	.destroy = vmap_destroy,
	.map = vmap_map,
	.unmap = vmap_unmap,
	.kva = vmap_kva,
	.page = vmap_page,
	.check = vmap_check,
};
