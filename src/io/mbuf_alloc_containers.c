/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mb_alloc (FreeBSD 5, 2001): containers for each CPU.
 *
 * Memory comes in buckets of a few pages.  A bucket belongs to one
 * container at a time: that of a CPU, or the general one.  An allocation
 * takes from the container of its CPU; a free goes to the container that
 * owns the object's bucket, whichever CPU frees.  So objects never scatter
 * over CPUs, and a bucket that is whole again can be passed on.
 *
 *	get	own container, else a bucket from the general list, else a
 *		new one from the machine, else (M_WAITOK) one from any CPU's
 *		container, else sleep on the general list
 *	put	the owner's container; a whole bucket above the high
 *		watermark, or wanted by a sleeper, goes to the general list
 *
 * Keeping the lock.  One lock guards all kinds in a container.  A call that
 * is given a token leaves the lock taken and says so in it; the next call
 * that wants the same container finds it.  An mbuf and its cluster thus
 * cost one lock, a chain that was allocated on one CPU costs one to free.
 * Invariant: a token's lock is the only one of these that its holder has,
 * and it is released before anything sleeps or calls out.
 *
 * The owner of a bucket changes only with the locks of both containers
 * held, so it is stable while the owner's lock is; a free reads it without
 * one, locks, and looks again.
 *
 * Cost: one lock per call or run of calls.  A cross-CPU free takes the
 * other CPU's lock and writes its lines.
 *
 * Key: (l) lock of the owning container; (g) general lock; (a) atomic.
 */

#include <errno.h>

#include "io/mbuf_impl.h"
#include "io/mbuf_refmap.h"

#define GENERAL EPH_NONE /* owner: the general container */

/* Pages in a bucket, and free objects above which a container gives up
 * whole buckets. */
static const uint32_t bucket_pages[MB_NKINDS] = { 2, 4, 1 };
static const uint32_t high_water[MB_NKINDS] = { 512, 128, 512 };

struct bucket {
	struct bucket *next;	 /* (l) list of buckets with free objects */
	struct bucket *prev;	 /* (l) */
	struct bucket *all;	 /* (g) every bucket of the kind */
	struct mb_obj *free;	 /* (l) */
	uint32_t nfree;		 /* (l) */
	uint32_t nobjs;		 /* (c) */
	_Atomic(uint32_t) owner; /* (a) written with both locks held */
	struct mb_page *page;	 /* (c) */
	struct mb_line line;
};

struct container {
	struct bucket *first; /* (l) has free objects */
	uint32_t nfree;	      /* (l) objects in them */
	struct mb_line line;
};

/* Everything one lock guards. */
struct holder {
	struct mb_lock lock;
	struct container cont[MB_NKINDS];
};

struct mb_containers {
	struct mbuf_pool *mp;	/* (c) */
	struct holder **percpu; /* (c) */
	struct holder general;
	uint32_t total[MB_NKINDS];	      /* (g) objects that exist */
	struct bucket *all[MB_NKINDS];	      /* (g) */
	_Atomic(uint32_t) waiters[MB_NKINDS]; /* (a) written under (g) */
	struct mb_refmap refmap;	      /* (g) to grow it */
};

static void
container_init(struct holder *h, const char *name)
{
	eph__mb_lock_init(&h->lock, name);
	for (unsigned k = 0; k < MB_NKINDS; k++)
		mb_line_init(&h->cont[k].line);
}

static void
containers_destroy(void *state)
{
	struct mb_containers *s = state;
	struct eph_machine *mc = s->mp->mc;

	for (unsigned k = 0; k < MB_NKINDS; k++) {
		while (s->all[k] != NULL) {
			struct bucket *b = s->all[k];

			s->all[k] = b->all;
			eph__mb_page_destroy(s->mp, b->page);
			eph_machine_free(mc, b, sizeof(*b));
		}
	}
	for (unsigned i = 0; s->percpu != NULL && i < mc->ncpus; i++) {
		if (s->percpu[i] != NULL)
			eph_machine_free(
			    mc, s->percpu[i], sizeof(*s->percpu[i]));
	}
	if (s->percpu != NULL)
		eph_machine_free(mc, s->percpu, mc->ncpus * sizeof(*s->percpu));
	eph__mb_refmap_destroy(s->mp, &s->refmap);
	eph_machine_free(mc, s, sizeof(*s));
}

static int
containers_create(struct mbuf_pool *mp, void **statep)
{
	struct eph_machine *mc = mp->mc;
	struct mb_containers *s = eph_machine_alloc(mc, sizeof(*s));

	if (s == NULL)
		return (ENOMEM);
	s->mp = mp;
	container_init(&s->general, "mb_alloc general");
	s->percpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*s->percpu));
	for (unsigned i = 0; s->percpu != NULL && i < mc->ncpus; i++) {
		s->percpu[i] = eph_machine_alloc(mc, sizeof(*s->percpu[i]));
		if (s->percpu[i] == NULL) {
			containers_destroy(s);
			return (ENOMEM);
		}
		container_init(s->percpu[i], "mb_alloc container");
	}
	if (s->percpu == NULL) {
		containers_destroy(s);
		return (ENOMEM);
	}
	*statep = s;
	return (0);
}

/* Buckets in a container */

static void
bucket_insert(struct container *c, struct bucket *b)
{
	b->prev = NULL;
	b->next = c->first;
	if (c->first != NULL)
		c->first->prev = b;
	c->first = b;
}

static void
bucket_remove(struct container *c, struct bucket *b)
{
	if (b->prev != NULL)
		b->prev->next = b->next;
	else
		c->first = b->next;
	if (b->next != NULL)
		b->next->prev = b->prev;
}

/* Move a bucket with free objects; both locks are held. */
static void
bucket_move(struct mb_containers *s, struct bucket *b, struct container *from,
    struct container *to, uint32_t owner)
{
	bucket_remove(from, b);
	from->nfree -= b->nfree;
	bucket_insert(to, b);
	to->nfree += b->nfree;
	/* Release: a free that reads it without a lock looks again anyway. */
	eph_store_32(s->mp->mc, &b->owner, owner, memory_order_release);
	mb_line_write(s->mp, &to->line);
	mb_line_write(s->mp, &b->line);
	MB_COUNT(s->mp, migrate);
}

/* A new bucket for the container of this CPU; general lock held. */
static struct bucket *
bucket_create(struct mb_containers *s, enum mb_kind kind, uint32_t owner)
{
	struct mbuf_pool *mp = s->mp;
	uint32_t n = bucket_pages[kind] * EPH_PAGE_SIZE /
	    (kind == MB_CLUSTER ? MCLBYTES : (uint32_t)eph__mb_obj_size(kind));
	const uint32_t max = mp->max[kind];
	struct bucket *b;

	if (max != 0 && n > max - s->total[kind])
		n = max - s->total[kind];
	if (n == 0 ||
	    (kind == MB_CLUSTER &&
		!eph__mb_refmap_grow(mp, &s->refmap, s->total[kind] + n)))
		return (NULL);
	if ((b = eph_machine_alloc(mp->mc, sizeof(*b))) == NULL)
		return (NULL);
	b->page = eph__mb_page_create(mp, kind, n, s->total[kind], b);
	if (b->page == NULL) {
		eph_machine_free(mp->mc, b, sizeof(*b));
		return (NULL);
	}
	for (uint32_t i = n; i-- > 0;) {
		struct mb_obj *obj = mb_page_obj(b->page, i);

		obj->link = b->free;
		b->free = obj;
	}
	mb_line_init(&b->line);
	b->nobjs = b->nfree = n;
	atomic_init(&b->owner, owner);
	b->all = s->all[kind];
	s->all[kind] = b;
	s->total[kind] += n;
	return (b);
}

/* Getting */

/* Own container's lock, kept from the last call or taken now. */
static struct holder *
containers_lock(struct mb_containers *s, unsigned cpu, struct mb_hold *hold)
{
	if (hold->lock != NULL && hold->owner == cpu) {
		MB_COUNT(s->mp, lock_kept);
		return (s->percpu[cpu]);
	}
	mb_hold_end(s->mp, hold);
	mb_lock(s->mp, &s->percpu[cpu]->lock);
	hold->lock = &s->percpu[cpu]->lock;
	hold->owner = cpu;
	return (s->percpu[cpu]);
}

/* An object of the container, which has one; its lock is held. */
static struct mb_obj *
container_pop(struct mb_containers *s, struct container *c)
{
	struct bucket *b = c->first;
	struct mb_obj *obj = b->free;

	b->free = obj->link;
	c->nfree--;
	if (--b->nfree == 0)
		bucket_remove(c, b);
	mb_line_write(s->mp, &c->line);
	mb_line_write(s->mp, &b->line);
	eph__mb_obj_out(s->mp, obj);
	return (obj);
}

/* Refill this CPU's container; its lock is held.  False: nothing. */
static bool
container_refill(struct mb_containers *s, enum mb_kind kind, unsigned cpu)
{
	struct container *c = &s->percpu[cpu]->cont[kind];
	struct container *gen = &s->general.cont[kind];
	struct bucket *b;

	mb_lock(s->mp, &s->general.lock);
	if (gen->first != NULL) {
		bucket_move(s, gen->first, gen, c, cpu);
	} else if ((b = bucket_create(s, kind, cpu)) != NULL) {
		bucket_insert(c, b);
		c->nfree += b->nfree;
	}
	mb_unlock(s->mp, &s->general.lock);
	return (c->first != NULL);
}

/* One object from any CPU's container; no lock is held. */
static struct mb_obj *
containers_steal(struct mb_containers *s, enum mb_kind kind)
{
	for (unsigned i = 0; i < s->mp->mc->ncpus; i++) {
		struct holder *h = s->percpu[i];
		struct mb_obj *obj = NULL;

		mb_lock(s->mp, &h->lock);
		if (h->cont[kind].first != NULL)
			obj = container_pop(s, &h->cont[kind]);
		mb_unlock(s->mp, &h->lock);
		if (obj != NULL)
			return (obj);
	}
	return (NULL);
}

/* Sleep until a bucket with free objects comes to the general list. */
static struct mb_obj *
containers_wait(struct mb_containers *s, enum mb_kind kind)
{
	struct container *gen = &s->general.cont[kind];
	struct mb_obj *obj = NULL;
	int error = 0;

	mb_lock(s->mp, &s->general.lock);
	/*
	 * Announce ourselves before looking into the containers, so that a
	 * put we miss there sees us.  Sequentially consistent: our store is
	 * before our loads of the containers; put() stores, then loads this.
	 */
	(void)eph_fetchadd_32(
	    s->mp->mc, &s->waiters[kind], 1, memory_order_seq_cst);
	mb_unlock(s->mp, &s->general.lock);
	obj = containers_steal(s, kind);
	mb_lock(s->mp, &s->general.lock);
	while (obj == NULL && error == 0) {
		if (gen->first != NULL)
			obj = container_pop(s, gen);
		else
			error = eph__mb_wait(s->mp, gen, &s->general.lock);
	}
	/* Sequentially consistent: pairs with the announcement. */
	(void)eph_fetchadd_32(
	    s->mp->mc, &s->waiters[kind], (uint32_t)-1, memory_order_seq_cst);
	mb_unlock(s->mp, &s->general.lock);
	return (obj);
}

static struct mb_obj *
containers_get(void *state, enum mb_kind kind, int how, struct mb_hold *hold)
{
	struct mb_containers *s = state;
	const unsigned cpu = eph_curcpu(s->mp->mc)->id;
	struct holder *h = containers_lock(s, cpu, hold);
	struct container *c = &h->cont[kind];

	if (c->first != NULL || container_refill(s, kind, cpu))
		return (container_pop(s, c));
	if (how != M_WAITOK)
		return (NULL);
	mb_hold_end(s->mp, hold);
	return (containers_wait(s, kind));
}

/* Putting */

/* Lock the container that owns `b`; `hold` may have it already. */
static struct holder *
containers_lock_owner(
    struct mb_containers *s, struct bucket *b, struct mb_hold *hold)
{
	for (;;) {
		/* Acquire: pairs with bucket_move(); checked again below. */
		const uint32_t owner =
		    eph_load_32(s->mp->mc, &b->owner, memory_order_acquire);
		struct holder *h =
		    owner == GENERAL ? &s->general : s->percpu[owner];

		if (hold->lock == &h->lock) {
			MB_COUNT(s->mp, lock_kept);
		} else {
			mb_hold_end(s->mp, hold);
			mb_lock(s->mp, &h->lock);
			hold->lock = &h->lock;
			hold->owner = owner;
		}
		/* Relaxed: the lock we hold orders it. */
		if (eph_load_32(s->mp->mc, &b->owner, memory_order_relaxed) ==
		    owner)
			return (h);
		mb_hold_end(s->mp, hold);
	}
}

/* Give a bucket to the general list; the owner's lock is held. */
static void
bucket_surrender(struct mb_containers *s, struct bucket *b, struct container *c,
    enum mb_kind kind)
{
	struct container *gen = &s->general.cont[kind];

	mb_lock(s->mp, &s->general.lock);
	bucket_move(s, b, c, gen, GENERAL);
	wakeup(s->mp->mc, gen);
	mb_unlock(s->mp, &s->general.lock);
}

static void
containers_put(
    void *state, enum mb_kind kind, struct mb_obj *obj, struct mb_hold *hold)
{
	struct mb_containers *s = state;
	struct bucket *b = obj->home;
	struct holder *h = containers_lock_owner(s, b, hold);
	struct container *c = &h->cont[kind];
	bool wanted;

	eph__mb_obj_in(s->mp, kind, obj);
	obj->link = b->free;
	b->free = obj;
	c->nfree++;
	if (b->nfree++ == 0)
		bucket_insert(c, b);
	mb_line_write(s->mp, &c->line);
	mb_line_write(s->mp, &b->line);
	/* Sequentially consistent: see containers_wait(). */
	wanted =
	    eph_load_32(s->mp->mc, &s->waiters[kind], memory_order_seq_cst) > 0;
	if (h == &s->general) {
		if (wanted)
			wakeup(s->mp->mc, c);
	} else if (wanted ||
	    (b->nfree == b->nobjs && c->nfree > high_water[kind])) {
		bucket_surrender(s, b, c, kind);
	}
}

static struct mbuf *
containers_get_packet(void *state, int how, struct mb_hold *hold)
{
	return (eph__mb_packet_get_two(
	    &eph__mb_alloc_containers, state, how, hold));
}

static void
containers_put_packet(void *state, struct mbuf *m, struct mb_hold *hold)
{
	eph__mb_packet_put_two(&eph__mb_alloc_containers, state, m, hold);
}

static _Atomic(uint32_t) *
containers_cluster_count(
    void *state, struct mb_cluster *cl, struct mb_line **linep)
{
	struct mb_containers *s = state;

	return (mb_refmap_count(&s->refmap, cl->cl_id, linep));
}

static uint64_t
containers_total(void *state, enum mb_kind kind)
{
	return (((struct mb_containers *)state)->total[kind]);
}

static uint64_t
containers_packets(void *state)
{
	(void)state;
	return (0);
}

static void
container_check(struct container *c, uint32_t owner)
{
	uint32_t total = 0;

	for (struct bucket *b = c->first; b != NULL; b = b->next) {
		uint32_t n = 0;

		/* Relaxed: nothing runs. */
		if (atomic_load_explicit(&b->owner, memory_order_relaxed) !=
		    owner)
			PANIC("a bucket is on a list that does not own it");
		for (struct mb_obj *o = b->free; o != NULL; o = o->link) {
			if (o->live != 0 || o->home != b)
				PANIC("a bucket's free list is wrong");
			n++;
		}
		if (n != b->nfree || n == 0)
			PANIC("a bucket and its count differ");
		total += n;
	}
	if (total != c->nfree)
		PANIC("a container and its count differ");
}

static void
containers_check(void *state)
{
	struct mb_containers *s = state;

	for (unsigned k = 0; k < MB_NKINDS; k++) {
		container_check(&s->general.cont[k], GENERAL);
		for (unsigned i = 0; i < s->mp->mc->ncpus; i++)
			container_check(&s->percpu[i]->cont[k], i);
	}
}

const struct mb_alloc_ops eph__mb_alloc_containers = {
	.choice = { .name = "mb_alloc",
	    .summary = "a container with its own lock for each CPU; page "
		       "buckets have an owner, frees go there",
	    .origin = "FreeBSD subr_mbuf.c, 2001-06, Bosko Milekic",
	    .holes = "",
	    .repaired = "" },
	.create = containers_create,
	.destroy = containers_destroy,
	.get = containers_get,
	.put = containers_put,
	.get_packet = containers_get_packet,
	.put_packet = containers_put_packet,
	.cluster_count = containers_cluster_count,
	.total = containers_total,
	.packets = containers_packets,
	.check = containers_check,
};
