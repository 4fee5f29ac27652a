/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Zones in the manner of UMA (FreeBSD 5.3, 2004).
 *
 * A keg owns slabs of one kind of object.  A zone is a cache in front of a
 * keg: every CPU has two buckets of pointers, one that it allocates from
 * and one that it frees to, and exchanges them when one runs dry or full.
 * Only when both do, it takes the zone's lock and swaps a whole bucket; only
 * when the zone has none, the keg's, and fills a bucket from slabs.
 *
 *	zones	 packet	   mbuf	    cluster    counter
 *		    \	  /  \	   /  |		  |
 *	kegs	     mbuf     (cl.)  cluster	counter
 *
 * The packet zone is secondary: it has no keg of its own.  Its objects are
 * mbufs of the mbuf keg with a cluster attached when they are imported, and
 * they stay together while cached.
 *
 * Reference counters of clusters are in the slab, found from the cluster:
 * two share their slab's line, not sixteen strangers.
 *
 * Per-CPU buckets are protected by a critical section, no lock: they belong
 * to the CPU.  The invariant this costs: objects may hide in the buckets of
 * other CPUs while the keg is at its limit.  A keg that refused therefore
 * sets `full`, and while it is set frees go past the buckets, to the slab.
 *
 * Buckets start small and grow with each refill: 16, 32, 64, 128.
 *
 * Cost: a hit is a critical section and no shared line at all.  A cross-CPU
 * free costs the same; the object then lives on the freeing CPU.
 *
 * Key: (z) zone lock; (k) keg lock; (o) its CPU, in a critical section.
 */

#include <errno.h>

#include "io/mbuf_impl.h"

#define BUCKET_MAX  128u
#define BUCKET_MIN  16u
#define SLAB_REFS   2u /* clusters on a page */
#define ZONE_PACKET MB_NKINDS
#define NZONES	    (MB_NKINDS + 1)

struct slab {
	struct slab *next;    /* (k) with free objects */
	struct slab *prev;    /* (k) */
	struct slab *all;     /* (k) every slab */
	struct mb_obj *free;  /* (k) */
	uint32_t nfree;	      /* (k) */
	struct mb_page *page; /* (c) */
	struct mb_line line;
	_Atomic(uint32_t) refs[SLAB_REFS]; /* (a) of clusters */
};

struct keg {
	struct mb_lock lock;
	enum mb_kind kind; /* (c) */
	struct slab *part; /* (k) slabs with free objects */
	struct slab *all;  /* (k) */
	uint32_t nfree;	   /* (k) objects in them */
	uint32_t total;	   /* (k) objects that exist */
	uint32_t waiters;  /* (k) */
	_Atomic(uint32_t)
	    full; /* (a) refused at the limit; written under (k) */
};

struct zbucket {
	struct zbucket *next; /* (z) */
	uint32_t cnt;	      /* (o) while a CPU's, else (z) */
	struct mb_obj *obj[BUCKET_MAX];
};

/* One CPU's part of a zone. */
struct zcache {
	struct zbucket *alloc; /* (o) */
	struct zbucket *free;  /* (o) */
	struct mb_line line;
};

struct zone {
	struct mb_lock lock;
	struct keg *keg;	/* (c) */
	struct zbucket *full;	/* (z) with objects */
	struct zbucket *empty;	/* (z) without */
	uint32_t count;		/* (z) objects a new refill brings */
	struct zcache **caches; /* (c) one for each CPU */
};

struct mb_zones {
	struct mbuf_pool *mp; /* (c) */
	struct keg keg[MB_NKINDS];
	struct zone zone[NZONES];
};

static int
zone_init(struct mb_zones *s, struct zone *z, struct keg *keg)
{
	struct eph_machine *mc = s->mp->mc;

	eph__mb_lock_init(&z->lock, "zone");
	z->keg = keg;
	z->count = BUCKET_MIN;
	z->caches = eph_machine_alloc(mc, mc->ncpus * sizeof(*z->caches));
	for (unsigned i = 0; z->caches != NULL && i < mc->ncpus; i++) {
		struct zcache *c = eph_machine_alloc(mc, sizeof(*c));

		if (c == NULL)
			return (ENOMEM);
		mb_line_init(&c->line);
		z->caches[i] = c;
	}
	return (z->caches != NULL ? 0 : ENOMEM);
}

static void
zbuckets_free(struct mb_zones *s, struct zbucket *b)
{
	while (b != NULL) {
		struct zbucket *next = b->next;

		eph_machine_free(s->mp->mc, b, sizeof(*b));
		b = next;
	}
}

static void
zone_fini(struct mb_zones *s, struct zone *z)
{
	struct eph_machine *mc = s->mp->mc;

	zbuckets_free(s, z->full);
	zbuckets_free(s, z->empty);
	if (z->caches == NULL)
		return;
	for (unsigned i = 0; i < mc->ncpus && z->caches[i] != NULL; i++) {
		zbuckets_free(s, z->caches[i]->alloc);
		zbuckets_free(s, z->caches[i]->free);
		eph_machine_free(mc, z->caches[i], sizeof(*z->caches[i]));
	}
	eph_machine_free(mc, z->caches, mc->ncpus * sizeof(*z->caches));
}

static void
zones_destroy(void *state)
{
	struct mb_zones *s = state;

	for (unsigned i = 0; i < NZONES; i++)
		zone_fini(s, &s->zone[i]);
	for (unsigned k = 0; k < MB_NKINDS; k++) {
		while (s->keg[k].all != NULL) {
			struct slab *sl = s->keg[k].all;

			s->keg[k].all = sl->all;
			eph__mb_page_destroy(s->mp, sl->page);
			eph_machine_free(s->mp->mc, sl, sizeof(*sl));
		}
	}
	eph_machine_free(s->mp->mc, s, sizeof(*s));
}

static int
zones_create(struct mbuf_pool *mp, void **statep)
{
	struct mb_zones *s = eph_machine_alloc(mp->mc, sizeof(*s));

	if (s == NULL)
		return (ENOMEM);
	s->mp = mp;
	for (unsigned k = 0; k < MB_NKINDS; k++) {
		eph__mb_lock_init(&s->keg[k].lock, "keg");
		s->keg[k].kind = (enum mb_kind)k;
		atomic_init(&s->keg[k].full, 0);
	}
	for (unsigned i = 0; i < NZONES; i++) {
		if (zone_init(s, &s->zone[i],
			&s->keg[i == ZONE_PACKET ? MB_MBUF : i]) != 0) {
			zones_destroy(s);
			return (ENOMEM);
		}
	}
	*statep = s;
	return (0);
}

/* Kegs: everything with the keg's lock held. */

static bool
keg_grow(struct mb_zones *s, struct keg *keg)
{
	uint32_t n = keg->kind == MB_CLUSTER
	    ? SLAB_REFS
	    : EPH_PAGE_SIZE / (uint32_t)eph__mb_obj_size(keg->kind);
	const uint32_t max = s->mp->max[keg->kind];
	struct slab *sl;

	if (max != 0 && n > max - keg->total)
		n = max - keg->total;
	if (n == 0 || (sl = eph_machine_alloc(s->mp->mc, sizeof(*sl))) == NULL)
		return (false);
	sl->page = eph__mb_page_create(s->mp, keg->kind, n, keg->total, sl);
	if (sl->page == NULL) {
		eph_machine_free(s->mp->mc, sl, sizeof(*sl));
		return (false);
	}
	mb_line_init(&sl->line);
	for (uint32_t i = n; i-- > 0;) {
		struct mb_obj *obj = mb_page_obj(sl->page, i);

		obj->link = sl->free;
		sl->free = obj;
	}
	sl->nfree = n;
	sl->all = keg->all;
	keg->all = sl;
	sl->next = keg->part;
	if (sl->next != NULL)
		sl->next->prev = sl;
	keg->part = sl;
	keg->nfree += n;
	keg->total += n;
	return (true);
}

static struct mb_obj *
keg_pop(struct mb_zones *s, struct keg *keg)
{
	struct slab *sl = keg->part;
	struct mb_obj *obj;

	if (sl == NULL) {
		if (!keg_grow(s, keg))
			return (NULL);
		sl = keg->part;
	}
	obj = sl->free;
	sl->free = obj->link;
	keg->nfree--;
	if (--sl->nfree == 0) {
		keg->part = sl->next;
		if (sl->next != NULL)
			sl->next->prev = NULL;
	}
	mb_line_write(s->mp, &sl->line);
	return (obj);
}

static void
keg_push(struct mb_zones *s, struct keg *keg, struct mb_obj *obj)
{
	struct slab *sl = obj->home;

	obj->link = sl->free;
	sl->free = obj;
	keg->nfree++;
	if (sl->nfree++ == 0) {
		sl->prev = NULL;
		sl->next = keg->part;
		if (sl->next != NULL)
			sl->next->prev = sl;
		keg->part = sl;
	}
	mb_line_write(s->mp, &sl->line);
	if (keg->waiters > 0)
		wakeup_one(s->mp->mc, keg);
}

/*
 * The keg has nothing more: from now on frees come straight to it.  Nobody
 * must wait for it to find out; while it is set, frees are only slower.
 */
static void
keg_set_full(struct mb_zones *s, struct keg *keg)
{
	/* Sequentially consistent: before we look at the slabs again. */
	eph_store_32(s->mp->mc, &keg->full, 1, memory_order_seq_cst);
}

/*
 * One object for a zone whose caches are empty.  A sleeper that was told
 * nothing in time gives up.
 */
static struct mb_obj *
keg_get(struct mb_zones *s, struct keg *keg, int how)
{
	struct mb_obj *obj;
	int error = 0;

	mb_lock(s->mp, &keg->lock);
	while ((obj = keg_pop(s, keg)) == NULL) {
		keg_set_full(s, keg);
		if (how != M_WAITOK || error != 0)
			break;
		keg->waiters++;
		error = eph__mb_wait(s->mp, keg, &keg->lock);
		keg->waiters--;
	}
	mb_unlock(s->mp, &keg->lock);
	return (obj);
}

/* Objects for a new bucket; stops at the first that is not there. */
static void
keg_fill(struct mb_zones *s, struct keg *keg, struct zbucket *b, uint32_t n)
{
	mb_lock(s->mp, &keg->lock);
	while (b->cnt < n) {
		struct mb_obj *obj = keg_pop(s, keg);

		if (obj == NULL) {
			keg_set_full(s, keg);
			break;
		}
		b->obj[b->cnt++] = obj;
	}
	mb_unlock(s->mp, &keg->lock);
}

/* Zones */

static struct mb_obj *
zcache_pop(struct mb_zones *s, struct zcache *c)
{
	if (c->alloc == NULL || c->alloc->cnt == 0) {
		struct zbucket *b = c->alloc;

		if (c->free == NULL || c->free->cnt == 0)
			return (NULL);
		c->alloc = c->free;
		c->free = b;
		MB_COUNT(s->mp, bucket_swap);
	}
	mb_line_write(s->mp, &c->line);
	return (c->alloc->obj[--c->alloc->cnt]);
}

static bool
zcache_push(struct mb_zones *s, struct zcache *c, struct mb_obj *obj)
{
	if (c->free == NULL || c->free->cnt == BUCKET_MAX) {
		struct zbucket *b = c->free;

		if (c->alloc == NULL || c->alloc->cnt == BUCKET_MAX)
			return (false);
		c->free = c->alloc;
		c->alloc = b;
		MB_COUNT(s->mp, bucket_swap);
	}
	mb_line_write(s->mp, &c->line);
	c->free->obj[c->free->cnt++] = obj;
	return (true);
}

static struct zcache *
zone_cache(struct mb_zones *s, struct zone *z)
{
	return (z->caches[eph_curcpu(s->mp->mc)->id]);
}

/* An empty bucket of the zone's, or a new one; NULL without memory. */
static struct zbucket *
zone_empty_bucket(struct mb_zones *s, struct zone *z)
{
	struct zbucket *b = z->empty;

	if (b == NULL)
		return (eph_machine_alloc(s->mp->mc, sizeof(*b)));
	z->empty = b->next;
	b->next = NULL;
	return (b);
}

static void
zone_give_empty(struct zone *z, struct zbucket *b)
{
	if (b == NULL)
		return;
	b->next = z->empty;
	z->empty = b;
}

/*
 * A bucket with objects for this CPU, from the zone or filled from the keg;
 * only zones with a keg of their own fill.  The zone's lock is held.  NULL:
 * there are none.
 */
static struct zbucket *
zone_full_bucket(struct mb_zones *s, struct zone *z)
{
	struct zbucket *b = z->full;

	if (b != NULL) {
		z->full = b->next;
		b->next = NULL;
		return (b);
	}
	if (z == &s->zone[ZONE_PACKET] || (b = zone_empty_bucket(s, z)) == NULL)
		return (NULL);
	keg_fill(s, z->keg, b, z->count);
	if (z->count < BUCKET_MAX)
		z->count *= 2;
	if (b->cnt != 0)
		return (b);
	zone_give_empty(z, b);
	return (NULL);
}

/*
 * Swap this CPU's empty bucket for one with objects, and take one.  The
 * bucket is found before the critical section: waiting for the keg's lock
 * in one could last for ever, its holder may be a thread of this CPU.
 */
static struct mb_obj *
zone_refill(struct mb_zones *s, struct zone *z)
{
	struct zbucket *b;
	struct mb_obj *obj;
	struct zcache *c;

	mb_lock(s->mp, &z->lock);
	b = zone_full_bucket(s, z);
	crit_enter(s->mp->mc);
	c = zone_cache(s, z);
	obj = zcache_pop(s, c);
	if (b != NULL && obj != NULL) {
		/* Another thread filled the cache while we were at it. */
		b->next = z->full;
		z->full = b;
	} else if (b != NULL) {
		zone_give_empty(z, c->alloc);
		c->alloc = b;
		MB_COUNT(s->mp, bucket_swap);
		obj = zcache_pop(s, c);
	}
	crit_exit(s->mp->mc);
	mb_unlock(s->mp, &z->lock);
	return (obj);
}

/* From the caches only; NULL: nothing is cached or to be had cheaply. */
static struct mb_obj *
zone_get(struct mb_zones *s, struct zone *z)
{
	struct mb_obj *obj;

	crit_enter(s->mp->mc);
	obj = zcache_pop(s, zone_cache(s, z));
	crit_exit(s->mp->mc);
	return (obj != NULL ? obj : zone_refill(s, z));
}

/* Both buckets are full: hand one to the zone.  False: no memory. */
static bool
zone_flush(struct mb_zones *s, struct zone *z, struct mb_obj *obj)
{
	struct zcache *c;
	bool done;

	mb_lock(s->mp, &z->lock);
	crit_enter(s->mp->mc);
	c = zone_cache(s, z);
	if (!(done = zcache_push(s, c, obj))) {
		struct zbucket *b = zone_empty_bucket(s, z);

		if (b != NULL) {
			if (c->free != NULL) {
				c->free->next = z->full;
				z->full = c->free;
			}
			c->free = b;
			MB_COUNT(s->mp, bucket_swap);
			done = zcache_push(s, c, obj);
		}
	}
	crit_exit(s->mp->mc);
	mb_unlock(s->mp, &z->lock);
	return (done);
}

static bool
zone_put(struct mb_zones *s, struct zone *z, struct mb_obj *obj)
{
	bool done;

	crit_enter(s->mp->mc);
	done = zcache_push(s, zone_cache(s, z), obj);
	crit_exit(s->mp->mc);
	return (done || zone_flush(s, z, obj));
}

/* The interface */

static struct mb_obj *
zones_get(void *state, enum mb_kind kind, int how, struct mb_hold *hold)
{
	struct mb_zones *s = state;
	struct zone *z = &s->zone[kind];
	struct mb_obj *obj = zone_get(s, z);

	(void)hold;
	if (obj == NULL)
		obj = keg_get(s, z->keg, how);
	if (obj != NULL)
		eph__mb_obj_out(s->mp, obj);
	return (obj);
}

/* Back to the slab: the keg is full, or there was no bucket. */
static void
zones_put_slab(struct mb_zones *s, struct keg *keg, struct mb_obj *obj)
{
	mb_lock(s->mp, &keg->lock);
	keg_push(s, keg, obj);
	if (keg->waiters == 0) {
		/* Relaxed: a free that still sees it only comes here. */
		eph_store_32(s->mp->mc, &keg->full, 0, memory_order_relaxed);
	}
	mb_unlock(s->mp, &keg->lock);
}

static bool
keg_is_full(struct mb_zones *s, struct keg *keg)
{
	/* Sequentially consistent: pairs with keg_set_full(). */
	return (eph_load_32(s->mp->mc, &keg->full, memory_order_seq_cst) != 0);
}

static void
zones_put(
    void *state, enum mb_kind kind, struct mb_obj *obj, struct mb_hold *hold)
{
	struct mb_zones *s = state;
	struct zone *z = &s->zone[kind];

	(void)hold;
	eph__mb_obj_in(s->mp, kind, obj);
	if (keg_is_full(s, z->keg) || !zone_put(s, z, obj))
		zones_put_slab(s, z->keg, obj);
}

static struct mbuf *
zones_get_packet(void *state, int how, struct mb_hold *hold)
{
	struct mb_zones *s = state;
	struct mb_obj *obj = zone_get(s, &s->zone[ZONE_PACKET]);

	if (obj == NULL) /* import */
		return (eph__mb_packet_get_two(
		    &eph__mb_alloc_zones, state, how, hold));
	eph__mb_obj_out(s->mp, obj);
	return ((struct mbuf *)(void *)obj);
}

static void
zones_put_packet(void *state, struct mbuf *m, struct mb_hold *hold)
{
	struct mb_zones *s = state;

	if (keg_is_full(s, &s->keg[MB_MBUF]) ||
	    keg_is_full(s, &s->keg[MB_CLUSTER])) {
		eph__mb_packet_put_two(&eph__mb_alloc_zones, state, m, hold);
		return;
	}
	eph__mb_obj_in(s->mp, MB_MBUF, &m->m_obj);
	if (zone_put(s, &s->zone[ZONE_PACKET], &m->m_obj))
		return;
	m->m_obj.live = 1;
	eph__mb_packet_put_two(&eph__mb_alloc_zones, state, m, hold);
}

/* The counter of a cluster is in its slab. */
static _Atomic(uint32_t) *
zones_cluster_count(void *state, struct mb_cluster *cl, struct mb_line **linep)
{
	struct slab *sl = cl->cl_obj.home;

	(void)state;
	*linep = &sl->line;
	return (&sl->refs[cl->cl_index]);
}

static uint64_t
zones_total(void *state, enum mb_kind kind)
{
	return (((struct mb_zones *)state)->keg[kind].total);
}

static uint64_t
zbuckets_count(const struct zbucket *b)
{
	uint64_t n = 0;

	for (; b != NULL; b = b->next)
		n += b->cnt;
	return (n);
}

/* Objects in all buckets of a zone. */
static uint64_t
zone_cached(struct mb_zones *s, const struct zone *z)
{
	uint64_t n = zbuckets_count(z->full);

	for (unsigned i = 0; i < s->mp->mc->ncpus; i++)
		n += zbuckets_count(z->caches[i]->alloc) +
		    zbuckets_count(z->caches[i]->free);
	return (n);
}

static uint64_t
zones_packets(void *state)
{
	struct mb_zones *s = state;

	return (zone_cached(s, &s->zone[ZONE_PACKET]));
}

static void
keg_check(struct mb_zones *s, struct keg *keg)
{
	uint64_t cached = zone_cached(s, &s->zone[keg->kind]);
	uint64_t live = 0, nfree = 0;

	if (keg->kind == MB_MBUF)
		cached += zones_packets(s);
	for (struct slab *sl = keg->all; sl != NULL; sl = sl->all) {
		uint32_t n = 0;

		for (struct mb_obj *o = sl->free; o != NULL; o = o->link)
			n++;
		if (n != sl->nfree)
			PANIC("a slab and its count differ");
		nfree += n;
		for (uint32_t i = 0; i < sl->page->pg_nobjs; i++)
			live += mb_page_obj(sl->page, i)->live;
	}
	if (nfree != keg->nfree)
		PANIC("a keg and its count differ");
	if (live + cached + nfree != keg->total)
		PANIC("objects are neither in use, cached nor free");
}

static void
zones_check(void *state)
{
	struct mb_zones *s = state;

	for (unsigned k = 0; k < MB_NKINDS; k++)
		keg_check(s, &s->keg[k]);
}

const struct mb_alloc_ops eph__mb_alloc_zones = {
	.choice = { .name = "zones",
	    .summary = "UMA: two buckets for each CPU, no lock on a hit; "
		       "packet zone; counters in the slab",
	    .origin = "FreeBSD kern_mbuf.c, 2004-05-31, Bosko Milekic",
	    .holes = "objects hide in other CPUs' buckets at the limit: a "
		     "free that reads `full' too early hides one from a "
		     "sleeper until wait_ns",
	    .repaired = "" },
	.create = zones_create,
	.destroy = zones_destroy,
	.get = zones_get,
	.put = zones_put,
	.get_packet = zones_get_packet,
	.put_packet = zones_put_packet,
	.cluster_count = zones_cluster_count,
	.total = zones_total,
	.packets = zones_packets,
	.check = zones_check,
};
