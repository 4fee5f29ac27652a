/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmap: global mappings, given out in a circle and invalidated together.
 *
 * What it does.  LAST_PKMAP slots, each with a count: 0 is free and in no
 * TLB, 1 is unused but still mapped, n is n - 1 users.  A page that has a
 * slot gets it again.  Otherwise a cursor goes round; when it wraps, every
 * slot with count 1 is cleared, and if there was any, all TLBs are flushed.
 * The first slot with count 0 is taken, and its entry stored: no TLB can
 * hold anything there.
 *
 * Idea.  Nothing is invalidated before the whole pool has been used, so one
 * flush pays for up to LAST_PKMAP maps.
 *
 * Invariant: a slot with count 0 has no entry, and no CPU a translation of
 * it; a slot with count 1 or more maps its page.
 *
 *	case				L	R	F	IPI
 *	map, hit or miss		0	0	0	0
 *	unmap				0	0	0	0
 *	wrap, something unused:
 *	    up to 33 slots		slots	(N-1)slots 0	N-1
 *	    more			LF 1	0	N-1	N-1
 *	wrap, nothing unused		0	0	0	0
 *	exhaustion			0 asleep, then hit or miss
 *
 * The ceiling of 33 is tlb_single_page_flush_ceiling: a range of up to 33
 * pages is invalidated page by page, used slots included; above, everything
 * is flushed, global entries too.  (2.6.30 always did that.)
 *
 * Counting.  hit_active found a count of 2 or more, hit_inactive 1.  The
 * zeroes that the wrap stores are counted.  A slot forgets its page when it
 * is cleared, so nothing is ever evicted.
 *
 * Quirks kept.  The cursor moves before it looks, so the first slot handed
 * out is 1, and slot 0 comes after the first wrap.  A pool with users is
 * swept even if only few slots are unused.  A sleep begins when LAST_PKMAP
 * slots in a row were in use, cannot be interrupted, and ends with a look
 * for the page: another thread may have mapped it.
 *
 * Not kept: the order of sleepers.  Linux wakes all of them, the youngest first
 * (each puts itself at the head of the queue); here who slept first looks first.
 *
 * xtensa.kmap.  The same with colours: slot and page must agree in the last
 * bits of their numbers, so that a cache indexed by address holds a page's
 * lines once.  Each of 4 colours has nbufs slots, a cursor, which goes round
 * in steps of 4, and sleepers of its own.  When the cursor of any
 * colour wraps, all slots are swept and all TLBs flushed, as above.
 *
 * Locking.  kmap_lock, through the flush; it serves interrupts meanwhile,
 * so it is a mutex here and not a spin lock.
 *
 * Linux 5.10 (2020-12) mm/highmem.c; first in 2.3.23 (1999), Gerhard
 * Wichert and Ingo Molnar.  Colours: arch/xtensa/include/asm/highmem.h (2014),
 * Max Filippov.
 */

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/sdk/design.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"

#define FLUSH_CEILING 33u /* tlb_single_page_flush_ceiling */
#define COLOURS_MAX   4u  /* DCACHE_N_COLORS */

/* One slot.  Key: (l) kmap_lock, (c) constant. */
struct pkmap {
	struct vm_page *m; /* (l) NULL: none */
	uint32_t count;	   /* (l) pkmap_count */
};

struct kmap {
	struct eph_machine *mc;	       /* (c) */
	struct pkmap *slot;	       /* (c) LAST_PKMAP of them */
	uint32_t nslots;	       /* (c) a power of two */
	uint32_t ncolours;	       /* (c) 1, or COLOURS_MAX */
	uint32_t last_nr[COLOURS_MAX]; /* (l) last_pkmap_nr, the cursors */
	struct eph_mutex lock;	       /* kmap_lock */
	uint32_t waiters[COLOURS_MAX]; /* (l) asleep on pkmap_map_wait */
	uint32_t busy;		       /* (l) slots with count 2 or more */
	eph_va_t window;	       /* (c) PKMAP_BASE */
};

static void
kmap_destroy(void *state)
{
	struct kmap *km = state;
	struct eph_machine *mc = km->mc;

	for (uint32_t i = 0; km->slot != NULL && i < km->nslots; i++) {
		if (km->slot[i].m != NULL)
			km->slot[i].m->hint = 0;
	}
	if (km->window != 0)
		kva_free(mc, km->window, km->nslots);
	eph_machine_free(mc, km->slot, km->nslots * sizeof(*km->slot));
	eph_machine_free(mc, km, sizeof(*km));
}

static int
kmap_init(struct kmap *km, struct eph_err *err)
{
	struct eph_machine *mc = km->mc;
	const uint32_t n = km->nslots;
	int error;

	if (n == 0 || (n & (n - 1)) != 0)
		return (eph_err_set(
		    err, EINVAL, "%u slots: LAST_PKMAP is a power of two", n));
	if ((error = eph_kva_get(mc, n, &km->window, err, "%u slots", n)) != 0)
		return (error);
	km->slot = eph_machine_alloc(mc, n * sizeof(*km->slot));
	if (km->slot == NULL)
		return (
		    eph_err_set(err, ENOMEM, "out of memory for %u slots", n));
	return (0);
}

static int
kmap_make(struct eph_machine *mc, uint32_t nslots, uint32_t ncolours,
    void **statep, struct eph_err *err)
{
	struct kmap *km = eph_machine_alloc(mc, sizeof(*km));
	int error;

	if (km == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	km->mc = mc;
	km->nslots = nslots;
	km->ncolours = ncolours;
	mutex_init(&km->lock, "kmap_lock");
	if ((error = kmap_init(km, err)) != 0)
		kmap_destroy(km);
	else
		*statep = km;
	return (error);
}

static int
kmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	return (kmap_make(mc, cfg->nbufs, 1, statep, err));
}

static int
xtensa_kmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	/* PTRS_PER_PTE of each colour; too many are refused as 0 are. */
	return (kmap_make(mc,
	    cfg->nbufs <= UINT32_MAX / COLOURS_MAX ? cfg->nbufs * COLOURS_MAX
						   : 0,
	    COLOURS_MAX, statep, err));
}

static eph_va_t
kmap_va(const struct kmap *km, const struct pkmap *pk)
{
	return (km->window + eph_ptoa((uint64_t)(pk - km->slot)));
}

/* page_address(): the slot of `m`, or NULL. */
static struct pkmap *
kmap_lookup(const struct kmap *km, const struct vm_page *m)
{
	return (m->hint != 0 ? &km->slot[m->hint - 1] : NULL);
}

/* flush_tlb_kernel_range() over all slots. */
static void
kmap_flush_range(struct kmap *km)
{
	if (km->nslots <= FLUSH_CEILING) {
		pmap_invalidate_range(km->mc, km->window, km->nslots);
		return;
	}
	pmap_flush_local(km->mc, true);
	smp_invltlb(km->mc, km->window, km->nslots, true);
}

static void
kmap_flush_all_zero(struct kmap *km)
{
	uint32_t cleared = 0;

	for (uint32_t i = 0; i < km->nslots; i++) {
		struct pkmap *pk = &km->slot[i];

		if (pk->count != 1)
			continue;
		pk->count = 0;
		pmap_pte_store(km->mc, kmap_va(km, pk), 0);
		pk->m->hint = 0;
		pk->m = NULL;
		cleared++;
	}
	if (cleared != 0)
		kmap_flush_range(km);
	EPH_NOTE(km->mc, "the cursor wraps: %u slots cleared", cleared);
}

/*
 * The next slot of a colour with count 0, or NULL after a whole round without
 * one.
 */
static struct pkmap *
kmap_next_free(struct kmap *km, uint32_t colour)
{
	uint32_t *last_nr = &km->last_nr[colour];
	uint32_t left = km->nslots / km->ncolours;

	/* Where there is none, this is where the round ends. */
	if (km->busy == km->nslots && !km->mc->has_observer) {
		*last_nr = km->nslots - km->ncolours;
		return (NULL);
	}
	do {
		struct pkmap *pk;

		*last_nr = (*last_nr + km->ncolours) & (km->nslots - 1);
		if (*last_nr == 0) {
			kmap_flush_all_zero(km);
			left = km->nslots / km->ncolours;
		}
		pk = &km->slot[*last_nr + colour];
		if (pk->count == 0)
			return (pk);
	} while (--left != 0);
	return (NULL);
}

static void
kmap_enter(struct kmap *km, struct pkmap *pk, struct vm_page *m)
{
	pmap_pte_store(km->mc, kmap_va(km, pk),
	    vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW | EPH_PTE_A |
		EPH_PTE_M | km->mc->pgeflag);
	pk->count = 1;
	pk->m = m;
	m->hint = (uint32_t)(pk - km->slot) + 1;
}

struct kmap_wish {
	struct kmap *km;
	struct vm_page *m;
};

static bool
kmap_ready(void *arg)
{
	const struct kmap_wish *wish = arg;
	struct kmap *km = wish->km;
	const uint32_t colour = eph_vm_page_colour(wish->m, km->ncolours);

	if (kmap_lookup(km, wish->m) != NULL || km->busy != km->nslots)
		return (true);
	(void)kmap_next_free(km, colour);
	return (false);
}

/*
 * map_new_virtual(): a slot for `m`, sleeping while all are in use.  It may
 * end with the slot that another thread gave the page meanwhile.
 */
static struct pkmap *
kmap_map_new(struct kmap *km, struct vm_page *m, bool *missed)
{
	const uint32_t colour = eph_vm_page_colour(m, km->ncolours);
	uint32_t *waiters = &km->waiters[colour];
	struct kmap_wish wish = { km, m };
	struct pkmap *pk;
	bool slept = false;

	*missed = false;
	while ((pk = kmap_next_free(km, colour)) == NULL) {
		++*waiters;
		msleep_until(
		    km->mc, waiters, &km->lock, "pkmap", kmap_ready, &wish);
		--*waiters;
		slept = true;
		if ((pk = kmap_lookup(km, m)) != NULL) {
			msleep_done(km->mc);
			return (pk);
		}
	}
	if (slept)
		msleep_done(km->mc);
	kmap_enter(km, pk, m);
	*missed = true;
	return (pk);
}

static void
kmap_count(struct kmap *km, const struct pkmap *pk, bool missed)
{
	struct eph_cpu *cpu = eph_curcpu(km->mc);

	cpu->c.map_calls++;
	if (missed)
		cpu->c.miss++;
	else if (pk->count > 2)
		cpu->c.hit_active++;
	else
		cpu->c.hit_inactive++;
	if (pk->count == 2)
		eph_bufs_inc(km->mc);
	EPH_NOTE(
	    km->mc, "slot %u, count %u", (unsigned)(pk - km->slot), pk->count);
}

static int
kmap_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct kmap *km = state;
	struct pkmap *pk;
	bool missed = false;

	(void)flags;
	mutex_enter(km->mc, &km->lock);
	if ((pk = kmap_lookup(km, m)) == NULL)
		pk = kmap_map_new(km, m, &missed);
	if (++pk->count == 2)
		km->busy++;
	kmap_count(km, pk, missed);
	mutex_exit(km->mc, &km->lock);
	*mp = (struct eph_mapping){ pk, kmap_va(km, pk) };
	return (0);
}

static int
kmap_unmap(void *state, void *obj)
{
	struct kmap *km = state;
	struct pkmap *pk = obj;
	uint32_t colour;

	mutex_enter(km->mc, &km->lock);
	if (pk->count < 2)
		PANIC("kunmap: the slot has no user");
	EPH_COUNT(km->mc, unmap_calls);
	if (--pk->count == 1) {
		km->busy--;
		eph_bufs_dec(km->mc);
		colour = eph_vm_page_colour(pk->m, km->ncolours);
		if (eph_unlikely(km->waiters[colour] > 0))
			wakeup(km->mc, &km->waiters[colour]);
	}
	mutex_exit(km->mc, &km->lock);
	return (0);
}

static eph_va_t
kmap_kva(void *state, void *obj)
{
	struct kmap *km = state;

	EPH_COUNT(km->mc, kva_calls);
	return (kmap_va(km, obj));
}

static int
kmap_ref(void *state, void *obj)
{
	struct kmap *km = state;
	struct pkmap *pk = obj;

	mutex_enter(km->mc, &km->lock);
	if (pk->count < 2)
		PANIC("kmap: a reference to a slot without a user");
	pk->count++;
	mutex_exit(km->mc, &km->lock);
	return (0);
}

static struct vm_page *
kmap_page(void *state, void *obj)
{
	(void)state;
	return (((const struct pkmap *)obj)->m);
}

static void
kmap_check_slot(struct kmap *km, struct pkmap *pk)
{
	const eph_va_t va = kmap_va(km, pk);

	if ((pk->count != 0) != (pk->m != NULL))
		PANIC("a free slot has a page, or a used one none");
	if (pk->count == 0 && pmap_pte_load(km->mc, va) != 0)
		PANIC("a free slot has an entry");
	if (pk->count != 0 && kmap_lookup(km, pk->m) != pk)
		PANIC("a slot is not the one its page names");
	if (pk->count != 0 && pmap_kextract(km->mc, va) != pk->m->frame)
		PANIC("a slot does not map its page");
}

static void
kmap_check(void *state, uint64_t held)
{
	struct kmap *km = state;
	uint64_t users = 0;
	uint32_t busy = 0;

	for (uint32_t i = 0; i < km->nslots; i++) {
		struct pkmap *pk = &km->slot[i];

		kmap_check_slot(km, pk);
		busy += pk->count > 1;
		users += pk->count > 1 ? pk->count - 1 : 0;
	}
	if (busy != km->busy)
		PANIC("slots in use and counted differ");
	if (users != held)
		PANIC("mappings held and users counted differ");
}

const struct eph_design_ops eph__kmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "kmap",
	.summary = "global mappings in a circle, all flushed when it wraps",
	.origin = "Linux 5.10 mm/highmem.c; Wichert, Molnar",
	.date = "1999-10",
	.costs = "everybody, a lap",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_CACHE | EPH_DESIGN_NBUFS |
	    EPH_DESIGN_SLEEPS,
	.create = kmap_create,
	.destroy = kmap_destroy,
	.map = kmap_map,
	.unmap = kmap_unmap,
	.kva = kmap_kva,
	.ref = kmap_ref,
	.page = kmap_page,
	.check = kmap_check,
};

const struct eph_design_ops eph__xtensa_kmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "xtensa.kmap",
	.summary = "the same with a cursor for each cache colour",
	.origin = "Linux arch/xtensa/include/asm/highmem.h, Filippov",
	.date = "2014",
	.from = "kmap",
	.costs = "everybody, a lap of a colour",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_GLOBAL | EPH_DESIGN_CACHE | EPH_DESIGN_NBUFS |
	    EPH_DESIGN_SLEEPS,
	.create = xtensa_kmap_create,
	.destroy = kmap_destroy,
	.map = kmap_map,
	.unmap = kmap_unmap,
	.kva = kmap_kva,
	.ref = kmap_ref,
	.page = kmap_page,
	.check = kmap_check,
};
