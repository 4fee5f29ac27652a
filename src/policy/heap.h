/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_HEAP_H
#define POLICY_HEAP_H

/*
 * Slots that may be recycled, ordered by a 64-bit key: an indexed heap,
 * four children to a node, the smallest key on top.  16 bytes a slot.
 *
 * A pinned slot is not in the heap, so that choosing a victim never has to
 * look past one; its key is kept for release().
 */

#include "policy/state.h"

#define HEAP_WAYS 4u

struct heap {
	struct policy_count c; /* first: the policies cast to it */
	uint32_t n;
	uint32_t *slot;	 /* by place in the heap */
	uint32_t *place; /* by slot; EPH_NONE: not in the heap */
	uint64_t *key;	 /* by slot */
	uint8_t *state;	 /* by slot: HEAP_SLOT_* */
};

enum { HEAP_EMPTY, HEAP_PINNED, HEAP_FREE };

/* Returns 0 or ENOMEM. */
int eph__heap_init(struct heap *h, const struct eph_policy_env *env);
void eph__heap_fini(struct heap *h);
void eph__heap_check(const struct heap *h);

static inline void
heap_put(struct heap *h, uint32_t at, uint32_t slot)
{
	h->slot[at] = slot;
	h->place[slot] = at;
}

/* Place `slot`, whose key may be too small for `at`, at or above it. */
static inline void
heap_up(struct heap *h, uint32_t at, uint32_t slot)
{
	const uint64_t key = h->key[slot];

	while (at > 0) {
		const uint32_t up = (at - 1) / HEAP_WAYS;

		if (h->key[h->slot[up]] <= key)
			break;
		heap_put(h, at, h->slot[up]);
		at = up;
	}
	heap_put(h, at, slot);
}

/* Place `slot`, whose key may be too large for `at`, at or below it. */
static inline void
heap_down(struct heap *h, uint32_t at, uint32_t slot)
{
	const uint64_t key = h->key[slot];

	for (;;) {
		const uint32_t first = at * HEAP_WAYS + 1;
		uint32_t best = first;

		if (first >= h->n)
			break;
		for (uint32_t i = first + 1; i < first + HEAP_WAYS; i++) {
			if (i < h->n &&
			    h->key[h->slot[i]] < h->key[h->slot[best]])
				best = i;
		}
		if (h->key[h->slot[best]] >= key)
			break;
		heap_put(h, at, h->slot[best]);
		at = best;
	}
	heap_put(h, at, slot);
}

static inline void
heap_add(struct heap *h, uint32_t slot)
{
	heap_up(h, h->n++, slot);
}

static inline void
heap_take(struct heap *h, uint32_t slot)
{
	const uint32_t at = h->place[slot];
	const uint32_t last = h->slot[--h->n];

	h->place[slot] = EPH_NONE;
	if (last == slot)
		return;
	if (at > 0 && h->key[last] < h->key[h->slot[(at - 1) / HEAP_WAYS]])
		heap_up(h, at, last);
	else
		heap_down(h, at, last);
}

/* Give `slot` another key, wherever it is. */
static inline void
heap_rekey(struct heap *h, uint32_t slot, uint64_t key)
{
	const uint64_t old = h->key[slot];

	h->key[slot] = key;
	if (h->state[slot] != HEAP_FREE)
		return;
	h->c.moves++;
	if (key < old)
		heap_up(h, h->place[slot], slot);
	else
		heap_down(h, h->place[slot], slot);
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
	return (h->n == 0 ? EPH_NONE : h->slot[0]);
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
