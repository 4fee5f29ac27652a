/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * xen.arm32: 2 MiB entries per CPU, found by open addressing, with the
 * reference count in bits of the entry.
 *
 * What it does.  A CPU has 512 entries that map 2 MiB each.  A page's 2 MiB
 * are looked for from their own place on: an entry that maps them and has
 * fewer than 15 users gains one; an entry without users is taken; else the
 * next is tried.  Then one page's translation is invalidated, here and always.
 * Unmapping drops a user and does nothing else.
 *
 * Idea.  Neighbouring pages share an entry, and four bits that the hardware
 * ignores are all the bookkeeping there is.
 *
 * Invariant: an entry that has users maps one piece of 2 MiB on its CPU.
 *
 *	case				L	R	F	IPI	stores
 *	map, an entry taken		1	0	0	0	1
 *	map, an entry shared		1	0	0	0	0
 *	unmap				0	0	0	0	0
 *
 * Counting.  Every map is a miss: what is found is 2 MiB, not a page.  TLB
 * entries here hold 4 KiB, so the page table has one entry for each page of a
 * piece that was asked for; storing those is not counted, as the hardware has
 * them with the first.  Changes of the count are not stores of a translation
 * and not counted either.
 *
 * Quirks kept.  A free entry is taken before a later one that maps the same
 * piece, so that a piece may be mapped twice.  All entries in use are a BUG:
 * refused.  An entry keeps its piece when its last user leaves, and the next
 * map of that piece finds it unused and takes it: a store.
 *
 * Locking.  Interrupts off.
 *
 * Xen 271a1c001d (2012), Ian Campbell; xen/arch/arm/mmu/domain_page.c.
 */

#include "design/slab.h"
#include "design/slots.h"
#include "ephmap/kernel/kva.h"
#include "machine/access.h"

#define DOMHEAP_ENTRIES 512u /* of a CPU: 1 GiB */
#define DOMHEAP_AVAIL	15u  /* four bits */
#define PIECE_SHIFT	9u   /* pages in 2 MiB */
#define PIECE_PAGES	(1u << PIECE_SHIFT)

/* One entry; its address is made when it is taken first. */
struct piece {
	eph_va_t kva;
	uint32_t base;	/* frame / 512 */
	uint32_t avail; /* users */
};

/* A mapping: piece and page. */
struct arm32_map {
	struct slab_item item;
	struct vm_page *m;
	uint32_t cpu;
	uint32_t piece;
};

/* Of a CPU. */
struct arm32_cpu {
	struct piece *piece; /* DOMHEAP_ENTRIES, made with the first map */
	char pad[56];
};

struct arm32 {
	struct eph_machine *mc;
	struct arm32_cpu *cpu; /* by CPU */
	struct slab maps;
};

static void
arm32_destroy(void *state)
{
	struct arm32 *a = state;
	struct eph_machine *mc = a->mc;

	for (unsigned c = 0; a->cpu != NULL && c < mc->ncpus; c++) {
		struct arm32_cpu *ac = &a->cpu[c];

		for (uint32_t i = 0; ac->piece != NULL && i < DOMHEAP_ENTRIES;
		     i++) {
			if (ac->piece[i].kva != 0)
				kva_free(mc, ac->piece[i].kva, PIECE_PAGES);
		}
		eph_machine_free(
		    mc, ac->piece, DOMHEAP_ENTRIES * sizeof(*ac->piece));
	}
	eph__slab_fini(&a->maps);
	eph_machine_free(mc, a->cpu, mc->ncpus * sizeof(*a->cpu));
	eph_machine_free(mc, a, sizeof(*a));
}

static int
arm32_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct arm32 *a = eph_machine_alloc(mc, sizeof(*a));

	(void)cfg;
	if (a == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	a->mc = mc;
	eph__slab_init(&a->maps, mc, sizeof(struct arm32_map));
	a->cpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*a->cpu));
	if (a->cpu == NULL) {
		arm32_destroy(a);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*statep = a;
	return (0);
}

/* What the hardware has with the entry's first page, uncounted. */
static void
arm32_fill(struct arm32 *a, const struct piece *p, const struct vm_page *m)
{
	struct eph_machine *mc = a->mc;
	const eph_va_t va = p->kva + eph_ptoa(m->frame % PIECE_PAGES);

	/* Relaxed: this CPU's own. */
	atomic_store_explicit(
	    machine_pte(mc, eph_curcpu(mc), machine_va_index(mc, va)),
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW, memory_order_relaxed);
}

static void
arm32_forget(struct arm32 *a, const struct piece *p)
{
	struct eph_machine *mc = a->mc;
	const uint32_t i = machine_va_index(mc, p->kva);

	for (uint32_t k = 0; k < PIECE_PAGES; k++)
		atomic_store_explicit(machine_pte(mc, eph_curcpu(mc), i + k), 0,
		    memory_order_relaxed);
}

/* Make `p` map the 2 MiB of `m`.  0, or ENOTSUP. */
static int
arm32_take(struct arm32 *a, struct piece *p, const struct vm_page *m)
{
	struct eph_machine *mc = a->mc;

	if (p->kva == 0 && (p->kva = kva_alloc(mc, PIECE_PAGES)) == 0)
		return (eph_machine_refuse(mc,
		    "the machine has no KVA for another 2 MiB entry (%u pages "
		    "in all)",
		    mc->kva_pages));
	if (p->base != m->frame >> PIECE_SHIFT)
		arm32_forget(a, p);
	p->base = m->frame >> PIECE_SHIFT;
	p->avail = 1;
	pmap_pte_store(mc, p->kva + eph_ptoa(m->frame % PIECE_PAGES),
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW);
	return (0);
}

/* The entry of this CPU for the 2 MiB of `m`, or NULL: refused. */
static struct piece *
arm32_find(struct arm32 *a, struct piece *pieces, const struct vm_page *m)
{
	const uint32_t base = m->frame >> PIECE_SHIFT;

	for (uint32_t k = 0; k < DOMHEAP_ENTRIES; k++) {
		struct piece *p = &pieces[(base + k) % DOMHEAP_ENTRIES];

		if (p->avail != 0 && p->avail < DOMHEAP_AVAIL &&
		    p->base == base) {
			p->avail++;
			arm32_fill(a, p, m);
			return (p);
		}
		if (p->avail == 0)
			return (arm32_take(a, p, m) == 0 ? p : NULL);
	}
	(void)eph_machine_refuse(a->mc,
	    "CPU %u has %u entries of 2 MiB, and all are in use",
	    eph_curcpu(a->mc)->id, DOMHEAP_ENTRIES);
	return (NULL);
}

static struct arm32_map *
arm32_handle(struct arm32 *a, struct arm32_cpu *ac)
{
	struct arm32_map *am = eph__slab_alloc(&a->maps);

	if (ac->piece == NULL)
		ac->piece = eph_machine_alloc(
		    a->mc, DOMHEAP_ENTRIES * sizeof(*ac->piece));
	if (am == NULL || ac->piece == NULL)
		PANIC("out of memory for a mapping");
	return (am);
}

static int
arm32_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct arm32 *a = state;
	struct eph_machine *mc = a->mc;
	struct arm32_cpu *ac;
	struct arm32_map *am;
	struct eph_cpu *cpu;
	struct piece *p;

	(void)flags;
	crit_enter(mc);
	cpu = eph_curcpu(mc);
	ac = &a->cpu[cpu->id];
	am = arm32_handle(a, ac);
	if ((p = arm32_find(a, ac->piece, m)) == NULL) {
		eph__slab_free(&a->maps, am);
		crit_exit(mc);
		return (ENOTSUP);
	}
	am->m = m;
	am->cpu = cpu->id;
	am->piece = (uint32_t)(p - ac->piece);
	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(mc);
	*mp = (struct eph_mapping){ am,
		p->kva + eph_ptoa(m->frame % PIECE_PAGES) };
	EPH_NOTE(mc, "entry %u, %u users", am->piece, p->avail);
	pmap_invlpg(mc, mp->va);
	crit_exit(mc);
	return (0);
}

static int
arm32_mine(struct arm32 *a, const struct arm32_map *am)
{
	const unsigned me = eph_curcpu(a->mc)->id;

	if (am->cpu == me)
		return (0);
	return (eph_machine_refuse(a->mc,
	    "a 2 MiB entry of CPU %u cannot be used or unmapped on CPU %u",
	    am->cpu, me));
}

static int
arm32_unmap(void *state, void *obj)
{
	struct arm32 *a = state;
	struct arm32_map *am = obj;
	struct arm32_cpu *ac = &a->cpu[am->cpu];
	const int error = arm32_mine(a, am);

	if (error != 0)
		return (error);
	crit_enter(a->mc);
	if (ac->piece[am->piece].avail == 0)
		PANIC("unmapping an entry that nobody uses");
	ac->piece[am->piece].avail--;
	eph__slab_free(&a->maps, am);
	EPH_COUNT(a->mc, unmap_calls);
	eph_bufs_dec(a->mc);
	crit_exit(a->mc);
	return (0);
}

static eph_va_t
arm32_kva(void *state, void *obj)
{
	struct arm32 *a = state;
	const struct arm32_map *am = obj;

	if (arm32_mine(a, am) != 0)
		return (0);
	EPH_COUNT(a->mc, kva_calls);
	return (a->cpu[am->cpu].piece[am->piece].kva +
	    eph_ptoa(am->m->frame % PIECE_PAGES));
}

static struct vm_page *
arm32_page(void *state, void *obj)
{
	(void)state;
	return (((const struct arm32_map *)obj)->m);
}

static void
arm32_check(void *state, uint64_t held)
{
	const struct arm32 *a = state;
	uint64_t users = 0;

	for (unsigned c = 0; c < a->mc->ncpus; c++) {
		const struct piece *p = a->cpu[c].piece;

		for (uint32_t i = 0; p != NULL && i < DOMHEAP_ENTRIES; i++)
			users += p[i].avail;
	}
	if (users != held)
		PANIC("mappings held and users counted differ");
}

const struct eph_design_ops eph__xen_arm32_ops = {
	.abi = EPHMAP_ABI,
	.name = "xen.arm32",
	.summary = "2 MiB entries per CPU by open addressing, counted in them",
	.origin = "Xen 271a1c001d, Campbell",
	.date = "2012",
	.from = "xen.percpu",
	.costs = "L 1 a map",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = EPH_DESIGN_ANY_ORDER,
	.create = arm32_create,
	.destroy = arm32_destroy,
	.map = arm32_map,
	.unmap = arm32_unmap,
	.kva = arm32_kva,
	.page = arm32_page,
	.check = arm32_check,
};
