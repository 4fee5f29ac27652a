/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_HEAP_H
#define POLICY_HEAP_H

/*
 * Slots that may be recycled, ordered by a 64-bit key: an indexed heap,
 * four children to a node, the smallest key on top.  The keys stand in the
 * heap, so that the four children are one line of memory.  29 bytes a slot.
 *
 * A pinned slot is not in the heap, so that choosing a victim never has to
 * look past one; its key is kept for release().
 */

#include "policy/state.h"

#define HEAP_WAYS  4u
#define HEAP_SHIFT (HEAP_WAYS - 1) /* puts the children on one line */

struct heap_entry {
	uint64_t key;
	uint32_t slot;
	uint32_t spare;
};

CTASSERT(HEAP_WAYS * sizeof(struct heap_entry) == 64);

struct heap {
	struct policy_count c; /* first: the policies cast to it */
	uint32_t n;
	struct heap_entry *at; /* by place, the first is HEAP_SHIFT */
	uint32_t *place;       /* by slot; EPH_NONE: not in the heap */
	uint64_t *key;	       /* by slot, of those that are not in it */
	uint8_t *state;	       /* by slot: HEAP_SLOT_* */
};

enum { HEAP_EMPTY, HEAP_PINNED, HEAP_FREE };

/* Returns 0 or ENOMEM. */
int eph__heap_init(struct heap *h, const struct eph_policy_env *env);
void eph__heap_fini(struct heap *h);
void eph__heap_check(const struct heap *h);

/* Entry `i` of the heap, from 0. */
static inline struct heap_entry *
heap_at(const struct heap *h, uint32_t i)
{
	return (&h->at[i + HEAP_SHIFT]);
}

/* The key of a slot, also of one that just left. */
static inline uint64_t
heap_key(const struct heap *h, uint32_t slot)
{
	const uint32_t at = h->place[slot];

	return (at == EPH_NONE ? h->key[slot] : heap_at(h, at)->key);
}

static inline void
heap_put(struct heap *h, uint32_t at, uint64_t key, uint32_t slot)
{
	heap_at(h, at)->key = key;
	heap_at(h, at)->slot = slot;
	h->place[slot] = at;
}

/* Place `slot`, whose key may be too small for `at`, at or above it. */
static inline void
heap_up(struct heap *h, uint32_t at, uint64_t key, uint32_t slot)
{
	while (at > 0) {
		const struct heap_entry *up = heap_at(h, (at - 1) / HEAP_WAYS);

		if (up->key <= key)
			break;
		heap_put(h, at, up->key, up->slot);
		at = (at - 1) / HEAP_WAYS;
	}
	heap_put(h, at, key, slot);
}

/* The child with the smallest key; there is one. */
static inline uint32_t
heap_smallest(const struct heap *h, uint32_t first)
{
	const struct heap_entry *e = heap_at(h, first);
	uint32_t best = 0;

	if (eph_likely(first + HEAP_WAYS <= h->n)) {
		const uint32_t a = e[1].key < e[0].key ? 1 : 0;
		const uint32_t b = e[3].key < e[2].key ? 3 : 2;

		return (first + (e[b].key < e[a].key ? b : a));
	}
	for (uint32_t i = 1; first + i < h->n; i++) {
		if (e[i].key < e[best].key)
			best = i;
	}
	return (first + best);
}

/* Place `slot`, whose key may be too large for `at`, at or below it. */
static inline void
heap_down(struct heap *h, uint32_t at, uint64_t key, uint32_t slot)
{
	for (uint32_t first; (first = at * HEAP_WAYS + 1) < h->n;) {
		const uint32_t best = heap_smallest(h, first);
		const struct heap_entry *e = heap_at(h, best);

		if (e->key >= key)
			break;
		heap_put(h, at, e->key, e->slot);
		at = best;
	}
	heap_put(h, at, key, slot);
}

static inline void
heap_add(struct heap *h, uint32_t slot)
{
	heap_up(h, h->n++, h->key[slot], slot);
}

static inline void
heap_take(struct heap *h, uint32_t slot)
{
	const uint32_t at = h->place[slot];
	const struct heap_entry last = *heap_at(h, --h->n);

	h->key[slot] = heap_at(h, at)->key;
	h->place[slot] = EPH_NONE;
	if (last.slot == slot)
		return;
	if (at > 0 && last.key < heap_at(h, (at - 1) / HEAP_WAYS)->key)
		heap_up(h, at, last.key, last.slot);
	else
		heap_down(h, at, last.key, last.slot);
}

/* Give `slot` another key, wherever it is. */
static inline void
heap_rekey(struct heap *h, uint32_t slot, uint64_t key)
{
	const uint32_t at = h->place[slot];

	if (at == EPH_NONE) {
		h->key[slot] = key;
		return;
	}
	h->c.moves++;
	if (key < heap_at(h, at)->key)
		heap_up(h, at, key, slot);
	else
		heap_down(h, at, key, slot);
}

/* Slot `slot` holds a page, pinned. */
static inline void
heap_insert(struct heap *h, uint32_t slot, uint64_t key)
{
	KASSERT(h->state[slot] == HEAP_EMPTY, "slot holds a page");
	h->state[slot] = HEAP_PINNED;
	h->key[slot] = key;
	h->c.resident++;
	h->c.pinned++;
}

static inline void
heap_remove(struct heap *h, uint32_t slot)
{
	KASSERT(h->state[slot] != HEAP_EMPTY, "slot holds nothing");
	if (h->state[slot] == HEAP_FREE)
		heap_take(h, slot);
	else
		h->c.pinned--;
	h->state[slot] = HEAP_EMPTY;
	h->c.resident--;
}

/* The slot with the smallest key, or EPH_NONE. */
static inline uint32_t
heap_first(const struct heap *h)
{
	return (h->n == 0 ? EPH_NONE : heap_at(h, 0)->slot);
}

/* pin(), release() and forget() of every policy whose state starts so. */
static inline void
heap_pin(void *ps, uint32_t slot)
{
	struct heap *h = ps;

	KASSERT(h->state[slot] == HEAP_FREE, "pinned twice");
	h->state[slot] = HEAP_PINNED;
	h->c.pinned++;
	heap_take(h, slot);
}

static inline void
heap_release(void *ps, uint32_t slot)
{
	struct heap *h = ps;

	KASSERT(h->state[slot] == HEAP_PINNED, "not pinned");
	h->state[slot] = HEAP_FREE;
	h->c.pinned--;
	heap_add(h, slot);
}

static inline void
heap_forget(void *ps, uint32_t slot)
{
	heap_remove(ps, slot);
}

#endif /* !POLICY_HEAP_H */
