/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MACHINE_TLB_H
#define MACHINE_TLB_H

/*
 * Finite TLBs: two set-associative levels, least recently used.
 *
 * Idea.  The oracle's shadow already knows, for every CPU and address, the
 * translation loaded last; so a TLB holds no translations, only which of
 * them it has not forgotten.  That is exact: a walk happens only when no
 * level holds the address, and then fills both, so that every copy of an
 * address in a TLB is the one loaded last.
 *
 * A tag is 26 bits of page index, and 6 bits of generation: one says whether
 * the entry is global, five count full flushes of its kind, from 1.  A
 * flush raises the generation, in constant time; entries of older ones are
 * free ways.  Every 31 flushes the tags of the kind are cleared, so that no
 * generation comes back while its tags are there.  invlpg clears the tags
 * of one address.  Tag 0 is free.
 *
 * A set is kept in order of use, the most recent first.  Looking up,
 * choosing a victim and moving to the front are done on whole vectors: the
 * way that matches is as good as random, and a loop that leaves at it costs
 * a mispredicted branch (6 ns) each time.
 */

#include "ephmap/sdk/machine.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define TLB_INDEX_BITS 26
#define TLB_GENS       31u /* generations of a kind, from 1 */
#define TLB_GLOBAL     0x20u
#define TLB_WAYS_MAX   64

struct eph_tlb {
	uint32_t gen[2];  /* (o) live generations: other, global entries */
	uint32_t l1_mask; /* (c) sets - 1 */
	uint32_t l1_ways; /* (c) a multiple of 4 */
	uint32_t l2_mask; /* (c) */
	uint32_t l2_ways; /* (c) 0: no second level */
	uint32_t *l1;	  /* (o) */
	uint32_t *l2;	  /* (o) */
	size_t bytes;	  /* (c) of l1 and l2 together */
};

/* NULL when out of memory. */
struct eph_tlb *eph__tlb_create(
    struct eph_machine *mc, const struct eph_tlb_model *model);
void eph__tlb_destroy(struct eph_machine *mc, struct eph_tlb *tlb);

/* Forget all entries of a kind: 0 the others, 1 the global ones. */
void eph__tlb_flush_kind(struct eph_tlb *tlb, unsigned kind);

/* The tag of page `index` now; `global` is 0 or 1. */
static inline uint32_t
tlb_tag(const struct eph_tlb *tlb, uint32_t index, unsigned global)
{
	return (tlb->gen[global] << TLB_INDEX_BITS | index);
}

/*
 * Lanes of a set, `way` being its ways.  Masks have bit w for way w.
 */

#if defined(__SSE2__)

static inline uint64_t
tlb_match(const uint32_t *way, uint32_t ways, uint32_t tag)
{
	const __m128i t = _mm_set1_epi32((int)tag);
	uint64_t mask = 0;

	for (uint32_t w = 0; w < ways; w += 4) {
		const __m128i v =
		    _mm_load_si128((const __m128i *)(const void *)(way + w));

		mask |= (uint64_t)(unsigned)_mm_movemask_ps(
			    _mm_castsi128_ps(_mm_cmpeq_epi32(v, t)))
		    << w;
	}
	return (mask);
}

static inline uint64_t
tlb_live(const uint32_t *way, uint32_t ways, const uint32_t gen[2])
{
	const __m128i g0 = _mm_set1_epi32((int)gen[0]);
	const __m128i g1 = _mm_set1_epi32((int)gen[1]);
	uint64_t mask = 0;

	for (uint32_t w = 0; w < ways; w += 4) {
		const __m128i g = _mm_srli_epi32(
		    _mm_load_si128((const __m128i *)(const void *)(way + w)),
		    TLB_INDEX_BITS);
		const __m128i live = _mm_or_si128(
		    _mm_cmpeq_epi32(g, g0), _mm_cmpeq_epi32(g, g1));

		mask |=
		    (uint64_t)(unsigned)_mm_movemask_ps(_mm_castsi128_ps(live))
		    << w;
	}
	return (mask);
}

/*
 * Put `tag` in front; the ways before way `at` move back by one.  Whole
 * vectors are loaded and stored, so that one operation's stores forward to
 * the next one's loads.
 */
static inline void
tlb_to_front(uint32_t *way, uint32_t ways, uint32_t at, uint32_t tag)
{
	const __m128i pos = _mm_set1_epi32((int)at + 1);
	const __m128i four = _mm_set1_epi32(4);
	__m128i lane = _mm_setr_epi32(0, 1, 2, 3);
	__m128i carry = _mm_cvtsi32_si128((int)tag);

	for (uint32_t w = 0; w < ways; w += 4) {
		__m128i *p = (__m128i *)(void *)(way + w);
		const __m128i old = _mm_load_si128(p);
		const __m128i prev =
		    _mm_or_si128(_mm_slli_si128(old, 4), carry);
		const __m128i move = _mm_cmplt_epi32(lane, pos);

		_mm_store_si128(p,
		    _mm_or_si128(_mm_and_si128(move, prev),
			_mm_andnot_si128(move, old)));
		carry = _mm_srli_si128(old, 12);
		lane = _mm_add_epi32(lane, four);
	}
}

/* Clear the lanes that hold `tag`. */
static inline void
tlb_clear(uint32_t *way, uint32_t ways, uint32_t tag)
{
	const __m128i t = _mm_set1_epi32((int)tag);

	for (uint32_t w = 0; w < ways; w += 4) {
		__m128i *p = (__m128i *)(void *)(way + w);
		const __m128i v = _mm_load_si128(p);

		_mm_store_si128(p, _mm_andnot_si128(_mm_cmpeq_epi32(v, t), v));
	}
}

#else

static inline uint64_t
tlb_match(const uint32_t *way, uint32_t ways, uint32_t tag)
{
	uint64_t mask = 0;

	for (uint32_t w = 0; w < ways; w++)
		mask |= (uint64_t)(way[w] == tag) << w;
	return (mask);
}

static inline uint64_t
tlb_live(const uint32_t *way, uint32_t ways, const uint32_t gen[2])
{
	uint64_t mask = 0;

	for (uint32_t w = 0; w < ways; w++) {
		const uint32_t g = way[w] >> TLB_INDEX_BITS;

		mask |= (uint64_t)(g == gen[0] || g == gen[1]) << w;
	}
	return (mask);
}

static inline void
tlb_to_front(uint32_t *way, uint32_t ways, uint32_t at, uint32_t tag)
{
	(void)ways;
	for (uint32_t w = at; w > 0; w--)
		way[w] = way[w - 1];
	way[0] = tag;
}

static inline void
tlb_clear(uint32_t *way, uint32_t ways, uint32_t tag)
{
	for (uint32_t w = 0; w < ways; w++)
		way[w] = way[w] == tag ? 0 : way[w];
}

#endif

static inline uint32_t *
tlb_set(uint32_t *level, uint32_t mask, uint32_t ways, uint32_t tag)
{
	return (&level[(size_t)(tag & mask) * ways]);
}

/*
 * Fill a set.  A free way is taken before the least recently used one, as
 * hardware does; the last free one, so that the order of the others stays.
 */
static inline void
tlb_insert(uint32_t *way, uint32_t ways, uint32_t tag, const uint32_t gen[2])
{
	const uint64_t all = ~(uint64_t)0 >> (64 - ways);
	const uint64_t dead = ~tlb_live(way, ways, gen) & all;
	uint32_t at = ways - 1;

	if (dead != 0)
		at = 63 - eph_word_leading_zeros(dead);
	tlb_to_front(way, ways, at, tag);
}

static inline bool
tlb_touch(uint32_t *way, uint32_t ways, uint32_t tag)
{
	uint64_t mask;

	if (way[0] == tag)
		return (true);
	mask = tlb_match(way, ways, tag);
	if (mask == 0)
		return (false);
	tlb_to_front(way, ways, eph_cpuword_first(mask), tag);
	return (true);
}

/*
 * One level.  `fn` is called with the ways as a constant for the two sizes
 * that most machines have, so that its loops are unrolled.
 */
#define TLB_LEVEL(fn, tlb, lv, ...)                                            \
	((tlb)->lv##_ways == 4                                                 \
		? fn(tlb_set((tlb)->lv, (tlb)->lv##_mask, 4, tag), 4,          \
		      __VA_ARGS__)                                             \
		: (tlb)->lv##_ways == 12                                       \
		? fn(tlb_set((tlb)->lv, (tlb)->lv##_mask, 12, tag), 12,        \
		      __VA_ARGS__)                                             \
		: fn(tlb_set(                                                  \
			 (tlb)->lv, (tlb)->lv##_mask, (tlb)->lv##_ways, tag),  \
		      (tlb)->lv##_ways, __VA_ARGS__))

/* Does any level hold the tag?  A second-level hit fills the first. */
static inline bool
tlb_lookup(struct eph_tlb *tlb, uint32_t tag)
{
	if (TLB_LEVEL(tlb_touch, tlb, l1, tag))
		return (true);
	if (tlb->l2_ways == 0 || !TLB_LEVEL(tlb_touch, tlb, l2, tag))
		return (false);
	TLB_LEVEL(tlb_insert, tlb, l1, tag, tlb->gen);
	return (true);
}

/* A walk loaded the translation: fill all levels. */
static inline void
tlb_fill(struct eph_tlb *tlb, uint32_t tag)
{
	TLB_LEVEL(tlb_insert, tlb, l1, tag, tlb->gen);
	if (tlb->l2_ways != 0)
		TLB_LEVEL(tlb_insert, tlb, l2, tag, tlb->gen);
}

/* Forget one tag. */
static inline void
tlb_remove(struct eph_tlb *tlb, uint32_t tag)
{
	TLB_LEVEL(tlb_clear, tlb, l1, tag);
	if (tlb->l2_ways != 0)
		TLB_LEVEL(tlb_clear, tlb, l2, tag);
}

/* A full flush of the entries of a kind. */
static inline void
tlb_next_gen(struct eph_tlb *tlb, unsigned kind)
{
	if (eph_unlikely((tlb->gen[kind] & TLB_GENS) == TLB_GENS))
		eph__tlb_flush_kind(tlb, kind);
	else
		tlb->gen[kind]++;
}

#endif /* !MACHINE_TLB_H */
