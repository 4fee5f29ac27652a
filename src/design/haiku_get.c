/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * haiku.get: addresses from a pool, invalidated on all CPUs at each map.
 *
 * What it does.  A slot off the list; the entry is stored over the old one,
 * this CPU invalidates it, and all others are asked to and waited for.  Giving
 * it back costs nothing: the entry stays until the slot is used again.  When
 * no slot is left, another page table makes 1,024.
 *
 * Idea.  None: the general case, for callers that may go to another CPU.
 *
 * Invariant: while a slot is in use no CPU holds another translation of it.
 *
 *	case			L	R	F	IPI	stores	on N CPUs
 *	get			1	N-1	0	N-1	1
 *	put			0	0	0	0	0
 *
 * Slots are used last in, first out; those never used, lowest first.
 *
 * Quirks kept.  The invalidation here comes with the store, before the others
 * are asked.  Until 2026-03 the asking thread was not pinned between the two:
 * one that moved left a CPU out (exhibit haiku-get-migrates).  A thread does
 * not move here.
 *
 * Locking.  A mutex for the pools.
 *
 * Haiku 47c40a10a1 (2008-10-20), Ingo Weinhold,
 * x86_physical_page_mapper_large_memory.cpp: GetPage(), PutPage().
 */

#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"

#include "design/slab.h"
#include "design/slots.h"

#define POOL_SLOTS 1024u /* in a page table of 4 MiB */

struct haiku_slot {
	struct slab_item item;
	struct vm_page *m; /* (l) NULL: free */
	eph_va_t kva;	   /* (c) */
	uint32_t next;	   /* (l) on the list, plus one */
};

struct haiku_get {
	struct eph_machine *mc;
	struct eph_mutex lock;
	struct slab slots; /* (l) */
	uint32_t free;	   /* (l) the list, plus one */
	uint32_t left;	   /* (l) slots of the youngest pool never used */
	eph_va_t pool;	   /* (l) their first address */
};

static void
haiku_get_destroy(void *state)
{
	struct haiku_get *hg = state;
	struct eph_machine *mc = hg->mc;

	for (uint32_t i = 0; i < hg->slots.nitems; i++) {
		const struct haiku_slot *hs = slab_at(&hg->slots, i);

		if (hs->kva != 0)
			kva_free(mc, hs->kva, 1);
	}
	if (hg->left != 0)
		kva_free(mc, hg->pool, hg->left);
	eph__slab_fini(&hg->slots);
	eph_machine_free(mc, hg, sizeof(*hg));
}

static int
haiku_get_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct haiku_get *hg = eph_machine_alloc(mc, sizeof(*hg));

	(void)cfg;
	if (hg == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	hg->mc = mc;
	mutex_init(&hg->lock, "physical page mapper");
	eph__slab_init(&hg->slots, mc, sizeof(struct haiku_slot));
	*statep = hg;
	return (0);
}

/* A slot never used, with the lock; NULL: refused. */
static struct haiku_slot *
haiku_slot_make(struct haiku_get *hg)
{
	struct haiku_slot *hs;

	if (hg->left == 0) {
		if ((hg->pool = kva_alloc(hg->mc, POOL_SLOTS)) == 0) {
			(void)eph_machine_refuse(hg->mc,
			    "the machine has no KVA for another %u slots (%u "
			    "pages in all)",
			    POOL_SLOTS, hg->mc->kva_pages);
			return (NULL);
		}
		hg->left = POOL_SLOTS;
	}
	if ((hs = eph__slab_alloc(&hg->slots)) == NULL)
		PANIC("out of memory for a slot");
	hs->kva = hg->pool;
	hg->pool += EPH_PAGE_SIZE;
	hg->left--;
	return (hs);
}

static struct haiku_slot *
haiku_slot_get(struct haiku_get *hg)
{
	struct haiku_slot *hs;

	mutex_enter(hg->mc, &hg->lock);
	if (hg->free != 0) {
		hs = slab_at(&hg->slots, hg->free - 1);
		hg->free = hs->next;
	} else {
		hs = haiku_slot_make(hg);
	}
	mutex_exit(hg->mc, &hg->lock);
	return (hs);
}

static int
haiku_get_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct haiku_get *hg = state;
	struct eph_machine *mc = hg->mc;
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];
	struct haiku_slot *hs = haiku_slot_get(hg);

	(void)flags;
	if (hs == NULL)
		return (ENOTSUP);
	hs->m = m;
	EPH_COUNT(mc, map_calls);
	EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	EPH_NOTE(mc, "slot %u", hs->item.id);
	pmap_kenter_quick(mc, hs->kva, vm_page_to_phys(m));
	eph_cpuset_copy(others, mc->allcpus, mc->cpuwords);
	eph_cpuset_clear(others, eph_curcpu(mc)->id);
	smp_masked_invlpg(mc, others, hs->kva);
	*mp = (struct eph_mapping){ hs, hs->kva };
	return (0);
}

static int
haiku_get_unmap(void *state, void *obj)
{
	struct haiku_get *hg = state;
	struct haiku_slot *hs = obj;

	EPH_COUNT(hg->mc, unmap_calls);
	eph_bufs_dec(hg->mc);
	mutex_enter(hg->mc, &hg->lock);
	if (hs->m == NULL)
		PANIC("giving back a slot that is free");
	hs->m = NULL;
	hs->next = hg->free;
	hg->free = hs->item.id + 1;
	mutex_exit(hg->mc, &hg->lock);
	return (0);
}

static eph_va_t
haiku_get_kva(void *state, void *obj)
{
	EPH_COUNT(((struct haiku_get *)state)->mc, kva_calls);
	return (((const struct haiku_slot *)obj)->kva);
}

static struct vm_page *
haiku_get_page(void *state, void *obj)
{
	(void)state;
	return (((const struct haiku_slot *)obj)->m);
}

static void
haiku_get_check(void *state, uint64_t held)
{
	struct haiku_get *hg = state;
	uint64_t used = 0;

	for (uint32_t i = 0; i < hg->slots.nitems; i++) {
		const struct haiku_slot *hs = slab_at(&hg->slots, i);

		if (hs->m == NULL)
			continue;
		used++;
		if (pmap_kextract(hg->mc, hs->kva) != hs->m->frame)
			PANIC("a slot in use does not map its page");
	}
	if (used != held)
		PANIC("mappings held and slots in use differ");
}

const struct eph_design_ops eph__haiku_get_ops = {
	.abi = EPHMAP_ABI,
	.name = "haiku.get",
	.summary = "a pool, invalidated on all CPUs at each map",
	.origin = "Haiku 47c40a10a1, Weinhold",
	.date = "2008-10-20",
	.costs = "everybody, a map",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL,
	.create = haiku_get_create,
	.destroy = haiku_get_destroy,
	.map = haiku_get_map,
	.unmap = haiku_get_unmap,
	.kva = haiku_get_kva,
	.page = haiku_get_page,
	.check = haiku_get_check,
};
