/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwbuf.kvalist (v1): an address from this CPU's list, for one use.
 *
 * What it does.  The structure comes from an objcache with an empty
 * constructor; its address from a list of the CPU that maps, and goes onto
 * the list of the CPU that unmaps.
 *
 * Invariant: an address is on one list or in one mapped lwbuf; see
 * lwbuf_core.h for the mapped ones.
 *
 *	case			L	R	IPI
 *	alloc			1	0	0
 *	kva, new CPU		1	0	0
 *	set_global, always	1	N-1	N-1
 *	free			0	0	0
 *	no KVA			sleep one second or until a free here
 *
 * Quirks kept.  At boot the initialising CPU alone gets 256 pages (the loop
 * meant all CPUs, and named itself each time); the others start with none
 * and take 32 when they first need one.  The list is last in, first out, so
 * a new range is used from its highest page down.  Addresses migrate to the
 * CPU that frees: where one CPU maps and another unmaps, the first takes 32
 * pages again and again, and the second never gives one back.
 *
 * Differences.  The first form had no critical section around the list;
 * ours has it, as c64a8596f0 added.  The list is an array, not SLIST nodes.
 * The 256 pages that each pass of the boot loop loses are not taken.
 *
 * Locking.  (p) by the CPU, in a critical section.
 *
 * DragonFly 5c5185ae1c, 2010-03-09, Samuel Greear; first posted 2009-03-07.
 */

#include "design/lwbuf_kvalist.h"

#include <errno.h>
#include <string.h>

#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"

#define LWBUF_BOOT_PAGES  256u	      /* for the CPU that boots */
#define LWBUF_ALLOC_PAGES 32u	      /* at a time later */
#define LWBUF_HZ_NS	  1000000000u /* hz ticks */

/* A range of KVA taken; kept only to give it back at the end. */
struct kva_chunk {
	struct kva_chunk *next;
	eph_va_t va;
	uint32_t npages;
};

/* gd_lwbuf_fpages, on cache lines of its own. */
struct lwbuf_kvalist_cpu {
	_Alignas(64) eph_va_t *pages; /* (p) a stack */
	uint32_t n;		      /* (p) on it */
	uint32_t room;		      /* (p) */
	struct kva_chunk *chunks;     /* (p) */
};

static struct lwbuf_kvalist_cpu *
kvalist_mycpu(struct lwbuf_kvalist *lk)
{
	return (&lk->cpus[eph_curcpu(lk->lc.mc)->id]);
}

/* Room for `n` addresses.  False: no memory. */
static bool
kvalist_room(struct lwbuf_kvalist *lk, struct lwbuf_kvalist_cpu *kc, uint32_t n)
{
	uint32_t room = kc->room == 0 ? 64 : kc->room;
	eph_va_t *pages;

	if (n <= kc->room)
		return (true);
	while (room < n)
		room *= 2;
	pages = eph_machine_alloc(lk->lc.mc, room * sizeof(*pages));
	if (pages == NULL)
		return (false);
	if (kc->n != 0)
		memcpy(pages, kc->pages, kc->n * sizeof(*pages));
	eph_machine_free(lk->lc.mc, kc->pages, kc->room * sizeof(*pages));
	kc->pages = pages;
	kc->room = room;
	return (true);
}

/* kmalloc(M_WAITOK) never fails, so neither may this. */
static void
kvalist_push(
    struct lwbuf_kvalist *lk, struct lwbuf_kvalist_cpu *kc, eph_va_t va)
{
	if (!kvalist_room(lk, kc, kc->n + 1))
		PANIC("out of memory for a list of addresses");
	kc->pages[kc->n++] = va;
}

/* lwbuf_initpages: false when there is no KVA. */
static bool
kvalist_initpages(
    struct lwbuf_kvalist *lk, struct lwbuf_kvalist_cpu *kc, uint32_t npages)
{
	struct eph_machine *mc = lk->lc.mc;
	struct kva_chunk *ch = eph_machine_alloc(mc, sizeof(*ch));
	eph_va_t va;

	if (ch == NULL)
		return (false);
	if ((va = kva_alloc(mc, npages)) == 0) {
		eph_machine_free(mc, ch, sizeof(*ch));
		return (false);
	}
	*ch = (struct kva_chunk){ kc->chunks, va, npages };
	kc->chunks = ch;
	for (uint32_t i = 0; i < npages; i++)
		kvalist_push(lk, kc, va + eph_ptoa(i));
	return (true);
}

static bool
kvalist_ctor(void *obj, void *privdata, int ocflags)
{
	(void)ocflags;
	((struct lwbuf *)obj)->lc = privdata;
	return (true);
}

int
eph__lwbuf_kvalist_init(struct lwbuf_kvalist *lk, struct eph_machine *mc)
{
	eph__lwbuf_core_init(&lk->lc, mc);
	lk->cache = objcache_create(mc, "lwbuf", OBJCACHE_UNLIMITED, 0,
	    kvalist_ctor, NULL, &lk->lc, eph__slab_objcache_alloc,
	    eph__slab_objcache_free, &lk->lc.slab);
	lk->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*lk->cpus));
	if (lk->cache == NULL || lk->cpus == NULL ||
	    !kvalist_room(lk, &lk->cpus[0], LWBUF_BOOT_PAGES))
		return (ENOMEM);
	/* A machine without that much KVA has it at the first alloc. */
	(void)kvalist_initpages(lk, &lk->cpus[0], LWBUF_BOOT_PAGES);
	return (0);
}

void
eph__lwbuf_kvalist_fini(struct lwbuf_kvalist *lk)
{
	struct eph_machine *mc = lk->lc.mc;

	for (unsigned c = 0; lk->cpus != NULL && c < mc->ncpus; c++) {
		struct lwbuf_kvalist_cpu *kc = &lk->cpus[c];

		while (kc->chunks != NULL) {
			struct kva_chunk *ch = kc->chunks;

			kc->chunks = ch->next;
			kva_free(mc, ch->va, ch->npages);
			eph_machine_free(mc, ch, sizeof(*ch));
		}
		eph_machine_free(mc, kc->pages, kc->room * sizeof(*kc->pages));
	}
	eph_machine_free(mc, lk->cpus, mc->ncpus * sizeof(*lk->cpus));
	objcache_destroy(lk->cache);
	eph__lwbuf_core_fini(&lk->lc);
}

/* An address for this CPU. */
static eph_va_t
kvalist_take(struct lwbuf_kvalist *lk)
{
	struct eph_machine *mc = lk->lc.mc;
	struct lwbuf_kvalist_cpu *kc;
	bool slept = false;
	eph_va_t va;

	crit_enter(mc);
	kc = kvalist_mycpu(lk);
	while (kc->n == 0) {
		if (kvalist_initpages(lk, kc, LWBUF_ALLOC_PAGES))
			break;
		(void)ssleep(mc, kc, NULL, 0, "lwbuf", LWBUF_HZ_NS);
		slept = true;
	}
	va = kc->pages[--kc->n];
	crit_exit(mc);
	if (slept)
		msleep_done(mc);
	return (va);
}

struct lwbuf *
eph__lwbuf_kvalist_alloc(struct lwbuf_kvalist *lk, struct vm_page *m)
{
	struct lwbuf *lwb = objcache_get(lk->cache, M_WAITOK);

	if (lwb == NULL)
		return (NULL);
	lwb->kva = kvalist_take(lk);
	lwbuf_core_enter(&lk->lc, lwb, m);
	return (lwb);
}

void
eph__lwbuf_kvalist_free(struct lwbuf_kvalist *lk, struct lwbuf *lwb)
{
	struct eph_machine *mc = lk->lc.mc;
	struct lwbuf_kvalist_cpu *kc;

	lwbuf_core_leave(&lk->lc, lwb);
	crit_enter(mc);
	kc = kvalist_mycpu(lk);
	kvalist_push(lk, kc, lwb->kva);
	lwb->kva = 0;
	wakeup_one(mc, kc);
	crit_exit(mc);
	objcache_put(lk->cache, lwb);
}

uint32_t
eph__lwbuf_kvalist_count_cpu(const struct lwbuf_kvalist *lk, unsigned cpu)
{
	return (lk->cpus[cpu].n);
}

uint64_t
eph__lwbuf_kvalist_count(const struct lwbuf_kvalist *lk)
{
	uint64_t n = 0;

	for (unsigned c = 0; c < lk->lc.mc->ncpus; c++)
		n += lk->cpus[c].n;
	return (n);
}

void
eph__lwbuf_kvalist_check(struct lwbuf_kvalist *lk, uint64_t held)
{
	uint64_t taken = 0;

	eph__lwbuf_core_check(&lk->lc, held);
	objcache_check(lk->cache);
	for (unsigned c = 0; c < lk->lc.mc->ncpus; c++) {
		for (const struct kva_chunk *ch = lk->cpus[c].chunks;
		     ch != NULL; ch = ch->next)
			taken += ch->npages;
	}
	if (taken != eph__lwbuf_kvalist_count(lk) + held)
		PANIC("an address is neither on a list nor in an lwbuf");
}

/* The design. */

static void
lwbuf_v1_destroy(void *state)
{
	struct lwbuf_kvalist *lk = state;
	struct eph_machine *mc = lk->lc.mc;

	eph__lwbuf_kvalist_fini(lk);
	eph_machine_free(mc, lk, sizeof(*lk));
}

static int
lwbuf_v1_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct lwbuf_kvalist *lk = eph_machine_alloc(mc, sizeof(*lk));

	(void)cfg;
	if (lk == NULL || eph__lwbuf_kvalist_init(lk, mc) != 0) {
		if (lk != NULL)
			lwbuf_v1_destroy(lk);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*statep = lk;
	return (0);
}

static int
lwbuf_v1_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct lwbuf_kvalist *lk = state;
	struct lwbuf *lwb = eph__lwbuf_kvalist_alloc(lk, m);

	(void)flags;
	if (lwb == NULL)
		return (ENOMEM);
	return (lwbuf_core_mapped(&lk->lc, lwb, lwb->kva, mp));
}

static int
lwbuf_v1_unmap(void *state, void *obj)
{
	struct lwbuf_kvalist *lk = state;

	lwbuf_core_unmapped(&lk->lc);
	eph__lwbuf_kvalist_free(lk, obj);
	return (0);
}

static void
lwbuf_v1_check(void *state, uint64_t held)
{
	struct lwbuf_kvalist *lk = state;

	eph__lwbuf_kvalist_check(lk, held);
	lwbuf_core_check_gauge(lk->lc.mc, held);
}

const struct eph_design_ops eph__lwbuf_kvalist_ops = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf.kvalist",
	.summary = "lists of free addresses by CPU, which migrate, v1",
	.origin = "DragonFly 5c5185ae1c, Greear",
	.date = "2010-03-09",
	.from = "msf_buf",
	.costs = "L 1 a CPU that looks",
	.holes = "",
	.shootdown = "rendezvous",
	.policy = "",
	.validity = EPH_VALID_ASKED,
	.flags = EPH_DESIGN_SLEEPS,
	.create = lwbuf_v1_create,
	.destroy = lwbuf_v1_destroy,
	.map = lwbuf_v1_map,
	.unmap = lwbuf_v1_unmap,
	.kva = eph__lwbuf_core_kva_op,
	.page = eph__lwbuf_core_page_op,
	.check = lwbuf_v1_check,
};
