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
 * A tag is the CPU's flush generation and the page's index.  A full flush
 * raises the generation, in constant time; entries of older generations
 * are free ways.  invlpg clears the tags of one address.  Tag 0 is free.
 *
 * A set is kept in order of use, the most recent first.
 */

#include "ephmap/machine.h"

struct eph_tlb {
	unsigned l1_mask; /* (c) sets - 1 */
	unsigned l1_ways; /* (c) */
	unsigned l2_mask; /* (c) */
	unsigned l2_ways; /* (c) 0: no second level */
	size_t bytes;	  /* (c) of this allocation */
	uint64_t *l2;	  /* (c) behind l1 */
	uint64_t l1[];	  /* (o) */
};

/* NULL when out of memory. */
struct eph_tlb *tlb_create(
    struct eph_machine *mc, const struct eph_tlb_model *model);
void tlb_destroy(struct eph_machine *mc, struct eph_tlb *tlb);

/* Put a translation into a set; `gen` are the two live generations. */
void tlb_insert(
    uint64_t *set, unsigned ways, uint64_t tag, const uint32_t gen[2]);

static inline uint64_t
tlb_tag(uint32_t gen, uint32_t index)
{
	return ((uint64_t)gen << 32 | index);
}

/* Look a tag up in a set and make it the most recent. */
static inline bool
tlb_set_touch(uint64_t *set, unsigned ways, uint64_t tag)
{
	unsigned w;

	if (set[0] == tag)
		return (true);
	for (w = 1; w < ways; w++) {
		if (set[w] == tag)
			break;
	}
	if (w == ways)
		return (false);
	for (; w > 0; w--)
		set[w] = set[w - 1];
	set[0] = tag;
	return (true);
}

/* Does any level hold the tag?  A second-level hit fills the first. */
static inline bool
tlb_lookup(struct eph_tlb *tlb, uint64_t tag, const uint32_t gen[2])
{
	const uint32_t index = (uint32_t)tag;
	uint64_t *l1 = &tlb->l1[(size_t)(index & tlb->l1_mask) * tlb->l1_ways];
	uint64_t *l2;

	if (tlb_set_touch(l1, tlb->l1_ways, tag))
		return (true);
	if (tlb->l2_ways == 0)
		return (false);
	l2 = &tlb->l2[(size_t)(index & tlb->l2_mask) * tlb->l2_ways];
	if (!tlb_set_touch(l2, tlb->l2_ways, tag))
		return (false);
	tlb_insert(l1, tlb->l1_ways, tag, gen);
	return (true);
}

/* A walk loaded the translation: fill all levels. */
static inline void
tlb_fill(struct eph_tlb *tlb, uint64_t tag, const uint32_t gen[2])
{
	const uint32_t index = (uint32_t)tag;

	tlb_insert(&tlb->l1[(size_t)(index & tlb->l1_mask) * tlb->l1_ways],
	    tlb->l1_ways, tag, gen);
	if (tlb->l2_ways != 0) {
		tlb_insert(
		    &tlb->l2[(size_t)(index & tlb->l2_mask) * tlb->l2_ways],
		    tlb->l2_ways, tag, gen);
	}
}

/* Forget one tag. */
void tlb_remove(struct eph_tlb *tlb, uint64_t tag);

#endif /* !MACHINE_TLB_H */
