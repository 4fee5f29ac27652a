/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_OBJCACHE_H
#define EPHMAP_KERNEL_OBJCACHE_H

/*
 * objcache: a cache of constructed objects with magazines per CPU.
 *
 * After DragonFly's objcache(9), in the form of 2008 to 2011: the caller
 * gives the capacity of a magazine, and an object that was put keeps its
 * constructed state until it leaves the cache.
 *
 * A cache belongs to one machine.  All calls run on its current CPU; they
 * may be made in an interrupt handler, except objcache_get() with M_WAITOK.
 */

#include "ephmap/kernel/malloc.h"
#include "ephmap/sdk/machine.h"

struct objcache;

/*
 * Flags of objcache_get(), passed on to the backing allocator and ctor, are
 * those of malloc.h.  M_ZERO is not allowed: an object keeps its state.
 */

#define OBJCACHE_UNLIMITED 0u	 /* cluster_limit: no limit */
#define OBJCACHE_CAPACITY  64u	 /* rounds in a magazine unless asked for */
#define OBJCACHE_MAGS_MIN  2u	 /* empty magazines in the depot at creation, */
#define OBJCACHE_MAGS_MAX  1000u /* between these, by the limit */

/* False: the object could not be constructed. */
typedef bool objcache_ctor_fn(void *obj, void *privdata, int ocflags);
typedef void objcache_dtor_fn(void *obj, void *privdata);

/* The backing allocator; NULL when it has nothing. */
typedef void *objcache_alloc_fn(void *allocator_args, int ocflags);
typedef void objcache_free_fn(void *obj, void *allocator_args);

/*
 * Create a cache.  `name` is borrowed.  A NULL ctor or dtor does nothing.
 *
 * `cluster_limit` is how many objects may exist, OBJCACHE_UNLIMITED for any
 * number; a limit must suffice for eight magazines on every CPU: the
 * capacity is halved, down to 16, until it does, and then the limit is
 * raised to what does.  `mag_capacity` 0 means OBJCACHE_CAPACITY.
 *
 * Returns NULL when the host is out of memory.
 */
struct objcache *eph_objcache_create(struct eph_machine *mc, const char *name,
    uint32_t cluster_limit, uint32_t mag_capacity, objcache_ctor_fn *ctor,
    objcache_dtor_fn *dtor, void *privdata, objcache_alloc_fn *alloc,
    objcache_free_fn *free, void *allocator_args);

/* Plain memory of the machine, without limit. */
struct objcache *eph_objcache_create_simple(
    struct eph_machine *mc, const char *name, size_t objsize);

/* The same with a limit and constructor. */
struct objcache *eph_objcache_create_mbacked(struct eph_machine *mc,
    const char *name, size_t objsize, uint32_t cluster_limit,
    uint32_t mag_capacity, objcache_ctor_fn *ctor, objcache_dtor_fn *dtor,
    void *privdata);

/*
 * Destroy it, with every object it holds.  Objects that are out belong to
 * the caller from then on.  NULL is accepted.
 */
void eph_objcache_destroy(struct objcache *oc);

/*
 * Change the limit.  Objects above a lower one are not called back.  A
 * cache without limit keeps none.
 */
void eph_objcache_set_cluster_limit(
    struct objcache *oc, uint32_t cluster_limit);

/*
 * A constructed object, the one put last on this CPU if there is one.
 * NULL if the backing allocator or the constructor failed, even with
 * M_WAITOK; at the limit, if not M_WAITOK or with M_NULLOK.
 */
void *eph_objcache_get(struct objcache *oc, int ocflags);

/* Give an object back, in its constructed state, on any CPU. */
void eph_objcache_put(struct objcache *oc, void *obj);

/* Give back an object whose state is not good any more: destroys it. */
void eph_objcache_dtor(struct objcache *oc, void *obj);

/*
 * Destroy objects that the caches hold on this CPU and in the depot, cache
 * by cache, until some were.  True if any were.
 */
bool eph_objcache_reclaimlist(
    struct objcache *const oclist[], unsigned nlist, int ocflags);

/* Backing allocators: memory of a machine, zeroed. */
struct objcache_malloc_args {
	struct eph_machine *mc;
	size_t objsize;
};

void *eph_objcache_malloc_alloc(void *allocator_args, int ocflags);
void *eph_objcache_malloc_alloc_zero(void *allocator_args, int ocflags);
void eph_objcache_malloc_free(void *obj, void *allocator_args);

/* The object is allocator_args itself, and never freed. */
void *eph_objcache_nop_alloc(void *allocator_args, int ocflags);
void eph_objcache_nop_free(void *obj, void *allocator_args);

/* Sums over the CPUs, exact while nothing runs. */
struct objcache_stats {
	uint64_t gets;	     /* objects handed out */
	uint64_t gets_null;  /* gets that returned NULL */
	uint64_t puts;	     /* objects given back by objcache_put() */
	uint64_t ctors;	     /* objects constructed */
	uint64_t dtors;	     /* objects destroyed */
	uint64_t cached;     /* objects in magazines */
	int64_t unallocated; /* objects the limit still allows, -1: any */
	uint32_t limit;	     /* cluster_limit in effect */
	uint32_t capacity;   /* rounds in a magazine */
	uint32_t mags_full;  /* magazines with objects in the depot */
	uint32_t mags_empty; /* magazines without */
	uint32_t waiting;    /* gets that sleep */
	bool exhausted;	     /* the limit was ever reached */
};

void eph_objcache_stats(struct objcache *oc, struct objcache_stats *st);

/* Panic if an invariant does not hold; O(n), while nothing runs. */
void eph_objcache_check(struct objcache *oc);

#endif /* !EPHMAP_KERNEL_OBJCACHE_H */
