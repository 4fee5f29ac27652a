/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_RANKS_H
#define POLICY_RANKS_H

/*
 * Slots ordered by a value, mostly a count of uses, and among equals by time:
 * a key of 64 bits, the value above RANK_TIME_BITS of time.
 *
 * There is a list for each of RANKS values from `base` on, in which a slot
 * whose key is new is the newest, so that a use costs a few links; the few
 * slots with other values are in a heap.  A list is walked from its oldest
 * for its first slot, or from its newest where the time in the key runs
 * backwards.
 *
 * Uses raise a key, so the heap may be behind: a use does not move a slot in
 * it, and what comes to its top is looked at again.
 *
 * A pinned slot stays in its list and is passed over; one of the others is
 * not in the heap until it is released.
 */

#include "ephmap/sdk/cpuset.h"
#include "policy/heap.h"

#define RANK_TIME_BITS 32 /* order among equals; wraps */

#define RANKS	  1024u
#define RANK_BITS 64u

/* Instead of `prev': in the heap or about to be; not here at all. */
#define RANK_HEAPED (EPH_NONE - 1u)
#define RANK_OUT    EPH_NONE

struct rank_node {
	uint32_t prev; /* newer */
	uint32_t next; /* older */
	uint64_t key;
};

CTASSERT(sizeof(struct rank_node) == 16);

struct ranks {
	struct policy_count c; /* first: the policies cast to it */
	struct rank_node *n;   /* slots, or pages, then a head for each list */
	uint32_t heads;
	uint32_t base;
	uint8_t *pinned;
	eph_cpuword_t some[RANKS / RANK_BITS]; /* lists that are not empty */
	struct heap h;
};

/* Returns 0 or ENOMEM. */
int eph__ranks_init(struct ranks *r, const struct eph_policy_env *env);
void eph__ranks_fini(struct ranks *r);

/* Panics unless links, bits and numbers agree. */
void eph__ranks_check(const struct ranks *r);

/* Values below `base`, which grows, have lists no more. */
void eph__ranks_rebase(struct ranks *r, uint32_t base);

static inline uint32_t
rank_value(uint64_t key)
{
	return ((uint32_t)(key >> RANK_TIME_BITS));
}

/* The key of `value' at `time'. */
static inline uint64_t
rank_make(uint32_t value, uint32_t time)
{
	return ((uint64_t)value << RANK_TIME_BITS | time);
}

static inline uint64_t
rank_key(const struct ranks *r, uint32_t slot)
{
	return (r->n[slot].key);
}

static inline bool
rank_cached(const struct ranks *r, uint32_t slot)
{
	return (r->n[slot].prev != RANK_OUT);
}

/*
 * Ask for the node of page `early`, and for the neighbours of `late`, whose
 * own node has come since.
 */
static inline void
rank_ahead(const struct ranks *r, uint32_t early, uint32_t late)
{
	const struct rank_node *n = &r->n[late];

	eph_prefetch_write(&r->n[early]);
	if (n->prev >= RANK_HEAPED)
		return;
	eph_prefetch_write(&r->n[n->prev]);
	eph_prefetch_write(&r->n[n->next]);
}

static inline void
rank_unlink(struct ranks *r, struct rank_node *n)
{
	r->n[n->prev].next = n->next;
	r->n[n->next].prev = n->prev;
	if (n->prev == n->next) {
		const uint32_t list = n->prev - r->heads;

		r->some[list / RANK_BITS] &=
		    ~((eph_cpuword_t)1 << list % RANK_BITS);
	}
}

/* The slot, in no list and not in the heap, goes where its key says. */
static inline void
rank_place(struct ranks *r, uint32_t slot)
{
	struct rank_node *n = &r->n[slot];
	const uint32_t value = rank_value(n->key);

	if (eph_likely(value - r->base < RANKS)) {
		const uint32_t list = value % RANKS;
		struct rank_node *head = &r->n[r->heads + list];

		n->prev = r->heads + list;
		n->next = head->next;
		r->n[n->next].prev = slot;
		head->next = slot;
		r->some[list / RANK_BITS] |= (eph_cpuword_t)1
		    << list % RANK_BITS;
	} else {
		n->prev = RANK_HEAPED;
		heap_insert(&r->h, slot, n->key);
		if (!r->pinned[slot])
			heap_release(&r->h, slot);
	}
}

static inline void
rank_take(struct ranks *r, uint32_t slot)
{
	struct rank_node *n = &r->n[slot];

	if (n->prev == RANK_HEAPED)
		heap_remove(&r->h, slot);
	else
		rank_unlink(r, n);
}

/* Slot `slot` holds a page, pinned. */
static inline void
rank_insert(struct ranks *r, uint32_t slot, uint64_t key)
{
	KASSERT(!rank_cached(r, slot), "slot holds a page");
	r->pinned[slot] = 1;
	r->c.resident++;
	r->c.pinned++;
	r->n[slot].key = key;
	rank_place(r, slot);
}

/* Slot `slot` was used and has another key. */
static inline void
rank_use(struct ranks *r, uint32_t slot, uint64_t key)
{
	struct rank_node *n = &r->n[slot];
	const bool lower = key < n->key;

	r->c.moves += !r->pinned[slot];
	n->key = key;
	if (n->prev == RANK_HEAPED && rank_value(key) - r->base >= RANKS) {
		if (eph_unlikely(lower))
			heap_rekey(&r->h, slot, key);
		return;
	}
	rank_take(r, slot);
	rank_place(r, slot);
}

/* Slot `slot` holds nothing any more. */
static inline void
rank_remove(struct ranks *r, uint32_t slot)
{
	KASSERT(rank_cached(r, slot), "slot holds nothing");
	rank_take(r, slot);
	r->n[slot].prev = RANK_OUT;
	r->c.resident--;
	r->c.pinned -= r->pinned[slot];
	r->pinned[slot] = 0;
}

/* The first of list `list' that is not pinned, or EPH_NONE. */
static inline uint32_t
rank_first_of(const struct ranks *r, uint32_t list, bool newest)
{
	const uint32_t head = r->heads + list;
	uint32_t i = newest ? r->n[head].next : r->n[head].prev;

	while (i != head && r->pinned[i])
		i = newest ? r->n[i].next : r->n[i].prev;
	return (i == head ? EPH_NONE : i);
}

/* The first slot of the lists that is not pinned, or EPH_NONE. */
static inline uint32_t
rank_first_listed(const struct ranks *r, bool newest)
{
	const uint32_t from = r->base % RANKS;

	/* The word with `from' comes twice: its upper bits, and its lower. */
	for (uint32_t k = 0; k <= RANKS / RANK_BITS; k++) {
		const uint32_t w = (from / RANK_BITS + k) % (RANKS / RANK_BITS);
		const eph_cpuword_t upper = ~(eph_cpuword_t)0
		    << from % RANK_BITS;
		eph_cpuword_t some = r->some[w];

		if (k == 0)
			some &= upper;
		if (k == RANKS / RANK_BITS)
			some &= ~upper;
		for (; some != 0; some &= some - 1) {
			const uint32_t i = rank_first_of(
			    r, w * RANK_BITS + eph_cpuword_first(some), newest);

			if (eph_likely(i != EPH_NONE))
				return (i);
		}
	}
	return (EPH_NONE);
}

/* The slot with the smallest key that is not pinned, or EPH_NONE. */
static inline uint32_t
rank_first(struct ranks *r, bool newest)
{
	const uint32_t listed = rank_first_listed(r, newest);
	uint32_t heaped;

	while ((heaped = heap_first(&r->h)) != EPH_NONE) {
		const uint64_t key = heap_key(&r->h, heaped);

		if (listed != EPH_NONE && r->n[listed].key < key)
			return (listed);
		if (r->n[heaped].key == key)
			return (heaped);
		heap_rekey(&r->h, heaped, r->n[heaped].key);
	}
	return (listed);
}

/* pin(), release() and forget() of every policy whose state starts so. */
static inline void
rank_pin(void *ps, uint32_t slot)
{
	struct ranks *r = ps;

	KASSERT(!r->pinned[slot], "pinned twice");
	r->pinned[slot] = 1;
	r->c.pinned++;
	if (r->n[slot].prev == RANK_HEAPED)
		heap_pin(&r->h, slot);
}

static inline void
rank_release(void *ps, uint32_t slot)
{
	struct ranks *r = ps;

	KASSERT(r->pinned[slot], "not pinned");
	r->pinned[slot] = 0;
	r->c.pinned--;
	if (r->n[slot].prev == RANK_HEAPED)
		heap_release(&r->h, slot);
}

static inline void
rank_forget(void *ps, uint32_t slot)
{
	rank_remove(ps, slot);
}

#endif /* !POLICY_RANKS_H */
