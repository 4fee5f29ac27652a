/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_SHARD_POOL_H
#define DESIGN_SHARD_POOL_H

/*
 * A fixed pool of slots without a lock of its own: one lock per hash chain
 * of pages, one per free list.  For sf_buf.sharded.
 *
 * A map goes through up to three steps, each with its own locks, and what
 * may have happened between them is looked at again:
 *
 *	eph__shard_lookup	the page has a slot: take a reference
 *	eph__shard_take	else: a slot that is not in use, out of the index,
 *			ours alone; may sleep
 *	eph__shard_enter	index it under the page, unless another has
 *			mapped the page meanwhile: then use that one and
 *			give ours back
 *
 * lookup and enter return with the page's chain locked, so that the caller
 * can make the mapping valid before anybody else finds it; eph__shard_exit()
 * unlocks.
 *
 * Claiming.  A slot leaves its free list before the chain of its old page
 * is locked, so a hit on that page may come between: the hit takes its
 * reference, and the claimer of the slot finds that and tries another.
 * While a slot is claimed no thread puts it on a list, so its page cannot
 * change under the claimer.
 *
 * Slots never used go first, lowest first; they are on no list yet.
 *
 * Lock order: chain, wait, free list.
 *
 * Key: (c) constant, (h) guarded by the lock of the page's chain, (f) by
 * the lock of the free list, (p) atomic.  Whoever took a slot out of index
 * and list owns all of it.
 */

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/kernel/mutex.h"

struct shard_slot {
	struct vm_page *m;  /* (h) NULL: holds none */
	eph_va_t kva;	    /* (c) */
	uint32_t refcnt;    /* (h) */
	uint32_t list;	    /* (h) free list it was put on last */
	uint32_t free_next; /* (f) */
	uint32_t free_prev; /* (f) */
	bool listed;	    /* (f) */
	bool claimed;	    /* (f) when set, (h) when read or cleared */
};

struct shard_list {
	struct eph_mutex lock;
	uint32_t head;		 /* (f) taken next */
	uint32_t tail;		 /* (f) */
	_Atomic(uint32_t) count; /* (f) to write, anybody may peek */
	char pad[64];
};

struct shard_pool {
	struct eph_machine *mc;	  /* (c) */
	struct shard_slot *slot;  /* (c) nslots of them */
	uint32_t nslots;	  /* (c) */
	uint32_t nlists;	  /* (c) */
	uint32_t chain_mask;	  /* (c) locks of chains, minus one */
	struct eph_mutex *chain;  /* (c) */
	struct shard_list *list;  /* (c) */
	eph_va_t window;	  /* (c) */
	struct eph_mutex wait;	  /* for going to sleep */
	_Atomic(uint32_t) fresh;  /* (p) first slot never used */
	_Atomic(uint32_t) want;	  /* (p) sleepers */
	_Atomic(uint64_t) used;	  /* (p) slots referenced */
	_Atomic(uint64_t) peak;	  /* (p) the most there ever were */
	_Atomic(uint64_t) sleeps; /* (p) */
};

/* Returns 0, or ENOMEM or EINVAL with `err` set. */
int eph__shard_init(struct shard_pool *sp, struct eph_machine *mc,
    uint32_t nslots, uint32_t nlists, struct eph_err *err);

/* Release what eph__shard_init() took; also after it failed. */
void eph__shard_fini(struct shard_pool *sp);

/* The slot of `m`, with a reference more and its chain locked; or NULL. */
struct shard_slot *eph__shard_lookup(struct shard_pool *sp, struct vm_page *m);

/*
 * The next unused slot: one never used, or from free list `first`, or else
 * from those after it; sleeps while there is none.  It is in no index and on
 * no list, and keeps its old page in `m` for the caller to look at.  NULL
 * with *error EAGAIN (flags has SFB_NOWAIT) or EINTR (SFB_CATCH and a
 * signal), the failure counted.
 */
struct shard_slot *eph__shard_take(
    struct shard_pool *sp, uint32_t first, unsigned flags, int *error);

/*
 * Index `slot` under `m` with one reference, or give it back because `m`
 * has one now.  Returns the one that counts, its chain locked; *missed says
 * whether it is `slot`; a miss, and an evict if it held another page.
 */
struct shard_slot *eph__shard_enter(struct shard_pool *sp,
    struct shard_slot *slot, struct vm_page *m, bool *missed);

void eph__shard_exit(struct shard_pool *sp, const struct vm_page *m);

/* Drop a reference; the last puts the slot at the end of list `list`. */
void eph__shard_release(
    struct shard_pool *sp, struct shard_slot *slot, uint32_t list);

/* Another reference to a slot that one holds. */
void eph__shard_ref(struct shard_pool *sp, struct shard_slot *slot);

/* Invariants that its users share; see eph_design_ops. */
void eph__shard_check(struct shard_pool *sp, uint64_t held);

static inline uint32_t
shard_index(const struct shard_pool *sp, const struct shard_slot *slot)
{
	return ((uint32_t)(slot - sp->slot));
}

/* For users whose state begins with the pool. */
eph_va_t eph__shard_kva(void *state, void *obj);
struct vm_page *eph__shard_page(void *state, void *obj);

#endif /* !DESIGN_SHARD_POOL_H */
