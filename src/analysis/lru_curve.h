/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_LRU_CURVE_H
#define ANALYSIS_LRU_CURVE_H

/*
 * LRU stack distances: how many different pages were used since a page was
 * used last, itself included.  A reference at distance d hits in every LRU
 * cache of at least d buffers (Mattson et al. 1970).
 *
 * Each page has one bit, at the position of its last use; the distance is
 * the number of bits from there on.  A Fenwick tree (Olken 1981 has it as a
 * search tree) counts bits by words of 64, so it is six levels lower than
 * over positions, and only finished words are in it: a use sets its bit in
 * the word that is being filled without touching the tree.  When the
 * positions are used up the pages are moved to the front, in order.
 */

#include <stdint.h>

#include "ephmap/types.h"

struct stack {
	uint64_t *bits;
	uint32_t *tree;	   /* Fenwick, from 1, over finished words */
	uint32_t *page_at; /* by position */
	uint32_t *last;	   /* by page: position, or EPH_NONE */
	uint32_t words;
	uint32_t now;  /* next position */
	uint32_t live; /* pages seen: bits set */
	uint32_t npages;
};

int eph__stack_init(struct stack *s, uint32_t npages); /* 0 or ENOMEM */
void eph__stack_fini(struct stack *s);
void eph__stack_compact(struct stack *s);

/* Hits at each distance become hits with each number of buffers. */
void eph__curve_sum(uint64_t *hits, uint32_t npages);

static inline uint32_t
stack_popcount(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return ((uint32_t)(x * 0x0101010101010101u >> 56));
}

static inline void
stack_add(struct stack *s, uint32_t word, uint32_t by)
{
	for (uint32_t i = word + 1; i <= s->words; i += i & -i)
		s->tree[i] += by;
}

/* Bits set in finished words before `word`. */
static inline uint32_t
stack_before(const struct stack *s, uint32_t word)
{
	uint32_t sum = 0;

	for (uint32_t i = word; i > 0; i -= i & -i)
		sum += s->tree[i];
	return (sum);
}

/* Take `page` out; returns the distance it was at. */
static inline uint32_t
stack_remove(struct stack *s, uint32_t page)
{
	const uint32_t at = s->last[page], w = at / 64;
	const uint64_t bit = (uint64_t)1 << at % 64;
	const uint32_t below =
	    stack_before(s, w) + stack_popcount(s->bits[w] & (bit - 1));

	s->bits[w] &= ~bit;
	if (w != s->now / 64)
		stack_add(s, w, UINT32_MAX);
	s->last[page] = EPH_NONE;
	return (s->live-- - below);
}

/* Put `page`, which is not in, on top. */
static inline void
stack_push(struct stack *s, uint32_t page)
{
	const uint32_t w = s->now / 64;

	s->bits[w] |= (uint64_t)1 << s->now % 64;
	s->page_at[s->now] = page;
	s->last[page] = s->now;
	s->live++;
	if (++s->now % 64 == 0) {
		stack_add(s, w, stack_popcount(s->bits[w]));
		if (s->now / 64 == s->words - 1)
			eph__stack_compact(s);
	}
}

/* Use `page`; returns its distance, 0 if it was never used. */
static inline uint32_t
stack_use(struct stack *s, uint32_t page)
{
	const uint32_t distance =
	    s->last[page] == EPH_NONE ? 0 : stack_remove(s, page);

	stack_push(s, page);
	return (distance);
}

/*
 * Ask for the position of page `early`, and for what is counted at that of
 * page `late`, which has come since.
 */
static inline void
stack_ahead(const struct stack *s, uint32_t early, uint32_t late)
{
	const uint32_t at = s->last[late] == EPH_NONE ? 0 : s->last[late];

	eph_prefetch(&s->last[early]);
	eph_prefetch_write(&s->bits[at / 64]);
	eph_prefetch_write(&s->tree[at / 64]);
}

#endif /* !ANALYSIS_LRU_CURVE_H */
