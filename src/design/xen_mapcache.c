/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * xen.maphash, xen.mapcache: a small hash of mappings per vcpu in front of a
 * domain's cache, and a bitmap of garbage in place of marks in the entries.
 *
 * What they do.  A domain has entries, a bitmap of those in use, one of those
 * that are garbage, and a cursor.  A vcpu has 8 hash entries by page.
 * Mapping looks into the vcpu's hash, without a lock.  Otherwise the next
 * entry not in use is taken; when the cursor reaches the end, garbage is
 * taken out of the bitmap of those in use, this CPU flushes, and an epoch
 * begins.  A vcpu that maps in a later epoch than its own flushes, unless
 * its CPU has flushed since the epoch began (Xen's TLB clock).
 *
 * Unmapping a page that the hash has drops a reference.  Else, where the hash
 * entry has no user, the mapping takes the place of the one that stands
 * there, which becomes garbage; so what was freed last stays mapped.  Else it
 * becomes garbage itself.  Garbage is cleared first and noted second.
 *
 * xen.maphash has 1,024 entries (here 32 a CPU where there are more than 32
 * CPUs).  xen.mapcache has 16 a vcpu; so that all of them cannot be held by
 * hash entries of nobody's, it has a last resort: this vcpu's hash is
 * searched for one without a user, which is cleared and used.
 *
 * Invariant: an entry that is not in use is in no TLB of a CPU that is in the
 * current epoch; one that is in use and not garbage belongs to one vcpu.
 *
 *	case				L	LF	F	IPI	stores
 *	map, in the hash		0	0	0	0	0
 *	map, not in the hash		0	0	0	0	1
 *	the same, this vcpu behind	0	1	0	0	1
 *	wrap				0	1	0	0	1
 *	last resort			0	1	0	0	2
 *	unmap, in the hash		0	0	0	0	0
 *	unmap, into the hash		0	0	0	0	1 if taken
 *	unmap, neither			0	0	0	0	1
 *
 * Counting.  hit_active: the hash entry has users; hit_inactive: it has none.
 * A page that is mapped and not in the hash misses.  evict: the last resort.
 *
 * Quirks kept.  The entry is stored after the lock has been released.  No
 * entry even so is a BUG: refused.  Pages that Xen's direct map reaches cost
 * nothing (`dmap`); debug builds and machines of more than 5 TiB have others.
 * A replay has one domain, with a vcpu on each CPU.
 *
 * Locking.  Interrupts off; the domain's lock for the bitmap and the cursor.
 *
 * Xen d02b79422b (2006-01-11, on for good with 6f7a043a6a), x86_32; 4b28bf6ae9
 * (2013-01-23), Jan Beulich, x86.  As first released the last resort of 2013
 * was not taken unless the number of vcpus was a multiple of 4: bits behind
 * the last entry counted as free (61c6dfce32, 2013-06-13; here repaired).
 */

#include "design/slots.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/tlbclock.h"
#include "ephmap/sdk/atomic.h"
#include "machine/access.h"

#define MAPHASH_ENTRIES	      8u
#define MAPCACHE_ENTRIES      1024u /* of a domain, 2006 */
#define MAPCACHE_VCPU_MOST    32u   /* the same, a vcpu */
#define MAPCACHE_VCPU_ENTRIES 16u   /* of a vcpu, 2013 */

struct maphash {
	uint32_t mfn;	 /* EPH_NONE: none */
	uint32_t idx;	 /* EPH_NONE: not in use */
	uint32_t refcnt; /* users */
};

struct mapcache_vcpu {
	struct maphash hash[MAPHASH_ENTRIES];
	uint32_t shadow_epoch;
	char pad[28];
};

struct mapcache {
	struct slots sl;
	struct mapcache_vcpu *vcpu; /* by CPU */
	struct eph_mutex lock;
	uint64_t *inuse;	    /* (l) */
	_Atomic(uint64_t) *garbage; /* set without the lock */
	uint32_t words;		    /* (c) of a bitmap */
	uint32_t cursor;	    /* (l) */
	uint32_t epoch;		    /* (l) */
	uint32_t timestamp;	    /* (l) tlbflush_timestamp */
	bool last_resort;	    /* (c) */
};

static void
mapcache_destroy(void *state)
{
	struct mapcache *dc = state;
	struct eph_machine *mc = dc->sl.mc;

	eph__slots_fini(&dc->sl);
	eph_machine_free(mc, dc->vcpu, mc->ncpus * sizeof(*dc->vcpu));
	eph_machine_free(mc, dc->inuse, dc->words * sizeof(*dc->inuse));
	eph_machine_free(mc, dc->garbage, dc->words * sizeof(*dc->garbage));
	eph_machine_free(mc, dc, sizeof(*dc));
}

static int
mapcache_init(struct mapcache *dc, struct eph_err *err)
{
	struct eph_machine *mc = dc->sl.mc;

	dc->words = (dc->sl.n + 63) / 64;
	dc->vcpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*dc->vcpu));
	dc->inuse = eph_machine_alloc(mc, dc->words * sizeof(*dc->inuse));
	dc->garbage = eph_machine_alloc(mc, dc->words * sizeof(*dc->garbage));
	if (dc->vcpu == NULL || dc->inuse == NULL || dc->garbage == NULL ||
	    eph_tlbclock_start(mc) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	/* What lies behind the last entry is never free. */
	if (dc->sl.n % 64 != 0)
		dc->inuse[dc->words - 1] = ~(uint64_t)0 << dc->sl.n % 64;
	for (unsigned c = 0; c < mc->ncpus; c++) {
		for (uint32_t i = 0; i < MAPHASH_ENTRIES; i++)
			dc->vcpu[c].hash[i] =
			    (struct maphash){ EPH_NONE, EPH_NONE, 0 };
	}
	return (0);
}

static int
mapcache_make(struct eph_machine *mc, uint32_t n, bool last_resort,
    void **statep, struct eph_err *err)
{
	struct mapcache *dc = eph_machine_alloc(mc, sizeof(*dc));
	int error;

	if (dc == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	dc->last_resort = last_resort;
	mutex_init(&dc->lock, "mapcache");
	error = eph__slots_init(&dc->sl, mc, n, "mapcache entry", err);
	if (error == 0)
		error = mapcache_init(dc, err);
	if (error != 0)
		mapcache_destroy(dc);
	else
		*statep = dc;
	return (error);
}

static int
maphash_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	const uint32_t most = mc->ncpus * MAPCACHE_VCPU_MOST;

	(void)cfg;
	return (
	    mapcache_make(mc, most > MAPCACHE_ENTRIES ? most : MAPCACHE_ENTRIES,
		false, statep, err));
}

static int
mapcache_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg;
	return (mapcache_make(
	    mc, mc->ncpus * MAPCACHE_VCPU_ENTRIES, true, statep, err));
}

/* The first entry from `from` that is not in use, or EPH_NONE. */
static uint32_t
mapcache_free_from(const struct mapcache *dc, uint32_t from)
{
	for (uint32_t w = from / 64; w < dc->words; w++) {
		uint64_t zero = ~dc->inuse[w];

		if (w == from / 64)
			zero &= ~(uint64_t)0 << from % 64;
		if (zero != 0)
			return (w * 64 + eph_cpuword_first(zero));
	}
	return (EPH_NONE);
}

static void
mapcache_flush(struct mapcache *dc)
{
	EPH_NOTE(dc->sl.mc, "epoch %u", dc->epoch);
	pmap_flush_local(dc->sl.mc, false);
}

/* Another CPU has begun an epoch: its garbage may be in this TLB. */
static void
mapcache_catch_up(struct mapcache *dc, struct mapcache_vcpu *vc)
{
	struct eph_machine *mc = dc->sl.mc;

	if (eph_likely(vc->shadow_epoch == dc->epoch))
		return;
	vc->shadow_epoch = dc->epoch;
	if (eph_tlbclock_need(mc, eph_curcpu(mc)->id, dc->timestamp))
		mapcache_flush(dc);
	else
		EPH_NOTE(
		    mc, "this CPU has flushed since epoch %u began", dc->epoch);
}

static void
mapcache_clear(struct mapcache *dc, uint32_t idx)
{
	pmap_pte_store(dc->sl.mc, dc->sl.window + eph_ptoa(idx), 0);
}

/* The entry of a hash entry without a user, from page mfn's on. */
static uint32_t
mapcache_steal(struct mapcache *dc, struct mapcache_vcpu *vc, uint32_t mfn)
{
	for (uint32_t k = 0; dc->last_resort && k < MAPHASH_ENTRIES; k++) {
		struct maphash *e = &vc->hash[(mfn + k) % MAPHASH_ENTRIES];
		const uint32_t idx = e->idx;

		if (idx == EPH_NONE || e->refcnt != 0)
			continue;
		mapcache_clear(dc, idx);
		*e = (struct maphash){ EPH_NONE, EPH_NONE, 0 };
		EPH_COUNT(dc->sl.mc, evict);
		return (idx);
	}
	return (EPH_NONE);
}

static uint32_t
mapcache_wrap(struct mapcache *dc, struct mapcache_vcpu *vc, uint32_t mfn)
{
	struct eph_machine *mc = dc->sl.mc;
	uint32_t idx;

	for (uint32_t w = 0; w < dc->words; w++)
		/* Acquire: what is garbage has been cleared. */
		dc->inuse[w] &=
		    ~eph_swap_64(mc, &dc->garbage[w], 0, memory_order_acquire);
	if ((idx = mapcache_free_from(dc, 0)) == EPH_NONE)
		idx = mapcache_steal(dc, vc, mfn);
	if (idx == EPH_NONE)
		return (idx);
	mapcache_flush(dc);
	vc->shadow_epoch = ++dc->epoch;
	dc->timestamp = eph_tlbclock_now(mc);
	return (idx);
}

/* An entry for page mfn, noted to be in use; EPH_NONE: there is none. */
static uint32_t
mapcache_take(struct mapcache *dc, struct mapcache_vcpu *vc, uint32_t mfn)
{
	struct eph_machine *mc = dc->sl.mc;
	uint32_t idx;

	mutex_enter(mc, &dc->lock);
	mapcache_catch_up(dc, vc);
	if ((idx = mapcache_free_from(dc, dc->cursor)) == EPH_NONE)
		idx = mapcache_wrap(dc, vc, mfn);
	if (idx != EPH_NONE) {
		dc->inuse[idx / 64] |= (uint64_t)1 << idx % 64;
		dc->cursor = idx + 1;
	}
	mutex_exit(mc, &dc->lock);
	return (idx);
}

static int
mapcache_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct mapcache *dc = state;
	struct eph_machine *mc = dc->sl.mc;
	struct mapcache_vcpu *vc;
	struct maphash *e;
	struct slot *slot;
	uint32_t idx;

	(void)flags;
	crit_enter(mc);
	vc = &dc->vcpu[eph_curcpu(mc)->id];
	e = &vc->hash[m->frame % MAPHASH_ENTRIES];
	if (e->mfn == m->frame) {
		idx = e->idx;
		e->refcnt++;
		eph__slots_hit(&dc->sl, &dc->sl.slot[idx], m);
	} else if ((idx = mapcache_take(dc, vc, m->frame)) != EPH_NONE) {
		if (eph_unlikely(mc->crowded) && e->idx != EPH_NONE)
			machine_prefetch_entry(mc,
			    machine_va_index(
				mc, dc->sl.window + eph_ptoa(e->idx)));
		slot = &dc->sl.slot[idx];
		eph__slots_use(&dc->sl, slot, m);
		pmap_pte_store(mc, slot->kva, eph__slots_pte(&dc->sl, m));
	}
	crit_exit(mc);
	if (idx == EPH_NONE)
		return (eph__slots_full(&dc->sl, dc->sl.n));
	slot = &dc->sl.slot[idx];
	*mp = (struct eph_mapping){ slot, slot->kva };
	return (0);
}

/* First clear it, second note it. */
static void
mapcache_discard(struct mapcache *dc, uint32_t idx)
{
	mapcache_clear(dc, idx);
	/* Release pairs with the acquire in mapcache_wrap. */
	(void)eph_fetchor_64(dc->sl.mc, &dc->garbage[idx / 64],
	    (uint64_t)1 << idx % 64, memory_order_release);
}

static int
mapcache_unmap(void *state, void *obj)
{
	struct mapcache *dc = state;
	struct eph_machine *mc = dc->sl.mc;
	struct slot *slot = obj;
	const uint32_t idx = eph__slots_index(&dc->sl, slot);
	const int error = eph__slots_mine(&dc->sl, slot);
	struct maphash *e;
	uint32_t mfn;

	if (error != 0)
		return (error);
	crit_enter(mc);
	mfn = slot->m->frame;
	e = &dc->vcpu[eph_curcpu(mc)->id].hash[mfn % MAPHASH_ENTRIES];
	(void)eph__slots_leave(&dc->sl, slot);
	if (e->idx == idx) {
		e->refcnt--;
	} else if (e->refcnt == 0) {
		if (e->idx != EPH_NONE)
			mapcache_discard(dc, e->idx);
		*e = (struct maphash){ mfn, idx, 0 };
	} else {
		mapcache_discard(dc, idx);
	}
	crit_exit(mc);
	return (0);
}

static void
mapcache_check(void *state, uint64_t held)
{
	struct mapcache *dc = state;

	eph__slots_check(state, held);
	for (unsigned c = 0; c < dc->sl.mc->ncpus; c++) {
		for (uint32_t i = 0; i < MAPHASH_ENTRIES; i++) {
			const struct maphash *e = &dc->vcpu[c].hash[i];

			if (e->idx == EPH_NONE)
				continue;
			if (dc->sl.slot[e->idx].refs != e->refcnt)
				PANIC("a hash entry has lost count");
			if (pmap_kextract(dc->sl.mc, dc->sl.slot[e->idx].kva) !=
			    e->mfn)
				PANIC("a hash entry's mapping is another's");
		}
	}
}

/* clang-format off */
#define XEN_MAPCACHE							\
	.abi = EPHMAP_ABI,						\
	.holes = "",							\
	.shootdown = "acked-invlpg",					\
	.policy = "",							\
	.validity = EPH_VALID_THIS_CPU,					\
	.flags = EPH_DESIGN_CACHE | EPH_DESIGN_ANY_ORDER,		\
	.destroy = mapcache_destroy,					\
	.map = mapcache_map,						\
	.unmap = mapcache_unmap,					\
	.kva = eph__slots_kva_mine,					\
	.page = eph__slots_page,					\
	.check = mapcache_check
/* clang-format on */

const struct eph_design_ops eph__xen_maphash_ops = {
	XEN_MAPCACHE,
	.name = "xen.maphash",
	.summary = "8 mappings a vcpu kept by hash, garbage found by epoch",
	.origin = "Xen d02b79422b, Fraser",
	.date = "2006-01-11",
	.from = "xen.epoch",
	.costs = "a flush an epoch, none if one was made",
	.create = maphash_create,
};

const struct eph_design_ops eph__xen_mapcache_ops = {
	XEN_MAPCACHE,
	.name = "xen.mapcache",
	.summary = "the same, 16 entries a vcpu, and a last resort",
	.origin = "Xen 4b28bf6ae9, Beulich; 61c6dfce32",
	.date = "2013-01-23",
	.from = "xen.maphash",
	.costs = "a flush an epoch, none if one was made",
	.create = mapcache_create,
};
