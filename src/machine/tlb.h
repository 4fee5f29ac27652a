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
 * A set is one line of a cache where it has 12 ways:
 *
 *	gen[2]	how often its kinds of entries had been flushed when it was
 *		looked at last
 *	kinds	TLB_HAS of the kinds that are in it, or were
 *	tag[]	in order of use, the most recent first; free ones, which are
 *		0, behind them
 *
 * What a walk loaded is filled when the TLB is looked at next: often a flush
 * or an invlpg takes it away before, and where there are many CPUs the lines
 * can be fetched meanwhile.
 *
 * A full flush only counts itself, in constant time.  A set that is looked
 * at and has not heard of it drops what the flush took away.
 *
 * A tag is 26 bits of page index, one that says whether the entry is global,
 * and one that is set.  Looking up, moving to the front and closing a gap are
 * done on whole vectors: the way that matches is as good as random, and a
 * loop that leaves at it costs a mispredicted branch (6 ns) each time.
 */

#include <string.h>

#include "ephmap/sdk/machine.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define TLB_INDEX_BITS 26
#define TLB_TAG_GLOBAL (1u << TLB_INDEX_BITS)
#define TLB_TAG_USED   (2u << TLB_INDEX_BITS)
#define TLB_WAYS_MAX   64
#define TLB_KINDS      2 /* words of a set: gen[2], kinds, one not used */
#define TLB_HEAD       4

#define TLB_HAS(tag) (1u << ((tag) >> TLB_INDEX_BITS & 1))

struct eph_tlb {
	uint32_t gen[2];  /* (o) full flushes so far: other, global entries */
	uint32_t l1_mask; /* (c) sets - 1 */
	uint32_t l1_ways; /* (c) a multiple of 4 */
	uint32_t l2_mask; /* (c) */
	uint32_t l2_ways; /* (c) 0: no second level */
	uint32_t l1_at;	  /* (c) where the level begins in word[] */
	uint32_t l2_at;	  /* (c) */
	uint32_t words;	  /* (c) in word[] */
	uint32_t late;	  /* (o) tag that is still to be filled, or 0 */
	uint32_t globals; /* (o) not 0: global entries have been loaded */
	uint32_t pad[5];
	uint32_t word[]; /* (o) */
};

/* A TLB for each CPU, in one block: 0 or ENOMEM.  None to destroy is fine. */
int eph__tlbs_create(struct eph_machine *mc, const struct eph_tlb_model *model);
void eph__tlbs_destroy(struct eph_machine *mc);

/* A count of flushes has begun again at 0: forget all entries. */
void eph__tlb_wrap(struct eph_tlb *tlb);

/* Drop of a set what has been flushed since, keeping the order. */
void eph__tlb_settle_slow(
    const struct eph_tlb *tlb, uint32_t *set, uint32_t ways);

/* The tag of page `index`; `global` is 0 or 1. */
static inline uint32_t
tlb_tag(uint32_t index, unsigned global)
{
	return (TLB_TAG_USED | global << TLB_INDEX_BITS | index);
}

/* Bring a set up to date with the flushes. */
static inline void
tlb_settle(const struct eph_tlb *tlb, uint32_t *set, uint32_t ways)
{
	if (eph_unlikely(memcmp(set, tlb->gen, sizeof(tlb->gen)) != 0))
		eph__tlb_settle_slow(tlb, set, ways);
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

/* Put `tag` in front; all ways move back by one, and the last is lost. */
static inline void
tlb_push(uint32_t *way, uint32_t ways, uint32_t tag)
{
	__m128i carry = _mm_cvtsi32_si128((int)tag);

	for (uint32_t w = 0; w < ways; w += 4) {
		__m128i *p = (__m128i *)(void *)(way + w);
		const __m128i old = _mm_load_si128(p);

		_mm_store_si128(p, _mm_or_si128(_mm_slli_si128(old, 4), carry));
		carry = _mm_srli_si128(old, 12);
	}
}

/* Take out way `at`; the ways behind it move up by one. */
static inline void
tlb_pull(uint32_t *way, uint32_t ways, uint32_t at)
{
	const __m128i pos = _mm_set1_epi32((int)at);
	const __m128i four = _mm_set1_epi32(4);
	__m128i lane = _mm_setr_epi32(0, 1, 2, 3);
	__m128i old = _mm_load_si128((const __m128i *)(const void *)way);

	for (uint32_t w = 0; w < ways; w += 4) {
		__m128i *p = (__m128i *)(void *)(way + w);
		const __m128i after =
		    w + 4 < ways ? _mm_load_si128(p + 1) : _mm_setzero_si128();
		const __m128i next = _mm_or_si128(
		    _mm_srli_si128(old, 4), _mm_slli_si128(after, 12));
		const __m128i keep = _mm_cmplt_epi32(lane, pos);

		_mm_store_si128(p,
		    _mm_or_si128(_mm_and_si128(keep, old),
			_mm_andnot_si128(keep, next)));
		old = after;
		lane = _mm_add_epi32(lane, four);
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

static inline void
tlb_to_front(uint32_t *way, uint32_t ways, uint32_t at, uint32_t tag)
{
	(void)ways;
	for (uint32_t w = at; w > 0; w--)
		way[w] = way[w - 1];
	way[0] = tag;
}

static inline void
tlb_push(uint32_t *way, uint32_t ways, uint32_t tag)
{
	tlb_to_front(way, ways, ways - 1, tag);
}

static inline void
tlb_pull(uint32_t *way, uint32_t ways, uint32_t at)
{
	for (uint32_t w = at; w + 1 < ways; w++)
		way[w] = way[w + 1];
	way[ways - 1] = 0;
}

#endif

/*
 * Fill a set.  A free way is taken before the least recently used one, as
 * hardware does; the order of the others stays.
 */
static inline bool
tlb_insert(
    const struct eph_tlb *tlb, uint32_t *set, uint32_t ways, uint32_t tag)
{
	tlb_settle(tlb, set, ways);
	set[TLB_KINDS] |= TLB_HAS(tag);
	tlb_push(set + TLB_HEAD, ways, tag);
	return (true);
}

/* Fill a set and forget that at once: who was used least is gone. */
static inline bool
tlb_insert_drop(
    const struct eph_tlb *tlb, uint32_t *set, uint32_t ways, uint32_t tag)
{
	(void)tag;
	tlb_settle(tlb, set, ways);
	set[TLB_HEAD + ways - 1] = 0;
	return (true);
}

static inline bool
tlb_touch(const struct eph_tlb *tlb, uint32_t *set, uint32_t ways, uint32_t tag)
{
	uint32_t *way = set + TLB_HEAD;
	uint64_t mask;

	tlb_settle(tlb, set, ways);
	if (way[0] == tag)
		return (true);
	mask = tlb_match(way, ways, tag);
	if (mask == 0)
		return (false);
	tlb_to_front(way, ways, eph_cpuword_first(mask), tag);
	return (true);
}

static inline bool
tlb_drop(const struct eph_tlb *tlb, uint32_t *set, uint32_t ways, uint32_t tag)
{
	uint64_t mask;

	tlb_settle(tlb, set, ways);
	while ((mask = tlb_match(set + TLB_HEAD, ways, tag)) != 0)
		tlb_pull(set + TLB_HEAD, ways, eph_cpuword_first(mask));
	return (true);
}

static inline uint32_t *
tlb_set(struct eph_tlb *tlb, uint32_t at, uint32_t mask, uint32_t ways,
    uint32_t tag)
{
	return (&tlb->word[at + (size_t)(tag & mask) * (TLB_HEAD + ways)]);
}

/*
 * One level.  `fn` is called with the ways as a constant for the two sizes
 * that most machines have, so that its loops are unrolled.
 */
#define TLB_SET(tlb, lv, ways, tag)                                            \
	tlb_set(tlb, (tlb)->lv##_at, (tlb)->lv##_mask, ways, tag)
#define TLB_LEVEL(fn, tlb, lv, tag)                                            \
	((tlb)->lv##_ways == 4 ? fn(tlb, TLB_SET(tlb, lv, 4, tag), 4, tag)     \
		: (tlb)->lv##_ways == 12                                       \
		? fn(tlb, TLB_SET(tlb, lv, 12, tag), 12, tag)                  \
		: fn(tlb, TLB_SET(tlb, lv, (tlb)->lv##_ways, tag),             \
		      (tlb)->lv##_ways, tag))

/* The lines that what is late will be filled into. */
EPH_PREFETCHER void
tlb_prefetch_late(const struct eph_tlb *tlb)
{
	eph_prefetch(&tlb->word[tlb->l1_at +
	    (size_t)(tlb->late & tlb->l1_mask) * (TLB_HEAD + tlb->l1_ways)]);
	if (tlb->l2_ways != 0)
		eph_prefetch(&tlb->word[tlb->l2_at +
		    (size_t)(tlb->late & tlb->l2_mask) *
			(TLB_HEAD + tlb->l2_ways)]);
}

/* Fill all levels with what is late. */
void eph__tlb_fill_late(struct eph_tlb *tlb);

static inline void
tlb_fill_late(struct eph_tlb *tlb)
{
	const uint32_t tag = tlb->late;

	if (tag == 0)
		return;
	/* The geometry of most machines. */
	if (eph_unlikely(tlb->l1_ways != 4 || tlb->l2_ways != 12)) {
		eph__tlb_fill_late(tlb);
		return;
	}
	tlb->late = 0;
	(void)tlb_insert(tlb, TLB_SET(tlb, l1, 4, tag), 4, tag);
	(void)tlb_insert(tlb, TLB_SET(tlb, l2, 12, tag), 12, tag);
}

/* Does any level hold the tag?  A second-level hit fills the first. */
static inline bool
tlb_lookup(struct eph_tlb *tlb, uint32_t tag)
{
	tlb_fill_late(tlb);
	if (TLB_LEVEL(tlb_touch, tlb, l1, tag))
		return (true);
	if (tlb->l2_ways == 0 || !TLB_LEVEL(tlb_touch, tlb, l2, tag))
		return (false);
	return (TLB_LEVEL(tlb_insert, tlb, l1, tag));
}

/*
 * What a lookup of page `index` in `tlb` will look at; `like` has the same
 * geometry, and is in a cache.
 */
EPH_PREFETCHER void
tlb_prefetch(
    const struct eph_tlb *like, const struct eph_tlb *tlb, uint32_t index)
{
	if (like->l2_ways != 0)
		eph_prefetch(&tlb->word[like->l2_at +
		    (size_t)(index & like->l2_mask) *
			(TLB_HEAD + like->l2_ways)]);
	eph_prefetch(&tlb->word[like->l1_at +
	    (size_t)(index & like->l1_mask) * (TLB_HEAD + like->l1_ways)]);
}

/* A walk loaded the translation, which no level holds. */
static inline void
tlb_fill(struct eph_tlb *tlb, uint32_t tag)
{
	tlb_fill_late(tlb);
	tlb->late = tag;
	tlb->globals |= tag & TLB_TAG_GLOBAL;
}

/* Forget one tag. */
static inline void
tlb_remove(struct eph_tlb *tlb, uint32_t tag)
{
	if (tlb->late == tag) {
		tlb->late = 0;
		(void)TLB_LEVEL(tlb_insert_drop, tlb, l1, tag);
		if (tlb->l2_ways != 0)
			(void)TLB_LEVEL(tlb_insert_drop, tlb, l2, tag);
		return;
	}
	/* In the same set what is late has taken a way before. */
	if (((tlb->late ^ tag) & tlb->l1_mask & tlb->l2_mask) == 0)
		tlb_fill_late(tlb);
	(void)TLB_LEVEL(tlb_drop, tlb, l1, tag);
	if (tlb->l2_ways != 0)
		(void)TLB_LEVEL(tlb_drop, tlb, l2, tag);
}

/* A full flush comes; `all`: of global entries too. */
static inline void
tlb_flush_late(struct eph_tlb *tlb, bool all)
{
	/* Where one is left, what is late has taken the place of one. */
	if (all || tlb->globals == 0)
		tlb->late = 0;
	else
		tlb_fill_late(tlb);
}

/* A full flush of the entries of a kind: 0 the others, 1 the global ones. */
static inline void
tlb_next_gen(struct eph_tlb *tlb, unsigned kind)
{
	if (eph_unlikely(++tlb->gen[kind] == 0))
		eph__tlb_wrap(tlb);
}

#endif /* !MACHINE_TLB_H */
