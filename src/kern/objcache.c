/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * objcache: magazines of constructed objects.
 *
 * Idea.  A CPU gets and puts objects from two magazines of its own, the
 * loaded and the previous one, without a lock; whole magazines go to and
 * come from a depot that all CPUs share.  Two magazines are what keeps a
 * CPU that goes up and down by one at the edge of a magazine out of the
 * depot.  (Bonwick and Adams, 2001.)
 *
 * Invariants.  A magazine in the depot's full list holds something, one in
 * its empty list nothing.  With a limit, objects that exist plus
 * `unallocated` are the limit.
 *
 *	get					put
 *	loaded has one		pop		loaded has room		push
 *	previous has one	swap, pop	previous has room	swap, push
 *	depot has a full one	exchange, again	depot has an empty one	exchange, again
 *	limit not reached	alloc, ctor	else			dtor, free
 *	may wait		sleep, again
 *	else			NULL
 *
 * Quirks kept.  A failed constructor means NULL even with M_WAITOK.  A put
 * into a CPU's magazine wakes only that CPU's waiters, so one that sleeps
 * elsewhere goes on sleeping until a whole magazine or an object leaves.
 * The number of magazines is fixed at creation: two for each CPU, and empty
 * ones in the depot for half of what the limit leaves, but 2 to 1000 of
 * them; 2 without limit.  So a put that finds all of them full destroys the
 * object though the limit allows it.  Reclaiming frees magazines for good.
 *
 * Order.  Magazines go to and come from the depot last in, first out; what
 * is reclaimed from it goes in the order in which it came.
 *
 * Differences.  Without limit the original counts down from -1, and stops
 * when 2^32 - 1 objects exist; here "no limit" is a flag.  The limit is an
 * argument, not a pointer, as from 2012 on.
 *
 * Locking.  (p) by the CPU, in a critical section; (d) the depot's spin
 * lock; (c) constant.  The backing allocator, ctor and dtor are called with
 * neither.
 *
 * DragonFly kern_objcache.c, 8a268428c0, 2005-06, Jeffrey Hsu; the depot is
 * used since 1a21fef54c, a failed allocation keeps its budget since
 * 8d968f1d34.
 */

#include "ephmap/kernel/objcache.h"

#include "base/kassert.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"

#define OBJCACHE_CAPACITY_MIN 16u /* below it the limit is raised instead */
#define OBJCACHE_MAGS_CPU     8u  /* magazines a CPU that a limit must fill */

struct magazine {
	struct magazine *next; /* (d) */
	uint32_t rounds;       /* (p) or (d), by where it is */
	uint32_t capacity;     /* (c) */
	void *objects[];
};

/* A CPU's part, on cache lines of its own. */
struct percpu_objcache {
	_Alignas(64) struct magazine *loaded; /* (p) gets and puts go here */
	struct magazine *previous; /* (p) full, empty or in between */
	uint64_t gets;		   /* (p) */
	uint64_t gets_null;	   /* (p) */
	uint64_t puts;		   /* (p) */
	uint64_t ctors;		   /* (p) */
	uint64_t dtors;		   /* (p) */
	uint32_t waiting;	   /* (p) */
};

struct magazinedepot {
	struct eph_mutex spin;	/* guards all (d) */
	struct magazine *full;	/* (d) */
	struct magazine *empty; /* (d) */
	int64_t unallocated;	/* (d) what the limit still allows */
	uint32_t waiting;	/* (d) */
	bool exhausted;		/* (d) said so */
};

struct objcache {
	struct eph_machine *mc;		   /* (c) */
	const char *name;		   /* (c) */
	objcache_ctor_fn *ctor;		   /* (c) */
	objcache_dtor_fn *dtor;		   /* (c) */
	void *privdata;			   /* (c) */
	objcache_alloc_fn *alloc;	   /* (c) */
	objcache_free_fn *free;		   /* (c) */
	void *allocator_args;		   /* (c) */
	uint32_t capacity;		   /* (c) */
	bool unlimited;			   /* (c) */
	uint32_t limit;			   /* (d) */
	struct magazinedepot depot;	   /* MAXCLUSTERS is 1 */
	struct percpu_objcache *cpus;	   /* (c) */
	struct objcache_malloc_args margs; /* (c) of _simple and _mbacked */
};

static bool
null_ctor(void *obj, void *privdata, int ocflags)
{
	(void)obj;
	(void)privdata;
	(void)ocflags;
	return (true);
}

static void
null_dtor(void *obj, void *privdata)
{
	(void)obj;
	(void)privdata;
}

static struct percpu_objcache *
objcache_mycpu(struct objcache *oc)
{
	return (&oc->cpus[eph_curcpu(oc->mc)->id]);
}

/* Magazines */

static size_t
mag_bytes(uint32_t capacity)
{
	return (sizeof(struct magazine) + capacity * sizeof(void *));
}

static struct magazine *
mag_alloc(struct objcache *oc)
{
	struct magazine *mag =
	    eph_machine_alloc(oc->mc, mag_bytes(oc->capacity));

	if (mag != NULL)
		mag->capacity = oc->capacity;
	return (mag);
}

static void
mag_free(struct objcache *oc, struct magazine *mag)
{
	if (mag == NULL)
		return;
	KASSERT(mag->rounds == 0, "freeing a magazine with objects in it");
	eph_machine_free(oc->mc, mag, mag_bytes(mag->capacity));
}

static void
mag_push(struct magazine **listp, struct magazine *mag)
{
	mag->next = *listp;
	*listp = mag;
}

static struct magazine *
mag_pop(struct magazine **listp)
{
	struct magazine *mag = *listp;

	*listp = mag->next;
	return (mag);
}

static void
mag_swap(struct percpu_objcache *cc)
{
	struct magazine *mag = cc->loaded;

	cc->loaded = cc->previous;
	cc->previous = mag;
}

/* Creation */

/* Fit capacity and limit to one another, see objcache_create(). */
static void
objcache_size(struct objcache *oc, uint32_t limit, uint32_t capacity)
{
	const uint64_t mags = (uint64_t)oc->mc->ncpus * OBJCACHE_MAGS_CPU;

	if (capacity == 0)
		capacity = OBJCACHE_CAPACITY;
	oc->unlimited = limit == OBJCACHE_UNLIMITED;
	while (!oc->unlimited && capacity > OBJCACHE_CAPACITY_MIN &&
	    limit < capacity * mags)
		capacity /= 2;
	if (!oc->unlimited && limit < capacity * mags)
		limit = (uint32_t)(capacity * mags);
	oc->capacity = capacity;
	oc->limit = limit;
	oc->depot.unallocated = limit;
}

/* How many empty magazines the depot starts with. */
static uint32_t
objcache_depot_mags(const struct objcache *oc)
{
	uint32_t mags;

	if (oc->unlimited)
		return (OBJCACHE_MAGS_MIN);
	mags =
	    (oc->limit - oc->mc->ncpus * 2 * oc->capacity) / oc->capacity / 2;
	if (mags < OBJCACHE_MAGS_MIN)
		return (OBJCACHE_MAGS_MIN);
	return (mags < OBJCACHE_MAGS_MAX ? mags : OBJCACHE_MAGS_MAX);
}

static bool
objcache_magazines(struct objcache *oc)
{
	const uint32_t mags = objcache_depot_mags(oc);

	for (unsigned c = 0; c < oc->mc->ncpus; c++) {
		struct percpu_objcache *cc = &oc->cpus[c];

		if ((cc->loaded = mag_alloc(oc)) == NULL ||
		    (cc->previous = mag_alloc(oc)) == NULL)
			return (false);
	}
	for (uint32_t i = 0; i < mags; i++) {
		struct magazine *mag = mag_alloc(oc);

		if (mag == NULL)
			return (false);
		mag_push(&oc->depot.empty, mag);
	}
	return (true);
}

struct objcache *
objcache_create(struct eph_machine *mc, const char *name,
    uint32_t cluster_limit, uint32_t mag_capacity, objcache_ctor_fn *ctor,
    objcache_dtor_fn *dtor, void *privdata, objcache_alloc_fn *alloc,
    objcache_free_fn *free, void *allocator_args)
{
	struct objcache *oc = eph_machine_alloc(mc, sizeof(*oc));

	if (oc == NULL)
		return (NULL);
	oc->mc = mc;
	oc->name = name;
	oc->ctor = ctor != NULL ? ctor : null_ctor;
	oc->dtor = dtor != NULL ? dtor : null_dtor;
	oc->privdata = privdata;
	oc->alloc = alloc;
	oc->free = free;
	oc->allocator_args = allocator_args;
	mutex_init(&oc->depot.spin, "objcache depot");
	objcache_size(oc, cluster_limit, mag_capacity);
	oc->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*oc->cpus));
	if (oc->cpus == NULL || !objcache_magazines(oc)) {
		objcache_destroy(oc);
		return (NULL);
	}
	return (oc);
}

struct objcache *
objcache_create_mbacked(struct eph_machine *mc, const char *name,
    size_t objsize, uint32_t cluster_limit, uint32_t mag_capacity,
    objcache_ctor_fn *ctor, objcache_dtor_fn *dtor, void *privdata)
{
	struct objcache *oc =
	    objcache_create(mc, name, cluster_limit, mag_capacity, ctor, dtor,
		privdata, objcache_malloc_alloc, objcache_malloc_free, NULL);

	if (oc == NULL)
		return (NULL);
	oc->margs = (struct objcache_malloc_args){ mc, objsize };
	oc->allocator_args = &oc->margs;
	return (oc);
}

struct objcache *
objcache_create_simple(struct eph_machine *mc, const char *name, size_t objsize)
{
	return (objcache_create_mbacked(
	    mc, name, objsize, OBJCACHE_UNLIMITED, 0, NULL, NULL, NULL));
}

/* Budget, and objects that enter and leave the cache */

/* `n` more objects may exist: sleepers may try again. */
static void
objcache_budget(struct objcache *oc, uint32_t n)
{
	struct magazinedepot *depot = &oc->depot;
	bool waiting;

	spin_enter(oc->mc, &depot->spin);
	if (!oc->unlimited)
		depot->unallocated += n;
	waiting = depot->waiting != 0;
	spin_exit(oc->mc, &depot->spin);
	if (waiting)
		wakeup(oc->mc, depot);
}

/* Destroy an object; its budget has been given back or will be. */
static void
objcache_dispose(struct objcache *oc, void *obj)
{
	crit_enter(oc->mc);
	objcache_mycpu(oc)->dtors++;
	crit_exit(oc->mc);
	oc->dtor(obj, oc->privdata);
	oc->free(obj, oc->allocator_args);
}

/* A new object, for which the budget was taken; NULL gives it back. */
static void *
objcache_construct(struct objcache *oc, int ocflags)
{
	struct percpu_objcache *cc;
	void *obj = oc->alloc(oc->allocator_args, ocflags);

	if (obj != NULL && !oc->ctor(obj, oc->privdata, ocflags)) {
		oc->free(obj, oc->allocator_args);
		obj = NULL;
	}
	if (obj == NULL)
		objcache_budget(oc, 1);
	crit_enter(oc->mc);
	cc = objcache_mycpu(oc);
	cc->gets += obj != NULL;
	cc->ctors += obj != NULL;
	cc->gets_null += obj == NULL;
	crit_exit(oc->mc);
	return (obj);
}

/* Get */

enum objcache_next { OBJCACHE_AGAIN, OBJCACHE_CONSTRUCT, OBJCACHE_NULL };

/*
 * The limit is reached: sleep if allowed.  The depot's spin lock is held
 * on entry, and is not any more on return.
 */
static enum objcache_next
objcache_exhausted(struct objcache *oc, int ocflags)
{
	struct eph_machine *mc = oc->mc;
	struct magazinedepot *depot = &oc->depot;
	struct percpu_objcache *cc = objcache_mycpu(oc);

	if (!depot->exhausted)
		EPH_NOTE(mc, "objcache(%s): Exhausted!", oc->name);
	depot->exhausted = true;
	if ((ocflags & (M_WAITOK | M_NULLOK)) != M_WAITOK) {
		cc->gets_null++;
		spin_exit(mc, &depot->spin);
		return (OBJCACHE_NULL);
	}
	cc->waiting++;
	depot->waiting++;
	(void)ssleep(mc, depot, &depot->spin, 0, "objcache_get", 0);
	cc->waiting--;
	depot->waiting--;
	spin_exit(mc, &depot->spin);
	return (OBJCACHE_AGAIN);
}

/* Both magazines of this CPU were empty. */
static enum objcache_next
objcache_get_slow(struct objcache *oc, int ocflags)
{
	struct eph_machine *mc = oc->mc;
	struct magazinedepot *depot = &oc->depot;
	enum objcache_next next = OBJCACHE_AGAIN;
	struct percpu_objcache *cc;

	spin_enter(mc, &depot->spin);
	cc = objcache_mycpu(oc);
	if (cc->loaded->rounds != 0 || cc->previous->rounds != 0) {
		/* An interrupt put something here meanwhile. */
	} else if (depot->full != NULL) {
		mag_push(&depot->empty, cc->previous);
		cc->previous = cc->loaded;
		cc->loaded = mag_pop(&depot->full);
	} else if (oc->unlimited || depot->unallocated > 0) {
		if (!oc->unlimited)
			depot->unallocated--;
		next = OBJCACHE_CONSTRUCT;
	} else {
		return (objcache_exhausted(oc, ocflags));
	}
	spin_exit(mc, &depot->spin);
	return (next);
}

void *
objcache_get(struct objcache *oc, int ocflags)
{
	struct eph_machine *mc = oc->mc;
	enum objcache_next next;
	bool slept = false;

	KASSERT((ocflags & M_ZERO) == 0, "an object keeps its state");
	do {
		struct percpu_objcache *cc;

		crit_enter(mc);
		cc = objcache_mycpu(oc);
		if (eph_unlikely(cc->loaded->rounds == 0) &&
		    cc->previous->rounds != 0)
			mag_swap(cc);
		if (eph_likely(cc->loaded->rounds != 0)) {
			void *obj = cc->loaded->objects[--cc->loaded->rounds];

			cc->gets++;
			crit_exit(mc);
			if (slept)
				msleep_done(mc);
			return (obj);
		}
		crit_exit(mc);
		next = objcache_get_slow(oc, ocflags);
		slept |= next == OBJCACHE_AGAIN;
	} while (next == OBJCACHE_AGAIN);
	if (slept)
		msleep_done(mc);
	return (next == OBJCACHE_CONSTRUCT ? objcache_construct(oc, ocflags)
					   : NULL);
}

/* Put */

/*
 * Both magazines of this CPU were full.  True if there is room now, false
 * if there is no magazine to be had and the object must go.
 */
static bool
objcache_put_slow(struct objcache *oc)
{
	struct eph_machine *mc = oc->mc;
	struct magazinedepot *depot = &oc->depot;
	bool room = true, wake = false;
	struct percpu_objcache *cc;

	spin_enter(mc, &depot->spin);
	cc = objcache_mycpu(oc);
	if (cc->loaded->rounds != oc->capacity ||
	    cc->previous->rounds != oc->capacity) {
		/* An interrupt took something meanwhile. */
	} else if (depot->empty != NULL) {
		mag_push(&depot->full, cc->previous);
		cc->previous = cc->loaded;
		cc->loaded = mag_pop(&depot->empty);
		wake = depot->waiting != 0;
	} else {
		room = false;
	}
	spin_exit(mc, &depot->spin);
	if (wake)
		wakeup(mc, depot);
	return (room);
}

void
objcache_put(struct objcache *oc, void *obj)
{
	struct eph_machine *mc = oc->mc;
	struct percpu_objcache *cc;

	do {
		crit_enter(mc);
		cc = objcache_mycpu(oc);
		if (eph_unlikely(cc->loaded->rounds == oc->capacity) &&
		    cc->previous->rounds != oc->capacity)
			mag_swap(cc);
		if (eph_likely(cc->loaded->rounds != oc->capacity)) {
			cc->loaded->objects[cc->loaded->rounds++] = obj;
			cc->puts++;
			if (eph_unlikely(cc->waiting != 0))
				wakeup_mycpu(mc, &oc->depot);
			crit_exit(mc);
			return;
		}
		crit_exit(mc);
	} while (objcache_put_slow(oc));
	crit_enter(mc);
	objcache_mycpu(oc)->puts++;
	crit_exit(mc);
	objcache_dtor(oc, obj);
}

void
objcache_dtor(struct objcache *oc, void *obj)
{
	objcache_budget(oc, 1);
	objcache_dispose(oc, obj);
}

void
objcache_set_cluster_limit(struct objcache *oc, uint32_t cluster_limit)
{
	struct magazinedepot *depot = &oc->depot;
	bool waiting;

	if (oc->unlimited || cluster_limit == OBJCACHE_UNLIMITED)
		return;
	spin_enter(oc->mc, &depot->spin);
	depot->unallocated += (int64_t)cluster_limit - (int64_t)oc->limit;
	oc->limit = cluster_limit;
	waiting = depot->waiting != 0 && depot->unallocated > 0;
	spin_exit(oc->mc, &depot->spin);
	if (waiting)
		wakeup(oc->mc, depot);
}

/* Reclaim and destroy */

/*
 * Destroy what one of this CPU's magazines holds, one object at a time:
 * interrupts may get and put meanwhile, so no more than it held at first.
 */
static uint32_t
objcache_purge_mycpu(struct objcache *oc, bool loaded)
{
	uint32_t count = 0, most = UINT32_MAX;

	for (;;) {
		struct magazine *mag;
		void *obj;

		crit_enter(oc->mc);
		mag = loaded ? objcache_mycpu(oc)->loaded
			     : objcache_mycpu(oc)->previous;
		if (most == UINT32_MAX)
			most = mag->rounds;
		if (mag->rounds == 0 || count == most) {
			crit_exit(oc->mc);
			return (count);
		}
		obj = mag->objects[--mag->rounds];
		crit_exit(oc->mc);
		objcache_dispose(oc, obj);
		count++;
	}
}

/* Destroy a magazine that no other CPU sees, and its objects. */
static uint32_t
objcache_purge(struct objcache *oc, struct magazine *mag)
{
	const uint32_t count = mag != NULL ? mag->rounds : 0;

	for (uint32_t i = count; i-- > 0; mag->rounds = i)
		objcache_dispose(oc, mag->objects[i]);
	mag_free(oc, mag);
	return (count);
}

/* The same for a list of them, the last one first. */
static uint32_t
objcache_purge_list(struct objcache *oc, struct magazine *list)
{
	struct magazine *reversed = NULL;
	uint32_t count = 0;

	while (list != NULL)
		mag_push(&reversed, mag_pop(&list));
	while (reversed != NULL)
		count += objcache_purge(oc, mag_pop(&reversed));
	return (count);
}

static uint32_t
objcache_reclaim(struct objcache *oc)
{
	struct magazine *list;
	uint32_t count;

	count = objcache_purge_mycpu(oc, true);
	if (count == 0)
		count = objcache_purge_mycpu(oc, false);
	if (count == 0) {
		spin_enter(oc->mc, &oc->depot.spin);
		list = oc->depot.full;
		oc->depot.full = NULL;
		spin_exit(oc->mc, &oc->depot.spin);
		count = objcache_purge_list(oc, list);
	}
	if (count != 0)
		objcache_budget(oc, count);
	return (count);
}

bool
objcache_reclaimlist(
    struct objcache *const oclist[], unsigned nlist, int ocflags)
{
	(void)ocflags;
	for (unsigned i = 0; i < nlist; i++) {
		if (objcache_reclaim(oclist[i]) != 0)
			return (true);
	}
	return (false);
}

void
objcache_destroy(struct objcache *oc)
{
	struct eph_machine *mc;

	if (oc == NULL)
		return;
	mc = oc->mc;
	(void)objcache_purge_list(oc, oc->depot.empty);
	(void)objcache_purge_list(oc, oc->depot.full);
	for (unsigned c = 0; oc->cpus != NULL && c < mc->ncpus; c++) {
		(void)objcache_purge(oc, oc->cpus[c].loaded);
		(void)objcache_purge(oc, oc->cpus[c].previous);
	}
	eph_machine_free(mc, oc->cpus, mc->ncpus * sizeof(*oc->cpus));
	eph_machine_free(mc, oc, sizeof(*oc));
}

/* Statistics and invariants */

static uint32_t
mag_count(const struct magazine *list, uint64_t *rounds)
{
	uint32_t n = 0;

	for (; list != NULL; list = list->next) {
		n++;
		*rounds += list->rounds;
	}
	return (n);
}

void
objcache_stats(struct objcache *oc, struct objcache_stats *st)
{
	*st = (struct objcache_stats){
		.unallocated = oc->unlimited ? -1 : oc->depot.unallocated,
		.limit = oc->limit,
		.capacity = oc->capacity,
		.waiting = oc->depot.waiting,
		.exhausted = oc->depot.exhausted,
	};
	for (unsigned c = 0; c < oc->mc->ncpus; c++) {
		const struct percpu_objcache *cc = &oc->cpus[c];

		st->gets += cc->gets;
		st->gets_null += cc->gets_null;
		st->puts += cc->puts;
		st->ctors += cc->ctors;
		st->dtors += cc->dtors;
		st->cached += cc->loaded->rounds + cc->previous->rounds;
	}
	st->mags_full = mag_count(oc->depot.full, &st->cached);
	st->mags_empty = mag_count(oc->depot.empty, &st->cached);
}

void
objcache_check(struct objcache *oc)
{
	const struct magazine *mag;
	struct objcache_stats st;

	for (mag = oc->depot.full; mag != NULL; mag = mag->next) {
		if (mag->rounds == 0 || mag->rounds > mag->capacity)
			PANIC("a full magazine of the depot is not");
	}
	for (mag = oc->depot.empty; mag != NULL; mag = mag->next) {
		if (mag->rounds != 0)
			PANIC("an empty magazine of the depot is not");
	}
	objcache_stats(oc, &st);
	if (st.ctors - st.dtors < st.cached)
		PANIC("more objects cached than there are");
	if (!oc->unlimited &&
	    (int64_t)(st.ctors - st.dtors) + st.unallocated != st.limit)
		PANIC("objects and budget do not add up to the limit");
}
